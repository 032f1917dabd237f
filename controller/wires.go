package controller

import "busbar/loadbalance"

// wires is how a load lies in its grid.
type wires struct {
	grid  loadbalance.Grid
	set   loadbalance.PhaseSet
	volts int // from a line to the star point or the middle
}

// wires is how a load on a set of grid phases below a node lies.
func (s *Site) wires(node loadbalance.NodeID, set loadbalance.PhaseSet) wires {
	grid := s.gridOf(node)
	return wires{grid: grid, set: grid.Lying(set), volts: s.cfg.Layout.NominalV}
}

// amps is the current of a power of milliwatts over n phases (0: 3) in each line, mA,
// rounded down. A load between lines has the voltage between them, whatever n is.
func (w wires) amps(milliwatts int64, n int) loadbalance.MilliAmp {
	milliwatts = max(milliwatts, 0)
	if w.grid.Between(w.set) {
		return w.grid.Amps(w.set, milliwatts/1000)
	}
	if n == 0 {
		n = 3
	}
	n = max(1, min(n, w.set.Count()))
	return loadbalance.MilliAmp(min(milliwatts/int64(max(1, w.volts)*n), 1<<30))
}

// onGrid turns what a charger measures on its own L1..L3 into grid phases, on the safe
// side: with unknown wiring, and between lines, the largest counts on all.
func (w wires) onGrid(wiring []loadbalance.Phase, own loadbalance.PerPhase, given loadbalance.PhaseSet) loadbalance.PerPhase {
	var grid loadbalance.PerPhase
	if len(wiring) == 0 || w.grid.Between(w.set) {
		for p := range grid {
			if len(wiring) == 0 && w.grid.Lines().Has(loadbalance.Phase(p)) || w.set.Has(loadbalance.Phase(p)) {
				grid[p] = max(own[0], own[1], own[2])
			}
		}
		return grid
	}
	for i, p := range wiring {
		if given.Has(loadbalance.Phase(i)) {
			grid[p] = own[i]
		}
	}
	return grid
}
