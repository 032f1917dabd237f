package loadbalance

import (
	"testing"
	"time"
)

// TestRealPhasesFreeTheOthers: a car that uses one or two of its charger's three lines
// is recognised, and the others get what it leaves; if it uses them after all, it is
// booked there at once.
func TestRealPhasesFreeTheOthers(t *testing.T) {
	for _, real := range []PhaseSet{Phases(L1), Phases(L1, L3)} {
		q := newQueue(t, 40*Amp, []PhaseSet{AllPhases, Phases(L2), Phases(L2)})
		q.uses = map[int]PhaseSet{1: real}
		for i := range q.conns {
			q.conns[i].Max = 32 * Amp
		}
		q.run(40 * time.Second)
		if got := q.conns[1].Held; got > 14*Amp {
			t.Fatalf("before it is recognised: %v", q.held())
		}
		q.run(10 * time.Minute)
		wantHeld(t, q, 32*Amp, 20*Amp, 20*Amp)
		q.uses = nil
		q.run(queuePass)
		q.run(5 * time.Minute)
		wantHeld(t, q, 13_300, 13_300, 13_300)
	}
}

func TestUnknownWiringIsNotNarrowed(t *testing.T) {
	q := newQueue(t, 40*Amp, []PhaseSet{AllPhases, Phases(L2)})
	q.uses = map[int]PhaseSet{1: Phases(L1)}
	q.conns[0].Phases = 0
	q.conns[1].Max = 40 * Amp
	q.run(10 * time.Minute)
	if got := q.conns[1].Held; got > 24*Amp {
		t.Errorf("%v", q.held())
	}
}
