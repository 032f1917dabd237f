package loadbalance

import "math"

// Grid is how a supply's conductors relate: what a load on several of them draws, and
// from which voltage.
type Grid uint8

// The grids known.
const (
	// GridStar is 230/400 V with a neutral: one- to three-phase loads.
	GridStar Grid = iota
	// GridDelta is 3x230 V without a neutral: a one-phase load lies between two lines
	// and counts on both. Currents of loads on different pairs add up as vectors to less
	// than their sum; the sum is what is reckoned with.
	GridDelta
	// GridStar120 is 120/208 V with a neutral: loads on one line take 120 V, on two
	// 208 V, on three 208 V three-phase.
	GridStar120
	// GridSplit is 120/240 V split phase: L1 and L2 only, loads on both take 240 V.
	GridSplit
)

// lines is what of a set exists; an impossible or unknown wiring counts as all lines.
func (g Grid) lines(set PhaseSet) PhaseSet {
	all := g.Lines()
	set &= all
	if set == 0 || g == GridDelta && set.Count() < 2 {
		return all
	}
	return set
}

// Lines are the conductors the grid has, without neutral.
func (g Grid) Lines() PhaseSet {
	if g == GridSplit {
		return Phases(L1, L2)
	}
	return AllPhases
}

// Between reports whether a load on set lies between lines, so that what one of them
// carries flows in the others, too, however the load numbers its own conductors.
func (g Grid) Between(set PhaseSet) bool {
	return g == GridDelta || g != GridStar && g.lines(set).Count() == 2
}

// Lying is how a load on set lies in the grid: impossible and unknown ones on all lines.
func (g Grid) Lying(set PhaseSet) PhaseSet { return g.lines(set & AllPhases) }

// microvolts is what one ampere in each line of the set stands for: W per A, x 1e6.
func (g Grid) microvolts(set PhaseSet) int64 {
	const root3 = 1_732_051
	n := int64(g.lines(set).Count())
	switch {
	case g == GridDelta && n == 3:
		return 230 * root3
	case g == GridDelta:
		return 230_000_000
	case g == GridStar120 && n == 2:
		return 120 * root3
	case g == GridStar120 || g == GridSplit:
		return 120_000_000 * n
	}
	return 230_000_000 * n
}

// unit is the voltage that power lines count in: their current is W by it.
func (g Grid) unit() int64 {
	switch g {
	case GridDelta:
		return 1 // nothing in it is a multiple of anything
	case GridStar120, GridSplit:
		return 120
	}
	return 230
}

// heft is how many units of power a load on set takes for each ampere, rounded up. It is
// never less than what baseUnits makes of its lines: a meter sees the sum of vectors, and
// what that lacks of the building's power must be found in what the chargers are booked
// at.
func (g Grid) heft(set PhaseSet) int64 {
	u, lines := g.unit()*1_000_000, int64(g.lines(set).Count())
	return (max(g.microvolts(set), g.star()*lines) + u - 1) / u
}

// star is the voltage from a line to the star point or the middle, x 1e6.
func (g Grid) star() int64 {
	switch g {
	case GridDelta:
		return 132_790_562
	case GridStar120, GridSplit:
		return 120_000_000
	}
	return 230_000_000
}

// baseUnits is the power of currents in all lines, in units as mA, rounded up.
func (g Grid) baseUnits(sum int64) int64 {
	if g == GridDelta {
		return (sum*(g.star()/1000) + 999) / 1000
	}
	return sum
}

// Watts is the power of a load that draws a in each line of set, rounded up.
func (g Grid) Watts(set PhaseSet, a MilliAmp) int64 {
	return (int64(max(0, bounded(a)))*g.microvolts(set)/1000 + 999_999) / 1_000_000
}

// Amps is the current in each line of set of a load of watts, rounded down: what a
// limit in watts allows.
func (g Grid) Amps(set PhaseSet, watts int64) MilliAmp {
	watts = min(max(watts, 0), math.MaxInt32)
	return min(MilliAmp(min(watts*1_000_000_000/g.microvolts(set), int64(maxAmp))), maxAmp)
}

// DC is a charger that is commanded in watts at its output: to the fuses a
// three-phase load with losses.
type DC struct {
	Grid Grid
	// Efficiency is output over input in percent, 50 to 100; 0 counts as 93.
	Efficiency int64
	// Idle is what the charger's own supply takes, W.
	Idle int64
}

func (d DC) efficiency() int64 {
	if d.Efficiency == 0 {
		return 93
	}
	return min(max(d.Efficiency, 50), 100)
}

// Output is the most the charger may give its car when it may draw a from each line,
// in W, rounded down.
func (d DC) Output(a MilliAmp) int64 {
	in := int64(max(0, bounded(a)))*d.Grid.microvolts(AllPhases)/1_000_000_000 - max(0, d.Idle)
	return max(0, in*d.efficiency()/100)
}

// Draw is the current in each line at an output of watts, rounded up.
func (d DC) Draw(watts int64) MilliAmp {
	watts = min(max(watts, 0), math.MaxInt32)
	in := (watts*100+d.efficiency()-1)/d.efficiency() + min(max(0, d.Idle), math.MaxInt32)
	v := d.Grid.microvolts(AllPhases)
	return MilliAmp(min((in*1_000_000_000+v-1)/v, int64(maxAmp)))
}
