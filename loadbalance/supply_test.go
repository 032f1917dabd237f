package loadbalance

import (
	"strings"
	"testing"
	"time"
)

// TestStatesAreChecked: what a state says is held to the same ranges as the node itself.
func TestStatesAreChecked(t *testing.T) {
	good := SupplyState{Name: "generator", Limit: Uniform(20 * Amp), Power: 10_000}
	for _, c := range []struct {
		want   string
		states []SupplyState
	}{
		{"", []SupplyState{good, {Name: "island"}}},
		{`two states of the name ""`, []SupplyState{{Limit: Uniform(Amp)}}},
		{`two states of the name "generator"`, []SupplyState{good, good}},
		{"a limit of -0.1 A on L2", []SupplyState{{Name: "x", Limit: PerPhase{0, -100, 0}}}},
		{"a limit of", []SupplyState{{Name: "x", Limit: Uniform(maxAmp + 1)}}},
		{"a power of -1 W", []SupplyState{{Name: "x", Limit: Uniform(Amp), Power: -1}}},
		{"a worst load of -0.1 A", []SupplyState{{Name: "x", Limit: Uniform(Amp), WorstBase: new(Uniform(-100))}}},
	} {
		_, err := NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: Uniform(63 * Amp), States: c.states}}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.states, err, c.want)
		}
	}
}

// TestStateInForce: margin, overload and its alarm, base load and power go by the state
// of the supply, not by the node's own limits.
func TestStateInForce(t *testing.T) {
	nodes := []Node{{ID: "main", Limit: Uniform(100 * Amp), Metered: true, LargestStep: 20 * Amp, WorstBase: Uniform(40 * Amp),
		States: []SupplyState{{Name: "generator", Limit: Uniform(40 * Amp), Power: 20_700, WorstBase: new(Uniform(10 * Amp))}, {Name: "island"}}}}
	for _, c := range []struct {
		state   string
		limit   MilliAmp // after the margin
		alarmed bool
	}{
		{"", 100 * Amp, false}, {"generator", 36 * Amp, true}, {"island", 0, false}, {"moon", 0, false},
	} {
		b, err := NewBalancer(Config{Nodes: nodes})
		if err != nil {
			t.Fatal(err)
		}
		var plan Plan
		now := morning
		for range 10 {
			plan = b.Step(now, Input{Supplies: []SupplyIn{{"main", c.state}}, Readings: []Reading{{Node: "main", At: now, Current: Uniform(50 * Amp), Period: time.Second}}})
			now = now.Add(time.Second)
		}
		if got := plan.Nodes[0].Limit; got != Uniform(c.limit) {
			t.Errorf("%q: limit %v, want %v", c.state, got, c.limit)
		}
		if alarmed := len(plan.Alarms) > 0 && plan.Alarms[0].Kind == AlarmOverload; alarmed != c.alarmed {
			t.Errorf("%q: alarms %v", c.state, plan.Alarms)
		}
	}
	// Without a meter the state's worst base load counts, the largest of all if unknown.
	b, err := NewBalancer(Config{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	for state, base := range map[string]MilliAmp{"": 40 * Amp, "generator": 10 * Amp, "moon": 40 * Amp} {
		if got := b.Step(morning, Input{Supplies: []SupplyIn{{"main", state}}}).Nodes[0].Base; got != Uniform(base) {
			t.Errorf("%q: base %v, want %v", state, got, base)
		}
	}
}

// TestPowerOfAState: the same cars get less where the state's power is less, and all that
// the conductors allow where the state has no limit of power.
func TestPowerOfAState(t *testing.T) {
	q := newQueue(t, 60*Amp, []PhaseSet{AllPhases, AllPhases})
	var err error
	q.b, err = NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: Uniform(60 * Amp), Metered: true,
		States: []SupplyState{{Name: "generator", Limit: Uniform(60 * Amp), Power: 13_800}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range q.conns {
		q.conns[i].Max = 32 * Amp
	}
	for _, c := range []struct {
		state string
		each  MilliAmp
	}{{"", 30 * Amp}, {"generator", 10 * Amp}, {"", 30 * Amp}, {"moon", 10 * Amp}} {
		q.supplies = []SupplyIn{{"main", c.state}}
		q.run(5 * time.Minute)
		wantHeld(t, q, c.each, c.each)
	}
}

// TestFailsafeSumsOfStates: a site must be safe without the box in every state, by
// current, for hours, and by power.
func TestFailsafeSumsOfStates(t *testing.T) {
	for _, c := range []struct {
		name  string
		node  Node
		state string
		safe  bool
	}{
		{"the node's own", Node{Limit: Uniform(20 * Amp), WorstBase: Uniform(8 * Amp)}, "", true},
		{"too much for hours", Node{Limit: Uniform(20 * Amp), WorstBase: Uniform(8 * Amp), Continuous: 80}, "", false},
		{"generator", Node{Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), States: []SupplyState{{Name: "generator", Limit: Uniform(19 * Amp)}}}, "generator", false},
		{"generator with less base load", Node{Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp),
			States: []SupplyState{{Name: "generator", Limit: Uniform(19 * Amp), WorstBase: new(Uniform(7 * Amp))}}}, "", true},
		{"power", Node{Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), Power: 13_799}, "", false},
		{"power enough", Node{Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), Power: 13_800}, "", true},
		{"power of a state", Node{Limit: Uniform(63 * Amp), States: []SupplyState{{Name: "generator", Limit: Uniform(63 * Amp), Power: 8_000}}}, "generator", false},
		{"delta", Node{Grid: GridDelta, Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), Power: 7_970}, "", false},
		{"chargers get nothing", Node{Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), States: []SupplyState{{Name: "island"}}}, "island", false},
	} {
		c.node.ID = "main"
		sums, err := FailsafeSums([]Node{c.node}, []Load{{Node: "main", Current: 6 * Amp}, {Node: "main", Current: 6 * Amp}})
		if err != nil || sums[0].safe() != c.safe || sums[0].State != c.state {
			t.Errorf("%s: %+v %v", c.name, sums, err)
		}
	}
	idle, err := FailsafeSums([]Node{{ID: "main", Limit: Uniform(63 * Amp), WorstBase: Uniform(8 * Amp), States: []SupplyState{{Name: "island"}}}},
		[]Load{{Node: "main", Current: 0}})
	if err != nil || !idle[0].safe() {
		t.Errorf("chargers that fall back to 0 A: %+v %v", idle, err)
	}
}

// TestNoPause: who can't be held at 0 A keeps its minimum whatever happens, and the
// others make room for it.
func TestNoPause(t *testing.T) {
	q := newQueue(t, 40*Amp, []PhaseSet{AllPhases, AllPhases, AllPhases})
	q.conns[2].NoPause = true
	q.run(5 * time.Minute)
	wantHeld(t, q, 13*Amp, 13*Amp, 13*Amp)
	q.base = 30 * Amp // one place is left
	q.run(2 * time.Hour)
	wantHeld(t, q, 0, 0, 10*Amp)
	q.base = 60 * Amp // and none
	for range 60 {
		q.run(10 * time.Second)
		if q.conns[2].Held < 6*Amp {
			t.Fatalf("held %v", q.held())
		}
	}
	wantHeld(t, q, 0, 0, 6*Amp)
	q.base = 0
	q.conns[2].Max = 0 // a ceiling of nothing is one of its minimum
	q.run(time.Hour)
	wantHeld(t, q, 16*Amp, 16*Amp, 6*Amp)
	q.conns[2].Wants = false
	q.run(10 * time.Minute)
	if sp := q.b.plan.Setpoints[0]; sp.Limit != 16*Amp {
		t.Errorf("%+v", q.b.plan.Setpoints)
	}
}

// TestNoPauseIsBooked: it counts with its minimum before it holds anything.
func TestNoPauseIsBooked(t *testing.T) {
	b, err := NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: Uniform(10 * Amp), Metered: true}}})
	if err != nil {
		t.Fatal(err)
	}
	c := Connector{Slot: 1, Node: "main", Min: 6 * Amp, Max: 16 * Amp, Online: true, Wants: true, WantsSince: morning, CanStartUnasked: true, NoPause: true}
	other := c
	other.Slot, other.NoPause, other.Priority = 2, false, 1 // even ahead of it
	for i := range 10 {
		now := morning.Add(time.Duration(i) * time.Second)
		plan := b.Step(now, Input{Connectors: []Connector{other, c}, Readings: []Reading{{Node: "main", At: now, Period: time.Second}}})
		if plan.Nodes[0].Booked[L1] < 6*Amp {
			t.Fatalf("booked %v", plan.Nodes[0].Booked)
		}
		for _, sp := range plan.Setpoints {
			if sp.Slot == 2 && sp.Limit > 0 {
				t.Fatalf("the other gets %v of 4 A", sp.Limit)
			}
		}
	}
}
