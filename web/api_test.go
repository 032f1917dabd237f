package web

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"busbar/controller"
)

var t0 = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

func TestCommands(t *testing.T) {
	const path = "/api/v1/connectors/1/"
	long := strings.Repeat("x", 37)
	for _, c := range []struct {
		name, path, body string
		event            controller.Event // what must reach the loop, nil: nothing
		answer           controller.AnswerBody
		err              error
		code             int
		says             string
	}{
		{name: "start", path: path + "start", body: `{"id_token":"04AB","token_type":"ISO14443"}`, code: 200, says: `"status":"Accepted"`,
			event:  controller.StartRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Token: controller.IDToken{Value: "04AB", Type: "ISO14443"}},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "start refused", path: path + "start", body: `{"id_token":"04AB"}`, code: 409, says: "a transaction is running",
			event:  controller.StartRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Token: controller.IDToken{Value: "04AB"}},
			answer: controller.CommandAnswer{Status: "Rejected", Reason: "a transaction is running"}},
		{name: "start without token", path: path + "start", code: 400, says: "id_token"},
		{name: "start with a long token", path: path + "start", body: `{"id_token":"` + long + `"}`, code: 400, says: "36 characters"},
		{name: "start with a typing error", path: path + "start", body: `{"idtoken":"04AB"}`, code: 400, says: "idtoken"},
		{name: "stop", path: path + "stop", code: 200, event: controller.StopRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "stop with rubbish", path: path + "stop", body: `{} {}`, code: 400, says: "more than one"},
		{name: "unlock", path: path + "unlock", body: `{}`, code: 200, says: "Unlocked", event: controller.UnlockRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1},
			answer: controller.CommandAnswer{Status: "Unlocked"}},
		{name: "unlock fails", path: path + "unlock", code: 409, says: "UnlockFailed: the charger is not connected",
			event:  controller.UnlockRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1},
			answer: controller.CommandAnswer{Status: "UnlockFailed", Reason: "the charger is not connected"}},
		{name: "limit", path: path + "limit", body: `{"limit_a":10.5,"for":"30m"}`, code: 200,
			event:  controller.LimitRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Limit: 10_500, For: 30 * time.Minute},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "limit rounds down", path: path + "limit", body: `{"limit_a":6.0009}`, code: 200,
			event:  controller.LimitRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Limit: 6000},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "limit lifted", path: path + "limit", body: `{"limit_a":null}`, code: 200,
			event:  controller.LimitRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Limit: -1},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "departure", path: path + "departure", body: `{"departure":"2026-03-03T05:30:00+01:00","energy_wh":20000}`, code: 200,
			event:  controller.DepartureRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, Departure: time.Date(2026, 3, 3, 4, 30, 0, 0, time.UTC), Energy: 20000},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "departure forgotten", path: path + "departure", body: `{}`, code: 200,
			event:  controller.DepartureRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1},
			answer: controller.CommandAnswer{Status: "Accepted"}},
		{name: "departure refused", path: path + "departure", body: `{"target_soc":80}`, code: 409, says: "capacity",
			event:  controller.DepartureRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1, TargetSoC: 80},
			answer: controller.CommandAnswer{Status: "Rejected", Reason: "the capacity of the battery is not known"}},
		{name: "departure with a wrong charge", path: path + "departure", body: `{"target_soc":101}`, code: 400, says: "state of charge"},
		{name: "departure that is no time", path: path + "departure", body: `{"departure":"half past five"}`, code: 400, says: "can't be read"},
		{name: "limit missing", path: path + "limit", body: `{}`, code: 400, says: "limit_a is missing"},
		{name: "limit as text", path: path + "limit", body: `{"limit_a":"ten"}`, code: 400, says: "limit_a"},
		{name: "limit too high", path: path + "limit", body: `{"limit_a":1e9}`, code: 400, says: "limit_a"},
		{name: "limit negative", path: path + "limit", body: `{"limit_a":-1}`, code: 400, says: "limit_a"},
		{name: "limit for ever", path: path + "limit", body: `{"limit_a":6,"for":"-1s"}`, code: 400, says: "duration"},
		{name: "unknown slot", path: "/api/v1/connectors/99/stop", code: 404, says: `no connector`},
		{name: "no number", path: "/api/v1/connectors/one/stop", code: 404, says: `no connector`},
		{name: "huge body", path: path + "stop", body: strings.Repeat(" ", maxBody+1), code: 400, says: "too large"},
		{name: "congested", path: path + "stop", code: 503, event: controller.StopRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1}, err: controller.ErrCongested},
		{name: "stopped", path: path + "stop", code: 503, event: controller.StopRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1}, err: controller.ErrStopped},
		{name: "silent charger", path: path + "stop", code: 504, event: controller.StopRequested{Reply: 1, Origin: controller.FromLocal, Slot: 1}, err: context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got controller.Event
			b := newBox(picture(t0))
			b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
				if _, ok := ev.(controller.Audited); ok {
					return controller.Done{}, nil
				}
				got = ev
				return c.answer, c.err
			}
			w := ask(rig(b, demo), "POST", c.path, c.body, bearer)
			if w.Code != c.code || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), c.says) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, c.code, c.says)
			}
			if !reflect.DeepEqual(got, c.event) {
				t.Errorf("the loop got %#v, want %#v", got, c.event)
			}
			checkProblem(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
		})
	}
}

// TestCommandsAreAuditedByName: who asks for what is written down before it is done, and
// without that nothing is done.
func TestCommandsAreAuditedByName(t *testing.T) {
	const by = "the box's own token (admin)"
	for _, c := range []struct{ order, body, text string }{
		{"start", `{"id_token":"04AB"}`, "a start was asked for"},
		{"stop", ``, "a stop was asked for"},
		{"unlock", ``, "unlocking was asked for"},
		{"limit", `{"limit_a":10.5,"for":"30m"}`, "a limit of 10.5 A for 30m0s was asked for"},
		{"limit", `{"limit_a":10}`, "a limit of 10.0 A until lifted was asked for"},
		{"limit", `{"limit_a":null}`, "the end of the limit was asked for"},
		{"departure", `{"departure":"2026-03-03T05:30:00Z","energy_wh":9000}`, "the car's plans were told: leaves 2026-03-03T05:30:00Z wants 9000 Wh"},
		{"departure", `{}`, "the car's departure was to be forgotten"},
	} {
		for _, journal := range []error{nil, controller.ErrStopped} {
			var got []controller.Event
			b := newBox(picture(t0))
			b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
				got = append(got, ev)
				if _, ok := ev.(controller.Audited); ok {
					return controller.Done{}, journal
				}
				return controller.CommandAnswer{Status: "Accepted"}, nil
			}
			w := ask(rig(b), "POST", "/api/v1/connectors/1/"+c.order, c.body, bearer)
			code, events := 200, 2
			if journal != nil {
				code, events = 503, 1
			}
			if w.Code != code || len(got) != events {
				t.Errorf("%s %s: %d %s, the loop got %v", c.order, c.body, w.Code, w.Body, got)
				continue
			}
			if want := (controller.Audited{Reply: 1, By: by, Code: "audit.connector", Subject: "1", Text: c.text}); got[0] != want {
				t.Errorf("%s %s: %+v", c.order, c.body, got[0])
			}
		}
	}
	if got := english().subject("audit.connector", "1"); got != english().subject("connector.fault", "1") {
		t.Errorf("the page calls the connector %q", got)
	}
}

// checkProblem: errors are RFC 9457 problems.
func checkProblem(t *testing.T, code int, kind string, body []byte) {
	t.Helper()
	if code < 400 {
		return
	}
	var p problem
	if err := json.Unmarshal(body, &p); err != nil || kind != "application/problem+json" || p.Status != code || p.Title == "" || p.Detail == "" {
		t.Errorf("no problem: %s %s", kind, body)
	}
}

// TestReadingAPIGolden fixes names and forms of everything that can be read.
func TestReadingAPIGolden(t *testing.T) {
	s := rig(newBox(picture(t0)), demo, func(c *Config) {
		c.Adoption, c.Certificates = newDesk(t0), authority{newDesk(t0)}
		c.Transactions = func(_ context.Context, n int) ([]controller.TxRow, error) {
			return []controller.TxRow{
				{Tx: 102, Slot: 2, Station: "CP2", Connector: 1, Token: controller.IDToken{Value: "04A1B2C3D49C"}, Rule: "cloud", StartedAt: t0, MeterStart: 1000, LastRegister: 1400},
				{Tx: 101, Slot: 1, Station: "CP1", Connector: 1, Token: controller.IDToken{Value: "04"}, Rule: "cache", StartedAt: t0.Add(-time.Hour), UpTx: "7001",
					MeterStart: 1000, Ended: true, MeterStop: 6000, StoppedAt: t0, Reason: "Local"},
			}[:min(n, 2)], nil
		}
	})
	var all strings.Builder
	for _, name := range []string{"status", "site", "circuits", "meters", "chargers", "connectors", "transactions", "outbox", "events", "adoption", "certificates", "demo/faults"} {
		w := ask(s, "GET", "/api/v1/"+name, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%s: got %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if list, ok := v.([]any); ok && len(list) > 2 {
			v = list[:2] // the forms are the same
		}
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("## " + name + "\n" + string(text) + "\n")
	}
	golden(t, "api.txt", all.String())
}

func TestEmptyListsAreLists(t *testing.T) {
	s := rig(newBox(&controller.Snapshot{}), demo)
	for _, name := range []string{"circuits", "meters", "chargers", "connectors", "transactions", "events"} {
		if got := strings.TrimSpace(ask(s, "GET", "/api/v1/"+name, "").Body.String()); got != "[]" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestTransactionsAsked(t *testing.T) {
	var asked int
	s := rig(newBox(picture(t0)), demo, func(c *Config) {
		c.Adoption, c.Certificates = newDesk(t0), authority{newDesk(t0)}
		c.Transactions = func(_ context.Context, n int) ([]controller.TxRow, error) {
			asked = n
			return nil, errors.New("disk on fire")
		}
	})
	w := ask(s, "GET", "/api/v1/transactions?n=7", "")
	if asked != 7 || w.Code != 500 || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("asked for %d, got %d %s", asked, w.Code, w.Body)
	}
	for _, n := range []string{"0", "-1", "1001", "x"} {
		if w := ask(s, "GET", "/api/v1/transactions?n="+n, ""); w.Code != 400 {
			t.Errorf("n=%s: got %d", n, w.Code)
		}
	}
}

func TestEventsAsked(t *testing.T) {
	if got := ask(rig(newBox(picture(t0)), demo), "GET", "/api/v1/events?n=1", "").Body.String(); strings.Count(got, `"code"`) != 1 || !strings.Contains(got, "meter.lost") {
		t.Errorf("of the snapshot: got %s", got)
	}
	s := rig(newBox(picture(t0)), demo, func(c *Config) {
		c.Events = func(_ context.Context, n int) ([]controller.LogEntry, error) {
			if n == 7 {
				return nil, errors.New("disk on fire")
			}
			return []controller.LogEntry{{At: t0, Severity: controller.SeverityInfo, Code: "box.start", Text: "long ago"}}, nil
		}
	})
	if got := ask(s, "GET", "/api/v1/events", "").Body.String(); !strings.Contains(got, "long ago") {
		t.Errorf("of the store: got %s", got)
	}
	if w := ask(s, "GET", "/api/v1/events?n=7", ""); w.Code != 500 || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("broken store: got %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/api/v1/events?n=0", ""); w.Code != 400 {
		t.Errorf("n=0: got %d", w.Code)
	}
}

func TestReadiness(t *testing.T) {
	s := rig(newBox(picture(t0)), func(c *Config) { c.Ready = func() error { return errors.New("the disk is full") } })
	if w := ask(s, "GET", "/readyz", ""); w.Code != 503 || strings.Contains(w.Body.String(), "disk is full") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("healthz: got %d", w.Code)
	}
}

func TestOpenAPIHasEachRoute(t *testing.T) {
	s := rig(newBox(picture(t0)), demo)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary     string
			Parameters  []struct{ Name, In string }
			RequestBody any
			Responses   map[string]any
			Security    []any
		}
	}
	w := ask(s, "GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.routes {
		op, ok := doc.Paths[strings.TrimSuffix(r.path, "{$}")][strings.ToLower(r.method)]
		if !ok || op.Summary == "" || op.Responses["200"] == nil {
			t.Errorf("%s %s is not described", r.method, r.path)
		}
		for _, name := range r.query {
			if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name && p.In == "query" }) {
				t.Errorf("%s %s: parameter %s is not described", r.method, r.path, name)
			}
		}
		if (op.RequestBody != nil) != (r.method == "POST") {
			t.Errorf("%s %s: body described: %v", r.method, r.path, op.RequestBody != nil)
		}
		if (len(op.Security) > 0) != (r.access == accessWrite) {
			t.Errorf("%s %s: security %v", r.method, r.path, op.Security)
		}
		if strings.Contains(r.path, "{n}") && (len(op.Parameters) == 0 || op.Parameters[0].In != "path") {
			t.Errorf("%s %s: parameters %v", r.method, r.path, op.Parameters)
		}
	}
	described := 0
	for _, operations := range doc.Paths {
		described += len(operations)
	}
	if described != len(s.routes) {
		t.Errorf("%d operations are described, there are %d", described, len(s.routes))
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
}

func TestFaultButtons(t *testing.T) {
	s := rig(newBox(picture(t0)), demo)
	form := "Content-Type: application/x-www-form-urlencoded"
	if w := ask(s, "POST", "/api/v1/demo/faults", "name=charger-kill&arg=CP3&on=true", form); w.Code != 303 || w.Header().Get("Location") != "/" {
		t.Errorf("form: got %d %s", w.Code, w.Header().Get("Location"))
	}
	w := ask(s, "POST", "/api/v1/demo/faults", `{"name":"cloud-cut","on":true}`, "Content-Type: application/json")
	if w.Code != 200 {
		t.Errorf("JSON: got %d %s", w.Code, w.Body)
	}
	on := map[string]bool{}
	for _, f := range s.cfg.Demo.Faults() {
		on[f.Name] = f.On
	}
	if !on["charger-kill"] || !on["cloud-cut"] {
		t.Errorf("faults are %v", on)
	}
	for _, body := range []string{`{"name":"none","on":true}`, `{`, `{"nam":"x"}`, ``} {
		if w := ask(s, "POST", "/api/v1/demo/faults", body); w.Code != 400 {
			t.Errorf("%s: got %d", body, w.Code)
		}
	}
	if w := ask(s, "POST", "/api/v1/demo/faults", "name=cloud-cut&on=perhaps", form); w.Code != 400 {
		t.Errorf("form with a bad state: got %d", w.Code)
	}
}
