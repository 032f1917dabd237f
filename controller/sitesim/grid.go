package sitesim

import (
	"math"
	"sync"
	"time"

	"busbar/loadbalance"
)

// Grid is the truth of the site: the building's load and the chargers' currents, in
// amperes per grid phase. All methods may be called from any goroutine.
type Grid struct {
	scale float64
	steps bool
	start time.Time
	loads []load

	mu    sync.Mutex
	extra float64 // A on each phase, by a fault
}

// load is one charger's connector: where it hangs and what it draws.
type load struct {
	slot    int
	node    loadbalance.NodeID
	wiring  []loadbalance.Phase
	current func() [3]float64 // A on the charger's own L1..L3
}

// Base is the building's load at t: a slow wave, and steps of a kitchen and a lift.
func (g *Grid) Base(t time.Time) [3]float64 {
	s := t.Sub(g.start).Seconds()
	var out [3]float64
	for p := range out {
		out[p] = g.scale * (6 + 2*math.Sin(2*math.Pi*(s/900+float64(p)/3)) + 0.3*math.Sin(s*1.7+float64(p)*2))
	}
	if g.steps {
		if m := math.Mod(s, 75); m >= 35 && m < 60 {
			out[0] += 6 * g.scale
			out[1] += 6 * g.scale
			out[2] += 6 * g.scale
		}
		if m := math.Mod(s, 40); m >= 20 && m < 24 {
			out[1] += 4 * g.scale
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range out {
		out[p] += g.extra
	}
	return out
}

// Step adds amps on each phase of the building, until called with 0.
func (g *Grid) Step(amps float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.extra = amps
}

// onGrid is what a load draws on the grid's phases.
func (l load) onGrid() [3]float64 {
	var out [3]float64
	own := l.current()
	if len(l.wiring) == 0 {
		return own // unknown wiring: straight
	}
	for i, p := range l.wiring {
		out[p] += own[i]
	}
	return out
}

// Total is what the grid meter measures.
func (g *Grid) Total(t time.Time) [3]float64 {
	sum := g.Base(t)
	for _, l := range g.loads {
		for p, a := range l.onGrid() {
			sum[p] += a
		}
	}
	return sum
}
