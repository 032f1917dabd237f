package loadbalance

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTreeIsChecked(t *testing.T) {
	good := Node{ID: "main", Limit: Uniform(63 * Amp)}
	for name, c := range map[string]struct {
		nodes []Node
		want  string
	}{
		"empty":     {nil, "no nodes"},
		"no id":     {[]Node{{Limit: Uniform(Amp)}}, "no id"},
		"twice":     {[]Node{good, good}, "twice"},
		"orphan":    {[]Node{good, {ID: "a", Parent: "b", Limit: Uniform(Amp)}}, "doesn't exist"},
		"cycle":     {[]Node{good, {ID: "a", Parent: "b", Limit: Uniform(Amp)}, {ID: "b", Parent: "a", Limit: Uniform(Amp)}}, "own ancestor"},
		"self":      {[]Node{{ID: "a", Parent: "a", Limit: Uniform(Amp)}}, "own ancestor"},
		"limit":     {[]Node{{ID: "a"}}, "limit of 0.0 A"},
		"huge":      {[]Node{{ID: "a", Limit: Uniform(math.MaxInt32)}}, "limit of"},
		"worst":     {[]Node{{ID: "a", Limit: Uniform(Amp), WorstBase: Uniform(-1)}}, "worst load"},
		"step":      {[]Node{{ID: "a", Limit: Uniform(Amp), LargestStep: -1}}, "largest step"},
		"breaker":   {[]Node{{ID: "a", Limit: Uniform(Amp), Breaker: 7}}, "kind of breaker"},
		"one phase": {[]Node{{ID: "a", Limit: PerPhase{0, Amp, 0}}}, ""},
		"two roots": {[]Node{good, {ID: "pv", Limit: Uniform(Amp)}}, ""},
	} {
		_, err := NewBalancer(Config{Nodes: c.nodes})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewBalancer(Config{Nodes: []Node{good}, Step: -5}); err == nil {
		t.Error("a negative step was taken")
	}
}

func TestFailsafeSums(t *testing.T) { // L6
	nodes := []Node{
		{ID: "board", Parent: "main", Limit: Uniform(16 * Amp), WorstBase: PerPhase{0, 5 * Amp, 0}},
		{ID: "main", Limit: Uniform(63 * Amp), WorstBase: Uniform(40 * Amp)},
	}
	loads := []Load{{Node: "board", Current: 6 * Amp}, {Node: "board", Phases: Phases(L2), Current: 5 * Amp}, {Node: "main", Phases: Phases(L1), Current: 17 * Amp}}
	sums, err := FailsafeSums(nodes, loads)
	if err != nil || len(sums) != 2 || sums[0].Over() != 0 || sums[1].Over() != 0 {
		t.Fatalf("exactly full: %+v %v", sums, err)
	}
	loads[0].Current += 100
	sums, err = FailsafeSums(nodes, loads)
	want := []FailsafeSum{
		{Node: "board", Connectors: 2, Failsafe: PerPhase{6100, 11100, 6100}, WorstBase: PerPhase{0, 5 * Amp, 0}, Limit: Uniform(16 * Amp)},
		{Node: "main", Connectors: 3, Failsafe: PerPhase{23100, 11100, 6100}, WorstBase: Uniform(40 * Amp), Limit: Uniform(63 * Amp)},
	}
	if err != nil || !slices.Equal(sums, want) || sums[0].Over() != Phases(L2) || sums[1].Over() != Phases(L1) {
		t.Fatalf("%+v %v", sums, err)
	}
	if _, err := FailsafeSums(nodes, []Load{{Node: "attic"}}); err == nil {
		t.Error("a load at an unknown node was taken")
	}
	if _, err := FailsafeSums(nil, nil); err == nil {
		t.Error("no tree was taken")
	}
}

// TestStressAgainstTheTable compares the model with the times of the standards'
// gates: seconds from hot until a device opens.
func TestStressAgainstTheTable(t *testing.T) {
	never := math.Inf(1)
	for _, c := range []struct {
		kind  Breaker
		ratio float64
		want  float64
	}{
		{BreakerMCB, 1.12, never}, {BreakerMCB, 1.2, 99}, {BreakerMCB, 1.25, 68}, {BreakerMCB, 1.45, 29}, {BreakerMCB, 1.6, 20}, {BreakerMCB, 2, 9.7}, {BreakerMCB, 2.55, 5.2},
		{BreakerGG, 1.2, never}, {BreakerGG, 1.24, never}, {BreakerGG, 1.45, 57}, {BreakerGG, 1.6, 36}, {BreakerGG, 2, 17}, {BreakerGG, 2.55, 8.7},
	} {
		s := NewStress(c.kind, 100*Amp)
		got := never
		for ms := range 600_000 {
			if s.Add(time.Millisecond, MilliAmp(c.ratio*float64(100*Amp))); s.Tripped() {
				got = float64(ms) / 1000
				break
			}
		}
		if got != c.want && math.Abs(got-c.want) > 0.03*c.want+0.1 {
			t.Errorf("kind %d at %.2f: opens after %.1f s, want %.1f s", c.kind, c.ratio, got, c.want)
		}
	}
}

func TestStressCounts(t *testing.T) {
	s := NewStress(BreakerMCB, 100*Amp)
	s.Add(10*time.Second, 90*Amp)
	s.Add(2*time.Second, 110*Amp)
	s.Add(3*time.Second, 120*Amp)
	s.Add(time.Second, 100*Amp)
	s.Add(4*time.Second, 105*Amp)
	s.Add(-time.Second, 500*Amp)
	if s.LongestEvent() != 5*time.Second || s.Over() != 9*time.Second || s.OverConventional() != 3*time.Second || s.WorstExcess() != 20*Amp {
		t.Errorf("longest %v, over %v, over 1.13 %v, excess %v", s.LongestEvent(), s.Over(), s.OverConventional(), s.WorstExcess())
	}
	if want := 2*0.21 + 3*0.44; math.Abs(s.WorstJ()-want) > 1e-9 {
		t.Errorf("J %v, want %v", s.WorstJ(), want)
	}
	if s.Tripped() || s.Used() < 0.78 || s.Used() > 0.81 || s.Theta() >= s.Used()*1.277 {
		t.Errorf("theta %v, used %v", s.Theta(), s.Used())
	}
}

// TestAnIncreaseProvesNothing: a car that is told to come down and then gets a little
// again may still draw what it had.
func TestAnIncreaseProvesNothing(t *testing.T) {
	q := newQueue(t, 63*Amp, []PhaseSet{AllPhases})
	q.run(time.Minute)
	if q.conns[0].Held != 16*Amp {
		t.Fatalf("holds %v", q.conns[0].Held)
	}
	q.conns[0].MeasuredAt = time.Time{} // its charger doesn't report
	for _, held := range []MilliAmp{0, 6 * Amp} {
		q.now = q.now.Add(time.Second)
		q.conns[0].Held, q.conns[0].HeldAt = held, q.now
		plan := q.b.Step(q.now, Input{Connectors: q.conns, Readings: []Reading{{Node: "main", At: q.now, Current: Uniform(16 * Amp)}}})
		if got := plan.Nodes[0].Booked[L1]; got < 16*Amp {
			t.Errorf("one second after it was told to have %v it is booked at %v", held, got)
		}
	}
}

// TestAbsentConductor: a site of one phase charges its cars on that one, and nothing where
// there is no conductor.
func TestAbsentConductor(t *testing.T) {
	q := newQueue(t, 63*Amp, []PhaseSet{Phases(L2), Phases(L3), 0})
	b, err := NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: PerPhase{0, 25 * Amp, 0}, Metered: true}}})
	if err != nil {
		t.Fatal(err)
	}
	q.b = b
	q.run(5 * time.Minute)
	wantHeld(t, q, 16*Amp, 0, 0)
}
