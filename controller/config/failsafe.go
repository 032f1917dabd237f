package config

import (
	"fmt"
	"strings"

	"busbar/loadbalance"
)

// Sum is what one circuit carries if the box falls silent at the worst moment.
type Sum struct {
	Circuit    loadbalance.NodeID
	Connectors int                  // below the circuit
	Failsafe   loadbalance.PerPhase // their fail-safe currents
	Base       loadbalance.PerPhase // worst load beside the chargers
	Limit      loadbalance.PerPhase
}

// Over is the phases on which fail-safe and base together exceed the limit.
func (s Sum) Over() loadbalance.PhaseSet {
	var over loadbalance.PhaseSet
	for p := loadbalance.L1; p <= loadbalance.L3; p++ {
		if s.Failsafe[p]+s.Base[p] > s.Limit[p] {
			over |= loadbalance.Phases(p)
		}
	}
	return over
}

// FailsafeSums is the static fail-safe rule L6 for every circuit, in the order of the
// file. A connector of unknown wiring counts on all phases.
func (c *Config) FailsafeSums() []Sum {
	nodes := c.Nodes()
	sums := make([]Sum, len(nodes))
	position := map[loadbalance.NodeID]int{}
	for i, n := range nodes {
		sums[i] = Sum{Circuit: n.ID, Base: n.WorstBase, Limit: n.Limit}
		position[n.ID] = i
	}
	for _, charger := range c.Chargers {
		i, ok := position[charger.Circuit]
		for range nodes { // at most as high as there are circuits
			if !ok {
				break
			}
			sums[i].add(charger)
			i, ok = position[nodes[i].Parent]
		}
	}
	return sums
}

func (s *Sum) add(charger Charger) {
	for _, conn := range charger.Connectors {
		s.Connectors++
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if conn.Phases().Has(p) {
				s.Failsafe[p] += charger.Failsafe
			}
		}
	}
}

func (r *reader) checkFailsafe(c *Config) {
	for i, s := range c.FailsafeSums() {
		over := s.Over()
		if over == 0 {
			continue
		}
		var figures []string
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if over.Has(p) {
				figures = append(figures, fmt.Sprintf("on %v %v + %v = %v of %v", p, s.Failsafe[p], s.Base[p], s.Failsafe[p]+s.Base[p], s.Limit[p]))
			}
		}
		connectors := fmt.Sprintf("%d connectors", s.Connectors)
		if s.Connectors == 1 {
			connectors = "one connector"
		}
		r.problem(index("circuits", i)+".limit_a",
			fmt.Sprintf("circuit %s can't carry the fail-safe currents of its %s plus the worst base load: %s", s.Circuit, connectors, strings.Join(figures, ", ")),
			"Set failsafe_a of some chargers to 0, or correct worst_base_a.")
	}
}
