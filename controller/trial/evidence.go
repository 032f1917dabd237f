package trial

import (
	"math"
	"slices"

	"busbar/loadbalance"
)

// sight is an overload of one conductor: since when, and when a meter showed it.
type sight struct {
	since, cleared, told float64 // below 0: not
}

var unseen = sight{-1, -1, -1}

// calm is how long a conductor must be without overload for the next one to be another.
const calm = 5

func (s *sight) feel(t float64, over bool) {
	switch {
	case over && s.since < 0:
		*s = sight{t, -1, -1}
	case over:
		s.cleared = -1
	case s.since < 0:
	case s.cleared < 0:
		s.cleared = t
	case t-s.cleared >= calm:
		*s = unseen
	}
}

// seeMeter notes that a reading shows an overload. One that is not the truth must show a
// distinct one: from a slight one nobody can know how large it is.
func (w *world) seeMeter(g *gauge, shown loadbalance.PerPhase) {
	n := &w.nodes[g.node]
	least := n.sc.Limit
	switch {
	case g.fault(FaultFrozen, w.t) != nil:
		return // tells of another time
	case g.lies(w.t):
		least += least / 20
	}
	for p := range shown {
		switch s := &n.seen[p]; {
		case shown[p] <= least && g.lies(w.t):
			s.told = -1 // what it showed is over, as far as anybody can know
		case shown[p] > least && s.since >= 0 && s.told < 0:
			s.told = w.t
		}
	}
}

// settles is how long a charger and its car may take to follow.
const settles = 12

// promise is what a connector was promised, and when last.
type promise struct {
	amps loadbalance.MilliAmp
	at   float64
}

// remember keeps what the connector was promised lately: the most first, and behind it
// what was the most since.
func (o *outlet) remember(t float64) {
	a := o.promised(t)
	for n := len(o.lately); n > 0 && o.lately[n-1].amps <= a; n-- {
		o.lately = o.lately[:n-1]
	}
	o.lately = append(o.lately, promise{a, t})
	for t-o.lately[0].at >= settles {
		o.lately = o.lately[:copy(o.lately, o.lately[1:])]
	}
}

// seeReport notes that a report shows that a car draws more than it may. That is known of
// this car alone: the next one may obey.
func (w *world) seeReport(o *outlet, own loadbalance.PerPhase) {
	o.reports, o.reportAt = own, w.t
	a := o.lately[0].amps
	switch much := max(own[0], own[1], own[2]) > a+a/10+loadbalance.Amp/2; {
	case !much:
		o.shownAt = -1
	case o.shownAt < 0:
		o.shownAt = w.t
	}
}

// known is when the box could first know of what overloads a conductor of a circuit, not
// before the overload began; below 0: never.
func (w *world) known(n *node, phase int) float64 {
	first := math.Inf(1)
	if told := n.seen[phase].told; told >= 0 {
		first = told
		if w.disobeyed(n) {
			first += sure
		}
	}
	if g := n.meter; g != nil && !w.fitsBlindly(n, phase) {
		if stale := g.heardAt + max(3, 3*g.sc.Period); stale <= w.t {
			first = min(first, stale)
		}
		if at := g.stood[phase].known; at > 0 {
			first = min(first, at)
		}
	}
	if since := n.shows[phase]; n.blind(w.t) && since > 0 {
		first = min(first, since+sure)
	}
	if math.IsInf(first, 1) {
		return -1
	}
	return max(first, n.seen[phase].since)
}

// fitsBlindly tells that what the chargers hold that obey fits beside the worst that was
// declared: the box has done what a lost meter asks for.
func (w *world) fitsBlindly(n *node, phase int) bool {
	sum := n.sc.WorstBase[phase]
	for _, p := range w.points {
		for _, o := range p.outlets {
			if n.above[p.node] && p.obeys(w.t) && o.loads(phase) {
				sum += o.promised(w.t)
			}
		}
	}
	return sum <= n.sc.Limit
}

// seeSums notes since when what chargers told, and what was promised to those that told
// nothing, is too much for a circuit beside the worst that was declared.
func (w *world) seeSums(at int) {
	n := &w.nodes[at]
	_, high := w.toldBelow(at)
	for p := range high {
		switch over := high[p]+float64(n.sc.WorstBase[p])/1000 > 1.03*n.limit; {
		case !over:
			n.shows[p] = 0
		case n.shows[p] == 0:
			n.shows[p] = w.t
		}
	}
}

// blind tells that no meter shows what flows in the circuit, so that what chargers tell is
// what can be known. Beside a meter that lies it is nothing: it does not open the breaker.
func (n *node) blind(t float64) bool {
	return n.meter == nil || t-n.meter.heardAt > max(3, 3*n.meter.sc.Period)
}

// sure is how long it may take to find that somebody does not obey, by the design.
const sure = 7

// disobeyed tells that a charger below the circuit does not do what it should.
func (w *world) disobeyed(n *node) bool {
	return slices.ContainsFunc(w.points, func(p *point) bool { return n.above[p.node] && !p.obeys(w.t) })
}

// stood is a value of a meter that does not change, and what the cars can have drawn
// meanwhile: the largest that they drew at least, and the smallest that they drew at most.
type stood struct {
	since, least, most float64
	moved, known       float64 // 0: not yet
}

const (
	stands   = 30 // s that a value must stand still before it can be known for frozen
	standsOn = 10 // s of them after the chargers have moved
	moves    = 2  // A that they must have moved
)

// seeStanding notes how long the values of a meter have stood still although chargers
// told that they had moved.
func (w *world) seeStanding(g *gauge, before, shown loadbalance.PerPhase) {
	low, high := w.toldBelow(g.node)
	for p := range g.stood {
		s := &g.stood[p]
		if shown[p] != before[p] || s.since == 0 {
			*s = stood{since: w.t}
		}
		if w.t-s.since < settles { // what they told then may be of before
			s.least, s.most = low[p], high[p]
		}
		if s.least, s.most = max(s.least, low[p]), min(s.most, high[p]); s.moved == 0 && s.least-s.most >= moves {
			s.moved = w.t
		}
		if s.moved > 0 && s.known == 0 && w.t >= max(s.since+stands, s.moved+max(standsOn, 3*g.sc.Period)) {
			s.known = w.t
		}
	}
}

// toldBelow adds up what cars below a circuit draw at least and at most, by what was told
// of them and promised to them.
func (w *world) toldBelow(at int) (low, high [3]float64) {
	for _, p := range w.points {
		if !w.nodes[at].above[p.node] {
			continue
		}
		for _, o := range p.outlets {
			told := w.t-o.reportAt <= max(30, 2*p.sc.Metering) || o.shownAt >= 0 // one who was seen not to obey is not believed to
			most := float64(o.promised(w.t)) / 1000
			for i, ph := range o.sc.Wiring {
				switch {
				case !o.began:
				case told:
					a := float64(o.reports[i]) / 1000
					if o.shownAt < 0 && len(o.lately) > 0 { // it has come down since, as far as anybody can know
						a = min(a, float64(o.lately[0].amps)/1000+0.5)
					}
					low[ph] += a
					high[ph] += a
				default:
					high[ph] += most
				}
			}
		}
	}
	return low, high
}

// loads tells whether the connector can load a phase of the grid.
func (o *outlet) loads(phase int) bool {
	return slices.Contains(o.sc.Wiring, loadbalance.Phase(phase))
}

// trusted tells that what the box can know of a circuit is the truth: its meter shows
// it, and so do the chargers below, which obey.
func (n *node) trusted(t float64) bool {
	return n.meter != nil && len(n.meter.faults) == 0 && n.honest && t-n.meter.shownAt <= 3
}
