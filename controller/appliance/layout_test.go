package appliance

import (
	"maps"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/loadbalance"
)

const gridSite = `version: 1
site: {id: lot, timezone: UTC, nominal_v: %V}
grid: [{circuit: main, type: %T, worst_base_a: [0, 0, 0], states: [{name: generator, limit_a: %L}], state: generator}]
circuits: [{id: main, limit_a: %L, breaker: MCB-C}]
chargers: [{id: CP1, circuit: main, security_profile: 0, failsafe_a: 0, connectors: [%C]}]
charger_network: {isolated: {by: J. Doe, on: 2026-03-01}}
listen: {ws: ":8887"}
`

// TestConductors: phases and volts of a connector make the power of its current, for
// chargers that take limits in watts.
func TestConductors(t *testing.T) {
	for _, c := range []struct {
		grid, nominal, limit, connectors string
		phases, volts                    map[int]int
		site                             int
	}{
		{"star-230-400", "230", "[63, 63, 63]", "{n: 1, max_a: 32, phases: [L1, L2, L3]}, {n: 2, max_a: 32, phases: [L2]}, {n: 3, max_a: 32, phases: [L2, L3]}, {n: 4, max_a: 32}",
			map[int]int{1: 3, 2: 1, 3: 2}, map[int]int{1: 230, 2: 230, 3: 230}, 230},
		{"delta-3x230", "230", "[63, 63, 63]", "{n: 1, max_a: 32, phases: [L1, L2, L3]}, {n: 2, max_a: 32, phases: [L2, L3]}", map[int]int{1: 3, 2: 1}, map[int]int{1: 133, 2: 230}, 133},
		{"star-120-208", "120", "[63, 63, 63]", "{n: 1, max_a: 32, phases: [L1, L2, L3]}, {n: 2, max_a: 32, phases: [L2, L3]}, {n: 3, max_a: 32, phases: [L1]}",
			map[int]int{1: 3, 2: 1, 3: 1}, map[int]int{1: 120, 2: 208, 3: 120}, 120},
		{"split-120-240", "120", "[63, 63, 0]", "{n: 1, max_a: 32, phases: [L1, L2]}, {n: 2, max_a: 32, phases: [L2]}", map[int]int{1: 1, 2: 1}, map[int]int{1: 240, 2: 120}, 120},
	} {
		text := strings.NewReplacer("%V", c.nominal, "%T", c.grid, "%L", c.limit, "%C", c.connectors).Replace(gridSite)
		cfg, err := config.Parse("site.yaml", []byte(text), config.Known{})
		if err != nil {
			t.Fatal(err)
		}
		phases, volts := conductors(cfg, cfg.Chargers[0])
		if !maps.Equal(phases, c.phases) || !maps.Equal(volts, c.volts) {
			t.Errorf("%s: %v at %v", c.grid, phases, volts)
		}
		for _, conn := range cfg.Chargers[0].Connectors {
			per := int64(phases[conn.Number] * volts[conn.Number])
			if most := cfg.GridOf("main").Watts(conn.Phases(), loadbalance.Amp); per > most {
				t.Errorf("%s: connector %d is told %d W for an ampere of %d W", c.grid, conn.Number, per, most)
			}
		}
		l := Layout(cfg)
		if l.NominalV != c.site || len(l.Supplies) != 1 || l.Supplies[0] != (controller.SupplyLayout{Node: "main", State: "generator"}) {
			t.Errorf("%s: %d V, %+v", c.grid, l.NominalV, l.Supplies)
		}
	}
}
