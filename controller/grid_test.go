package controller

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"busbar/loadbalance"
)

const (
	l1 = loadbalance.L1
	l2 = loadbalance.L2
	l3 = loadbalance.L3
)

// oneSupply is a metered supply with a charger of one connector for each wiring.
func oneSupply(root loadbalance.Node, wirings ...[]loadbalance.Phase) Layout {
	root.ID, root.Metered = "main", true
	l := Layout{ID: "depot", NominalV: 230, Onboarding: "approve", UnknownAccepted: true, Nodes: []loadbalance.Node{root},
		Meters: []MeterLayout{{ID: "grid", Node: "main", Period: time.Second}}}
	for i, w := range wirings {
		l.Chargers = append(l.Chargers, ChargerLayout{Station: StationID(fmt.Sprint("CP", i+1)), Node: "main",
			Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: w}}})
	}
	return l
}

// TestGrids: what cars get on each type of grid, in whole amperes, and that neither
// conductors nor power are exceeded while they get it.
func TestGrids(t *testing.T) {
	lines := func(a int) loadbalance.PerPhase {
		return loadbalance.Uniform(loadbalance.MilliAmp(a) * loadbalance.Amp)
	}
	two := func(a loadbalance.MilliAmp) loadbalance.PerPhase {
		return loadbalance.PerPhase{a * loadbalance.Amp, a * loadbalance.Amp, 0}
	}
	for _, c := range []struct {
		name  string
		volts int
		root  loadbalance.Node
		wires [][]loadbalance.Phase
		takes map[Slot]int // conductors the car uses, if less
		base  float64
		want  []int
	}{
		{"star: two on one line, one beside", 230, loadbalance.Node{Limit: lines(40)}, [][]loadbalance.Phase{{l1}, {l1}, {l2}}, nil, 10, []int{15, 15, 30}},
		{"star: one-phase car at a three-phase charger", 230, loadbalance.Node{Limit: lines(40)}, [][]loadbalance.Phase{{l2, l3, l1}, {l2}}, map[Slot]int{1: 1}, 0, []int{20, 20}},
		{"star: imbalance of 20 A", 230, loadbalance.Node{Limit: lines(63), Imbalance: 20 * loadbalance.Amp}, [][]loadbalance.Phase{{l1}}, nil, 10, []int{20}},
		{"star: balanced cars are no imbalance", 230, loadbalance.Node{Limit: lines(63), Imbalance: 20 * loadbalance.Amp}, [][]loadbalance.Phase{{l1}, {l2}, {l3}}, nil, 10, []int{32, 32, 32}},
		{"star: power", 230, loadbalance.Node{Limit: lines(63), Power: 13_800}, [][]loadbalance.Phase{{l1, l2, l3}}, nil, 5, []int{15}},
		{"delta: two cars between different lines share one", 230, loadbalance.Node{Grid: loadbalance.GridDelta, Limit: lines(40)}, [][]loadbalance.Phase{{l1, l2}, {l2, l3}}, nil, 0, []int{20, 20}},
		{"delta: a car between two lines at a three-phase charger", 133, loadbalance.Node{Grid: loadbalance.GridDelta, Limit: lines(40)}, [][]loadbalance.Phase{{l1, l2, l3}, {l1, l2}}, map[Slot]int{1: 1}, 8, []int{16, 16}},
		{"delta: power of one between two lines", 133, loadbalance.Node{Grid: loadbalance.GridDelta, Limit: lines(40), Power: 5_320}, [][]loadbalance.Phase{{l1, l2}}, nil, 0, []int{20}},
		{"120/208: two lines for hours", 120, loadbalance.Node{Grid: loadbalance.GridStar120, Limit: lines(40), Continuous: 80}, [][]loadbalance.Phase{{l1, l2}, {l1}}, nil, 0, []int{16, 16}},
		{"120/208: three lines and one", 120, loadbalance.Node{Grid: loadbalance.GridStar120, Limit: lines(60), Continuous: 80}, [][]loadbalance.Phase{{l1, l2, l3}, {l3}}, nil, 8, []int{20, 20}},
		{"split phase: 240 V and 120 V", 120, loadbalance.Node{Grid: loadbalance.GridSplit, Limit: two(60), Continuous: 80}, [][]loadbalance.Phase{{l1, l2}, {l2}}, nil, 8, []int{20, 20}},
		{"split phase: power", 120, loadbalance.Node{Grid: loadbalance.GridSplit, Limit: two(100), Power: 9_600}, [][]loadbalance.Phase{{l1, l2}, {l1, l2}}, nil, 10, []int{15, 15}},
		{"split phase: unknown wiring is on both", 120, loadbalance.Node{Grid: loadbalance.GridSplit, Limit: two(40)}, [][]loadbalance.Phase{nil, {l1}}, nil, 0, []int{20, 20}},
	} {
		l := oneSupply(c.root, c.wires...)
		l.NominalV = c.volts
		g := newGridSite(t, l)
		g.base["main"] = c.base
		maps.Copy(g.takes, c.takes)
		for _, sl := range g.site.slots {
			if len(sl.layout.Wiring) == 0 {
				sl.layout.Wiring = []loadbalance.Phase{l1, l2} // what nobody told the box
				defer func() { sl.layout.Wiring = nil }()
			}
		}
		g.plugAll()
		for i := range 240 {
			g.second(i)
			if msg := g.over(ownLimits); msg != "" {
				t.Fatalf("%s: after %d s: %s", c.name, i, msg)
			}
		}
		for i, want := range c.want {
			if got := g.draws(g.site.slots[i]); got < loadbalance.MilliAmp(want*1000-1000) || got > loadbalance.MilliAmp(want*1000+300) {
				t.Errorf("%s: connector %d takes %v, want %d A", c.name, i+1, got, want)
			}
		}
	}
}

// TestGridsAgainstVectors draws sites of all grids and lets cars come; the vectors of all
// currents never exceed a limit.
func TestGridsAgainstVectors(t *testing.T) {
	sites := 160
	if testing.Short() {
		sites = 40
	}
	charged := map[loadbalance.Grid]int{}
	for seed := range uint64(sites) {
		rng := rand.New(rand.NewPCG(seed, 16))
		g := randomGrid(t, rng)
		if g.over(ownLimits) != "" {
			continue // the building alone is too much
		}
		g.plugAll()
		for i := range 100 {
			g.second(i)
			if msg := g.over(ownLimits); msg != "" {
				t.Fatalf("seed %d, grid %d, after %d s: %s", seed, g.grids["main"], i, msg)
			}
		}
		for _, sl := range g.site.slots {
			if g.draws(sl) > 0 {
				charged[g.grids["main"]]++
			}
		}
	}
	for grid := loadbalance.GridStar; grid <= loadbalance.GridSplit; grid++ {
		if charged[grid] == 0 {
			t.Errorf("no car charges on grid %d", grid)
		}
	}
	t.Logf("cars charging by grid: %v", charged)
}

func randomGrid(t *testing.T, rng *rand.Rand) *gridSite {
	root := loadbalance.Node{Grid: loadbalance.Grid(rng.IntN(4)), Continuous: []int{0, 80}[rng.IntN(2)]}
	limit := func(least, span int) (out loadbalance.PerPhase) {
		for p := range out {
			if root.Grid.Lines().Has(loadbalance.Phase(p)) {
				out[p] = loadbalance.MilliAmp(least+rng.IntN(span)) * loadbalance.Amp
			}
		}
		return out
	}
	root.Limit = limit(30, 80)
	if rng.IntN(3) == 0 {
		root.Power = int64(4_000 + rng.IntN(30_000))
	}
	l := oneSupply(root)
	l.NominalV = map[loadbalance.Grid]int{loadbalance.GridStar: 230, loadbalance.GridDelta: 133, loadbalance.GridStar120: 120, loadbalance.GridSplit: 120}[root.Grid]
	l.Nodes = append(l.Nodes, loadbalance.Node{ID: "board", Parent: "main", Limit: limit(16, 50), Continuous: root.Continuous})
	wires := map[loadbalance.Grid][][]loadbalance.Phase{
		loadbalance.GridStar:    {{l1}, {l2}, {l3}, {l1, l2}, {l2, l3, l1}},
		loadbalance.GridDelta:   {{l1, l2}, {l2, l3}, {l3, l1}, {l3, l1, l2}},
		loadbalance.GridStar120: {{l1}, {l3}, {l1, l2}, {l2, l3}, {l1, l2, l3}},
		loadbalance.GridSplit:   {{l1}, {l2}, {l1, l2}, {l2, l1}},
	}[root.Grid]
	for i := range 1 + rng.IntN(7) {
		w := wires[rng.IntN(len(wires))]
		l.Chargers = append(l.Chargers, ChargerLayout{Station: StationID(fmt.Sprint("CP", i+1)), Node: []loadbalance.NodeID{"main", "board"}[rng.IntN(2)],
			Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: loadbalance.MilliAmp(6+rng.IntN(42)) * loadbalance.Amp, Wiring: w}}})
	}
	g := newGridSite(t, l)
	g.base["main"] = float64(rng.IntN(25))
	for _, sl := range g.site.slots {
		if n := len(sl.layout.Wiring); n > 2 || root.Grid == loadbalance.GridStar && n > 1 {
			g.takes[sl.number] = rng.IntN(n)
		}
		g.caps[sl.number] = loadbalance.MilliAmp(6+rng.IntN(40)) * loadbalance.Amp
	}
	return g
}
