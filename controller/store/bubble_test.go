package store

import (
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

// TestStoreInABubble: the whole-site simulation runs in virtual time, so the store
// must start, work, keep its timers and end there, and leave nothing running.
func TestStoreInABubble(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, dir, Options{Synchronous: SyncOff})
		began := time.Now()
		for tx := range controller.TxID(20) {
			b.save(startOf(tx+1, "A")...)
			b.Telemetry(controller.Telemetry{Slot: 1, Tx: tx + 1, Sample: controller.MeterSample{At: time.Now(), Raw: []byte(`{}`)}})
			time.Sleep(time.Hour) // upkeep runs six times
			b.save(endOf(tx+1, "A", 2000)...)
			b.deliver(tx+1, controller.OutboxStart, int64(2*tx+1))
			b.deliver(tx+1, controller.OutboxStop, int64(2*tx+2))
		}
		if c := b.counts(); c.Delivered != 20 || c.DeliveredEnergy != 20_000 {
			t.Errorf("%+v", c)
		}
		if took := time.Since(began); took != 20*time.Hour {
			t.Errorf("work took %v of virtual time", took-20*time.Hour)
		}
		b.stop()
	})
}

func TestRetentionCountsRunningTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, dir, Options{Synchronous: SyncOff, DeliveredAge: 10 * time.Hour, TelemetryAge: time.Hour})
		b.save(startOf(1, "A")...) // 1
		b.save(endOf(1, "A", 1700)...)
		b.save(startOf(2, "B")...) // 3: open, never pruned
		b.deliver(1, controller.OutboxStart, 1)
		b.deliver(1, controller.OutboxStop, 2)
		b.deliver(2, controller.OutboxStart, 3)
		time.Sleep(6 * time.Hour)
		b.stop()
		time.Sleep(1000 * time.Hour) // the box is off, or its clock jumped

		b = open(t, dir, Options{Synchronous: SyncOff, DeliveredAge: 10 * time.Hour})
		rows := func() (n int) {
			if err := b.readers.QueryRow(`SELECT count(*) FROM outbox`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		time.Sleep(3 * time.Hour)
		if rows() != 3 {
			t.Errorf("%d rows after 9 hours of running", rows())
		}
		time.Sleep(2 * time.Hour)
		if rows() != 1 {
			t.Errorf("%d rows after 11 hours of running", rows())
		}
		if c := b.counts(); c.Delivered != 1 || c.DeliveredEnergy != 700 || c.Started != 2 {
			t.Errorf("the ledger forgot: %+v", c)
		}
		b.sound()
		b.stop()
	})
}
