package loadbalance

import (
	"fmt"
	"slices"
)

// FailsafeLoad is what one connector draws when nobody commands it.
type FailsafeLoad struct {
	Node    NodeID
	Phases  PhaseSet // 0 counts as AllPhases
	Current MilliAmp
}

// FailsafeProblem is a fuse that the fail-safe currents and the worst uncontrolled
// load below it exceed.
type FailsafeProblem struct {
	Node      NodeID
	Phase     Phase
	Failsafe  int64 // mA, sum of the fail-safe currents below
	WorstBase MilliAmp
	Limit     MilliAmp
}

func (p FailsafeProblem) Error() string {
	return fmt.Sprintf("node %q on %v: fail-safe currents of %d.%d A and a worst load of %v exceed the limit of %v",
		p.Node, p.Phase, p.Failsafe/1000, p.Failsafe%1000/100, p.WorstBase, p.Limit)
}

// CheckFailsafe is the static check that the site is safe without the box: at each
// node and phase the fail-safe currents of all connectors below and the worst
// uncontrolled load stay within the limit. At most one problem for each node, its
// worst phase, in the order of nodes; none means safe. It fails if nodes isn't a tree or a load
// hangs at an unknown node.
func CheckFailsafe(nodes []Node, loads []FailsafeLoad) ([]FailsafeProblem, error) {
	tree, err := buildTree(nodes)
	if err != nil {
		return nil, err
	}
	sums, err := sumLoads(tree, loads)
	if err != nil {
		return nil, err
	}
	var problems []FailsafeProblem
	for i := range tree {
		if p, bad := tree[i].failsafeProblem(sums[i]); bad {
			problems = append(problems, p)
		}
	}
	order := map[NodeID]int{}
	for i, n := range nodes {
		order[n.ID] = i
	}
	slices.SortFunc(problems, func(a, b FailsafeProblem) int { return order[a.Node] - order[b.Node] })
	return problems, nil
}

// sumLoads adds up what hangs below each node, by line.
func sumLoads(tree []node, loads []FailsafeLoad) ([][3]int64, error) {
	sums := make([][3]int64, len(tree))
	for _, l := range loads {
		i := slices.IndexFunc(tree, func(n node) bool { return n.cfg.ID == l.Node })
		if i < 0 {
			return nil, fmt.Errorf("cannot check the fail-safe currents: no node %q", l.Node)
		}
		set := tree[i].grid.lines(l.Phases)
		for _, at := range tree[i].path {
			for p := L1; p <= L3; p++ {
				if set.Has(p) {
					sums[at][p] += int64(max(0, bounded(l.Current)))
				}
			}
		}
	}
	return sums, nil
}

func (n *node) failsafeProblem(sum [3]int64) (FailsafeProblem, bool) {
	var worst FailsafeProblem
	var most int64
	for p := L1; p <= L3; p++ {
		over := sum[p] + int64(n.cfg.WorstBase[p]) - int64(n.cfg.Limit[p])
		if over > most {
			most = over
			worst = FailsafeProblem{Node: n.cfg.ID, Phase: p, Failsafe: sum[p], WorstBase: n.cfg.WorstBase[p], Limit: n.cfg.Limit[p]}
		}
	}
	return worst, most > 0
}

// failsafeExceeds is the same check for the connectors of this pass.
func (b *Balancer) failsafeExceeds(at int32) bool {
	n := &b.nodes[at]
	_, bad := n.failsafeProblem(b.failsafeSum(at))
	return bad
}

func (b *Balancer) failsafeSum(at int32) (sum [3]int64) {
	n := &b.nodes[at]
	for i := n.first; i < n.last; i++ {
		w := &b.works[i]
		for p := L1; p <= L3; p++ {
			if w.set.Has(p) {
				sum[p] += int64(w.c.failsafe())
			}
		}
	}
	return sum
}
