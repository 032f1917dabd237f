package loadbalance

import "time"

const (
	// drawsAbove and restsBelow are the currents from and below which a line counts as
	// used or unused by a car that draws at least clearDraw on one.
	drawsAbove = 2 * Amp
	restsBelow = Amp / 2
	clearDraw  = 5 * Amp
	// wakesAbove is the current on a line counted as unused that ends the recognition.
	wakesAbove = Amp
	// alike is for how long the same lines must have been used, and reports how many
	// reports must have said so.
	alike   = time.Minute
	reports = 3
)

// wiring is what is known of the lines a car really uses, within one transaction: many
// use one or two of three, and the others' current is free for the rest.
type wiring struct {
	used   PhaseSet // 0: not known
	guess  PhaseSet
	since  time.Time
	reads  int
	judged time.Time
}

// recognise narrows the connector's lines to those its car uses. That needs known
// wiring: a measurement on unknown lines says nothing. A charger out of reach counts
// on all its lines.
func (w *work) recognise(b *Balancer) {
	c, r := w.c, &w.s.wiring
	if c.Phases&AllPhases == 0 || w.node < 0 || !c.Online {
		*r = wiring{}
		return
	}
	if w.reading(b.now) && !c.MeasuredAt.Equal(r.judged) {
		r.judged = c.MeasuredAt
		r.judge(w.set, &c.Measured, c.MeasuredAt)
	}
	if r.used != 0 {
		w.rewire(b, r.used&w.set)
	}
}

func (r *wiring) judge(set PhaseSet, m *PerPhase, at time.Time) {
	var used PhaseSet
	vague, woken := false, false
	most := MilliAmp(0)
	for p := L1; p <= L3; p++ {
		if !set.Has(p) {
			continue
		}
		most = max(most, m[p])
		switch {
		case m[p] >= drawsAbove:
			used |= Phases(p)
		case m[p] >= restsBelow:
			vague = true
		}
		woken = woken || r.used != 0 && !r.used.Has(p) && m[p] >= wakesAbove
	}
	switch {
	case woken:
		*r = wiring{judged: r.judged}
	case vague || most < clearDraw || used == set:
		r.guess = 0
	case used != r.guess:
		r.guess, r.since, r.reads = used, at, 1
	default:
		if r.reads++; r.reads >= reports && at.Sub(r.since) >= alike {
			r.used = used
		}
	}
}

// rewire sets the lines the connector counts on.
func (w *work) rewire(b *Balancer, set PhaseSet) {
	n := &b.nodes[w.node]
	w.set = n.grid.lines(set)
	w.heft, w.lines = n.grid.heft(w.set), n.lines[w.set]
}
