package loadbalance

import (
	"fmt"
	"time"
)

// Balancer holds what must be remembered between two passes. One goroutine owns it.
type Balancer struct {
	cfg  Config
	plan Plan
}

// NewBalancer checks the tree: unique ids, parents that exist, no cycle.
func NewBalancer(cfg Config) (*Balancer, error) {
	parent := map[NodeID]NodeID{}
	for _, n := range cfg.Nodes {
		if _, twice := parent[n.ID]; twice {
			return nil, fmt.Errorf("cannot build the tree: node %q appears twice", n.ID)
		}
		parent[n.ID] = n.Parent
	}
	for _, n := range cfg.Nodes {
		at := n.ID
		for range cfg.Nodes {
			if at = parent[at]; at == "" {
				break
			}
			if _, ok := parent[at]; !ok {
				return nil, fmt.Errorf("cannot build the tree: node %q hangs below %q, which doesn't exist", n.ID, at)
			}
		}
		if at != "" {
			return nil, fmt.Errorf("cannot build the tree: node %q is its own ancestor", n.ID)
		}
	}
	return &Balancer{cfg: cfg}, nil
}

// Step is one control pass.
func (b *Balancer) Step(now time.Time, in Input) Plan {
	b.plan.Setpoints = b.plan.Setpoints[:0]
	for _, c := range in.Connectors {
		b.plan.Setpoints = append(b.plan.Setpoints, Setpoint{Slot: c.Slot, Limit: c.Failsafe, Target: c.Failsafe, Reason: Reason{Rule: RuleMeterLost}})
	}
	b.plan.Wake = now.Add(time.Second)
	return b.plan
}
