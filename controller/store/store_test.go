package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"busbar/controller"
)

var _ controller.Journal = (*Store)(nil)

// inbox is what the loop would get.
type inbox struct {
	mu     sync.Mutex
	events []controller.Event
	more   chan struct{}
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

func (b *inbox) post(ev controller.Event) error {
	b.mu.Lock()
	b.events = append(b.events, ev)
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return nil
}

func (b *inbox) all() []controller.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]controller.Event(nil), b.events...)
}

// await returns the first event that ok accepts.
func await[E controller.Event](t *testing.T, b *inbox, ok func(E) bool) E {
	t.Helper()
	for {
		for _, ev := range b.all() {
			if e, is := ev.(E); is && ok(e) {
				return e
			}
		}
		select {
		case <-b.more:
		case <-time.After(20 * time.Second):
			t.Fatalf("no such event among %v", b.all())
		}
	}
}

// box is a running store.
type box struct {
	*Store
	t     *testing.T
	inbox *inbox
	seq   controller.Seq
	stop  func()
}

func open(t *testing.T, dir string, opts Options) *box {
	t.Helper()
	b := &box{t: t, inbox: newInbox()}
	if opts.Post == nil {
		opts.Post = b.inbox.post
	}
	s, err := Open(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	b.Store = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// submit persists rows as one unit.
func (b *box) submit(rows ...controller.Row) {
	b.t.Helper()
	b.seq++
	if err := b.Submit(b.seq, rows); err != nil {
		b.t.Fatal(err)
	}
}

// save is submit, and waits until they are durable.
func (b *box) save(rows ...controller.Row) {
	b.t.Helper()
	b.submit(rows...)
	await(b.t, b.inbox, func(c controller.Committed) bool { return c.Seq >= b.seq })
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

func startOf(tx controller.TxID, token string) []controller.Row {
	row := controller.TxRow{Tx: tx, Slot: 3, Station: "CP-1", Connector: 1, Token: controller.IDToken{Value: token}, MeterStart: 1000, StartedAt: noon,
		StartText: "2026-03-01T12:00:00.123Z", MessageID: fmt.Sprintf("m%d", tx), Rule: "cloud", LastRegister: 1000}
	return []controller.Row{row, message(tx, controller.OutboxStart, token, fmt.Sprintf(`{"start":%d}`, tx))}
}

func message(tx controller.TxID, kind controller.OutboxKind, token, body string) controller.OutboxRow {
	return controller.OutboxRow{Tx: tx, Slot: 3, Kind: kind, Token: controller.IDToken{Value: token}.Key(), At: noon, Body: json.RawMessage(body)}
}

func endOf(tx controller.TxID, token string, stop controller.WattHour) []controller.Row {
	row := startOf(tx, token)[0].(controller.TxRow)
	row.Ended, row.MeterStop, row.StoppedAt, row.StopText, row.Reason, row.LastRegister = true, stop, noon.Add(time.Hour), "x", "Local", stop
	return []controller.Row{row, message(tx, controller.OutboxStop, token, fmt.Sprintf(`{"stop":%d}`, tx))}
}

func TestEveryRowComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b#c?d%e") // a folder may be called anything
	b := open(t, dir, Options{FirstTx: 5000})
	odd := "żółć\x00 \"'\n\xff" // what a charger may send
	reservation := 0
	slot := controller.SlotRow{Slot: 3, UpEVSE: 3, UpConnector: 1, Station: "CP-1", Connector: 1, State: controller.SlotActive, Epoch: 2}
	station := controller.StationRow{Station: "CP-1", Protocol: "ocpp1.6", Info: controller.ChargerInfo{Vendor: odd, Model: "M", Serial: "S", Firmware: "F",
		MeterSerial: "MS", MeterType: "MT"}, FailsafeInstalled: -1, LastSeen: noon}
	running := controller.TxRow{Tx: 5000, Slot: 3, Station: "CP-1", Connector: 1, ChargerTx: "c-1", Token: controller.IDToken{Value: odd, Type: "ISO14443"},
		MeterStart: 17, StartedAt: noon, StartText: "2026-03-01T13:00:00.123+01:00", MessageID: "m", Rule: "offline-unknown", ReservationID: &reservation,
		LastRegister: 18, LastSampleAt: noon}
	ended := controller.TxRow{Tx: 5001, Slot: 3, Station: "CP-1", Connector: 1, Token: controller.IDToken{Value: "T"}, MeterStart: 20, StartedAt: noon,
		Ended: true, MeterStop: 25, StoppedAt: noon.Add(time.Hour), StopText: "s", Reason: "EVDisconnected", Synthetic: true, LastRegister: 25}
	status := controller.SlotStatus{Slot: 3, Status: controller.StatusFaulted, ErrorCode: "GroundFailure", VendorErrorCode: "7", VendorID: "v", Info: "i", At: noon}
	profile := controller.ProfileRow{Slot: 3, Profile: controller.Profile{ID: 9, StackLevel: 2, Purpose: controller.PurposeTx, Kind: controller.KindRelative,
		ValidFrom: noon, UpTx: "77", Duration: time.Hour, Periods: []controller.Period{{From: time.Minute, Limit: 16000, NumberPhases: 1}}}}
	gone := profile
	gone.Profile.ID = 10
	dropped := gone
	dropped.Deleted = true
	old := running
	old.LastRegister = 17
	b.save(slot, station, old, ended, controller.StatusRow{Status: status}, profile, gone, controller.SettingRow{Key: "k", Value: "old"})
	b.save(running, dropped, controller.SettingRow{Key: "k", Value: odd}, controller.EventRow{Entry: controller.LogEntry{At: noon, Code: "c", Text: odd}},
		message(5000, controller.OutboxStart, odd, "{}"))
	b.save() // an empty unit is acknowledged too
	b.stop()

	b = open(t, dir, Options{})
	got, err := b.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := controller.Recovered{Slots: []controller.SlotRow{slot}, Stations: []controller.StationRow{station}, Open: []controller.TxRow{running},
		Recent: []controller.TxRow{ended}, NextTx: 5002, Settings: map[string]string{"k": odd}, Statuses: []controller.SlotStatus{status},
		Profiles: []controller.ProfileRow{profile}, Undelivered: []controller.TxID{5000, 5001}, Started: 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	heads := b.heads(9)
	if len(heads) != 1 || string(heads[0].Body) != "{}" {
		t.Errorf("outbox: %+v", heads)
	}
	b.sound()
}

func (b *box) sound() {
	b.t.Helper()
	wrong, err := b.IntegrityCheck(b.t.Context())
	if err != nil || len(wrong) > 0 {
		b.t.Errorf("integrity: %v %v", wrong, err)
	}
}

func (b *box) heads(n int) []controller.OutboxItem {
	b.t.Helper()
	items, err := b.Heads(b.t.Context(), n)
	if err != nil {
		b.t.Fatal(err)
	}
	return items
}

func TestTokensAreFound(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	row := controller.TokenRow{Token: controller.IDToken{Value: "AbC", Type: "Central"}, Updated: noon,
		Info: controller.TokenInfo{Status: controller.TokenAccepted, Parent: "P", Expiry: noon.Add(time.Hour)}}
	b.save(row)
	for i, c := range []struct {
		ask   controller.IDToken
		known bool
	}{{controller.IDToken{Value: "aBc"}, true}, {controller.IDToken{Value: "abc", Type: "Central"}, true},
		{controller.IDToken{Value: "abc", Type: "eMAID"}, false}, {controller.IDToken{Value: "other"}, false}} {
		b.LookupToken(uint64(i+1), c.ask)
		found := await(t, b.inbox, func(f controller.Found) bool { return f.Lookup == uint64(i+1) })
		if c.known && (found.Token == nil || cmp.Diff(row, *found.Token) != "") || !c.known && found.Token != nil {
			t.Errorf("%v: %+v", c.ask, found.Token)
		}
	}
	b.save(controller.ClearTokensRow{})
	b.LookupToken(99, row.Token)
	if f := await(t, b.inbox, func(f controller.Found) bool { return f.Lookup == 99 }); f.Token != nil {
		t.Error("the cache was not emptied")
	}
}

func TestTransactionsAreFound(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	b.save(startOf(7, "A")...)
	b.LookupTx(1, 7)
	b.LookupTx(2, 8)
	if f := await(t, b.inbox, func(f controller.Found) bool { return f.Lookup == 1 }); f.Tx == nil || f.Tx.MeterStart != 1000 {
		t.Errorf("%+v", f.Tx)
	}
	if f := await(t, b.inbox, func(f controller.Found) bool { return f.Lookup == 2 }); f.Tx != nil {
		t.Errorf("%+v", f.Tx)
	}
}

func TestIdsAreNeverReused(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	r, err := b.Recover(t.Context())
	if err != nil || r.NextTx < 1_000_000 || r.NextTx >= 1_000_000_000 {
		t.Fatalf("first id %d %v", r.NextTx, err)
	}
	first := r.NextTx
	b.save(startOf(first, "A")...)
	b.save(endOf(first, "A", 2000)...)
	b.stop()
	b = open(t, dir, Options{Synchronous: SyncOff})
	if r, err = b.Recover(t.Context()); err != nil || r.NextTx != first+1 || r.Started != 1 {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestGroupCommit(t *testing.T) {
	commits, rows := 0, 0
	b := &box{t: t, inbox: newInbox()}
	s, err := Open(t.Context(), t.TempDir(), Options{Post: b.inbox.post, OnCommit: func(_ time.Duration, n int) { commits++; rows += n }})
	if err != nil {
		t.Fatal(err)
	}
	for seq := range controller.Seq(500) {
		if err := s.Submit(seq+1, startOf(controller.TxID(seq+1), "A")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	await(t, b.inbox, func(c controller.Committed) bool { return c.Seq == 500 })
	cancel()
	if err := errors.Join(<-done, s.Close()); err != nil {
		t.Fatal(err)
	}
	if commits != 1 || rows != 1000 {
		t.Errorf("%d commits with %d rows", commits, rows)
	}
}

func TestCongestedLoopGetsTheNewestCommitted(t *testing.T) {
	in := newInbox()
	var mu sync.Mutex
	refuse := 5
	post := func(ev controller.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if refuse > 0 {
			refuse--
			return controller.ErrCongested
		}
		return in.post(ev)
	}
	b := open(t, t.TempDir(), Options{Post: post, Synchronous: SyncOff})
	b.inbox = in
	for range 20 {
		b.save(controller.SettingRow{Key: "k"})
	}
	last := controller.Seq(0)
	for _, ev := range in.all() {
		if c := ev.(controller.Committed); c.Seq <= last {
			t.Errorf("Committed %d after %d", c.Seq, last)
		} else {
			last = c.Seq
		}
	}
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("second open: %v", err)
	}
	b.stop()
	open(t, dir, Options{Synchronous: SyncOff})
}

func TestFilesAreForThisUserOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	b := open(t, dir, Options{Synchronous: SyncOff})
	b.save(controller.SettingRow{Key: "k"})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
}
