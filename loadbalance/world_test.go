package loadbalance

import (
	"fmt"
	"slices"
	"strings"
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
	fell  []fall
	reads []Reading
	caps  []Cap
	// supplies says which state n0 is in.
	supplies []SupplyIn
}

// fall is the last change of what a connector is promised.
type fall struct {
	has  MilliAmp // at the last pass
	from MilliAmp
	at   time.Time
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
		w.drawLimits(&node)
		w.nodes = append(w.nodes, node)
	}
	for i := range rapid.IntRange(1, 9).Draw(t, "connectors") {
		c := Connector{Slot: i*7%11 + 1, Node: NodeID(fmt.Sprint("n", rapid.IntRange(0, n-1).Draw(t, "at"))),
			Phases:   PhaseSet(rapid.IntRange(0, 7).Draw(t, "phases")),
			Min:      MilliAmp(rapid.SampledFrom([]int{0, 6000, 6050, 8000}).Draw(t, "min")),
			Max:      MilliAmp(rapid.SampledFrom([]int{-5000, 0, 16000, 20030, 32000, 63000}).Draw(t, "max")),
			Failsafe: MilliAmp(rapid.SampledFrom([]int{0, 6000, 6000, 16000}).Draw(t, "failsafe")),
			Priority: rapid.IntRange(0, 2).Draw(t, "priority"), Weight: rapid.SampledFrom([]int{0, 1, 1, 3}).Draw(t, "weight"), Online: true}
		w.drawWishes(&c)
		w.conns = append(w.conns, c)
	}
	w.sends, w.fell = make([][]onway, len(w.conns)), make([]fall, len(w.conns))
	return w
}

// drawLimits draws what limits a node beside its fuse.
func (w *world) drawLimits(n *Node) {
	t := w.t
	n.Continuous = rapid.SampledFrom([]int{0, 0, 80}).Draw(t, "continuous")
	n.Power = rapid.SampledFrom([]int64{0, 0, 0, 4000, 11_000, 50_000}).Draw(t, "power")
	if n.Parent != "" {
		return
	}
	n.Grid = rapid.SampledFrom([]Grid{GridStar, GridStar, GridStar, GridDelta, GridStar120, GridSplit}).Draw(t, "grid")
	n.Imbalance = MilliAmp(rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "imbalance")) * Amp
	if rapid.IntRange(0, 3).Draw(t, "states") == 0 {
		n.States = []SupplyState{{Name: "generator", Limit: Uniform(MilliAmp(rapid.IntRange(0, 80).Draw(t, "generator")) * Amp),
			Power: rapid.SampledFrom([]int64{0, 0, 4000, 20_000}).Draw(t, "generator's power")}}
	}
}

// drawWishes draws what a planner and the driver want.
func (w *world) drawWishes(c *Connector) {
	t := w.t
	c.Target = MilliAmp(rapid.SampledFrom([]int{0, 0, 0, -1000, 3000, 6000, 10_050, 16_000, 40_000}).Draw(t, "target"))
	c.Rank = rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "rank")
	c.Needs = rapid.SampledFrom([]int64{0, 2000, 20_000, 80_000}).Draw(t, "needs")
	c.Departure = time.Time{}
	if h := rapid.IntRange(-1, 9).Draw(t, "leaves in hours"); h >= 0 {
		c.Departure = w.now.Add(time.Duration(h) * time.Hour)
	}
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
		case 8:
			w.drawWishes(c)
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
	switch rapid.IntRange(0, 9).Draw(t, "capped in watts") {
	case 0:
		at := rapid.IntRange(0, len(w.nodes)-1).Draw(t, "at")
		w.caps = append(w.caps, Cap{Node: w.nodes[at].ID, Power: int64(rapid.IntRange(1, 30_000).Draw(t, "watts")), Rule: RuleSiteCap})
	case 1:
		state := rapid.SampledFrom([]string{"", "generator", "moon"}).Draw(t, "state")
		w.supplies = []SupplyIn{{Node: "n0", State: state}}
	}
}

func (w *world) end(i int) {
	c := &w.conns[i]
	w.conns[i] = Connector{Slot: c.Slot, Node: c.Node, Phases: c.Phases, Min: c.Min, Max: c.Max, Failsafe: c.Failsafe,
		Priority: c.Priority, Weight: c.Weight, Online: c.Online, LastUp: c.LastUp, LastDown: c.LastDown}
	w.sends[i], w.fell[i] = nil, fall{}
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

// see notes who may have less than at the last pass.
func (w *world) see() {
	for i := range w.conns {
		f := &w.fell[i]
		if !w.conns[i].active() {
			*f = fall{} // its transaction has ended: it draws nothing
			continue
		}
		before := max(f.has, w.unproven(i))
		if has := w.holds(i); has != f.has {
			*f = fall{has, before, w.now}
		}
	}
}

// holds is what a connector is promised but for what is on the way.
func (w *world) holds(i int) MilliAmp {
	c := w.conns[i]
	c.SentOpen = false
	return w.promised(&c)
}

// unproven is what a connector may not have come down from yet: without a report for
// proven, until a report shows that it has.
func (w *world) unproven(i int) MilliAmp {
	c, f := &w.conns[i], w.fell[i]
	shown := c.MeasuredAt.After(f.at)
	for p := L1; p <= L3; p++ {
		shown = shown && (!w.nodes[0].Grid.lines(c.Phases).Has(p) || c.Measured[p] <= tolerated(f.has))
	}
	if shown || w.now.Sub(f.at) >= proven {
		return 0
	}
	return f.from
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

func (w *world) input() Input {
	return Input{Connectors: w.conns, Readings: w.reads, Caps: w.caps, Supplies: w.supplies}
}

// node is the node of that id.
func (w *world) node(id NodeID) *Node {
	return &w.nodes[slices.IndexFunc(w.nodes, func(n Node) bool { return n.ID == id })]
}

// below reports whether connector c hangs below node id.
func (w *world) below(c *Connector, id NodeID) bool {
	for at := c.Node; at != ""; at = w.node(at).Parent {
		if at == id {
			return true
		}
	}
	return false
}

func (w *world) describe(setpoints map[int]Setpoint) string {
	var out strings.Builder
	for i := range w.conns {
		c := &w.conns[i]
		sp := setpoints[c.Slot]
		out.WriteString(fmt.Sprintf("slot %d at %s on %v online=%v wants=%v held=%v for %v sent=%v %v failsafe=%v promised %v unproven %v: %s %v target %v %+v\n", c.Slot, c.Node, c.Phases, c.Online, c.Wants,
			c.Held, c.LeaseUntil.Sub(w.now), c.SentOpen, c.Sent, c.Failsafe, w.promised(c), w.unproven(i), actionName(sp.Action), sp.Limit, sp.Target, sp.Reason))
	}
	return out.String()
}
