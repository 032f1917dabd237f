package loadbalance

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
	"time"
)

// phasors is a random site whose currents are reckoned as vectors, by brute force.
type phasors struct {
	rng   *rand.Rand
	nodes []Node
	conns []Connector
	takes []MilliAmp
	base  [3]complex128 // of the root, A
	b     *Balancer
	now   time.Time
}

func newPhasors(t *testing.T, seed uint64) *phasors {
	p := &phasors{rng: rand.New(rand.NewPCG(seed, 4)), now: morning}
	root := Node{ID: "n0", Metered: true, Grid: Grid(p.rng.IntN(4))}
	for ph := range root.Limit {
		if root.Grid.Lines().Has(Phase(ph)) {
			root.Limit[ph] = MilliAmp(30+p.rng.IntN(100)) * Amp
			p.base[ph] = cmplx.Rect(25*p.rng.Float64(), angle(root.Grid, Phase(ph))+0.5*p.rng.Float64()-0.25)
			root.WorstBase[ph] = 30 * Amp
		}
	}
	if p.rng.IntN(3) == 0 {
		root.Power = int64(5000 + p.rng.IntN(40000))
	}
	if root.Grid == GridStar && p.rng.IntN(2) == 0 {
		root.Imbalance = 20 * Amp
	}
	p.nodes = append(p.nodes, root)
	for i := 1; i < 1+p.rng.IntN(4); i++ {
		n := Node{ID: NodeID(fmt.Sprint("n", i)), Parent: NodeID(fmt.Sprint("n", p.rng.IntN(i))), Continuous: []int{0, 80}[p.rng.IntN(2)]}
		for ph := range n.Limit {
			if root.Grid.Lines().Has(Phase(ph)) {
				n.Limit[ph] = MilliAmp(10+p.rng.IntN(80)) * Amp
			}
		}
		p.nodes = append(p.nodes, n)
	}
	for i := range 1 + p.rng.IntN(9) {
		set := root.Grid.lines(PhaseSet(1 + p.rng.IntN(7)))
		p.conns = append(p.conns, Connector{Slot: i + 1, Node: p.nodes[p.rng.IntN(len(p.nodes))].ID, Phases: set, Min: 6 * Amp,
			Max: MilliAmp(6+p.rng.IntN(58)) * Amp, Online: true, Wants: true, CanStartUnasked: true, WantsSince: morning})
		p.takes = append(p.takes, MilliAmp(3+p.rng.IntN(60))*Amp)
	}
	var err error
	if p.b, err = NewBalancer(Config{Nodes: p.nodes}); err != nil {
		t.Fatal(err)
	}
	return p
}

// angle is where the voltage of a line against the star point lies.
func angle(g Grid, p Phase) float64 {
	if g == GridSplit {
		return float64(p) * math.Pi
	}
	return -float64(p) * 2 * math.Pi / 3
}

// lines are the vectors of a resistive load that draws a in each line of set.
func (p *phasors) lines(set PhaseSet, a MilliAmp) (out [3]complex128) {
	g := p.nodes[0].Grid
	for ph := L1; ph <= L3; ph++ {
		if !set.Has(ph) {
			continue
		}
		at := angle(g, ph)
		if set.Count() == 2 && g != GridStar {
			// Between two lines: the current follows the voltage between them.
			for q := L1; q <= L3; q++ {
				if q != ph && set.Has(q) {
					at = cmplx.Phase(cmplx.Rect(1, angle(g, ph)) - cmplx.Rect(1, angle(g, q)))
				}
			}
		}
		out[ph] = cmplx.Rect(float64(a)/1000, at)
	}
	return out
}

func (p *phasors) below(c *Connector, id NodeID) bool {
	return (&world{nodes: p.nodes}).below(c, id)
}

// flows is the current in each line of a node, as vectors summed.
func (p *phasors) flows(id NodeID) (out [3]complex128) {
	if id == "n0" {
		out = p.base
	}
	for i := range p.conns {
		c := &p.conns[i]
		if !p.below(c, id) {
			continue
		}
		for ph, v := range p.lines(c.Phases, p.draws(i)) {
			out[ph] += v
		}
	}
	return out
}

func (p *phasors) draws(i int) MilliAmp { return min(p.conns[i].Held, p.takes[i]) }

func (p *phasors) pass() {
	r := Reading{Node: "n0", At: p.now, Period: 5 * time.Second}
	for ph, v := range p.flows("n0") {
		r.Current[ph] = MilliAmp(math.Ceil(cmplx.Abs(v) * 1000))
	}
	for i := range p.conns {
		c := &p.conns[i]
		c.Measured, c.MeasuredAt = PerPhase{}, p.now
		for ph := range c.Measured {
			if c.Phases.Has(Phase(ph)) {
				c.Measured[ph] = p.draws(i)
			}
		}
	}
	for _, sp := range p.b.Step(p.now, Input{Connectors: p.conns, Readings: []Reading{r}}).Setpoints {
		if sp.Action == Reduce || sp.Action == Raise || sp.Action == Renew {
			c := &p.conns[sp.Slot-1]
			c.Held, c.HeldAt, c.LeaseUntil = sp.Limit, p.now, p.now.Add(sp.Lease)
		}
	}
	p.now = p.now.Add(5 * time.Second)
}

// over names what is overloaded, beyond rounding.
func (p *phasors) over() string {
	for i := range p.nodes {
		n := &p.nodes[i]
		percent := float64(100)
		if n.Continuous > 0 {
			percent = float64(n.Continuous)
		}
		for ph, v := range p.flows(n.ID) {
			if limit := float64(n.Limit[ph]) / 1000 * percent / 100; cmplx.Abs(v) > limit+0.001 {
				return fmt.Sprintf("%s on %v: %.3f A of %.3f A", n.ID, Phase(ph), cmplx.Abs(v), limit)
			}
		}
	}
	root := &p.nodes[0]
	if root.Power > 0 {
		if watts := p.watts(); watts > float64(root.Power)+1 {
			return fmt.Sprintf("%.0f W of %d W", watts, root.Power)
		}
	}
	return ""
}

// skewed names an imbalance above the limit.
func (p *phasors) skewed() string {
	root := &p.nodes[0]
	for a, x := range p.flows("n0") {
		for b, y := range p.flows("n0") {
			most := max(float64(root.Imbalance)/1000, cmplx.Abs(p.base[a])-cmplx.Abs(p.base[b]))
			if d := cmplx.Abs(x) - cmplx.Abs(y); root.Imbalance > 0 && d > most+0.5 {
				return fmt.Sprintf("%v and %v differ by %.2f A", Phase(a), Phase(b), d)
			}
		}
	}
	return ""
}

func (p *phasors) watts() float64 {
	g := p.nodes[0].Grid
	volts := map[Grid]float64{GridStar: 230, GridDelta: 230 / math.Sqrt(3), GridStar120: 120, GridSplit: 120}[g]
	sum := 0.0
	for ph, v := range p.flows("n0") {
		sum += real(v*cmplx.Conj(cmplx.Rect(1, angle(g, Phase(ph))))) * volts
	}
	return sum
}

// TestNoConductorIsOverloaded compares the allocation with vectors on random sites of
// all grids: the chargers never exceed a conductor or the power, and an imbalance that
// a reduction has left is gone after 15 s.
func TestNoConductorIsOverloaded(t *testing.T) {
	const cases = 10_000
	charging := 0
	for seed := range uint64(cases) {
		p := newPhasors(t, seed)
		if p.over() != "" {
			continue // the base load alone is too much
		}
		skewed := 0
		for range 14 {
			p.pass()
			msg := p.over()
			if p.skewed() == "" {
				skewed = 0
			} else if skewed++; skewed > 3 { // one line's reduction is another's excess
				msg = p.skewed()
			}
			if msg != "" {
				t.Fatalf("seed %d, grid %d, after %v: %s\n%+v", seed, p.nodes[0].Grid, p.now.Sub(morning), msg, p.held())
			}
		}
		for i := range p.conns {
			if p.conns[i].Held > 0 {
				charging++
			}
		}
	}
	t.Logf("%d sites, %d chargers charging, none over", cases, charging)
}

func (p *phasors) held() (out []string) {
	for i := range p.conns {
		c := &p.conns[i]
		out = append(out, fmt.Sprintf("%s on %v: %v takes %v", c.Node, c.Phases, c.Held, p.takes[i]))
	}
	return out
}

func TestWattsAndAmps(t *testing.T) {
	for _, c := range []struct {
		grid  Grid
		set   PhaseSet
		a     MilliAmp
		watts int64
	}{
		{GridStar, AllPhases, 16 * Amp, 11040}, {GridStar, Phases(L2), 32 * Amp, 7360}, {GridStar, Phases(L1, L2), 16 * Amp, 7360},
		{GridDelta, Phases(L1, L2), 32 * Amp, 7360}, {GridDelta, AllPhases, 32 * Amp, 12748},
		{GridStar120, Phases(L1), 16 * Amp, 1920}, {GridStar120, Phases(L1, L3), 32 * Amp, 6652}, {GridStar120, AllPhases, 32 * Amp, 11520},
		{GridSplit, Phases(L1, L2), 32 * Amp, 7680}, {GridSplit, Phases(L1), 12 * Amp, 1440},
	} {
		if got := c.grid.Watts(c.set, c.a); got != c.watts {
			t.Errorf("grid %d on %v: %v is %d W, want %d", c.grid, c.set, c.a, got, c.watts)
		}
		if back := c.grid.Amps(c.set, c.watts); back < c.a || back > c.a+10 {
			t.Errorf("grid %d on %v: %d W is %v", c.grid, c.set, c.watts, back)
		}
	}
}

// TestDCNeverDrawsMore: what a DC charger may give out never draws more than it was
// given.
func TestDCNeverDrawsMore(t *testing.T) {
	for _, d := range []DC{{}, {Efficiency: 95, Idle: 300}, {Grid: GridStar120, Efficiency: 90}, {Grid: GridDelta}} {
		for a := MilliAmp(0); a < 500*Amp; a += 777 {
			out := d.Output(a)
			if out > 0 && d.Draw(out) > a {
				t.Fatalf("%+v: %v gives %d W, which draws %v", d, a, out, d.Draw(out))
			}
			if lost := d.Draw(d.Output(a) + 2); out > 0 && lost < a-20 {
				t.Fatalf("%+v: %v gives only %d W", d, a, out)
			}
		}
	}
}

func TestSupplyStates(t *testing.T) {
	q := newQueue(t, 60*Amp, []PhaseSet{AllPhases, AllPhases})
	q.b.nodes[0].cfg.States = []SupplyState{{Name: "generator", Limit: Uniform(20 * Amp)}}
	for i := range q.conns {
		q.conns[i].Max = 32 * Amp
	}
	for _, c := range []struct {
		supplies []SupplyIn
		each     MilliAmp
	}{
		{[]SupplyIn{{"main", ""}}, 30 * Amp},
		{[]SupplyIn{{"main", "generator"}}, 10 * Amp},
		{[]SupplyIn{{"main", ""}}, 30 * Amp},
		{nil, 10 * Amp}, // unknown: the least
		{[]SupplyIn{{"main", "moon"}}, 10 * Amp},
	} {
		q.supplies = c.supplies
		q.run(15 * time.Minute)
		wantHeld(t, q, c.each, c.each)
	}
}

func TestPowerCap(t *testing.T) {
	q := newQueue(t, 100*Amp, []PhaseSet{AllPhases, Phases(L1)})
	for i := range q.conns {
		q.conns[i].Max = 32 * Amp
	}
	q.caps = []Cap{{Node: "main", Power: 13_800, Rule: RuleSiteCap}} // 20 A on each line
	q.run(5 * time.Minute)
	wantHeld(t, q, 10*Amp, 10*Amp)
	powered, err := NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: Uniform(100 * Amp), Metered: true, WorstBase: Uniform(50 * Amp), Power: 60_000}}})
	if err != nil {
		t.Fatal(err)
	}
	q.b = powered
	q.run(5 * time.Minute)
	wantHeld(t, q, 15*Amp, 15*Amp) // 60 A to share, four for each ampere
}
