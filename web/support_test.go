package web

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"busbar/controller"
)

func TestCallsOfChargers(t *testing.T) {
	const path = "/api/v1/chargers/CP1/call/Reset"
	for _, c := range []struct {
		name, path, body string
		err, journal     error
		code             int
		says             string
		sent             string // action, payload and whether unchecked, "" if nothing is to be sent
	}{
		{name: "answered", path: path, body: `{"type":"Soft"}`, code: 200, says: `{"result":{"status":"Accepted"}}`, sent: `Reset {"type":"Soft"} false`},
		{name: "without a body", path: path, code: 200, sent: `Reset {} false`},
		{name: "unchecked", path: path + "?unchecked=1", body: ` {"a":1} `, code: 200, sent: `Reset {"a":1} true`},
		{name: "refused", path: path, body: `{}`, err: &CallError{Code: "NotSupported", Description: "no \"thanks\""}, code: 200,
			says: `{"error":{"code":"NotSupported","description":"no \"thanks\""}}`, sent: `Reset {} false`},
		{name: "another identity", path: "/api/v1/chargers/NEW-7/call/Reset", body: `{}`, code: 200, sent: `Reset {} false`},
		{name: "unknown charger", path: "/api/v1/chargers/cp1/call/Reset", body: `{}`, code: 404, says: "case-sensitive"},
		{name: "offline", path: path, body: `{}`, err: ErrOffline, code: 409, says: "power and network", sent: `Reset {} false`},
		{name: "silent", path: path, body: `{}`, err: ErrTimeout, code: 504, says: "before trying again", sent: `Reset {} false`},
		{name: "lost on the way", path: path, body: `{}`, err: context.DeadlineExceeded, code: 504, sent: `Reset {} false`},
		{name: "crowded", path: path, body: `{}`, err: ErrTooMany, code: 503, sent: `Reset {} false`},
		{name: "payload of another form", path: path, body: `{}`, err: &PayloadError{Text: "type is missing"}, code: 400, says: "type is missing", sent: `Reset {} false`},
		{name: "list", path: path, body: `[]`, code: 400, says: "JSON object"},
		{name: "rubbish", path: path, body: `{"type":`, code: 400, says: "JSON object"},
		{name: "two values", path: path, body: `{} {}`, code: 400},
		{name: "huge", path: path, body: `{"x":"` + strings.Repeat("x", maxCall) + `"}`, code: 400, says: "too large"},
		{name: "bad flag", path: path + "?unchecked=perhaps", body: `{}`, code: 400, says: "unchecked"},
		{name: "no audit, no call", path: path, body: `{}`, journal: controller.ErrStopped, code: 503, says: "not done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(picture(t0))
			var audited []controller.Audited
			b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
				audited = append(audited, ev.(controller.Audited))
				return controller.Done{}, c.journal
			}
			sent := ""
			s := rig(b, func(cfg *Config) {
				cfg.Call = func(_ context.Context, id controller.StationID, action string, payload json.RawMessage, unchecked bool) (json.RawMessage, error) {
					sent = action + " " + string(payload) + map[bool]string{true: " true", false: " false"}[unchecked]
					return json.RawMessage(`{"status":"Accepted"}`), c.err
				}
			})
			w := ask(s, "POST", c.path, c.body, bearer)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) || sent != c.sent {
				t.Errorf("got %d %s and sent %q, want %d with %q", w.Code, w.Body, sent, c.code, c.says)
			}
			checkProblem(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
			if sent != "" && (len(audited) != 1 || audited[0].Code != "audit.call" || audited[0].By == "" || !strings.Contains(audited[0].Text, "Reset")) {
				t.Errorf("written down: %+v", audited)
			}
		})
	}
}

func TestLogOfCalls(t *testing.T) {
	var asked LogFilter
	latency := 12.5
	s := rig(newBox(picture(t0)), func(cfg *Config) {
		cfg.ShowTokens = true
		cfg.OCPPLog = func(f LogFilter) []LoggedCall {
			asked = f
			c := LoggedCall{Charger: "CP1", Direction: "out", Action: "Reset", MessageID: "m1", Time: t0, Payload: json.RawMessage(`{"type":"Soft"}`), LatencyMs: &latency}
			c.SetError("InternalError", "no", nil)
			return []LoggedCall{c, {Charger: "upstream", Direction: "in", Action: "Reset", Time: t0, Payload: json.RawMessage(`{}`), Answer: json.RawMessage(`{"status":"Accepted"}`)}}
		}
	})
	w := ask(s, "GET", "/api/v1/ocpp-log?charger=CP1&action=Reset&direction=OUT&n=7", "", bearer)
	const want = `[{"charger":"CP1","direction":"out","action":"Reset","message_id":"m1","time":"2026-03-01T14:00:00Z","payload":{"type":"Soft"},"answer":null,` +
		`"error":{"code":"InternalError","description":"no"},"latency_ms":12.5,"note":""},` +
		`{"charger":"upstream","direction":"in","action":"Reset","message_id":"","time":"2026-03-01T14:00:00Z","payload":{},"answer":{"status":"Accepted"},"error":null,"latency_ms":null,"note":""}]`
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
		t.Errorf("got %d %s", w.Code, got)
	}
	if asked != (LogFilter{Charger: "CP1", Action: "Reset", Direction: "out", N: 7, ShowTokens: true}) {
		t.Errorf("asked %+v", asked)
	}
	for _, bad := range []string{"direction=up", "n=0", "n=x"} {
		if w := ask(s, "GET", "/api/v1/ocpp-log?"+bad, "", bearer); w.Code != 400 {
			t.Errorf("%s: got %d", bad, w.Code)
		}
	}
	demoLog := rig(newBox(picture(t0)), demo, func(cfg *Config) {
		cfg.ShowTokens = true
		cfg.OCPPLog = func(f LogFilter) []LoggedCall { asked = f; return nil }
	})
	if w := ask(demoLog, "GET", "/api/v1/ocpp-log", ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "[]" || asked.ShowTokens {
		t.Errorf("demo without a token: got %d %s, asked %+v", w.Code, w.Body, asked)
	}
}

func TestProblemsOfCallsShowNoSecrets(t *testing.T) {
	s := rig(newBox(picture(t0)), func(cfg *Config) {
		cfg.Call = func(context.Context, controller.StationID, string, json.RawMessage, bool) (json.RawMessage, error) {
			return nil, errors.New("S3cret of a library")
		}
		cfg.Site.(*box).answer = func(controller.Event) (controller.AnswerBody, error) { return controller.Done{}, nil }
	})
	if w := ask(s, "POST", "/api/v1/chargers/CP1/call/Reset", `{}`, bearer); strings.Contains(w.Body.String(), "S3cret") {
		t.Errorf("got %s", w.Body)
	}
}
