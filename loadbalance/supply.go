package loadbalance

import "fmt"

// limitSet is what holds at a node in the present state of its supply.
type limitSet struct {
	state string // whose limit it is; the least of all, conductor by conductor, if unknown
	limit PerPhase
	power int64 // W; 0: no limit
	base  PerPhase
}

// supply is what holds in a state; in an unknown one the least and the worst of all.
func (n *Node) supply(supplies []SupplyIn) limitSet {
	own := limitSet{limit: n.Limit, power: n.Power, base: n.WorstBase}
	if len(n.States) == 0 {
		return own
	}
	for i := range supplies {
		if supplies[i].Node != n.ID {
			continue
		}
		if supplies[i].State == "" {
			return own
		}
		for k := range n.States {
			if n.States[k].Name == supplies[i].State {
				return n.inState(k)
			}
		}
	}
	for k := range n.States {
		s := n.inState(k)
		for p := range own.limit {
			own.limit[p], own.base[p] = min(own.limit[p], s.limit[p]), max(own.base[p], s.base[p])
		}
		if own.power == 0 || s.power > 0 && s.power < own.power {
			own.power = s.power
		}
	}
	return own
}

func (n *Node) inState(k int) limitSet {
	s := &n.States[k]
	out := limitSet{state: s.Name, limit: s.Limit, power: s.Power, base: n.WorstBase}
	if s.WorstBase != nil {
		out.base = *s.WorstBase
	}
	return out
}

// idle reports whether the chargers get nothing in this state.
func (s *limitSet) idle() bool { return s.limit == (PerPhase{}) }

// lasting is what of a limit may flow for hours.
func (n *Node) lasting(limit MilliAmp) int64 {
	percent := int64(n.Continuous)
	if percent == 0 {
		percent = 100
	}
	return int64(limit) * percent / 100
}

// powered reports whether the node has a limit of power in any state.
func (n *Node) powered() bool {
	for k := range n.States {
		if n.States[k].Power > 0 {
			return true
		}
	}
	return n.Power > 0
}

// checkStates checks what stands beside a node's own limits.
func (n *Node) checkStates() error {
	seen := map[string]bool{"": true}
	for i := range n.States {
		s := n.inState(i)
		if seen[s.state] {
			return fmt.Errorf("cannot build the tree: node %q has two states of the name %q", n.ID, s.state)
		}
		seen[s.state] = true
		if s.power < 0 {
			return fmt.Errorf("cannot build the tree: node %q has a power of %d W in state %q", n.ID, s.power, s.state)
		}
		for p := L1; p <= L3; p++ {
			if s.limit[p] < 0 || s.limit[p] > maxAmp {
				return fmt.Errorf("cannot build the tree: node %q has a limit of %v on %v in state %q", n.ID, s.limit[p], p, s.state)
			}
			if s.base[p] < 0 || s.base[p] > maxAmp {
				return fmt.Errorf("cannot build the tree: node %q has a worst load of %v on %v in state %q", n.ID, s.base[p], p, s.state)
			}
		}
	}
	return nil
}
