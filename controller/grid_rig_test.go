package controller

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"
	"time"

	"busbar/loadbalance"
)

// gridSite is a Site whose chargers and cars obey at once, with the currents of the real
// conductors reckoned as vectors.
type gridSite struct {
	*rig
	grids map[loadbalance.NodeID]loadbalance.Grid
	base  map[loadbalance.NodeID]float64 // A in each line of a supply, resistive to the star point
	takes map[Slot]int                   // conductors that the car charges over, as its charger counts them; 0: all
	caps  map[Slot]loadbalance.MilliAmp  // most its car takes
	held  map[Slot]loadbalance.MilliAmp
	wraps map[Slot]time.Time // end of the lease
	seen  int                // effects that the chargers have obeyed
}

func newGridSite(t testing.TB, l Layout) *gridSite {
	t.Helper()
	g := &gridSite{rig: newRig(t, l, Recovered{}), grids: map[loadbalance.NodeID]loadbalance.Grid{}, base: map[loadbalance.NodeID]float64{},
		takes: map[Slot]int{}, caps: map[Slot]loadbalance.MilliAmp{}, held: map[Slot]loadbalance.MilliAmp{}, wraps: map[Slot]time.Time{}}
	for _, n := range l.Nodes {
		if n.Parent == "" {
			g.grids[n.ID] = n.Grid
		}
	}
	for _, c := range l.Chargers {
		g.online(c.Station)
	}
	return g
}

// plugAll starts a session at every connector, once it is certain that what the chargers
// may have drawn before their fall-back was written is over.
func (g *gridSite) plugAll() {
	for i := range 15 {
		g.second(i)
	}
	for _, sl := range g.site.slots {
		g.start(sl.station.id, sl.layout.Number, fmt.Sprint("T", sl.number))
	}
}

// draws is what the car of a slot takes from each of its conductors.
func (g *gridSite) draws(sl *slot) loadbalance.MilliAmp {
	if sl.tx == nil {
		return 0
	}
	a := sl.station.failsafe
	if g.now.Before(g.wraps[sl.number]) {
		a = g.held[sl.number]
	}
	if most := g.caps[sl.number]; most > 0 {
		a = min(a, most)
	}
	if a < 6*loadbalance.Amp {
		return 0
	}
	return a
}

func angleOf(g loadbalance.Grid, p loadbalance.Phase) float64 {
	if g == loadbalance.GridSplit {
		return float64(p) * math.Pi
	}
	return -float64(p) * 2 * math.Pi / 3
}

// lines are the vectors that the car of a slot adds to the lines of its supply.
func (g *gridSite) lines(sl *slot, grid loadbalance.Grid) (out [3]complex128) {
	wires := sl.layout.Wiring
	if n := g.takes[sl.number]; n > 0 && n < len(wires) {
		wires = wires[:n]
	}
	if grid == loadbalance.GridDelta && len(wires) == 1 {
		wires = sl.layout.Wiring[:2] // a car on one phase lies between two lines
	}
	a := float64(g.draws(sl)) / 1000
	between := len(wires) == 2 && grid != loadbalance.GridStar
	for i, p := range wires {
		at := angleOf(grid, p)
		if between {
			q := wires[1-i]
			at = cmplx.Phase(cmplx.Rect(1, angleOf(grid, p)) - cmplx.Rect(1, angleOf(grid, q)))
		}
		out[p] += cmplx.Rect(a, at)
	}
	return out
}

// flows is the current in each line of a node, as vectors summed.
func (g *gridSite) flows(node loadbalance.NodeID) (out [3]complex128) {
	grid := g.site.gridOf(node)
	for p := range out {
		if b := g.base[node]; b > 0 && grid.Lines().Has(loadbalance.Phase(p)) {
			out[p] = cmplx.Rect(b, angleOf(grid, loadbalance.Phase(p)))
		}
	}
	for _, sl := range g.site.slots {
		if g.site.hangsBelow(sl.node, node) {
			for p, v := range g.lines(sl, grid) {
				out[p] += v
			}
		}
	}
	return out
}

// watts is the power of a supply.
func (g *gridSite) watts(node loadbalance.NodeID) float64 {
	grid, sum := g.site.gridOf(node), 0.
	volts := map[loadbalance.Grid]float64{loadbalance.GridStar: 230, loadbalance.GridDelta: 230 / math.Sqrt(3), loadbalance.GridStar120: 120, loadbalance.GridSplit: 120}[grid]
	for p, v := range g.flows(node) {
		sum += real(v*cmplx.Conj(cmplx.Rect(1, angleOf(grid, loadbalance.Phase(p))))) * volts
	}
	return sum
}

// second lets all meters be read and every tenth time all chargers report, and has them
// obey what comes of it.
func (g *gridSite) second(n int) {
	g.now = g.now.Add(time.Second)
	for _, sl := range g.site.slots {
		if n%10 == int(sl.number)%10 && sl.tx != nil {
			g.report(sl)
		}
	}
	for _, m := range g.site.meters {
		ev := MeterSampled{Meter: m.layout.ID, At: g.now, Period: time.Second}
		for p, v := range g.flows(m.layout.Node) {
			ev.Current[p] = loadbalance.MilliAmp(math.Ceil(cmplx.Abs(v) * 1000))
		}
		g.do(ev)
	}
	g.do(Tick{})
	for ; g.seen < len(g.all); g.seen++ {
		e, ok := g.all[g.seen].(SetLimit)
		if !ok {
			continue
		}
		g.held[e.Slot], g.wraps[e.Slot] = e.Limit, g.now.Add(e.Lease)
		g.do(LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Sent: true, Accepted: true})
	}
}

// report is what a charger measures on its own conductors: a car between two lines shows
// on the first of them only, as most chargers have it.
func (g *gridSite) report(sl *slot) {
	grid := g.site.gridOf(sl.node)
	n := len(sl.layout.Wiring)
	if took := g.takes[sl.number]; took > 0 {
		n = min(n, took)
	}
	if n == 2 && grid != loadbalance.GridStar {
		n = 1
	}
	sample := MeterSample{At: g.now, SoC: -1}
	for p := range n {
		sample.Current[p] = g.draws(sl)
		sample.CurrentPhases |= loadbalance.Phases(loadbalance.Phase(p))
	}
	g.do(MeterReported{Station: sl.station.id, Reply: g.next(), Connector: sl.layout.Number, Tx: sl.tx.row.Tx, Samples: []MeterSample{sample}})
}

// over names a conductor that carries more than its node's limit allows for hours, and a
// power above its limit.
func (g *gridSite) over(supply func(n *loadbalance.Node) (limit loadbalance.PerPhase, watts int64)) string {
	for i := range g.site.nodes {
		n := &g.site.nodes[i]
		if isStation(n.ID) {
			continue
		}
		limit, watts := supply(n)
		for p, v := range g.flows(n.ID) {
			share := 1.
			if n.Continuous > 0 {
				share = float64(n.Continuous) / 100
			}
			if most := float64(limit[p]) / 1000 * share; cmplx.Abs(v) > most+0.01 {
				return fmt.Sprintf("%s on %v: %.2f A of %.2f A", n.ID, loadbalance.Phase(p), cmplx.Abs(v), most)
			}
		}
		if w := g.watts(n.ID); watts > 0 && w > float64(watts)+2 {
			return fmt.Sprintf("%s: %.0f W of %d W", n.ID, w, watts)
		}
	}
	return ""
}

func ownLimits(n *loadbalance.Node) (loadbalance.PerPhase, int64) { return n.Limit, n.Power }
