package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"busbar/controller"
)

func ids(items []controller.OutboxItem) []int64 {
	var out []int64
	for _, it := range items {
		out = append(out, it.ID)
	}
	return out
}

func (b *box) expectHeads(want ...int64) {
	b.t.Helper()
	if got := ids(b.heads(100)); !slices.Equal(got, want) {
		b.t.Errorf("heads are %v, not %v", got, want)
	}
}

func (b *box) stamp(id int64, packed ...int64) {
	b.t.Helper()
	err := b.Stamp(b.t.Context(), append([]int64{id}, packed...), fmt.Sprintf("msg-%d", id), json.RawMessage(fmt.Sprintf(`{"wire": %d}`, id)))
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) settle(s controller.Settlement) {
	b.t.Helper()
	if err := b.Settle(b.t.Context(), s); err != nil {
		b.t.Fatal(err)
	}
}

// deliver stamps and settles a row.
func (b *box) deliver(tx controller.TxID, kind controller.OutboxKind, id int64, packed ...int64) {
	b.t.Helper()
	b.stamp(id, packed...)
	up := controller.UpstreamTx("")
	if kind == controller.OutboxStart {
		up = controller.UpstreamTx(fmt.Sprintf("up-%d", tx))
	}
	b.settle(controller.Settlement{IDs: append([]int64{id}, packed...), Tx: tx, Kind: kind, UpTx: up, Outcome: controller.OutcomeDelivered})
}

func (b *box) counts() controller.OutboxCounts {
	b.t.Helper()
	c, err := b.Counts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestLanes(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)                             // 1
	b.save(startOf(2, "B")...)                             // 2
	b.save(startOf(3, "a")...)                             // 3, the token of 1
	b.save(startOf(4, "")...)                              // 4, no token: no order
	b.save(startOf(5, "")...)                              // 5
	b.save(message(1, controller.OutboxMeter, "A", `"m"`)) // 6
	select {
	case <-b.Wait():
	case <-time.After(10 * time.Second):
		t.Fatal("the pump was not woken")
	}
	b.expectHeads(1, 2, 4, 5)
	if got := ids(b.heads(2)); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("two heads: %v", got)
	}
	newest, err := b.NewestHeads(t.Context(), 2)
	if got := ids(newest); err != nil || !slices.Equal(got, []int64{4, 5}) {
		t.Errorf("the newest two heads: %v, %v", got, err)
	}
	b.deliver(1, controller.OutboxStart, 1)
	b.expectHeads(2, 3, 4, 5) // row 6 came after row 3 of the same token
	b.deliver(3, controller.OutboxStart, 3)
	b.expectHeads(2, 4, 5, 6)
	if up := b.heads(9)[3].UpTx; up != "up-1" {
		t.Errorf("row 6 goes under %q", up)
	}
	c := b.counts()
	if c.Pending != 4 || c.Parked != 0 || c.Started != 5 || !c.Oldest.Equal(noon) {
		t.Errorf("%+v", c)
	}
	b.sound()
}

func TestParkedLaneHoldsNobodyElse(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)     // 1
	b.save(endOf(1, "A", 1500)...) // 2
	b.save(startOf(2, "A")...)     // 3
	b.stamp(1)
	b.settle(controller.Settlement{IDs: []int64{1}, Tx: 1, Kind: controller.OutboxStart, Outcome: controller.OutcomeRetry, Err: "InternalError"})
	if h := b.heads(9); len(h) != 1 || h[0].Attempts != 1 || h[0].MessageID != "msg-1" {
		t.Fatalf("%+v", h)
	}
	b.settle(controller.Settlement{IDs: []int64{1}, Tx: 1, Kind: controller.OutboxStart, Outcome: controller.OutcomeParked, Err: "FormatViolation"})
	b.expectHeads(3)
	b.save(message(1, controller.OutboxMeter, "A", "0")) // 4: the lane stays parked
	b.expectHeads(3)
	if c := b.counts(); c.Pending != 4 || c.Parked != 3 {
		t.Errorf("%+v", c)
	}
	if err := b.Stamp(t.Context(), []int64{1}, "m", json.RawMessage("1")); !errors.Is(err, ErrRefused) {
		t.Errorf("a parked lane's row was stamped: %v", err)
	}
	for _, want := range []int{3, 0} { // a second resend finds nothing parked
		if n, err := b.Resend(t.Context(), 1); n != want || err != nil {
			t.Errorf("resend: %d %v", n, err)
		}
	}
	b.expectHeads(1)
	if h := b.heads(9)[0]; h.Attempts != 0 || h.MessageID != "msg-1" || string(h.Wire) != `{"wire": 1}` {
		t.Errorf("after the resend: %+v", h)
	}
	b.deliver(1, controller.OutboxStart, 1)
	b.deliver(1, controller.OutboxStop, 2)
	if c := b.counts(); c.Pending != 2 || c.Parked != 0 || c.Delivered != 1 || c.DeliveredEnergy != 500 {
		t.Errorf("%+v", c)
	}
	b.sound()
}

func TestPacking(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...) // 1
	for i := range 5 {         // 2..6
		b.save(message(1, controller.OutboxMeter, "A", fmt.Sprintf(`{"values":[{"n": %d.0}]}`, i)))
	}
	b.save(endOf(1, "A", 1600)...) // 7
	follow := func(after int64, n int, want ...int64) {
		t.Helper()
		got, err := b.Following(t.Context(), 1, after, n)
		if err != nil || !slices.Equal(ids(got), want) {
			t.Errorf("behind %d: %v %v, not %v", after, ids(got), err, want)
		}
	}
	b.deliver(1, controller.OutboxStart, 1)
	follow(2, 10, 3, 4, 5, 6)
	follow(2, 2, 3, 4)
	follow(6, 10)
	b.stamp(2, 3, 4)
	follow(4, 10, 5, 6)
	b.stop() // killed while it is on its way

	b = open(t, dir, Options{Synchronous: SyncOff})
	h := b.heads(9)
	if len(h) != 1 || h[0].ID != 2 || h[0].MessageID != "msg-2" || string(h[0].Wire) != `{"wire": 2}` || !slices.Equal(h[0].Packed, []int64{3, 4}) {
		t.Fatalf("%+v", h)
	}
	b.settle(controller.Settlement{IDs: []int64{2, 3, 4}, Tx: 1, Kind: controller.OutboxMeter, Outcome: controller.OutcomeDelivered})
	b.expectHeads(5)
	b.deliver(1, controller.OutboxMeter, 5, 6)
	b.expectHeads(7)
	b.deliver(1, controller.OutboxStop, 7)
	b.expectHeads()
	b.settle(controller.Settlement{IDs: []int64{7}, Tx: 1, Kind: controller.OutboxStop, Outcome: controller.OutcomeDelivered}) // the return was missed
	if c := b.counts(); c.Pending != 0 || c.Delivered != 1 || c.DeliveredEnergy != 600 {
		t.Errorf("%+v", c)
	}
	r, err := b.Recover(t.Context())
	if err != nil || len(r.Undelivered) != 0 || r.Recent[0].UpTx != "up-1" {
		t.Errorf("%+v %v", r, err)
	}
	b.sound()
}

func TestOutboxRefusesContradictions(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)                           // 1
	b.save(message(1, controller.OutboxMeter, "A", "1")) // 2
	b.save(startOf(2, "B")...)                           // 3
	b.stamp(1)
	b.stamp(1) // the same bytes again
	ctx := t.Context()
	wire := json.RawMessage("1")
	done := controller.OutcomeDelivered
	for name, err := range map[string]error{
		"other bytes":       b.Stamp(ctx, []int64{1}, "msg-1", wire),
		"not the head":      b.Stamp(ctx, []int64{2}, "m", wire),
		"unknown row":       b.Stamp(ctx, []int64{99}, "m", wire),
		"packed start":      b.Stamp(ctx, []int64{3, 2}, "m", wire),
		"no rows":           b.Stamp(ctx, nil, "m", wire),
		"never stamped":     b.Settle(ctx, controller.Settlement{IDs: []int64{3}, Tx: 2, Kind: controller.OutboxStart, Outcome: done}),
		"other transaction": b.Settle(ctx, controller.Settlement{IDs: []int64{1}, Tx: 2, Kind: controller.OutboxStart, Outcome: done}),
		"other kind":        b.Settle(ctx, controller.Settlement{IDs: []int64{1}, Tx: 1, Kind: controller.OutboxStop, Outcome: done}),
		"other outcome":     b.Settle(ctx, controller.Settlement{IDs: []int64{1}, Tx: 1, Kind: controller.OutboxStart, Outcome: "?"}),
		"settle nothing":    b.Settle(ctx, controller.Settlement{Outcome: done}),
	} {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.Err() != nil {
		t.Error("a refusal made the journal fail")
	}
	b.expectHeads(1, 3)
	b.sound()
}

// harmed changes a stopped database behind the store's back.
func harmed(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedRowsAreNeverSent(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	for tx := range controller.TxID(6) {
		token := fmt.Sprint(tx + 1)
		b.save(startOf(tx+1, token)...)                                 // 1, 4, 7, 10, 13, 16
		b.save(message(tx+1, controller.OutboxMeter, token, `{"v":1}`)) // 2, 5, ...
		b.save(endOf(tx+1, token, 2000)...)                             // 3, 6, ...
	}
	b.deliver(2, controller.OutboxStart, 4)
	b.deliver(3, controller.OutboxStart, 7)
	b.stamp(10)
	b.stop()
	harmed(t, dir,
		`UPDATE outbox SET body = CAST('{"start":7}' AS BLOB) WHERE id = 1`,   // lane 1: its start
		`UPDATE outbox SET body = CAST('{"v":2}' AS BLOB) WHERE id = 5`,       // lane 2: a sample
		`UPDATE tx SET up_tx = 'up-9' WHERE tx = 3`,                           // lane 3: the cloud's id
		`UPDATE outbox SET wire = CAST('{"wire": 99}' AS BLOB) WHERE id = 10`, // lane 4: the sent form
		`UPDATE tx SET meter_start = 1 WHERE tx = 5`,                          // the transaction itself
		`DELETE FROM outbox WHERE id = 17`)                                    // lane 6: a sample is gone

	b = open(t, dir, Options{Synchronous: SyncOff})
	if wrong, err := b.IntegrityCheck(t.Context()); err != nil || len(wrong) != 9 { // lane 3 shows at its transaction and its three rows
		t.Errorf("%d findings: %q %v", len(wrong), wrong, err)
	}
	b.expectHeads(6, 13, 16) // lane 2 goes on without the sample
	for _, tx := range []controller.TxID{1, 3, 4} {
		await(t, b.inbox, func(p controller.ParkedLane) bool { return p.Tx == tx })
	}
	if c := b.counts(); c.Parked != 3+2+3+1 || c.Pending != 18-2 {
		t.Errorf("%+v", c)
	}
	if _, err := b.Resend(t.Context(), 1); !errors.Is(err, ErrRefused) {
		t.Errorf("resend of a damaged start: %v", err)
	}
	r, err := b.Recover(t.Context())
	if err != nil || len(r.Recent) != 4 { // 3 and 5 are left out
		t.Errorf("%d recovered, %v", len(r.Recent), err)
	}
	b.LookupTx(1, 5)
	if f := await(t, b.inbox, func(f controller.Found) bool { return f.Lookup == 1 }); f.Tx != nil {
		t.Errorf("a damaged transaction was found: %+v", f.Tx)
	}
}
