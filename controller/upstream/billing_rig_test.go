package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/controller/sitesim/memnet"
	"busbar/controller/store"
	"busbar/controller/upstream"
	"busbar/ocpp"
)

const cloudAddr = "cloud:80"

// heard is a CALL that the cloud got.
type heard struct {
	at                  time.Time
	id, action, payload string
}

// cloud is a CSMS that takes everything, unless a test says otherwise.
type cloud struct {
	mu     sync.Mutex
	calls  []heard
	answer map[string]func(r *ocpp.Request) (string, error) // by action
	status int                                              // of the handshake
	nextTx int
	frames []string // type and action, both ways
	srv    *ocpp.Server
}

func (c *cloud) HandleCall(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	c.mu.Lock()
	c.calls = append(c.calls, heard{time.Now(), r.ID, r.Action, string(r.Payload)})
	f := c.answer[r.Action]
	c.mu.Unlock()
	if f != nil {
		text, err := f(r)
		if errors.Is(err, errSilent) {
			<-ctx.Done()
		}
		if text != "" || err != nil {
			return json.RawMessage(text), err
		}
	}
	return c.usual(r.Action), nil
}

// errSilent leaves a CALL without answer.
var errSilent = errors.New("no answer")

func (c *cloud) usual(action string) json.RawMessage {
	now := time.Now().UTC().Format(time.RFC3339)
	switch action {
	case "BootNotification":
		return json.RawMessage(`{"status":"Accepted","interval":300,"currentTime":"` + now + `"}`)
	case "Heartbeat":
		return json.RawMessage(`{"currentTime":"` + now + `"}`)
	case "Authorize":
		return json.RawMessage(`{"idTagInfo":{"status":"Accepted"}}`)
	case "StartTransaction":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextTx++
		return json.RawMessage(fmt.Sprintf(`{"idTagInfo":{"status":"Accepted"},"transactionId":%d}`, c.nextTx))
	}
	return json.RawMessage(`{}`)
}

func (c *cloud) trace(e ocpp.TraceEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, fmt.Sprintf("%d:%s", e.Frame.Type, e.Action))
}

func (c *cloud) when(action string, f func(r *ocpp.Request) (string, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer[action] = f
}

// got are the CALLs of some actions, or all, in their order.
func (c *cloud) got(actions ...string) []heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []heard
	for _, h := range c.calls {
		for _, a := range actions {
			if a == h.action {
				out = append(out, h)
			}
		}
		if len(actions) == 0 {
			out = append(out, h)
		}
	}
	return out
}

func (c *cloud) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// site stands for the controller's loop: it keeps what it is told and accepts every
// command, unless a test says otherwise.
type site struct {
	mu     sync.Mutex
	events []controller.Event
	asked  []controller.Event
	ask    func(ctx context.Context) error              // nil: answers at once
	reply  func(controller.Event) controller.AnswerBody // nil: Accepted
	refuse func(controller.Event) error                 // of Post; nil: all are taken
	snap   controller.Snapshot
}

func (s *site) Post(ev controller.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(ev); err != nil {
			return err
		}
	}
	s.events = append(s.events, ev)
	if set, ok := ev.(controller.SettingChanged); ok {
		s.set(set)
	}
	return nil
}

func (s *site) set(ev controller.SettingChanged) {
	settings := map[string]string{ev.Key: ev.Value}
	for k, v := range s.snap.Settings {
		if k != ev.Key {
			settings[k] = v
		}
	}
	s.snap.Settings = settings
}

func (s *site) Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error) {
	if s.ask != nil {
		if err := s.ask(ctx); err != nil {
			return nil, err
		}
	}
	ev := ask(1)
	s.mu.Lock()
	s.asked = append(s.asked, ev)
	if set, ok := ev.(controller.SettingChanged); ok {
		s.set(set)
	}
	reply := s.reply
	s.mu.Unlock()
	if reply == nil {
		return controller.CommandAnswer{Status: "Accepted"}, nil
	}
	return reply(ev), nil
}

func (s *site) Snapshot() *controller.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.snap
	return &snap
}

// change changes what the next Snapshot shows.
func (s *site) change(f func(*controller.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.snap)
}

func (s *site) answer(reply func(controller.Event) controller.AnswerBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

func (s *site) connectors(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snap.Connectors = make([]controller.ConnectorView, n)
	for i := range n {
		s.snap.Connectors[i].Slot = controller.Slot(i + 1)
	}
}

// eventsOf are the events of one type that the site was told.
func eventsOf[E controller.Event](s *site) (out []E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ev := range s.events {
		if e, ok := ev.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// rig is a Station between a store on disk and a cloud on a network in memory; it
// lives in one bubble.
type rig struct {
	t       *testing.T
	net     *memnet.Network
	cloud   *cloud
	site    *site
	store   *store.Store
	dir     string
	seq     controller.Seq
	station *upstream.Station
	adjust  func(*upstream.Config) // of the next start; nil: nothing
	halt    func()                 // ends the station
	closers []func()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, net: memnet.New(), site: &site{}, dir: t.TempDir(),
		cloud: &cloud{answer: map[string]func(*ocpp.Request) (string, error){}, nextTx: 500}}
	r.site.connectors(3)
	r.cloud.srv = ocpp.NewServer(ocpp.ServerConfig{Admit: func(*ocpp.Handshake) ocpp.Admission {
		r.cloud.mu.Lock()
		defer r.cloud.mu.Unlock()
		return ocpp.Admission{Status: r.cloud.status, Protocols: []ocpp.Protocol{ocpp.V16}, Options: ocpp.Options{Handler: r.cloud, Trace: r.cloud.trace, Loose: true}}
	}})
	l, err := r.net.Listen(cloudAddr)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: r.cloud.srv, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(l)
	}()
	r.closers = append(r.closers, func() {
		_ = r.cloud.srv.Close(context.Background())
		_ = web.Close()
		<-served
	})
	r.openStore()
	return r
}

func (r *rig) openStore() {
	r.t.Helper()
	var err error
	r.store, err = store.Open(r.t.Context(), r.dir, store.Options{Synchronous: store.SyncOff, Post: r.site.Post})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.store.Run(ctx) }()
	r.closers = append(r.closers, func() {
		cancel()
		if err := errors.Join(<-done, r.store.Close()); err != nil {
			r.t.Error(err)
		}
	})
}

// start runs a Station; what comes to it is what a process would know that starts now.
func (r *rig) start(bootKnown bool) {
	r.t.Helper()
	cfg := upstream.Config{StationID: "SITE1", URL: "ws://" + cloudAddr + "/ocpp", Dial: r.net.DialContext, Loop: r.site, Outbox: r.store,
		Vendor: "Busbar", Model: "Site controller", Serial: "S1", Version: "1.0", BootKnown: bootKnown}
	if r.adjust != nil {
		r.adjust(&cfg)
	}
	r.station = upstream.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.station.Run(ctx) }()
	r.halt = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
	synctest.Wait()
}

func (r *rig) close() {
	if r.halt != nil {
		r.halt()
	}
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// after lets time pass.
func (r *rig) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// save makes rows durable.
func (r *rig) save(rows ...controller.Row) {
	r.t.Helper()
	r.seq++
	if err := r.store.Submit(r.seq, rows); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func body(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// begin, sample and finish are what the Site writes of a transaction.
func begin(tx controller.TxID, slot controller.Slot, token string) []controller.Row {
	at := time.Date(2026, 3, 1, 8, 0, int(tx)%60, 0, time.UTC)
	return []controller.Row{
		controller.TxRow{Tx: tx, Slot: slot, Station: "CP", Connector: 1, Token: controller.IDToken{Value: token}, MeterStart: 1000, StartedAt: at, LastRegister: 1000},
		controller.OutboxRow{Tx: tx, Slot: slot, Kind: controller.OutboxStart, Token: controller.IDToken{Value: token}.Key(), At: at,
			Body: body(controller.StartBody{Token: controller.IDToken{Value: token}, MeterStart: 1000, At: at.Format(time.RFC3339)})},
	}
}

func sample(tx controller.TxID, slot controller.Slot, token string, values ...string) controller.OutboxRow {
	var b controller.MeterBody
	for _, v := range values {
		b.Values = append(b.Values, []byte(v))
	}
	return controller.OutboxRow{Tx: tx, Slot: slot, Kind: controller.OutboxMeter, Token: controller.IDToken{Value: token}.Key(), At: time.Now(), Body: body(b)}
}

func finish(tx controller.TxID, slot controller.Slot, token string) []controller.Row {
	row := begin(tx, slot, token)[0].(controller.TxRow)
	row.Ended, row.MeterStop, row.LastRegister, row.StoppedAt = true, 5000, 5000, row.StartedAt.Add(time.Hour)
	return []controller.Row{row, controller.OutboxRow{Tx: tx, Slot: slot, Kind: controller.OutboxStop, Token: row.Token.Key(), At: row.StoppedAt,
		Body: body(controller.StopBody{MeterStop: 5000, At: "2026-03-01T09:00:00Z", Reason: "Local"})}}
}

// whole is a transaction from its start to its end.
func whole(tx controller.TxID, slot controller.Slot, token string, values ...string) []controller.Row {
	rows := begin(tx, slot, token)
	for _, v := range values {
		rows = append(rows, sample(tx, slot, token, v))
	}
	return append(rows, finish(tx, slot, token)...)
}

func (r *rig) counts() controller.OutboxCounts {
	r.t.Helper()
	c, err := r.store.Counts(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// command sends the station a CALL and returns its answer.
func command[Req, Resp any](r *rig, a ocpp.Action[Req, Resp], req Req) (Resp, error) {
	r.t.Helper()
	conn := r.cloud.srv.Conn("SITE1")
	if conn == nil {
		r.t.Fatal("the station is not connected")
	}
	return a.Call(r.t.Context(), conn, req)
}

// expect sends the station a CALL as text and compares the beginning of its answer.
func (r *rig) expect(action, payload, want string) {
	r.t.Helper()
	conn := r.cloud.srv.Conn("SITE1")
	if conn == nil {
		r.t.Fatal("the station is not connected")
	}
	raw, err := conn.Call(r.t.Context(), ocpp.Call{Action: action, Payload: json.RawMessage(payload)})
	got := string(raw)
	if err != nil {
		got = err.Error()
	}
	if !strings.HasPrefix(got, want) {
		r.t.Errorf("%s %s\nanswered %s\nwant     %s", action, payload, got, want)
	}
}

// tell reports a status of a slot.
func (r *rig) tell(slot controller.Slot, status controller.ConnectorStatus) {
	r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: slot, Status: status, ErrorCode: controller.NoError}})
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		f(t, r)
	})
}

func (r *rig) wantState(want controller.UplinkState) controller.UplinkChanged {
	r.t.Helper()
	all := eventsOf[controller.UplinkChanged](r.site)
	if len(all) == 0 || all[len(all)-1].State != want {
		r.t.Fatalf("the uplink went %+v, want %s at last", all, want)
	}
	return all[len(all)-1]
}
