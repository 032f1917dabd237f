package appliance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/config"
	"busbar/ocpp/ocppsim"
)

// served is a box in service with simulated chargers, all over real sockets.
type served struct {
	t    *testing.T
	box  *Box
	page string
	sims []*ocppsim.Charger
}

const rootToken = "root-token-of-the-test"

// serveWith runs a box with chargers CP1, CP2, …, of which the first `connected` are
// there; change alters the options.
func serveWith(t *testing.T, chargers, connected int, plan func(connector, n int) (ocppsim.Session, bool), change ...func(*Options)) *served {
	t.Helper()
	var list strings.Builder
	for i := range chargers {
		fmt.Fprintf(&list, "\n  - {id: CP%d, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}", i+1)
	}
	cfg, err := config.Parse("site.yaml", fmt.Appendf(nil, `version: 1
site: {id: depot, name: Depot, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers:%s
authorization: {unknown: reject, offline_unknown: accept, groups: []}
onboarding: closed
listen: {ui: "127.0.0.1:0", ws: "127.0.0.1:0", wss: "", mtls: "", modbus: ""}
`, list.String()), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Config: cfg, DataDir: t.TempDir(), Token: rootToken, Version: "test"}
	for _, c := range change {
		c(&opts)
	}
	box, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, box: box, page: "http://" + box.Addr("page").String()}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	for i := range connected {
		sim := ocppsim.NewCharger(ocppsim.ChargerConfig{ID: fmt.Sprintf("CP%d", i+1), URL: "ws://" + box.Addr("chargers").String() + "/ocpp",
			Outlets: []ocppsim.Outlet{{Number: 1, Phases: 3, Max: 32}}, Plan: plan, Seed: uint64(i + 1)})
		s.sims = append(s.sims, sim)
		wg.Go(func() { _ = sim.Run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		wg.Wait()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.until("all chargers are connected", func() bool {
		n := 0
		for _, c := range box.Snapshot().Chargers {
			if c.Online && c.FailsafeOK {
				n++
			}
		}
		return n == connected
	})
	return s
}

// until waits for a condition of the box.
func (s *served) until(what string, ok func() bool) {
	s.t.Helper()
	limit, again := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-limit:
			s.t.Fatalf("never: %s", what)
		}
	}
}

// ask sends one request and returns the status and body of its answer.
func (s *served) ask(method, path, token, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.page+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestCallsOverRealSockets(t *testing.T) {
	s := serveWith(t, 2, 1, nil)
	for _, c := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"CP1/call/GetConfiguration", `{"key":["NumberOfConnectors"]}`, 200, `"result":{"configurationKey":[{"key":"NumberOfConnectors"`},
		{"CP1/call/ChangeConfiguration", `{"key":"AuthorizationKey","value":"S3cret-of-a-charger"}`, 200, `"result":`},
		{"CP1/call/Reset", `{"type":"Sofft"}`, 400, "type is none of its values"},
		{"CP1/call/Reset", `{"typ":"Soft"}`, 400, "typ is not a member"},
		{"CP1/call/Reset", `{}`, 400, "type is missing"},
		{"CP1/call/Heartbeat", `{}`, 400, "sent by chargers"},
		{"CP1/call/MakeCoffee", `{"strong":true}`, 200, `{"error":{"code":"NotImplemented"`},
		{"CP1/call/Heartbeat?unchecked=1", `{}`, 200, `{"error":{"code":"NotSupported"`},
		{"CP2/call/ClearCache", `{}`, 409, "not connected"},
		{"CP3/call/ClearCache", `{}`, 404, "no charger"},
		{"CP1/call/ClearCache", `no`, 400, "JSON object"},
	} {
		if code, text := s.ask("POST", "/api/v1/chargers/"+c.path, rootToken, c.body); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s %s: got %d %s, want %d with %s", c.path, c.body, code, text, c.code, c.says)
		}
	}
	if code, text := s.ask("GET", "/api/v1/events?n=50", rootToken, ""); code != 200 || !strings.Contains(text, "MakeCoffee was called, by the box's own token (admin)") {
		t.Errorf("not written down: %d %s", code, text)
	}
}

func TestLogOfRealSockets(t *testing.T) {
	s := serveWith(t, 1, 1, nil)
	s.ask("POST", "/api/v1/chargers/CP1/call/ChangeConfiguration", rootToken, `{"key":"AuthorizationKey","value":"S3cret-of-a-charger"}`)
	type line struct {
		Charger, Direction, Action string
		Time                       time.Time
		Payload, Answer            json.RawMessage
		Latency                    *float64 `json:"latency_ms"`
	}
	list := func(query string) (lines []line) {
		t.Helper()
		code, text := s.ask("GET", "/api/v1/ocpp-log?"+query, rootToken, "")
		if err := json.Unmarshal([]byte(text), &lines); code != 200 || err != nil {
			t.Fatalf("%s: %d %s", query, code, text)
		}
		if strings.Contains(text, "S3cret") {
			t.Errorf("%s shows a secret: %s", query, text)
		}
		return lines
	}
	boot := list("charger=CP1&action=BootNotification")
	if len(boot) != 1 || boot[0].Direction != "in" || !strings.Contains(string(boot[0].Payload), "chargePointVendor") ||
		!strings.Contains(string(boot[0].Answer), "Accepted") || boot[0].Latency == nil || boot[0].Time.IsZero() {
		t.Errorf("boot: %+v", boot)
	}
	last := list("direction=out&n=1")
	if len(last) != 1 || last[0].Action != "ChangeConfiguration" || string(last[0].Payload) != `{"key":"AuthorizationKey","value":"•••"}` || last[0].Latency == nil {
		t.Errorf("the newest: %+v", last)
	}
	for _, c := range list("direction=out&n=1000") {
		if c.Direction != "out" {
			t.Errorf("got %+v", c)
		}
	}
	if got := list("charger=upstream"); len(got) != 0 {
		t.Errorf("a site without a cloud: %+v", got)
	}
	if code, _ := s.ask("GET", "/api/v1/ocpp-log", "", ""); code != 401 {
		t.Errorf("without a token: %d", code)
	}
}

func TestTokensOfABoxInService(t *testing.T) {
	s := serveWith(t, 1, 1, nil)
	code, text := s.ask("POST", "/api/v1/tokens", rootToken, `{"name":"Anna","role":"operator","expires_in":"1h"}`)
	var made struct {
		Token string
		Info  struct{ ID string }
	}
	if err := json.Unmarshal([]byte(text), &made); code != 200 || err != nil || made.Token == "" {
		t.Fatalf("got %d %s", code, text)
	}
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"GET", "/api/v1/status", "", 200},
		{"POST", "/api/v1/connectors/1/limit", `{"limit_a":10}`, 200},
		{"GET", "/api/v1/ocpp-log", "", 403},
		{"POST", "/api/v1/chargers/CP1/call/ClearCache", `{}`, 403},
		{"POST", "/api/v1/tokens", `{"name":"Eve","role":"admin","expires_in":"1h"}`, 403},
		{"GET", "/api/v1/config", "", 403},
		{"POST", "/api/v1/outbox/1/resend", "", 409},
	} {
		if code, text := s.ask(c.method, c.path, made.Token, c.body); code != c.code {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, code, text, c.code)
		}
	}
	if code, text := s.ask("DELETE", "/api/v1/tokens/"+made.Info.ID, rootToken, ""); code != 200 {
		t.Errorf("revoke: %d %s", code, text)
	}
	if code, _ := s.ask("GET", "/api/v1/status", made.Token, ""); code != 403 {
		t.Errorf("a revoked token: got %d", code)
	}
	if code, text := s.ask("GET", "/api/v1/config", rootToken, ""); code != 200 || !strings.Contains(text, `"chargers":[{`) {
		t.Errorf("config: %d %s", code, text)
	}
}
