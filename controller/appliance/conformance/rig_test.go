package conformance

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/appliance"
	"busbar/controller/config"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocppsim"
)

const (
	rootToken = "root-token-of-the-test"
	patience  = 15 * time.Second
)

// site is a box with a cloud and as many chargers as there are cases.
type site struct {
	page  string
	box   *appliance.Box
	cloud *ocppsim.Cloud
	roots *x509.CertPool // of the site CA
}

// newSite runs a box until the test ends. Its cloud knows the tokens BLOCKED, EXPIRED
// and INVALID and accepts all others; MEMBER and FRIEND are of one group.
func newSite(t *testing.T, chargers []string) *site {
	t.Helper()
	cloud := ocppsim.NewCloud(ocppsim.CloudConfig{Judge: func(tag string) ocpp16.AuthorizationStatus {
		switch tag {
		case "BLOCKED":
			return ocpp16.AuthorizationStatusBlocked
		case "EXPIRED":
			return ocpp16.AuthorizationStatusExpired
		case "INVALID":
			return ocpp16.AuthorizationStatusInvalid
		}
		return ocpp16.AuthorizationStatusAccepted
	}, Group: func(tag string) string {
		if tag == "MEMBER" || tag == "FRIEND" {
			return "GROUP"
		}
		return ""
	}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("site.yaml", siteConfig(chargers, listener.Addr()), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	box, err := appliance.New(t.Context(), appliance.Options{Config: cfg, DataDir: dir, Token: rootToken, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = cloud.Serve(ctx, listener) })
	all.Go(func() {
		if err := box.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); all.Wait() })
	s := &site{box: box, page: "http://" + box.Addr("page").String(), cloud: cloud, roots: rootsIn(t, dir)}
	s.await(t, "the cloud", func() bool {
		var status struct {
			Up bool `json:"upstream_connected"`
		}
		s.get(t, "/api/v1/status", &status)
		return status.Up
	})
	return s
}

// siteConfig is the configuration of a site with these chargers and a cloud.
func siteConfig(chargers []string, cloud net.Addr) []byte {
	var list strings.Builder
	for _, id := range chargers {
		fmt.Fprintf(&list, "\n  - {id: %s, circuit: main, protocol: any, %s, failsafe_a: 6, connectors: [{n: 1, max_a: 32}, {n: 2, max_a: 32}]}", id, accessOf(id))
	}
	return fmt.Appendf(nil, `version: 1
site: {id: depot, name: Depot, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [6300, 6300, 6300], breaker: gG}]
chargers:%s
upstream: {stations: [{id: SITE1, url: "ws://%s/ocpp", protocol: ocpp1.6, security_profile: 0, dialect: default}]}
authorization: {unknown: reject, offline_unknown: reject, groups: []}
onboarding: approve
charger_network: {name: box.lan, isolated: {by: J. Doe, on: 2026-03-01}}
listen: {ui: "127.0.0.1:0", ws: "127.0.0.1:0", wss: "127.0.0.1:0", mtls: "127.0.0.1:0", modbus: ""}
`, list.String(), cloud)
}

// await polls what only the outside shows.
func (s *site) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit, again := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("never came: %s", what)
		}
	}
}

func (s *site) get(t *testing.T, path string, into any) {
	t.Helper()
	s.do(t, http.MethodGet, path, "", into)
}

// do makes a request of an admin and returns its status.
func (s *site) do(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.page+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+rootToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
		}
	}
	return resp.StatusCode
}

// station is the charging station of one case.
type station struct {
	t        *testing.T
	site     *site
	id       string
	protocol ocpp.Protocol
	conn     *ocpp.Conn
	secrets

	mu      sync.Mutex
	answers map[string]string // by action; an empty object if none
	calls   []call
	more    chan struct{}
}

type call struct{ action, payload string }

func newStation(t *testing.T, s *site, id string, p ocpp.Protocol) *station {
	c := &station{t: t, site: s, id: id, protocol: p, answers: map[string]string{}, more: make(chan struct{}, 1)}
	c.secrets = secretsOf(id)
	return c
}

// connect opens the station's socket.
func (c *station) connect() {
	c.t.Helper()
	if err := c.dial(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *station) dial() error {
	c.t.Helper()
	url, config := c.door()
	conn, err := ocpp.Dial(c.t.Context(), ocpp.ClientConfig{URL: url, Identity: c.id, Password: c.password, TLS: config, Protocols: []ocpp.Protocol{c.protocol},
		Options: ocpp.Options{Loose: true, Handler: ocpp.HandlerFunc(c.handle)}})
	if err != nil {
		return err
	}
	c.conn = conn
	c.t.Cleanup(func() { conn.Close(1000, ""); <-conn.Done() })
	return nil
}

func (c *station) hangUp() {
	c.conn.Close(1000, "")
	<-c.conn.Done()
}

func (c *station) handle(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call{r.Action, string(r.Payload)})
	select {
	case c.more <- struct{}{}:
	default:
	}
	answer, known := c.answers[r.Action]
	if code, is := strings.CutPrefix(answer, "!"); is {
		return nil, ocpp.Errorf(ocpp.ErrorCode(code), "as the case wants it")
	}
	if !known {
		answer = usual(c.protocol, r)
	}
	return json.RawMessage(answer), nil
}

// answersWith sets what the station answers to an action; "!Code" is a CALLERROR.
func (c *station) answersWith(action, payload string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[action] = payload
}

// says makes a call; members is what the answer must have.
func (c *station) says(action, payload string, members ...string) map[string]any {
	c.t.Helper()
	answer, err := c.conn.Call(c.t.Context(), ocpp.Call{Action: action, Payload: json.RawMessage(payload)})
	if err != nil {
		c.t.Fatalf("%s %s: %v", action, payload, err)
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		c.t.Fatal(err)
	}
	for _, m := range members {
		if !strings.Contains(string(answer), m) {
			c.t.Fatalf("%s %s: answered %s, want %s", action, payload, answer, m)
		}
	}
	return out
}

// hears waits for a call of the box with all these parts and takes it off the list.
func (c *station) hears(action string, parts ...string) string {
	c.t.Helper()
	limit := time.After(patience)
	for {
		c.mu.Lock()
		for i, got := range c.calls {
			if got.action == action && containsAll(got.payload, parts) {
				c.calls = append(c.calls[:i:i], c.calls[i+1:]...)
				c.mu.Unlock()
				return got.payload
			}
		}
		all := fmt.Sprint(c.calls)
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-limit:
			c.t.Fatalf("never heard %s %v; heard %s", action, parts, all)
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// isRefused makes a call that the box answers with a CALLERROR of this code.
func (c *station) isRefused(action, payload, code string) {
	c.t.Helper()
	answer, err := c.conn.Call(c.t.Context(), ocpp.Call{Action: action, Payload: json.RawMessage(payload)})
	if refused, ok := errors.AsType[*ocpp.Error](err); !ok || string(refused.Code) != code {
		c.t.Errorf("%s %s: answered %s, %v; want %s", action, payload, answer, err, code)
	}
}

// operator has the box make a call; the station's answer must have these parts.
func (c *station) operator(action, payload string, parts ...string) {
	c.t.Helper()
	c.orders(action, payload, parts...)
	c.hears(action)
}

// orders is operator for what the box may say in several calls.
func (c *station) orders(action, payload string, parts ...string) {
	c.t.Helper()
	var out struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	status := c.site.do(c.t, http.MethodPost, "/api/v1/chargers/"+c.id+"/call/"+action, payload, &out)
	answer := string(out.Result) + string(out.Error)
	if status != http.StatusOK || !containsAll(answer, parts) {
		c.t.Fatalf("%s %s: %d %s, want %v", action, payload, status, answer, parts)
	}
}

// slot is the number of one of the station's connectors.
func (c *station) slot(connector int) int {
	c.t.Helper()
	var all []struct {
		Slot      int    `json:"slot"`
		Charger   string `json:"charger"`
		Connector int    `json:"connector"`
	}
	c.site.get(c.t, "/api/v1/connectors", &all)
	for _, s := range all {
		if s.Charger == c.id && s.Connector == connector {
			return s.Slot
		}
	}
	c.t.Fatalf("no slot for connector %d of %s in %+v", connector, c.id, all)
	return 0
}

// order gives a command for a connector through the API; the answer has status.
func (c *station) order(connector int, command, body string, want int) {
	c.t.Helper()
	path := fmt.Sprintf("/api/v1/connectors/%d/%s", c.slot(connector), command)
	if got := c.site.do(c.t, http.MethodPost, path, body, nil); got != want {
		c.t.Fatalf("%s %s: %d, want %d", path, body, got, want)
	}
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05Z") }
