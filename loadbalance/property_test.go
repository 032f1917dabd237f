package loadbalance

import (
	"cmp"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (w *world) check(b *Balancer, plan Plan) {
	if len(plan.Setpoints) != len(w.conns) {
		w.t.Fatalf("%d setpoints for %d connectors", len(plan.Setpoints), len(w.conns))
	}
	bySlot := map[int]Setpoint{}
	for _, sp := range plan.Setpoints {
		bySlot[sp.Slot] = sp
	}
	for i := range w.conns {
		w.checkSetpoint(&w.conns[i], bySlot[w.conns[i].Slot])
	}
	for _, st := range plan.Nodes {
		w.checkNode(b, st, bySlot)
	}
	if plan.Wake.Before(w.now) {
		w.t.Fatalf("wake %v before now", plan.Wake.Sub(w.now))
	}
}

func (w *world) checkSetpoint(c *Connector, sp Setpoint) {
	switch sp.Action {
	case Keep, Release:
		return
	case Raise:
		if sp.Limit <= 0 {
			w.t.Fatalf("raise to %v", sp.Limit)
		}
	case Reduce:
		if sp.Limit >= w.promised(c) {
			w.t.Fatalf("slot %d: reduced from %v to %v", c.Slot, w.promised(c), sp.Limit)
		}
	}
	if sp.Limit%100 != 0 || sp.Limit != 0 && (sp.Limit < max(6*Amp, c.Min) || sp.Limit > c.Max) {
		w.t.Fatalf("slot %d: %v outside 0 and %v to %v (%v)", c.Slot, sp.Limit, c.Min, c.Max, sp.Action)
	}
	if sp.Lease < 30*time.Second || sp.Lease > 30*time.Minute {
		w.t.Fatalf("slot %d: lease %v", c.Slot, sp.Lease)
	}
}

// checkNode: a raise below a node needs that it fits beside everything promised to the
// others below it and the base load, and that the meter is alive. Targets, ranks and turns
// change nothing about it.
func (w *world) checkNode(b *Balancer, st NodeState, setpoints map[int]Setpoint) {
	n := w.node(st.Node)
	for p := L1; p <= L3; p++ {
		if most := w.limit(n, p); st.Limit[p] > most {
			w.t.Fatalf("%s may carry %v on %v and is given %v", n.ID, most, p, st.Limit[p])
		}
	}
	for i := range w.conns {
		c := &w.conns[i]
		if sp := setpoints[c.Slot]; sp.Action != Raise || !w.below(c, n.ID) {
			continue
		}
		if st.Lost {
			w.t.Fatalf("raise below %s without its meter", n.ID)
		}
		if wrong := w.tooMuch(b, st, i, setpoints); wrong != "" {
			w.t.Fatalf("slot %d raised below %s: %s\n%+v\n%v", c.Slot, n.ID, wrong, st, w.describe(setpoints))
		}
	}
}

// tooMuch words what the raise of connector i exceeds at a node.
func (w *world) tooMuch(b *Balancer, st NodeState, i int, setpoints map[int]Setpoint) string {
	n, grid := w.node(st.Node), w.nodes[0].Grid
	set := grid.lines(w.conns[i].Phases)
	sum, skewed, watts := w.promisedBelow(n.ID, i, setpoints)
	base := int64(0)
	for p := L1; p <= L3; p++ {
		base += int64(st.Base[p])
		if set.Has(p) && sum[p]+st.Base[p] > st.Limit[p] {
			return fmt.Sprintf("promised %v and base %v exceed %v on %v", sum[p], st.Base[p], st.Limit[p], p)
		}
		if skew := b.nodes[b.index[n.ID]].skew; skew >= 0 && set.Has(p) && set.Count() < 3 {
			if l := &b.lines[skew+int32(p)]; int64(skewed[p])+l.slow > l.limit {
				return fmt.Sprintf("%v on few lines and base %d exceed the imbalance of %d on %v", skewed[p], l.slow, l.limit, p)
			}
		}
	}
	if base = grid.baseUnits(base) * grid.unit() / 1000; watts+base > w.power(n)+int64(len(w.conns))+1 { // each is rounded up
		return fmt.Sprintf("promised %d W and base %d W exceed %d W", watts, base, w.power(n))
	}
	return ""
}

// promisedBelow is what those below a node may draw without another command, of it what
// those of one or two lines may, and its power: all but one at the most that they are
// promised or may not have come down from, that one at what it is raised to.
func (w *world) promisedBelow(id NodeID, one int, setpoints map[int]Setpoint) (sum, skewed PerPhase, watts int64) {
	grid := w.nodes[0].Grid
	for i := range w.conns {
		c := &w.conns[i]
		if !w.below(c, id) {
			continue
		}
		set, a := grid.lines(c.Phases), max(w.promised(c), w.unproven(i))
		if sp := setpoints[c.Slot]; i == one {
			a = sp.Limit
		} else if sp.Action == Raise {
			a = max(a, sp.Limit)
		}
		watts += grid.Watts(set, a)
		for p := L1; p <= L3; p++ {
			if set.Has(p) {
				sum[p] += a
			}
			if set.Has(p) && set.Count() < 3 {
				skewed[p] += a
			}
		}
	}
	return sum, skewed, watts
}

// limit is what a node may carry by its fuse, its supply and the caps, of which those in
// watts are split evenly.
func (w *world) limit(n *Node, p Phase) MilliAmp {
	most := n.Limit[p]
	if len(n.States) > 0 {
		g := n.States[0].Limit[p]
		switch {
		case len(w.supplies) == 0 || w.supplies[0].State == "moon":
			most = min(most, g)
		case w.supplies[0].State == "generator":
			most = g
		}
	}
	most = most * MilliAmp(cmp.Or(n.Continuous, 100)) / 100
	for _, c := range w.caps {
		switch {
		case c.Node != n.ID:
		case c.Power == 0:
			most = min(most, c.Limit[p])
		case !n.powered():
			most = min(most, w.nodes[0].Grid.Amps(AllPhases, c.Power))
		}
	}
	return most
}

// power is what a node may draw in the state of its supply, W.
func (w *world) power(n *Node) int64 {
	if !n.powered() {
		return 1 << 50
	}
	most := cmp.Or(n.Power, 1<<50)
	if len(n.States) > 0 {
		g := cmp.Or(n.States[0].Power, 1<<50)
		switch {
		case len(w.supplies) == 0 || w.supplies[0].State == "moon":
			most = min(most, g)
		case w.supplies[0].State == "generator":
			most = g
		}
	}
	for _, c := range w.caps {
		if c.Node == n.ID && c.Power > 0 {
			most = min(most, c.Power)
		}
	}
	return most
}

func clonePlan(p Plan) Plan {
	p.Setpoints, p.Nodes, p.Alarms = append([]Setpoint{}, p.Setpoints...), append([]NodeState{}, p.Nodes...), append([]Alarm{}, p.Alarms...)
	return p
}

// TestStepProperties is void unless every action and every rule occurred: after eight
// rounds of histories it goes on until they have, within a bound.
func TestStepProperties(t *testing.T) {
	seen := map[any]int{}
	for round := 0; round < 8 || round < 200 && len(neverSeen(seen)) > 0; round++ {
		rapid.Check(t, func(t *rapid.T) {
			for _, sp := range checkHistory(t) {
				seen[sp.Action]++
				seen[sp.Reason.Rule]++
			}
		})
		if t.Failed() {
			return
		}
	}
	for _, missing := range neverSeen(seen) {
		t.Error(missing)
	}
	t.Log(seen)
}

// neverSeen names the actions and rules that did not occur. Profile, operator and outside
// are ceilings that the histories don't draw.
func neverSeen(seen map[any]int) (missing []string) {
	for a := Keep; a <= Release; a++ {
		if seen[a] == 0 {
			missing = append(missing, "action "+actionName(a)+" never occurred")
		}
	}
	for r := RuleMax; r <= RuleOutside; r++ {
		if seen[r] == 0 && r != RuleProfile && r != RuleOperator && r != RuleOutside {
			missing = append(missing, fmt.Sprintf("rule %d never occurred", r))
		}
	}
	return missing
}

// checkHistory lets a random site live for a while and checks each pass. It gives
// back all setpoints.
func checkHistory(t *rapid.T) (all []Setpoint) {
	w := drawWorld(t)
	policy := rapid.SampledFrom([]Policy{PolicyFair, PolicyLaxity}).Draw(t, "policy")
	one, err := NewBalancer(Config{Nodes: w.nodes, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	turned := rapid.Permutation(w.nodes).Draw(t, "order of nodes")
	two, err := NewBalancer(Config{Nodes: turned, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(1, 40).Draw(t, "passes") {
		w.happen()
		w.see()
		in := w.input()
		plan := clonePlan(one.Step(w.now, in))
		other := Input{Connectors: rapid.Permutation(in.Connectors).Draw(t, "order of connectors"), Caps: in.Caps, Supplies: in.Supplies}
		for i := len(in.Readings) - 1; i >= 0; i-- {
			other.Readings = append(other.Readings, in.Readings[i])
		}
		if again := two.Step(w.now, other); !reflect.DeepEqual(plan.Setpoints, again.Setpoints) {
			t.Fatalf("order matters:\n%+v\n%+v", plan.Setpoints, again.Setpoints)
		}
		w.check(one, plan)
		if _, wrong := one.certify(); wrong != "" {
			t.Fatal(wrong)
		}
		all = append(all, plan.Setpoints...)
		w.carryOut(plan)
	}
	return all
}

func FuzzStep(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { checkHistory(t) }))
}

// TestStepIsTotal throws values at the balancer that no controller sends.
func TestStepIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		b, err := NewBalancer(Config{Nodes: w.nodes, Policy: rapid.SampledFrom([]Policy{PolicyFair, PolicyLaxity}).Draw(t, "policy")})
		if err != nil {
			t.Fatal(err)
		}
		any := rapid.OneOf(rapid.Int32(), rapid.Int32Range(-1, 40000))
		moment := rapid.Map(rapid.SampledFrom([]time.Duration{-1 << 62, -time.Hour, -20 * time.Second, 0, time.Second, time.Hour, 1 << 62}),
			func(d time.Duration) time.Time { return morning.Add(d) })
		amp := func(name string) MilliAmp { return MilliAmp(any.Draw(t, name)) }
		for range 8 {
			for i := range w.conns {
				w.conns[i] = Connector{Slot: rapid.IntRange(-2, 5).Draw(t, "slot"), Node: NodeID(rapid.SampledFrom([]string{"n0", "n1", "", "x"}).Draw(t, "node")),
					Phases: PhaseSet(rapid.Uint8().Draw(t, "phases")), Min: amp("min"), Max: amp("max"), Failsafe: amp("failsafe"), Priority: rapid.Int().Draw(t, "priority"),
					Weight: rapid.Int().Draw(t, "weight"), Departure: moment.Draw(t, "departure"), Needs: rapid.Int64().Draw(t, "needs"), Target: amp("target"), Rank: rapid.Int().Draw(t, "rank"), Wants: rapid.Bool().Draw(t, "wants"), CanStartUnasked: rapid.Bool().Draw(t, "unasked"), Online: rapid.Bool().Draw(t, "online"),
					WantsSince: moment.Draw(t, "since"), Held: amp("held"), HeldAt: moment.Draw(t, "heldAt"), LeaseUntil: moment.Draw(t, "lease"), Sent: amp("sent"),
					SentOpen: rapid.Bool().Draw(t, "open"), SentAt: moment.Draw(t, "sentAt"), LastUp: moment.Draw(t, "up"), LastDown: moment.Draw(t, "down"),
					Measured: PerPhase{amp("m1"), amp("m2"), amp("m3")}, MeasuredAt: moment.Draw(t, "measuredAt")}
			}
			in := Input{Connectors: w.conns, Caps: []Cap{{Node: "n0", Limit: PerPhase{amp("c1"), amp("c2"), amp("c3")}}, {Node: "n0", Power: rapid.Int64().Draw(t, "watts")}, {Node: "x"}},
				Supplies: []SupplyIn{{"n0", rapid.SampledFrom([]string{"", "generator", "moon"}).Draw(t, "state")}, {"x", ""}},
				Readings: []Reading{{Node: "n0", At: moment.Draw(t, "at"), Current: PerPhase{amp("i1"), amp("i2"), amp("i3")}, Period: time.Duration(rapid.Int64().Draw(t, "period"))}, {Node: "x", At: morning}}}
			plan := b.Step(moment.Draw(t, "now"), in)
			if len(plan.Setpoints) != len(w.conns) {
				t.Fatalf("%d setpoints for %d connectors", len(plan.Setpoints), len(w.conns))
			}
			for _, sp := range plan.Setpoints {
				if (sp.Action == Raise || sp.Action == Reduce) && (sp.Limit < 0 || sp.Limit > 0 && sp.Limit < 6*Amp || sp.Limit > maxAmp) {
					t.Fatalf("%+v", sp)
				}
			}
		}
	})
}
