package upstream

import (
	"testing"
	"time"

	"busbar/controller"
)

var usual = policy{attempts: 3, interval: time.Minute}

// heads are of transactions 1, 2, 3…
func heads(kinds ...controller.OutboxKind) []controller.OutboxItem {
	out := make([]controller.OutboxItem, len(kinds))
	for i, k := range kinds {
		out[i] = controller.OutboxItem{ID: int64(i + 1), OutboxRow: controller.OutboxRow{Tx: controller.TxID(i + 1), Kind: k}}
	}
	return out
}

func picks(t *testing.T, l *lanes, h []controller.OutboxItem, now time.Time, want controller.TxID) {
	t.Helper()
	if got, ok := l.pick(h, now); !ok || got.Tx != want {
		t.Fatalf("picked transaction %d (%v), want %d", got.Tx, ok, want)
	}
	l.turn()
}

func TestStartsAndStopsGoBeforeMeterValuesAndLiveTrafficBesideTheBacklog(t *testing.T) {
	l := newLanes()
	h := heads(controller.OutboxMeter, controller.OutboxStart, controller.OutboxMeter, controller.OutboxStop)
	for _, want := range []controller.TxID{2, 4, 2, 4} {
		picks(t, l, h, time.Now(), want)
	}
}

func TestAPoisonousLaneIsParkedWhileOthersGoOn(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for i := range usual.attempts {
		parked := l.failed(1, now, usual)
		if parked != (i == usual.attempts-1) {
			t.Fatalf("after failure %d: parked %v", i+1, parked)
		}
		if wait := l.tried[1].notBefore.Sub(now); wait != time.Duration(i+1)*usual.interval {
			t.Fatalf("after failure %d it waits %v", i+1, wait)
		}
		picks(t, l, heads(controller.OutboxStart, controller.OutboxStart), now, 2)
		l.succeeded(2)
		now = now.Add(time.Hour)
	}
}

func TestALaneAloneIsTriedForEverAndBlocksNobody(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for range 50 {
		if l.failed(1, now, usual) {
			t.Fatal("parked although nothing shows that the cloud works")
		}
		picks(t, l, heads(controller.OutboxStart, controller.OutboxMeter), now, 2)
		if wait := l.pause(now); wait > longestRetry {
			t.Fatalf("it waits %v", wait)
		}
		now = now.Add(longestRetry)
		if _, ok := l.pick(heads(controller.OutboxStart), now); !ok {
			t.Fatal("it is not tried again")
		}
	}
}

func TestWhenEverythingFailsNothingIsParked(t *testing.T) {
	l := newLanes()
	now := time.Now()
	var last time.Duration
	for i := range 50 {
		for tx := range controller.TxID(3) {
			if l.failed(tx, now, usual) {
				t.Fatal("parked although no lane succeeds")
			}
		}
		if _, ok := l.pick(heads(controller.OutboxStart), now); ok {
			t.Fatal("the breaker is closed")
		}
		last = l.closedTo.Sub(now)
		if i == 0 && last > breakerMin*4 || last > breakerMax {
			t.Fatalf("round %d: the breaker stays open for %v", i, last)
		}
		now = l.closedTo
		if _, ok := l.pick(heads(controller.OutboxStart, controller.OutboxMeter), now); !ok {
			t.Fatal("never tries again")
		}
	}
	if last != breakerMax {
		t.Errorf("the pause has grown to %v only", last)
	}
}

// A breaker that two refused lanes opened, at night, does not hold up the next car.
func TestTheOpenBreakerLetsANewLaneThrough(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for range 20 {
		for tx := range controller.TxID(2) {
			l.failed(tx+1, now, usual)
		}
		now = now.Add(l.closedTo.Sub(now))
	}
	l.failed(1, now, usual)
	if d := l.closedTo.Sub(now); d != breakerMax {
		t.Fatalf("the breaker is open for %v", d)
	}
	h := heads(controller.OutboxStart, controller.OutboxStart, controller.OutboxStart)
	if got, ok := l.pick(h, now.Add(time.Second)); ok {
		t.Errorf("%d is tried at once", got.Tx)
	}
	picks(t, l, h, now.Add(breakerMin), 3)
	if got, ok := l.pick(h[:2], now.Add(breakerMin)); ok {
		t.Errorf("%d is tried while the breaker is open", got.Tx)
	}
	if wait := l.pause(now); wait != breakerMin {
		t.Errorf("the pump rests for %v", wait)
	}
}

// Two lanes that fail at either end of the queue must not hide the healthy one between
// them from an open breaker.
func TestTheBreakerProbesWithTheLaneThatFailedLeast(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for l.opened == 0 {
		l.failed(1, now, usual)
		l.failed(3, now, usual)
	}
	h := heads(controller.OutboxStart, controller.OutboxMeter, controller.OutboxStart)
	picks(t, l, h, l.closedTo, 2)
	picks(t, l, h, l.closedTo, 2)
}

func TestAMessageThatBreaksConnectionsGoesLast(t *testing.T) {
	l := newLanes()
	now := time.Now()
	h := heads(controller.OutboxStart, controller.OutboxMeter)
	picks(t, l, h, now, 1)
	for range suspectAfter {
		l.lost(1)
	}
	picks(t, l, h, now, 2)
	picks(t, l, h[:1], now, 1)
	l.succeeded(1)
	picks(t, l, h, now, 1)
}

func TestUsageOfTheUplink(t *testing.T) {
	var u usage
	now := time.Unix(1_000_000_000, 0)
	u.begin(now)
	if got := u.share(now.Add(30 * time.Second)); got != 0.5 {
		t.Errorf("30 s of an open call are %v", got)
	}
	now = now.Add(30 * time.Second)
	next := now.Add(time.Second)
	u.begin(next) // the writer is faster than the caller of the one before
	u.end(now.Add(-30*time.Second), now)
	u.end(next, next.Add(5*time.Second))
	if got := u.share(next.Add(5 * time.Second)); got != 0.6 {
		t.Errorf("36 s of a minute are %v", got)
	}
	if got := u.share(now.Add(3 * time.Minute)); got != 0 {
		t.Errorf("an idle line is used at %v", got)
	}
}
