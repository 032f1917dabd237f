package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"busbar/loadbalance"
)

const gridFile = `version: 1
site: {id: lot, timezone: America/Los_Angeles, nominal_v: 120}
grid:
  - circuit: main
    type: star-120-208
    worst_base_a: [20, 20, 20]
    imbalance_a: 40
    continuous_factor: 0.8
    states:
      - {name: generator, limit_a: [60, 60, 60], limit_kw: 18, worst_base_a: [5, 5, 5]}
      - {name: island, limit_a: [0, 0, 0]}
    state: grid
  - {circuit: shed, type: split-120-240, worst_base_a: [0, 0, 0]}
circuits:
  - {id: main, limit_a: [200, 200, 200], breaker: MCB-C, limit_kw: 60.5}
  - {id: board, parent: main, limit_a: [100, 100, 100], breaker: MCB-C, continuous_factor: 1}
  - {id: shed, limit_a: [100, 100, 0], breaker: MCB-C, continuous_factor: 0.9}
chargers:
  - {id: CP1, circuit: board, security_profile: 0, failsafe_a: 0, connectors: [{n: 1, max_a: 32, phases: [L1, L2]}, {n: 2, max_a: 32, phases: [L1, L2, L3]}]}
  - {id: CP2, circuit: shed, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L2, L1]}, {n: 2, max_a: 12, phases: [L2]}]}
charger_network: {isolated: {by: J. Doe, on: 2026-03-01}}
listen: {ws: ":8887"}
`

// TestGridNodes: what the file says of grids, power, imbalance, hours and states arrives
// at load management, and survives the canonical form.
func TestGridNodes(t *testing.T) {
	c := mustParse(t, gridFile)
	all := loadbalance.Uniform
	want := []loadbalance.Node{
		{ID: "main", Grid: loadbalance.GridStar120, Limit: all(200_000), WorstBase: all(20_000), Imbalance: 40_000, Continuous: 80, Power: 60_500,
			States: []loadbalance.SupplyState{{Name: "generator", Limit: all(60_000), Power: 18_000, WorstBase: new(all(5_000))}, {Name: "island"}}},
		{ID: "board", Parent: "main", Limit: all(100_000), Continuous: 100},
		{ID: "shed", Grid: loadbalance.GridSplit, Limit: loadbalance.PerPhase{100_000, 100_000, 0}, Continuous: 90},
	}
	if d := cmp.Diff(want, c.Nodes()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, mustParse(t, string(c.YAML())).Nodes()); d != "" {
		t.Error(d)
	}
	if _, err := loadbalance.NewBalancer(loadbalance.Config{Nodes: c.Nodes()}); err != nil {
		t.Error(err)
	}
	if c.Grid[0].State != StateGrid || c.GridOf("board") != loadbalance.GridStar120 || c.GridOf("shed") != loadbalance.GridSplit || c.Type("nowhere") != GridStar {
		t.Errorf("%+v", c.Grid)
	}
}

// TestVolts is what an ampere stands for on each grid.
func TestVolts(t *testing.T) {
	for _, c := range []struct {
		types        string
		nominal      string
		volts, least int
	}{
		{"star-230-400", "230", 230, 230}, {"star-230-400", "240", 240, 240}, {"delta-3x230", "230", 133, 115},
		{"star-120-208", "120", 120, 103}, {"split-120-240", "120", 120, 120},
	} {
		text := strings.Replace(good(t), "star-230-400", c.types, 1)
		text = strings.Replace(text, "nominal_v: 230", "nominal_v: "+c.nominal, 1)
		if c.types == "split-120-240" {
			text = strings.NewReplacer("[20, 20, 20]", "[20, 20, 0]", "[63, 63, 63]", "[63, 63, 0]", "[40, 40, 40]", "[40, 40, 0]", "[L2, L3, L1]", "[L2, L1]").Replace(text)
		}
		cfg := mustParse(t, text)
		if cfg.Volts() != c.volts || cfg.LeastVolts() != c.least {
			t.Errorf("%s at %s V: %d, at least %d", c.types, c.nominal, cfg.Volts(), cfg.LeastVolts())
		}
	}
}
