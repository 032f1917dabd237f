package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/controller/config"
)

func TestResendingParkedMessages(t *testing.T) {
	for _, c := range []struct {
		path, body string
		waiting    int
		err        error
		code       int
		says       string
		asked      controller.TxID
	}{
		{path: "17", waiting: 3, code: 200, says: `{"transaction":17,"messages":3}`, asked: 17},
		{path: "17", body: `{}`, waiting: 3, code: 200, asked: 17},
		{path: "17", body: `{"x":1}`, code: 400},
		{path: "17", code: 409, says: "no parked messages", asked: 17},
		{path: "17", err: fmt.Errorf("%w: row 5 is damaged", ErrCannotResend), code: 409, says: "row 5 is damaged", asked: 17},
		{path: "17", err: errors.New("S3cret"), code: 503, asked: 17},
		{path: "0", code: 404}, {path: "x", code: 404}, {path: "99999999999999999999", code: 404},
	} {
		var asked controller.TxID
		b := newBox(picture(t0))
		b.answer = func(controller.Event) (controller.AnswerBody, error) { return controller.Done{}, nil }
		s := rig(b, func(cfg *Config) {
			cfg.Resend = func(_ context.Context, tx controller.TxID) (int, error) { asked = tx; return c.waiting, c.err }
		})
		w := ask(s, "POST", "/api/v1/outbox/"+c.path+"/resend", c.body, bearer)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) || asked != c.asked || strings.Contains(w.Body.String(), "S3cret") {
			t.Errorf("%s %s %v: got %d %s, asked %d", c.path, c.body, c.err, w.Code, w.Body, asked)
		}
		checkProblem(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
	}
}

func TestConfigurationWithoutSecrets(t *testing.T) {
	const secret = "hunter2-hunter2"
	text := strings.Replace(string(config.Example()), `"file:key"`, `"`+secret+`"`, 1)
	running, err := config.Parse("site.yaml", []byte(text), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(running.YAML()), secret) {
		t.Fatal("the example has another password now: adapt this test")
	}
	s := rig(newBox(picture(t0)), func(c *Config) { c.Configuration = func() *config.Config { return running } })
	asJSON := ask(s, "GET", "/api/v1/config", "", bearer)
	var v struct {
		Version int
		Site    struct{ ID string }
	}
	if err := json.Unmarshal(asJSON.Body.Bytes(), &v); err != nil || v.Version != 1 || v.Site.ID == "" || asJSON.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %v %s", err, asJSON.Body)
	}
	asYAML := ask(s, "GET", "/api/v1/config", "", bearer, "Accept: application/yaml")
	if !strings.HasPrefix(asYAML.Body.String(), "version: 1\n") || asYAML.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("got %s", asYAML.Body)
	}
	if all := asJSON.Body.String() + asYAML.Body.String(); strings.Contains(all, secret) || !strings.Contains(all, "(redacted)") {
		t.Errorf("got %s", all)
	}
	if w := ask(rig(newBox(picture(t0))), "GET", "/api/v1/config", "", bearer); w.Code != 404 {
		t.Errorf("without one: got %d", w.Code)
	}
}

func TestOutboxNamesWhatIsParked(t *testing.T) {
	s := rig(newBox(picture(t0)), demo, func(c *Config) {
		c.Parked = func(context.Context, int) ([]controller.ParkedLane, error) {
			return []controller.ParkedLane{{Tx: 17, Err: "FormationViolation"}}, nil
		}
	})
	if w := ask(s, "GET", "/api/v1/outbox", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"parked_transactions":[{"transaction":17,"error":"FormationViolation"}]`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	s.cfg.Parked = func(context.Context, int) ([]controller.ParkedLane, error) { return nil, errors.New("S3cret") }
	if w := ask(s, "GET", "/api/v1/outbox", ""); w.Code != 500 || strings.Contains(w.Body.String(), "S3cret") {
		t.Errorf("broken: got %d %s", w.Code, w.Body)
	}
}
