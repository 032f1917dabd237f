package downstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/controller/sitesim/memnet"
	"busbar/ocpp"
)

// fakeLoop records events; its answers are those of a Site that accepts everything.
type fakeLoop struct {
	mu     sync.Mutex
	events []controller.Event
	learnt []controller.Event // of the charger itself
	busy   int                // so many Posts are refused
	full   bool               // every Ask is refused
	delay  time.Duration
	answer func(controller.Event) controller.AnswerBody
}

func (l *fakeLoop) Post(ev controller.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy > 0 {
		l.busy--
		return controller.ErrCongested
	}
	switch ev.(type) {
	case controller.ChargerHeard:
	case controller.ChargerLearnt, controller.ClockJudged, controller.ProfilesWritten:
		l.learnt = append(l.learnt, ev)
	default:
		l.events = append(l.events, ev)
	}
	return nil
}

func (l *fakeLoop) Ask(_ context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error) {
	ev := ask(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return nil, controller.ErrCongested
	}
	l.events = append(l.events, ev)
	time.Sleep(l.delay)
	if l.answer != nil {
		if body := l.answer(ev); body != nil {
			return body, nil
		}
	}
	switch ev.(type) {
	case controller.Booted:
		return controller.BootAnswer{Status: "Accepted", Interval: 5 * time.Minute, Now: time.Now()}, nil
	case controller.AuthorizeAsked:
		return controller.AuthorizeAnswer{Info: controller.TokenInfo{Status: controller.TokenAccepted}}, nil
	case controller.TxStarted:
		return controller.StartAnswer{Tx: 1000001, Info: controller.TokenInfo{Status: controller.TokenAccepted}}, nil
	case controller.TxStopped:
		return controller.StopAnswer{}, nil
	}
	return controller.Done{}, nil
}

// take returns the events so far and forgets them.
func (l *fakeLoop) take() []controller.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.events
	l.events = nil
	return out
}

// eventsOf picks the events of one type.
func eventsOf[E controller.Event](events []controller.Event) []E {
	var out []E
	for _, ev := range events {
		if e, ok := ev.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// rig is a Hub that listens on a network in memory, inside one bubble.
type rig struct {
	t    *testing.T
	net  *memnet.Network
	loop *fakeLoop
	hub  *Hub
	no   []ocpp.Refusal
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, net: memnet.New(), loop: &fakeLoop{}}
	if cfg.Loop == nil {
		cfg.Loop = r.loop
	}
	if cfg.Chargers == nil {
		cfg.Chargers = []Charger{{ID: "CP1"}, {ID: "CP2", Password: "secret-of-cp2"}}
	}
	cfg.Refused = func(n ocpp.Refusal) { r.no = append(r.no, n) }
	r.hub = New(cfg)
	l, err := r.net.Listen("box:8887")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: r.hub}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		if err := r.hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
		_ = srv.Close()
		serving.Wait()
	})
	return r
}

// charger is a hand-made one: it records what it is told and answers as it is told.
type charger struct {
	*ocpp.Conn
	t       *testing.T
	mu      sync.Mutex
	told    []string                                       // "Action payload"
	answers map[string]func(*ocpp.Request) (string, error) // by action; else Accepted
}

func (c *charger) handle(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	c.mu.Lock()
	c.told = append(c.told, r.Action+" "+string(r.Payload))
	answer := c.answers[r.Action]
	c.mu.Unlock()
	if answer == nil {
		return json.RawMessage(`{"status":"Accepted"}`), nil
	}
	text, err := answer(r)
	return json.RawMessage(text), err
}

func (c *charger) on(action string, answer func(*ocpp.Request) (string, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[action] = answer
}

// heard returns what it was told since the last time, when all is quiet.
func (c *charger) heard() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.told
	c.told = nil
	return out
}

func (r *rig) dial(id, password string) (*charger, error) {
	c := &charger{t: r.t, answers: map[string]func(*ocpp.Request) (string, error){}}
	conn, err := ocpp.Dial(r.t.Context(), ocpp.ClientConfig{URL: "ws://box:8887/ocpp", Identity: id, Password: password, Protocols: []ocpp.Protocol{ocpp.V16},
		DialContext: r.net.DialContext, Options: ocpp.Options{Handler: ocpp.HandlerFunc(c.handle), Loose: true}})
	if err != nil {
		return nil, err
	}
	c.Conn = conn
	r.t.Cleanup(func() {
		conn.Close(1000, "")
		<-conn.Done()
	})
	return c, nil
}

func (r *rig) connect(id string) *charger {
	r.t.Helper()
	c, err := r.dial(id, "")
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// call sends raw bytes as a payload and gives the answer's text, or the code of the
// CALLERROR.
func (c *charger) call(action, payload string) string {
	c.t.Helper()
	answer, err := c.Call(c.t.Context(), ocpp.Call{Action: action, Payload: json.RawMessage(payload)})
	if e, ok := errors.AsType[*ocpp.Error](err); ok {
		return string(e.Code)
	}
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, lines(got), lines(want))
	}
}

func lines(v any) string {
	if l, ok := v.([]string); ok {
		return strings.Join(l, "\n     ")
	}
	return fmt.Sprintf("%+v", v)
}
