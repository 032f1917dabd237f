package loadbalance

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a random site with a controller that carries out plans: setpoints are
// acknowledged late, refused or lost, chargers come and go, meters fail.
type world struct {
	t     *rapid.T
	nodes []Node
	now   time.Time
	conns []Connector
	sends [][]onway
	reads []Reading
	caps  []Cap
}

func drawWorld(t *rapid.T) *world {
	w := &world{t: t, now: morning}
	n := rapid.IntRange(1, 6).Draw(t, "nodes")
	for i := range n {
		node := Node{ID: NodeID(fmt.Sprint("n", i)), Breaker: Breaker(rapid.IntRange(0, 1).Draw(t, "breaker"))}
		if i > 0 {
			node.Parent = NodeID(fmt.Sprint("n", rapid.IntRange(0, i-1).Draw(t, "parent")))
		}
		node.Metered = i == 0 || rapid.Bool().Draw(t, "metered")
		for p := range node.Limit {
			node.Limit[p] = MilliAmp(rapid.IntRange(10, 200).Draw(t, "limit")) * Amp
			node.WorstBase[p] = MilliAmp(rapid.IntRange(0, 60).Draw(t, "worst")) * Amp
		}
		node.LargestStep = MilliAmp(rapid.SampledFrom([]int{0, 0, 0, 40}).Draw(t, "step")) * Amp
		w.nodes = append(w.nodes, node)
	}
	for i := range rapid.IntRange(1, 9).Draw(t, "connectors") {
		c := Connector{Slot: i*7%11 + 1, Node: NodeID(fmt.Sprint("n", rapid.IntRange(0, n-1).Draw(t, "at"))),
			Phases:   PhaseSet(rapid.IntRange(0, 7).Draw(t, "phases")),
			Min:      MilliAmp(rapid.SampledFrom([]int{0, 6000, 6050, 8000}).Draw(t, "min")),
			Max:      MilliAmp(rapid.SampledFrom([]int{-5000, 0, 16000, 20030, 32000, 63000}).Draw(t, "max")),
			Failsafe: MilliAmp(rapid.SampledFrom([]int{0, 6000, 6000, 16000}).Draw(t, "failsafe")),
			Priority: rapid.IntRange(0, 2).Draw(t, "priority"), Weight: rapid.SampledFrom([]int{0, 1, 1, 3}).Draw(t, "weight"), Online: true}
		w.conns = append(w.conns, c)
	}
	w.sends = make([][]onway, len(w.conns))
	return w
}

// happen lets something random happen.
func (w *world) happen() {
	t := w.t
	w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{100, 300, 1000, 1000, 1000, 2000, 5000, 40000}).Draw(t, "ms")) * time.Millisecond)
	for i := range w.conns {
		c := &w.conns[i]
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			if c.Wants {
				w.end(i)
			} else {
				c.Wants, c.CanStartUnasked, c.WantsSince = true, true, w.now
			}
		case 1:
			c.Online = rapid.IntRange(0, 3).Draw(t, "online") > 0
		case 2, 3, 4, 5:
			if len(w.sends[i]) > 0 {
				w.arrive(i, rapid.IntRange(0, 3).Draw(t, "answer") > 0)
			}
		case 6, 7:
			for p := range c.Measured {
				c.Measured[p] = MilliAmp(rapid.IntRange(0, 40).Draw(t, "measured")) * Amp
			}
			c.MeasuredAt = w.now
		}
	}
	w.conns[0].Max = MilliAmp(rapid.SampledFrom([]int{0, 6000, 16000, 32000}).Draw(t, "newmax"))
	for _, n := range w.nodes {
		if rapid.IntRange(0, 2).Draw(t, "reads") > 0 {
			w.read(n.ID)
		}
	}
	w.caps = w.caps[:0]
	if rapid.IntRange(0, 4).Draw(t, "capped") == 0 {
		w.caps = append(w.caps, Cap{Node: "n0", Limit: Uniform(MilliAmp(rapid.IntRange(0, 80).Draw(t, "cap")) * Amp), Rule: RuleSiteCap})
	}
}

func (w *world) end(i int) {
	c := &w.conns[i]
	w.conns[i] = Connector{Slot: c.Slot, Node: c.Node, Phases: c.Phases, Min: c.Min, Max: c.Max, Failsafe: c.Failsafe,
		Priority: c.Priority, Weight: c.Weight, Online: c.Online, LastUp: c.LastUp, LastDown: c.LastDown}
	w.sends[i] = nil
}

func (w *world) arrive(i int, accepted bool) {
	c, s := &w.conns[i], w.sends[i][0]
	w.sends[i] = w.sends[i][1:]
	if accepted {
		c.Held, c.HeldAt, c.LeaseUntil = s.limit, w.now, w.now.Add(s.lease)
	}
	w.open(i)
}

func (w *world) open(i int) {
	c := &w.conns[i]
	c.SentOpen, c.Sent, c.SentAt = false, 0, time.Time{}
	for _, s := range w.sends[i] {
		if !c.SentOpen || s.limit > c.Sent {
			c.Sent, c.SentAt = s.limit, s.at
		}
		c.SentOpen = true
	}
}

func (w *world) read(id NodeID) {
	r := Reading{Node: id, At: w.now, Period: time.Second}
	for p := range r.Current {
		r.Current[p] = MilliAmp(rapid.SampledFrom([]int{-20, 0, 3, 10, 20, 30, 60, 150}).Draw(w.t, "current")) * Amp
	}
	for i := range w.reads {
		if w.reads[i].Node == id {
			w.reads[i] = r
			return
		}
	}
	w.reads = append(w.reads, r)
}

// promised is what a connector may draw without another command, reckoned from the
// input alone.
func (w *world) promised(c *Connector) MilliAmp {
	var a MilliAmp
	switch {
	case w.now.Before(c.LeaseUntil):
		a = c.Held
	case c.CanStartUnasked:
		a = c.Failsafe
	}
	if !c.Online {
		a = max(a, c.Failsafe)
	}
	if c.SentOpen {
		a = max(a, c.Sent)
	}
	return a
}

func (w *world) carryOut(plan Plan) {
	for _, sp := range plan.Setpoints {
		if sp.Action != Reduce && sp.Action != Raise && sp.Action != Renew {
			continue
		}
		for i := range w.conns {
			c := &w.conns[i]
			if c.Slot != sp.Slot || !c.Online || len(w.sends[i]) >= 4 {
				continue
			}
			switch present := w.promised(c); {
			case sp.Limit > present:
				c.LastUp = w.now
			case sp.Limit < present:
				c.LastDown = w.now
			}
			w.sends[i] = append(w.sends[i], onway{sp.Limit, sp.Lease, w.now})
			w.open(i)
		}
	}
}

func (w *world) input() Input { return Input{Connectors: w.conns, Readings: w.reads, Caps: w.caps} }

// below reports whether connector c hangs below node id.
func (w *world) below(c *Connector, id NodeID) bool {
	for at := c.Node; at != ""; {
		if at == id {
			return true
		}
		for _, n := range w.nodes {
			if n.ID == at {
				at = n.Parent
				break
			}
		}
	}
	return false
}

func (w *world) check(plan Plan) {
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
		w.checkNode(st, bySlot)
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

// checkNode: a raise below a node needs that everything promised below it and its
// base load fit, and that its meter is alive.
func (w *world) checkNode(st NodeState, setpoints map[int]Setpoint) {
	raised := false
	var sum PerPhase
	for i := range w.conns {
		c := &w.conns[i]
		if !w.below(c, st.Node) {
			continue
		}
		a := w.promised(c)
		if sp := setpoints[c.Slot]; sp.Action == Raise {
			raised, a = true, max(a, sp.Limit)
		}
		for p := range sum {
			if c.Phases == 0 || c.Phases.Has(Phase(p)) {
				sum[p] += a
			}
		}
	}
	if !raised {
		return
	}
	if st.Lost {
		w.t.Fatalf("raise below %s without its meter", st.Node)
	}
	for i := range w.conns {
		for p := range sum {
			if sp := setpoints[w.conns[i].Slot]; sp.Action == Raise && w.below(&w.conns[i], st.Node) && (w.conns[i].Phases == 0 || w.conns[i].Phases.Has(Phase(p))) && sum[p]+st.Base[p] > st.Limit[p] {
				w.t.Fatalf("raise below %s %v: promised %v and base %v exceed %v\n%+v\n%v", st.Node, Phase(p), sum[p], st.Base[p], st.Limit[p], st, w.describe(setpoints))
			}
		}
	}
}

// checkFill is the certificate of max-min fairness: whoever stopped below its
// maximum sits below a full line where nobody above its own minimum has more.
func checkFill(t *rapid.T, b *Balancer) {
	for i := range b.works {
		w := &b.works[i]
		if w.role != taker || !w.admitted || w.target == w.max {
			continue
		}
		if w.fill.line < 0 {
			t.Fatalf("slot %d has %v of %v and nothing stops it", w.c.Slot, w.target, w.max)
		}
		l := &b.lines[w.fill.line]
		full := false
		for _, k := range w.lines {
			full = full || b.shareSum(k)+2*int64(b.cfg.Step) > b.lines[k].room
		}
		if !full {
			t.Fatalf("slot %d could have more than %v", w.c.Slot, w.target)
		}
		n := &b.nodes[l.node]
		for j := n.first; j < n.last; j++ {
			u := &b.works[j]
			if u.role != taker || !u.admitted || u.target <= u.min+b.cfg.Step || !u.set.Has(l.phase) || u.c.Priority > w.c.Priority {
				continue
			}
			if int64(u.target-2*b.cfg.Step)*w.weight > int64(w.target+2*b.cfg.Step)*u.weight {
				t.Fatalf("slot %d has %v by weight %d, but slot %d has %v by weight %d", w.c.Slot, w.target, w.weight, u.c.Slot, u.target, u.weight)
			}
		}
	}
	for k := range b.lines {
		if l := &b.lines[k]; b.shareSum(int32(k)) > max(l.room, l.fixed) {
			t.Fatalf("targets exceed the room of %v on %v", b.nodes[l.node].cfg.ID, l.phase)
		}
	}
}

func (b *Balancer) shareSum(k int32) int64 {
	l := &b.lines[k]
	sum := l.fixed
	for i := range b.works {
		w := &b.works[i]
		for _, own := range w.lines {
			if own == k && w.role == taker {
				sum += int64(w.target)
			}
		}
	}
	return sum
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

func (w *world) describe(setpoints map[int]Setpoint) string {
	var out strings.Builder
	for i := range w.conns {
		c := &w.conns[i]
		sp := setpoints[c.Slot]
		out.WriteString(fmt.Sprintf("slot %d at %s on %v online=%v wants=%v held=%v for %v sent=%v %v failsafe=%v promised %v: %s %v target %v %+v\n", c.Slot, c.Node, c.Phases, c.Online, c.Wants,
			c.Held, c.LeaseUntil.Sub(w.now), c.SentOpen, c.Sent, c.Failsafe, w.promised(c), actionName(sp.Action), sp.Limit, sp.Target, sp.Reason))
	}
	return out.String()
}

// checkHistory lets a random site live for a while and checks each pass. It gives
// back all setpoints.
func checkHistory(t *rapid.T) (all []Setpoint) {
	w := drawWorld(t)
	one, err := NewBalancer(Config{Nodes: w.nodes})
	if err != nil {
		t.Fatal(err)
	}
	turned := rapid.Permutation(w.nodes).Draw(t, "order of nodes")
	two, err := NewBalancer(Config{Nodes: turned})
	if err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(1, 40).Draw(t, "passes") {
		w.happen()
		in := w.input()
		plan := clonePlan(one.Step(w.now, in))
		other := Input{Connectors: rapid.Permutation(in.Connectors).Draw(t, "order of connectors"), Caps: in.Caps}
		for i := len(in.Readings) - 1; i >= 0; i-- {
			other.Readings = append(other.Readings, in.Readings[i])
		}
		if again := two.Step(w.now, other); !reflect.DeepEqual(plan.Setpoints, again.Setpoints) {
			t.Fatalf("order matters:\n%+v\n%+v", plan.Setpoints, again.Setpoints)
		}
		w.check(plan)
		checkFill(t, one)
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
		b, err := NewBalancer(Config{Nodes: w.nodes})
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
					Weight: rapid.Int().Draw(t, "weight"), Wants: rapid.Bool().Draw(t, "wants"), CanStartUnasked: rapid.Bool().Draw(t, "unasked"), Online: rapid.Bool().Draw(t, "online"),
					WantsSince: moment.Draw(t, "since"), Held: amp("held"), HeldAt: moment.Draw(t, "heldAt"), LeaseUntil: moment.Draw(t, "lease"), Sent: amp("sent"),
					SentOpen: rapid.Bool().Draw(t, "open"), SentAt: moment.Draw(t, "sentAt"), LastUp: moment.Draw(t, "up"), LastDown: moment.Draw(t, "down"),
					Measured: PerPhase{amp("m1"), amp("m2"), amp("m3")}, MeasuredAt: moment.Draw(t, "measuredAt")}
			}
			in := Input{Connectors: w.conns, Caps: []Cap{{Node: "n0", Limit: PerPhase{amp("c1"), amp("c2"), amp("c3")}}, {Node: "x"}},
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
