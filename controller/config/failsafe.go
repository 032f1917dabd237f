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
		if over == 0 && !s.OverPower() {
			continue
		}
		var figures []string
		if s.OverPower() {
			figures = append(figures, fmt.Sprintf("%.1f kW of %.1f kW", float64(s.Watts)/1000, float64(s.Power)/1000))
		}
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if over.Has(p) && s.Limit == (loadbalance.PerPhase{}) {
				figures = append(figures, fmt.Sprintf("on %v %v where they get nothing", p, s.Failsafe[p]))
			} else if over.Has(p) {
				figures = append(figures, fmt.Sprintf("on %v %v + %v = %v of %v", p, s.Failsafe[p], s.WorstBase[p], s.Failsafe[p]+s.WorstBase[p], s.Limit[p]))
			}
		}
		connectors := fmt.Sprintf("%d connectors", s.Connectors)
		if s.Connectors == 1 {
			connectors = "one connector"
		}
		path, state := index("circuits", i)+".limit_a", ""
		if over == 0 {
			path = index("circuits", i) + ".limit_kw"
		}
		if s.State != "" {
			path, state = r.stateOf(c, s.Node, s.State), " while its supply is in state "+s.State
		}
		r.problem(path,
			fmt.Sprintf("circuit %s can't carry the fail-safe currents of its %s plus the worst base load%s: %s", s.Node, connectors, state, strings.Join(figures, ", ")),
			"Set failsafe_a of some chargers to 0, or correct worst_base_a.")
	}
}

// stateOf is where a state of a circuit's supply stands.
func (r *reader) stateOf(c *Config, circuit loadbalance.NodeID, state string) string {
	for i, s := range c.Grid {
		for k := range s.States {
			if s.Circuit == circuit && s.States[k].Name == state {
				return index(index("grid", i)+".states", k)
			}
		}
	}
	return "grid"
}
