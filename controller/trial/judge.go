package trial

import (
	"io"
	"time"

	"busbar/controller"
)

// Verdict is what is to be said of a scenario.
type Verdict string

// The verdicts. Those of left-out ones name the cause.
const (
	Held     Verdict = "held"
	Broken   Verdict = "rule broken"
	Opened   Verdict = "breaker opened"
	BaseOnly Verdict = "left out: the building alone opens it"
	TooLate  Verdict = "left out: nobody could have reacted in time"
	Unknown  Verdict = "left out: nobody could know"
)

// Failed tells that the box did not do what it had to.
func (v Verdict) Failed() bool { return v == Opened || v == Broken }

// LeftOut tells that a breaker opened that no box could have kept closed.
func (v Verdict) LeftOut() bool { return v == BaseOnly || v == TooLate || v == Unknown }

// Result is a scenario with what came of it.
type Result struct {
	Verdict Verdict `json:"verdict"`
	Outcome
}

// Judge runs a scenario and, where a breaker opened, asks whether anybody could have
// kept it closed: it runs again with no car at all, and with everybody who obeys at 0 A
// from the moment the box could first know. The error is that of a scenario that makes
// no world.
func Judge(sc Scenario) (Result, error) { return judge(sc, nil) }

func judge(sc Scenario, trace io.Writer) (Result, error) {
	w, err := newWorld(&sc)
	if err != nil {
		return Result{}, err
	}
	w.trace = trace
	r := Result{Verdict: Held, Outcome: w.run()}
	if r.Tripped != nil {
		r.Verdict, err = excuse(&sc, w, r.Tripped)
	}
	if r.Broken > 0 && r.Verdict != Opened {
		r.Verdict = Broken
	}
	return r, err
}

// longer is how much longer than until it opened the other runs look, s: what opens a
// little later opens as well.
const longer = 600

// excuse finds whether the breaker could have been kept closed.
func excuse(sc *Scenario, w *world, trip *Trip) (Verdict, error) {
	again := func(change func(*world)) (bool, error) {
		o, err := newWorld(sc)
		if err != nil {
			return false, err
		}
		change(o)
		for o.t < trip.At+longer {
			o.step()
			if o.opened(trip) {
				return true, nil
			}
		}
		return false, nil
	}
	opens, err := again(func(o *world) { o.idles = true })
	switch {
	case err != nil:
		return Opened, err
	case opens:
		return BaseOnly, nil
	}
	if w.site == nil && !w.deceived(trip) {
		return Opened, nil // without the box, leases and fall-backs have to keep it closed
	}
	from := trip.Known
	if from < 0 {
		if w.deceived(trip) {
			return Unknown, nil
		}
		from = 0
	}
	opens, err = again(func(o *world) { o.ideal = from })
	if opens {
		return TooLate, err
	}
	return Opened, err
}

// hair is the share of its opening state from which on a breaker counts as not kept closed
// by another control: less is no difference.
const hair = 0.99

// opened tells that the same breaker is open, or as good as.
func (w *world) opened(trip *Trip) bool {
	for i := range w.nodes {
		if w.nodes[i].sc.ID == trip.Circuit {
			return w.nodes[i].stress[trip.Phase].Used() >= hair
		}
	}
	return false
}

// deceived tells that something the box was told of the circuit was not so, or that
// somebody below it did not obey: what opened it was there and was not seen.
func (w *world) deceived(trip *Trip) bool {
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.sc.ID != trip.Circuit {
			continue
		}
		if n.meter != nil && n.meter.lies(w.t) {
			return true
		}
		for _, p := range w.points {
			for _, f := range p.faults {
				if n.above[p.node] && (f.Kind.lies() || f.Kind.disobeys()) && w.t >= f.From {
					return true
				}
			}
		}
	}
	return false
}

// leads tells that the best possible control has taken over.
func (w *world) leads() bool { return w.ideal >= 0 && w.t >= w.ideal }

// lead sends everybody who obeys to 0 A, over the same wires.
func (w *world) lead() {
	if !w.leads() || w.site == nil {
		return
	}
	for _, p := range w.points {
		for _, o := range p.outlets {
			w.leadOne(p, o)
		}
	}
}

func (w *world) leadOne(p *point, o *outlet) {
	if !p.obeys(w.t) || !o.told || !p.believed || o.permits(w.t) == 0 && w.t < o.until-60 || len(p.limits) > 0 {
		return
	}
	if l, ok := p.sent.(controller.SetLimit); ok && l.Slot == o.slot && l.Limit == 0 {
		return
	}
	w.take(p, controller.SetLimit{Station: p.id, Slot: o.slot, Connector: o.number, Seq: ledSeq, Tx: o.tx, Lease: longestLease * time.Second, Urgent: true})
}

// ledSeq is a number that the box does not give.
const ledSeq = 1 << 60
