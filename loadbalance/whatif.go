package loadbalance

import "time"

// WhatIfNode is what would happen at one conductor of one node.
type WhatIfNode struct {
	Node  NodeID
	Phase Phase
	// Load is the current with all charging, the worst base load and the largest load
	// switching on; Limit the rated current.
	Load, Limit MilliAmp
	// Opens is when the breaker would open if nobody did anything, 0: never.
	Opens time.Duration
	// J is the overload integral until chargers have come down after reaction, s.
	J float64
	// Holds reports whether the breaker stands it until then.
	Holds bool
}

// WhatIf answers the installer's question: all connectors charge, the building draws
// base (per node, below which it isn't counted twice), and at one moment the largest
// load switches on. The chargers come down reaction later. It is pure and gives the
// worst conductor of each node in the order of nodes; it fails where FailsafeSums does.
func WhatIf(nodes []Node, all []Load, reaction time.Duration) ([]WhatIfNode, error) {
	tree, err := buildTree(nodes)
	if err != nil {
		return nil, err
	}
	sums, err := sumLoads(tree, all)
	if err != nil {
		return nil, err
	}
	worst := map[NodeID]WhatIfNode{}
	for i := range tree {
		worst[tree[i].cfg.ID] = tree[i].whatIf(sums[i].current, reaction)
	}
	out := make([]WhatIfNode, len(nodes))
	for i := range nodes {
		out[i] = worst[nodes[i].ID]
	}
	return out, nil
}

// whatIf is the worst conductor: the one with the highest share of its limit.
func (n *node) whatIf(sum failsafeColumns, reaction time.Duration) (worst WhatIfNode) {
	share := -1.0
	for p := L1; p <= L3; p++ {
		limit := n.cfg.Limit[p]
		if limit == 0 {
			continue
		}
		// Without the switched load the chargers are held at the limit at most.
		before := min(sum[p]+int64(n.cfg.WorstBase[p]), int64(limit))
		w := WhatIfNode{Node: n.cfg.ID, Phase: p, Load: clamp(before + int64(n.cfg.LargestStep)), Limit: limit}
		s := NewStress(n.cfg.Breaker, limit)
		w.Opens = s.opensAfter(w.Load)
		w.J = max(0, (ratio(w.Load, limit)*ratio(w.Load, limit)-1)*max(0, reaction).Seconds())
		w.Holds = w.Opens == 0 || w.Opens > reaction
		if r := ratio(w.Load, limit); r > share {
			share, worst = r, w
		}
	}
	return worst
}

func ratio(a, b MilliAmp) float64 { return float64(a) / float64(b) }

// mostOpening bounds the search for the time a breaker opens at.
const mostOpening = 4 * time.Hour

// opensAfter is how long the device, warm now, carries the current; 0: for ever.
func (s Stress) opensAfter(current MilliAmp) time.Duration {
	for t := time.Second; t <= mostOpening; t += time.Second {
		if s.Add(time.Second, current); s.Tripped() {
			return t
		}
	}
	return 0
}
