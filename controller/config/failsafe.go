package config

import (
	"fmt"
	"strings"

	"busbar/loadbalance"
)

// FailsafeSums is the static fail-safe rule L6 for every circuit, in the order of the
// file. A connector of unknown wiring counts on all phases.
func (c *Config) FailsafeSums() []loadbalance.FailsafeSum {
	sums, _ := c.failsafeSums() // a Config is checked: its circuits are a tree
	return sums
}

func (c *Config) failsafeSums() ([]loadbalance.FailsafeSum, error) {
	var loads []loadbalance.Load
	for _, charger := range c.Chargers {
		for _, conn := range charger.Connectors {
			loads = append(loads, loadbalance.Load{Node: charger.Circuit, Phases: conn.Phases(), Current: charger.Failsafe})
		}
	}
	return loadbalance.FailsafeSums(c.Nodes(), loads)
}

func (r *reader) checkFailsafe(c *Config) {
	sums, err := c.failsafeSums()
	if err != nil {
		r.problem("circuits", err.Error(), "Correct the circuits.")
		return
	}
	for i, s := range sums {
		over := s.Over()
		if over == 0 {
			continue
		}
		var figures []string
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if over.Has(p) {
				figures = append(figures, fmt.Sprintf("on %v %v + %v = %v of %v", p, s.Failsafe[p], s.WorstBase[p], s.Failsafe[p]+s.WorstBase[p], s.Limit[p]))
			}
		}
		connectors := fmt.Sprintf("%d connectors", s.Connectors)
		if s.Connectors == 1 {
			connectors = "one connector"
		}
		r.problem(index("circuits", i)+".limit_a",
			fmt.Sprintf("circuit %s can't carry the fail-safe currents of its %s plus the worst base load: %s", s.Node, connectors, strings.Join(figures, ", ")),
			"Set failsafe_a of some chargers to 0, or correct worst_base_a.")
	}
}
