package trial

import (
	"fmt"
	"slices"

	"busbar/controller"
	"busbar/loadbalance"
)

// Violation is a rule that the box broke.
type Violation struct {
	At   float64 `json:"at"`
	Rule string  `json:"rule"` // of the reliability rules: L1..L11
	Text string  `json:"text"`
}

func (v Violation) String() string { return fmt.Sprintf("%.1f s %s: %s", v.At, v.Rule, v.Text) }

// book is what the box may believe of a connector, reckoned from what was said on the
// wire alone.
type book struct {
	limit loadbalance.MilliAmp // acknowledged
	until float64
	has   bool
	sends []controller.SetLimit // on the way
	rose  float64               // when a higher setpoint was last sent; below 0: not by this box
}

// inForce is the current that the connector may draw by what was acknowledged.
func (o *outlet) inForce(t float64) loadbalance.MilliAmp {
	switch {
	case !o.began || o.ended:
		return 0
	case o.book.has && t < o.book.until:
		return o.book.limit
	}
	return o.fallback()
}

// fallback is what the charger falls back to as far as the box can know.
func (o *outlet) fallback() loadbalance.MilliAmp {
	if o.of.taken {
		return o.of.sc.Failsafe
	}
	return o.sc.Max
}

// promised is what is in force and in flight.
func (o *outlet) promised(t float64) loadbalance.MilliAmp {
	most := o.inForce(t)
	if p := o.of; !o.began || t <= o.opened || p.believed && !p.linked && o.opened >= p.lostAt {
		return 0 // the box has not heard of its beginning
	}
	for _, l := range o.book.sends {
		if l.Tx == o.tx {
			most = max(most, l.Limit)
		}
	}
	return most
}

// hears notes what the box is about to hear.
func (w *world) hears(ev controller.Event) {
	switch ev := ev.(type) {
	case controller.LimitAnswered:
		if o := w.bySlot[ev.Slot]; o != nil {
			o.answered(w.t, ev)
		}
	case controller.FailsafeAnswered:
		for _, p := range w.points {
			p.taken = p.taken || p.id == ev.Station && ev.Accepted
		}
	}
}

// answered ends a setpoint's time on the way; one whose outcome is unknown counts if it
// is higher.
func (o *outlet) answered(t float64, ev controller.LimitAnswered) {
	i := slices.IndexFunc(o.book.sends, func(l controller.SetLimit) bool { return l.Seq == ev.Seq })
	if i < 0 {
		return // of the transaction before
	}
	l := o.book.sends[i]
	o.book.sends = slices.Delete(o.book.sends, i, i+1)
	if ev.Accepted || ev.Unknown && l.Limit > o.inForce(t) {
		o.book.limit, o.book.until, o.book.has = l.Limit, t+l.Lease.Seconds(), true
	}
}

const (
	longestLease = 1800 // s, decision 10
	leastUp      = 9.9  // s between two increases of one connector
	estimate     = 0.10 // by which the box may take the building's load for less, of the limit
	reaction     = 30.0 // s that it may take to correct that, longer where cars are seldom measured
)

// checkLimit looks at a setpoint before it is put on the way.
func (w *world) checkLimit(e controller.SetLimit) {
	o := w.bySlot[e.Slot]
	if o == nil {
		w.broken("L2", "a setpoint for slot %d, which does not exist", e.Slot)
		return
	}
	lease := e.Lease.Seconds()
	switch {
	case e.Limit > o.sc.Max:
		w.broken("L2", "%s gets %v, its hardware takes %v", o, e.Limit, o.sc.Max)
	case e.Limit < 0 || e.Limit > 0 && e.Limit < least*loadbalance.Amp || e.Limit%100 != 0:
		w.broken("L10", "%s gets %v", o, e.Limit)
	case lease <= 0 || lease > longestLease:
		w.broken("L8", "%s gets a setpoint for %v", o, e.Lease)
	}
	before := o.promised(w.t)
	o.book.sends = append(o.book.sends, e)
	if e.Limit <= before || !o.began || e.Tx != o.tx { // it is for a transaction that has ended
		return
	}
	if o.book.rose >= 0 && w.t-o.book.rose < leastUp && e.Limit > o.inForce(w.t) {
		w.broken("L11", "%s is raised to %v, %.1f s after the last time", o, e.Limit, w.t-o.book.rose)
	}
	o.book.rose = w.t
	w.checkRaise(o, e.Limit)
}

// checkRaise holds what is in force and in flight against the breakers, now that a
// connector gets more.
func (w *world) checkRaise(o *outlet, limit loadbalance.MilliAmp) {
	for i := o.of.node; i >= 0; i = w.nodes[i].parent {
		n := &w.nodes[i]
		lost := n.meter != nil && w.t-n.meter.shownAt > max(10, 3*n.meter.sc.Period)+1.5
		if lost && limit > o.fallback() {
			w.broken("L4", "%s is raised to %v, the meter of %s has been silent for %.1f s", o, limit, n.sc.ID, w.t-n.meter.shownAt)
		}
		sum := w.promisedBelow(i)
		for _, p := range o.sc.Wiring {
			switch {
			case sum[p] > n.sc.Limit:
				w.broken("L1", "%s is raised to %v: %v are promised on %v of %s, whose limit is %v", o, limit, sum[p], p, n.sc.ID, n.sc.Limit)
			case n.cap > 0 && sum[p] > n.cap:
				w.broken("L2", "%s is raised to %v: %v are promised on %v, the cloud's cap is %v", o, limit, sum[p], p, n.cap)
			case lost && sum[p]+n.sc.WorstBase[p] > n.sc.Limit:
				w.broken("L4", "%s is raised to %v without a meter: %v are promised on %v of %s with a worst base of %v, the limit is %v", o, limit, sum[p], p, n.sc.ID, n.sc.WorstBase[p], n.sc.Limit)
			}
		}
	}
}

// checkSum holds what the chargers permit, with the building, against a breaker of which
// the box is told the truth.
func (w *world) checkSum(at int) {
	n := &w.nodes[at]
	if !n.trusted(w.t) || w.outOfReach(at) {
		n.tooMuch = [3]float64{}
		return
	}
	for p, a := range w.permittedBelow(at) {
		switch {
		case a+n.uncont[p] <= n.limit*(1+estimate):
			n.tooMuch[p] = 0
		case n.tooMuch[p] == 0:
			n.tooMuch[p] = w.t
		case w.t-n.tooMuch[p] > max(reaction, 2.5*n.slowest):
			w.broken("L1", "%.1f A are permitted on %v of %s beside a building of %.1f A for %.0f s, the limit is %v", a, loadbalance.Phase(p), n.sc.ID, n.uncont[p], w.t-n.tooMuch[p], n.sc.Limit)
			n.tooMuch[p] = w.t
		}
	}
}

// outOfReach tells that a charger below a circuit can't be commanded.
func (w *world) outOfReach(at int) bool {
	return slices.ContainsFunc(w.points, func(p *point) bool { return w.nodes[at].above[p.node] && !p.believed })
}

// permittedBelow adds up what the chargers below a circuit really permit, by phase.
func (w *world) permittedBelow(at int) (sum [3]float64) {
	for _, p := range w.points {
		if w.nodes[at].above[p.node] {
			for _, o := range p.outlets {
				for _, ph := range o.sc.Wiring {
					sum[ph] += o.permits(w.t)
				}
			}
		}
	}
	return sum
}

// promisedBelow adds up what is in force and in flight below a circuit, by phase.
func (w *world) promisedBelow(at int) loadbalance.PerPhase {
	var sum loadbalance.PerPhase
	for _, p := range w.points {
		if !w.nodes[at].above[p.node] {
			continue
		}
		for _, o := range p.outlets {
			a := o.promised(w.t)
			for _, ph := range o.sc.Wiring {
				sum[ph] += a
			}
		}
	}
	return sum
}

// broken notes a violation; the same rule at most maxViolations times.
func (w *world) broken(rule, format string, args ...any) {
	w.out.Broken++
	if len(w.out.Violations) < maxViolations {
		w.out.Violations = append(w.out.Violations, Violation{w.t, rule, fmt.Sprintf(format, args...)})
	}
	w.tracef("RULE %s broken: %s", rule, fmt.Sprintf(format, args...))
	w.tracePromises()
}

const maxViolations = 20

func (o *outlet) String() string { return fmt.Sprintf("%s/%d", o.of.sc.ID, o.number) }
