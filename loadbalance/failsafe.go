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
	Connectors int      // below it
	Failsafe   PerPhase // sum of their fail-safe currents
	WorstBase  PerPhase // the worst uncontrolled load
	Limit      PerPhase
}

// Over is the conductors on which fail-safe currents and base load together exceed the
// limit.
func (s FailsafeSum) Over() PhaseSet {
	var over PhaseSet
	for p := L1; p <= L3; p++ {
		if int64(s.Failsafe[p])+int64(s.WorstBase[p]) > int64(s.Limit[p]) {
			over |= Phases(p)
		}
	}
	return over
}

// FailsafeSums is the static check that the site is safe without the box (L6): loads are
// the fail-safe currents of all connectors, and it is safe where no sum is Over. It gives
// a sum for each node in the order of nodes, and fails if nodes isn't a tree or a load
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

// loadSum is what hangs below a node, mA by line.
type loadSum struct {
	connectors int
	current    [3]int64
}

func (s *loadSum) add(set PhaseSet, a MilliAmp) {
	s.connectors++
	for p := L1; p <= L3; p++ {
		if set.Has(p) {
			s.current[p] += int64(max(0, bounded(a)))
		}
	}
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
			sums[at].add(tree[i].grid.lines(l.Phases), l.Current)
		}
	}
	return sums, nil
}

func (n *node) failsafeSum(below loadSum) FailsafeSum {
	s := FailsafeSum{Node: n.cfg.ID, Connectors: below.connectors, WorstBase: n.cfg.WorstBase, Limit: n.cfg.Limit}
	for p, a := range below.current {
		s.Failsafe[p] = clamp(a)
	}
	return s
}

// failsafeExceeds is the same check for the connectors of this pass.
func (b *Balancer) failsafeExceeds(at int32) bool {
	return b.nodes[at].failsafeSum(loadSum{current: b.tallies[at].failsafe}).Over() != 0
}
