package loadbalance

import (
	"testing"
	"time"
)

// planned is a site of three-phase cars that has run for a while.
func planned(t *testing.T, limit MilliAmp, policy Policy, n int, change func(i int, c *Connector)) *queue {
	t.Helper()
	sets := make([]PhaseSet, n)
	for i := range sets {
		sets[i] = AllPhases
	}
	q := newQueue(t, limit, sets)
	q.b.cfg.Policy = policy
	for i := range q.conns {
		q.conns[i].Max = 32 * Amp
		change(i, &q.conns[i])
	}
	q.run(5 * time.Minute)
	return q
}

func (q *queue) held() (out []MilliAmp) {
	for i := range q.conns {
		out = append(out, q.conns[i].Held)
	}
	return out
}

func wantHeld(t *testing.T, q *queue, want ...MilliAmp) {
	t.Helper()
	for i, got := range q.held() {
		if got < want[i]-Amp || got > want[i]+Amp {
			t.Fatalf("held %v, want %v", q.held(), want)
		}
	}
}

func TestTargetsAreFilledFirst(t *testing.T) {
	target := func(i int, c *Connector) { c.Target = []MilliAmp{20 * Amp, 0, 0}[i] }
	wantHeld(t, planned(t, 40*Amp, PolicyFair, 3, target), 20*Amp, 10*Amp, 10*Amp)
	// What is left above all targets is shared by weight as ever.
	wantHeld(t, planned(t, 72*Amp, PolicyFair, 3, target), 24*Amp, 24*Amp, 24*Amp)
}

func TestTargetsDontFit(t *testing.T) {
	wantHeld(t, planned(t, 40*Amp, PolicyFair, 3, func(i int, c *Connector) { c.Target = 30 * Amp }), 13_300, 13_300, 13_300)
}

func TestRanksDecideWhoIsAdmitted(t *testing.T) {
	q := planned(t, 13*Amp, PolicyFair, 4, func(i int, c *Connector) { c.Rank = []int{0, 2, 1, 3}[i] })
	wantHeld(t, q, 0, 6_500, 6_500, 0)
	if r := q.b.plan.Setpoints[3].Reason.Rule; r != RulePlan {
		t.Errorf("the third in rank waits by rule %d", r)
	}
}

func TestPriorityFillsFirst(t *testing.T) {
	wantHeld(t, planned(t, 40*Amp, PolicyFair, 3, func(i int, c *Connector) { c.Priority = i }), 6*Amp, 6*Amp, 28*Amp)
}

func TestLaxityServesThePressedFirst(t *testing.T) {
	hours := func(i int, c *Connector) {
		// At 32 A on three phases each needs two hours.
		c.Needs = 2 * 32 * 3 * nominal
		c.Departure = morning.Add(time.Duration([]int{9, 2, 5, 0}[i]) * time.Hour)
		if i == 3 {
			c.Departure = time.Time{}
		}
	}
	wantHeld(t, planned(t, 50*Amp, PolicyLaxity, 4, hours), 6*Amp, 32*Amp, 6*Amp, 6*Amp)
	// Not everybody fits: the pressed stay, the relaxed wait.
	wantHeld(t, planned(t, 13*Amp, PolicyLaxity, 4, hours), 0, 6_500, 6_500, 0)
}

func TestWholeAmpsGoToTheLargestRemainders(t *testing.T) {
	q := newQueue(t, 40*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	q.b.cfg.Step = Amp
	q.run(5 * time.Minute)
	var sum MilliAmp
	for _, a := range q.held() {
		if sum += a; a%Amp != 0 {
			t.Errorf("%v is no whole ampere", a)
		}
	}
	if sum != 40*Amp {
		t.Errorf("%v of 40 A are used: %v", sum, q.held())
	}
}

// TestCarsThatDontResumeArePinned: a car that drew nothing after a pause is not
// paused for others again.
func TestCarsThatDontResumeArePinned(t *testing.T) {
	q := newQueue(t, 13*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	q.lazy[1] = true
	q.run(20 * time.Minute) // 1 has been paused
	for range 40 {
		if q.run(time.Minute); q.b.slots[1].seat.pinned {
			break
		}
	}
	if !q.b.slots[1].seat.pinned {
		t.Fatal("a car that did not resume isn't pinned")
	}
	q.lazy[1] = false // a person has pressed the car's button
	q.run(30 * time.Minute)
	q.pauses = 0
	paused := 0
	for range 120 {
		if q.run(30 * time.Second); q.conns[0].Held == 0 {
			paused++
		}
	}
	if paused > 0 {
		t.Errorf("a pinned car was at 0 A in %d of 120 half minutes", paused)
	}
	if q.pauses == 0 {
		t.Error("the others did not rotate")
	}
}

// TestNewCarsGetCurrentSoon: a newcomer doesn't wait a whole stint.
func TestNewCarsGetCurrentSoon(t *testing.T) {
	q := newQueue(t, 13*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	late := q.conns[2]
	q.conns = q.conns[:2]
	q.run(time.Hour)
	late.WantsSince = q.now
	q.conns = append(q.conns, late)
	for range 40 {
		if q.run(queuePass); q.conns[2].Held > 0 {
			t.Logf("after %v", q.now.Sub(late.WantsSince))
			return
		}
	}
	t.Fatal("a new car has no current after 200 s")
}

// Whom the planner lets wait takes nothing from what it wants for the others, though a
// minimum would fit if they shared; it gets what they leave over.
func TestDeferredWaitForWishes(t *testing.T) {
	q := newQueue(t, 25*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	wish := func(targets ...MilliAmp) {
		for i, a := range targets {
			q.conns[i].Target, q.conns[i].Rank = a, i+1
		}
		q.run(10 * time.Minute)
	}
	wish(16*Amp, 9*Amp, 0)
	if q.conns[0].Held != 16*Amp || q.conns[1].Held != 9*Amp || q.conns[2].Held != 0 {
		t.Errorf("wishes of 16, 9 and 0 A give %v, %v, %v", q.conns[0].Held, q.conns[1].Held, q.conns[2].Held)
	}
	if r := q.b.plan.Setpoints[2].Reason.Rule; r != RulePlan {
		t.Errorf("who waits has rule %d", r)
	}
	wish(10*Amp, 9*Amp, 0)
	if q.conns[0].Held != 10*Amp || q.conns[1].Held != 9*Amp || q.conns[2].Held != 6*Amp {
		t.Errorf("wishes of 10, 9 and 0 A leave 6 A over: %v, %v, %v", q.conns[0].Held, q.conns[1].Held, q.conns[2].Held)
	}
}
