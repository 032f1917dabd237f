package loadbalance

import (
	"fmt"
	"slices"
)

// Load is one connector that draws the same current on each of its lines.
type Load struct {
	Node    NodeID
	Phases  PhaseSet // 0 counts as AllPhases
	Current MilliAmp // negative counts as 0
}

// FailsafeSum is what a node carries if nobody commands the connectors below it at the
// worst moment.
type FailsafeSum struct {
	Node       NodeID
	State      string   // of the supply; "" is that of the node's own limits
	Connectors int      // below it
	Failsafe   PerPhase // sum of their fail-safe currents
	WorstBase  PerPhase // the worst uncontrolled load
	Limit      PerPhase // what may flow for hours; 0 on all where the chargers get nothing
	// Watts is the power of both, Power its limit; 0: none.
	Watts, Power int64
}

// Over is the conductors on which fail-safe currents and base load together exceed the
// limit.
func (s FailsafeSum) Over() PhaseSet {
	var over PhaseSet
	for p := L1; p <= L3; p++ {
		base := int64(s.WorstBase[p])
		if s.Limit == (PerPhase{}) {
			base = 0 // not the chargers' concern
		}
		if int64(s.Failsafe[p])+base > int64(s.Limit[p]) {
			over |= Phases(p)
		}
	}
	return over
}

// OverPower reports whether both together exceed the limit of power.
func (s FailsafeSum) OverPower() bool { return s.Power > 0 && s.Watts > s.Power }

// safe reports whether the node stands it.
func (s FailsafeSum) safe() bool { return s.Over() == 0 && !s.OverPower() }

// FailsafeSums is the static check that the site is safe without the box (L6): loads are
// the fail-safe currents of all connectors, and it is safe where no sum is Over. It gives
// a sum for each node in the order of nodes, in the first state of its supply that is not
// safe if there is one, and fails if nodes isn't a tree or a load
// hangs at an unknown node.
func FailsafeSums(nodes []Node, loads []Load) ([]FailsafeSum, error) {
	tree, err := buildTree(nodes)
	if err != nil {
		return nil, err
	}
	sums, err := sumLoads(tree, loads)
	if err != nil {
		return nil, err
	}
	out := make([]FailsafeSum, len(nodes))
	for i := range tree {
		at := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == tree[i].cfg.ID })
		out[at] = tree[i].failsafeSum(sums[i])
	}
	return out, nil
}

// failsafeColumns is a sum for each conductor, and one of power in units of the grid.
type failsafeColumns [powerColumn + 1]int64

// loadSum is what hangs below a node.
type loadSum struct {
	connectors int
	current    failsafeColumns
}

func (s *loadSum) add(g Grid, set PhaseSet, a MilliAmp) {
	s.connectors++
	set, amps := g.lines(set), int64(max(0, bounded(a)))
	for p := L1; p <= L3; p++ {
		if set.Has(p) {
			s.current[p] += amps
		}
	}
	s.current[powerColumn] += amps * g.heft(set)
}

// sumLoads adds up what hangs below each node.
func sumLoads(tree []node, loads []Load) ([]loadSum, error) {
	sums := make([]loadSum, len(tree))
	for _, l := range loads {
		i := slices.IndexFunc(tree, func(n node) bool { return n.cfg.ID == l.Node })
		if i < 0 {
			return nil, fmt.Errorf("cannot add up the connectors: no node %q", l.Node)
		}
		for _, at := range tree[i].path {
			sums[at].add(tree[i].grid, l.Phases, l.Current)
		}
	}
	return sums, nil
}

// failsafeSum is the sum in the first state that is not safe, else in that of the node's
// own limits.
func (n *node) failsafeSum(below loadSum) FailsafeSum {
	own := n.failsafeIn(limitSet{limit: n.cfg.Limit, power: n.cfg.Power, base: n.cfg.WorstBase}, below)
	if !own.safe() {
		return own
	}
	for k := range n.cfg.States {
		if s := n.failsafeIn(n.cfg.inState(k), below); !s.safe() {
			return s
		}
	}
	return own
}

func (n *node) failsafeIn(in limitSet, below loadSum) FailsafeSum {
	s := FailsafeSum{Node: n.cfg.ID, State: in.state, Connectors: below.connectors, WorstBase: in.base, Power: in.power}
	base := int64(0)
	for p := L1; p <= L3; p++ {
		s.Failsafe[p], s.Limit[p] = clamp(below.current[p]), clamp(n.cfg.lasting(in.limit[p]))
		base += int64(in.base[p])
	}
	if in.power > 0 {
		s.Watts = (below.current[powerColumn] + n.grid.baseUnits(base)) * n.grid.unit() / 1000
	}
	return s
}

// failsafeExceeds is the same check for the connectors of this pass.
func (b *Balancer) failsafeExceeds(at int32) bool {
	return !b.nodes[at].failsafeSum(loadSum{current: b.tallies[at].failsafe}).safe()
}
