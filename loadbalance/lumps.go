package loadbalance

import (
	"math"
	"slices"
	"time"
)

// A command pays only for a step of some size: what small differences to many targets
// leave over is given to few, and taken back from them first.

// bide is how long a connector that has been sent to 0 A and may charge again waits for
// what becomes free by itself before others come down for it.
const bide = time.Minute

// noteDue follows since when the connector may charge but has nothing yet.
func (w *work) noteDue(now time.Time) {
	switch {
	case !w.admitted || w.final >= w.min:
		w.s.dueSince = time.Time{}
	case w.s.dueSince.IsZero():
		w.s.dueSince = now
	}
}

func (b *Balancer) bides(w *work) bool {
	return w.final < w.min && w.s.seat.ever && !w.s.seat.claims(b.now) && b.now.Sub(w.s.dueSince) < bide
}

// worth is how far others come down for a connector that is worth it: not yet for one
// that bides, as far as its minimum for one whose place was given up for it.
func (b *Balancer) worth(w *work) MilliAmp {
	switch {
	case b.bides(w):
		return w.final
	case w.final < w.min && w.s.seat.claims(b.now):
		return min(w.target, w.min) // more when it is free
	}
	return w.target
}

// leastRaise, spare, unfair and patience are those of the Tuning, and less at fuses below
// 125 A, where the building's noise is less and an ampere more.
func (b *Balancer) leastRaise(w *work) MilliAmp {
	t := &b.cfg.Tuning
	return min(t.LeastRaise, max(t.LeastChange, b.nodes[w.node].size/30))
}

func (b *Balancer) spare(w *work) MilliAmp {
	return min(b.cfg.Tuning.Spare, b.roundUp(b.nodes[w.node].size/60))
}

func (b *Balancer) unfair(w *work) MilliAmp {
	return min(b.cfg.Tuning.Unfair, max(2*Amp, b.nodes[w.node].size/20))
}

func (b *Balancer) patience(w *work) time.Duration {
	return b.cfg.Tuning.Patience * time.Duration(min(b.nodes[w.node].size, large)) / time.Duration(large)
}

// large is the fuse from which on the Tuning holds as it is.
const large = 125 * Amp

// useUp raises above their targets where something is left over. Who lacks most of its
// target comes first, and nobody gets so much more than it that others would come down
// for the sake of fairness.
func (b *Balancer) useUp() {
	b.donors = b.donors[:0]
	for _, i := range b.order {
		w := &b.works[i]
		switch {
		case w.action != Keep || !w.admitted || w.holdUp != RuleMax:
		case b.bides(w):
			for _, k := range w.lines {
				b.lines[k].planned += int64(w.min) * b.lines[k].times(w) // is kept for it
			}
		case w.final >= w.min && w.final < w.max && b.leftOver(w)-w.final >= b.leastRaise(w) && !b.now.Before(b.nextRaise(w)):
			b.donors = append(b.donors, donor(math.MaxInt32-(w.target-w.final))<<32|donor(i))
		}
	}
	slices.Sort(b.donors)
	for _, d := range b.donors {
		w := &b.works[d.work()]
		to := b.leftOver(w)
		if to-w.final < b.leastRaise(w) {
			continue
		}
		for _, k := range w.lines {
			l := &b.lines[k]
			l.planned += int64(to-w.final) * l.times(w)
		}
		b.grant(w, to)
	}
}

// leftOver is what the connector may have of what nobody else is waiting for.
func (b *Balancer) leftOver(w *work) MilliAmp {
	to := min(w.max, w.target+b.unfair(w))
	least := w.final + b.leastRaise(w)
	for _, k := range w.lines {
		l := &b.lines[k]
		free := l.roof(b.now) - l.slow - max(l.committed, l.planned) - int64(b.spare(w)/2)
		if to = min(to, w.final+MilliAmp(max(0, free/l.times(w)))); to < least {
			return 0
		}
	}
	return b.roundDown(to)
}
