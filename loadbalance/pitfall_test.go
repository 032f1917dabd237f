package loadbalance

import (
	"testing"
	"time"
)

// The pitfalls are those of the gateway design, section 11, as far as they end here.

// TestPitfall16_ProfileRefusedOrIgnored: a charger that keeps drawing in spite of its
// setpoint is booked at what it draws, and a person hears of it.
func TestPitfall16_ProfileRefusedOrIgnored(t *testing.T) {
	p := newPlant(t, 3, 63*Amp, loopSite(63*Amp, 30*Amp), 2)
	p.base = steady(10, 40, 60)
	for i, c := range p.cars {
		c.set, c.deaf, p.conns[i].Phases = AllPhases, i == 0, AllPhases
	}
	p.run(3 * time.Minute)
	for _, a := range p.b.plan.Alarms {
		if a.Kind == AlarmDisobedience && a.Slot == 1 {
			return
		}
	}
	t.Errorf("nobody hears of a charger that ignores its setpoint: %v", p.b.plan.Alarms)
}

// TestPitfall17_PausedCarsSleep: between 0 and the minimum there is nothing, and a
// car keeps its minimum rather than being paused where that fits.
func TestPitfall17_PausedCarsSleep(t *testing.T) {
	q := newQueue(t, 24*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	q.base = 5 * Amp
	q.run(time.Hour)
	if q.pauses > 0 {
		t.Errorf("%d pauses although three minima fit", q.pauses)
	}
	for _, a := range q.held() {
		if a < 6*Amp {
			t.Errorf("held %v", q.held())
		}
	}
}

// TestPitfall18_EndOfALeaseIsReckonedWith: a charger out of reach is booked at its
// fail-safe current once its lease may have ended, so that it may take that unasked.
func TestPitfall18_EndOfALeaseIsReckonedWith(t *testing.T) {
	q := newQueue(t, 40*Amp, []PhaseSet{AllPhases, AllPhases})
	q.conns[0].Failsafe = 16 * Amp
	q.conns[1].Max = 32 * Amp
	q.run(2 * time.Minute)
	q.conns[0].Online, q.conns[0].Max = false, 6*Amp
	q.run(5 * time.Minute)
	if got := q.conns[1].Held; got > 24*Amp {
		t.Errorf("the other has %v of 40 A while 16 A may flow unasked", got)
	}
}

// TestPitfall19_FewWrites: on a steady site setpoints aren't written again and again;
// what is written are leases.
func TestPitfall19_FewWrites(t *testing.T) {
	p := newPlant(t, 3, 125*Amp, loopSite(125*Amp, 60*Amp), 12)
	p.base = steady(40, 0, 0)
	p.run(5 * time.Minute)
	p.changes = 0
	p.run(30 * time.Minute)
	if perHour := float64(p.changes) * 2 / 12; perHour > 8 {
		t.Errorf("%.1f changes of a charger's setpoint in an hour of a steady site", perHour)
	}
}

// TestPitfall25_OnePhaseCars: fuses are kept by phase, also where the sum looks fine.
func TestPitfall25_OnePhaseCars(t *testing.T) {
	q := newQueue(t, 40*Amp, []PhaseSet{Phases(L1), Phases(L1), Phases(L1), Phases(L2)})
	for i := range q.conns {
		q.conns[i].Max = 32 * Amp
	}
	q.run(10 * time.Minute)
	wantHeld(t, q, 13_300, 13_300, 13_300, 32*Amp)
	// One phase of a limit in watts is a third of it, not a whole.
	if got := GridStar.Amps(Phases(L1), 11_040); got != 48*Amp {
		t.Errorf("11 kW on one phase are %v", got)
	}
}
