package store

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

// TestStatusesAreWrittenTogether: the newest of each slot, with what is committed next
// or after a second, none told as durable before, and what is committed keeps its order.
func TestStatusesAreWrittenTogether(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var commits, rows atomic.Int64
		b := open(t, dir, Options{Synchronous: SyncOff, OnCommit: func(_ time.Duration, n int) { commits.Add(1); rows.Add(int64(n)) }})
		status := func(slot controller.Slot, s controller.ConnectorStatus) controller.StatusRow {
			return controller.StatusRow{Status: controller.SlotStatus{Slot: slot, Status: s, ErrorCode: controller.NoError, At: noon}}
		}
		flicker := func() {
			for range 100 {
				b.submit(status(1, controller.StatusPreparing))
				b.submit(status(2, controller.StatusFinishing))
				b.submit(status(1, controller.StatusAvailable))
			}
			synctest.Wait()
		}
		told := func(wantCommits, wantRows int64) {
			t.Helper()
			if c, r := commits.Swap(0), rows.Swap(0); c != wantCommits || r != wantRows {
				t.Errorf("%d commits of %d rows, want %d of %d", c, r, wantCommits, wantRows)
			}
		}
		flicker()
		told(0, 0)
		if early := b.inbox.all(); len(early) > 0 {
			t.Errorf("%v was told of what is not written", early)
		}
		time.Sleep(statusEvery)
		synctest.Wait()
		told(1, 2)
		flicker()
		b.save(startOf(1, "A")...) // waits for its Committed, which is after the statuses'
		told(1, 4)
		b.submit(status(2, controller.StatusPreparing))
		synctest.Wait()
		b.save(append(startOf(2, "B"), status(2, controller.StatusCharging))...) // the later one stays
		told(1, 4)
		b.submit(status(3, controller.StatusFaulted))
		b.stop()
		told(1, 1)

		b = open(t, dir, Options{Synchronous: SyncOff})
		got, err := b.Recover(t.Context())
		if err != nil || len(got.Statuses) != 3 || got.Statuses[0].Status != controller.StatusAvailable ||
			got.Statuses[1].Status != controller.StatusCharging || got.Statuses[2].Status != controller.StatusFaulted {
			t.Errorf("%+v, %v", got.Statuses, err)
		}
		b.stop()
	})
}

// TestStatusesAreOwedWithWhatTakesThemAlong: also where that is work of the outbox, which
// has no number of its own, however often it comes.
func TestStatusesAreOwedWithWhatTakesThemAlong(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, dir, Options{Synchronous: SyncOff})
		for _, s := range []controller.ConnectorStatus{controller.StatusPreparing, controller.StatusAvailable, controller.StatusFaulted} {
			b.submit(controller.StatusRow{Status: controller.SlotStatus{Slot: 1, Status: s, ErrorCode: controller.NoError, At: noon}})
			time.Sleep(statusEvery / 2)
			if _, err := b.Resend(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			told := b.inbox.all()
			if len(told) == 0 || told[len(told)-1] != (controller.Committed{Seq: b.seq}) {
				t.Errorf("%v was told, want %d", told, b.seq)
			}
			time.Sleep(statusEvery / 4)
		}
		b.stop()
	})
}
