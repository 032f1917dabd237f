package trial

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// epoch is the start of every scenario.
var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

const (
	tick    = 0.2  // s of physics
	epsilon = 1e-6 // s, for sums of ticks
)

// world is a scenario that runs.
type world struct {
	sc     *Scenario
	n      int // ticks so far
	t      float64
	nodes  []node
	gauges []*gauge
	points []*point
	bySlot map[controller.Slot]*outlet

	site    *controller.Site // nil: the box is dead
	wake    time.Time
	ticked  float64
	events  []controller.Event // for the box, oldest first
	replies map[controller.ReplyID]func(controller.AnswerBody)
	reply   controller.ReplyID
	journal journal
	cloud   cloud

	ideal float64 // from then on everybody who obeys is led at 0 A; below 0: never
	idles bool    // no car draws anything

	out   Outcome
	trace io.Writer // nil: nobody listens
}

// Outcome is what a scenario came to. It is the same whenever it runs.
type Outcome struct {
	Tripped    *Trip       `json:"tripped,omitempty"`
	Theta      float64     `json:"theta"`    // worst thermal state of any breaker over the one at which it opens
	Integral   float64     `json:"integral"` // worst overload integral of one event, s
	Steps      int         `json:"steps"`
	Setpoints  int         `json:"setpoints"`
	EnergyWh   float64     `json:"energy_wh"`
	Broken     int         `json:"broken"`
	Violations []Violation `json:"violations,omitempty"`
}

// Trip is a breaker that opened.
type Trip struct {
	At      float64           `json:"at"`
	Circuit string            `json:"circuit"`
	Phase   loadbalance.Phase `json:"phase"`
	Base    float64           `json:"base"` // A, of the building then
	Cars    float64           `json:"cars"` // A
	// Known is when the box could first know of what opened it, below 0 if never; Since
	// is when the overload began.
	Known float64 `json:"known"`
	Since float64 `json:"since"`
}

// node is a circuit at run time.
type node struct {
	sc      *Circuit
	parent  int
	limit   float64
	above   []bool       // by node: the circuit is it, or above it
	base    [][3]float64 // own load by second
	meter   *gauge
	cap     loadbalance.MilliAmp // of the cloud, 0: none
	current [3]float64           // now
	uncont  [3]float64           // of it the building's
	stress  [3]loadbalance.Stress
	seen    [3]sight
	honest  bool       // no charger below disobeys or lies at any time
	slowest float64    // s between two reports of a charger below
	shows   [3]float64 // what chargers tell is too much since; 0: it is not
	tooMuch [3]float64 // more was promised than fits since; 0: not
}

func newWorld(sc *Scenario) (*world, error) {
	if err := sc.check(); err != nil {
		return nil, err
	}
	w := &world{sc: sc, bySlot: map[controller.Slot]*outlet{}, ideal: -1, replies: map[controller.ReplyID]func(controller.AnswerBody){}}
	index := map[string]int{}
	for i := range sc.Circuits {
		c := &sc.Circuits[i]
		index[c.ID] = i
		n := node{sc: c, parent: -1, limit: float64(c.Limit) / 1000, above: make([]bool, len(sc.Circuits)), base: sc.baseOf(i)}
		if c.Parent != "" {
			n.parent = index[c.Parent]
		}
		kind := loadbalance.BreakerMCB
		if c.Fuse {
			kind = loadbalance.BreakerGG
		}
		for p := range n.stress {
			n.stress[p] = loadbalance.NewStress(kind, c.Limit)
			n.seen[p] = unseen
		}
		w.nodes = append(w.nodes, n)
		for at := i; at >= 0; at = w.nodes[at].parent {
			w.nodes[at].above[i] = true
		}
	}
	for i := range sc.Meters {
		m := &sc.Meters[i]
		g := &gauge{sc: m, node: index[m.Circuit], rand: sc.noise("meter " + m.ID), faults: sc.faultsOf(m.ID)}
		g.due = g.rand.Float64() * m.Period
		w.nodes[g.node].meter = g
		w.gauges = append(w.gauges, g)
	}
	slot := controller.Slot(1)
	for i := range sc.Chargers {
		p := w.newPoint(&sc.Chargers[i], index, &slot)
		w.points = append(w.points, p)
	}
	w.findHonest()
	w.journal.tokens = map[string]controller.TokenRow{}
	w.journal.recovered.NextTx = 1_000_001
	w.rememberInstalled()
	return w, w.startBox()
}

func (w *world) newPoint(c *Charger, index map[string]int, slot *controller.Slot) *point {
	p := &point{sc: c, id: controller.StationID(c.ID), node: index[c.Circuit], rand: w.sc.noise("charger " + c.ID), faults: w.sc.faultsOf(c.ID),
		powered: true, boots: true, linksAt: c.Comes, floor: -1}
	if c.Installed {
		p.floor, p.taken = c.Failsafe, true
	}
	for i := range c.Connectors {
		o := &outlet{of: p, sc: &c.Connectors[i], number: i + 1, slot: *slot, max: float64(c.Connectors[i].Max) / 1000, shownAt: -1, book: book{rose: -1}}
		w.bySlot[*slot] = o
		*slot++
		p.outlets = append(p.outlets, o)
	}
	return p
}

// noise is a source of its own for one part, so that others may be taken away without
// changing it.
func (sc *Scenario) noise(part string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(part) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(sc.Seed, h))
}

func (sc *Scenario) faultsOf(id string) []*Fault {
	var out []*Fault
	for i := range sc.Faults {
		if sc.Faults[i].At == id {
			out = append(out, &sc.Faults[i])
		}
	}
	return out
}

// at is a time of the scenario as the box sees it.
func (w *world) at(t float64) time.Time {
	return epoch.Add(time.Duration(t * float64(time.Second)).Round(time.Millisecond))
}

// run lives until the scenario ends or a breaker opens.
func (w *world) run() Outcome {
	for w.t < float64(w.sc.Seconds) && w.out.Tripped == nil {
		w.step()
	}
	for _, p := range w.points {
		for _, o := range p.outlets {
			w.out.EnergyWh += o.energy
		}
	}
	return w.out
}

// step is one tick: what was decided has its effect, then everybody says what he has to.
func (w *world) step() {
	w.n++
	w.t = float64(w.n) * tick
	for _, p := range w.points {
		p.physics(w.t, tick)
	}
	w.flow()
	w.boxLives()
	w.cloudLives()
	for _, p := range w.points {
		w.live(p)
		w.carry(p)
	}
	for _, g := range w.gauges {
		w.measure(g)
	}
	w.settle()
	w.lead()
	if w.n%5 == 0 {
		for i := range w.nodes {
			w.checkSum(i)
			w.seeSums(i)
		}
	}
}

// flow adds up the currents and lets the breakers feel them.
func (w *world) flow() {
	second := min(int(w.t), w.sc.Seconds-1)
	for i := range w.nodes {
		w.nodes[i].current, w.nodes[i].uncont = [3]float64{}, [3]float64{}
	}
	for i := range w.nodes {
		own := w.nodes[i].base[second]
		for at := i; at >= 0; at = w.nodes[at].parent {
			for p := range own {
				w.nodes[at].uncont[p] += own[p]
				w.nodes[at].current[p] += own[p]
			}
		}
	}
	if !w.idles {
		for _, p := range w.points {
			var sum [3]float64
			for _, o := range p.outlets {
				o.addTo(&sum)
			}
			for at := p.node; at >= 0; at = w.nodes[at].parent {
				for k := range sum {
					w.nodes[at].current[k] += sum[k]
				}
			}
		}
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		w.feel(n)
	}
}

// findHonest marks the circuits below which all chargers do and say what they should, and
// finds how seldom they do.
func (w *world) findHonest() {
	for i := range w.nodes {
		w.nodes[i].honest = !slices.ContainsFunc(w.sc.Faults, func(f Fault) bool { return f.Kind == FaultBuilding })
		for _, p := range w.points {
			if w.nodes[i].above[p.node] {
				w.nodes[i].slowest = max(w.nodes[i].slowest, p.sc.Metering)
			}
			for _, f := range p.faults {
				if w.nodes[i].above[p.node] && (f.Kind.disobeys() || f.Kind.lies()) {
					w.nodes[i].honest = false
				}
			}
		}
	}
}

func (w *world) feel(n *node) {
	for p := range n.stress {
		s := &n.stress[p]
		s.Add(time.Duration(tick*float64(time.Second)), loadbalance.MilliAmp(n.current[p]*1000))
		w.out.Theta, w.out.Integral = max(w.out.Theta, s.Used()), max(w.out.Integral, s.WorstJ())
		n.seen[p].feel(w.t, n.current[p] > n.limit)
		if s.Tripped() && w.out.Tripped == nil {
			w.out.Tripped = &Trip{At: w.t, Circuit: n.sc.ID, Phase: loadbalance.Phase(p), Base: n.uncont[p], Cars: n.current[p] - n.uncont[p],
				Since: n.seen[p].since, Known: w.known(n, p)}
			w.tracef("TRIP %s %v: %.1f A of %.0f A, building %.1f A", n.sc.ID, loadbalance.Phase(p), n.current[p], n.limit, n.uncont[p])
		}
	}
}
