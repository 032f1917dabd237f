package loadbalance

import (
	"cmp"
	"slices"
	"time"
)

const (
	// leastChange is the smallest change worth a command when safety doesn't ask for it.
	leastChange = Amp
	// promptChange is the increase that needs no rest before it: a smaller one waits
	// until the connector has kept its current for rest.
	promptChange = 2 * Amp
	rest         = 45 * time.Second
	// giveWay is how far below its target a connector may be sent, so that a small
	// excess costs one command instead of one for each connector. It is less than
	// leastChange, or it would be raised again.
	giveWay = leastChange - leastChange/10
	// rampFor is how long after the end of a fail-safe state increases stay small,
	// rampStep how small.
	rampFor  = 60 * time.Second
	rampStep = 4 * Amp
)

// reduce finds who must come down: everybody above his ceiling, and as many of those
// above their target as it takes to make room for the targets of the others.
func (b *Balancer) reduce() {
	b.planAll()
	b.donors = b.donors[:0]
	for _, i := range b.order {
		if w := &b.works[i]; w.final > w.target {
			b.donors = append(b.donors, i)
		}
	}
	slices.SortFunc(b.donors, func(i, j int32) int {
		x, y := &b.works[i], &b.works[j]
		return cmp.Or(cmp.Compare(y.final-y.target, x.final-x.target), cmp.Compare(i, j))
	})
	for _, i := range b.donors {
		w := &b.works[i]
		excess, urgent := b.excess(w)
		to := w.final
		switch {
		case excess > 0:
			to = b.comeDown(w, excess)
		case w.final > w.max:
			to = w.target
		}
		if to >= w.final {
			continue
		}
		for _, k := range w.lines {
			b.lines[k].planned -= int64(w.final - to)
		}
		b.cut(w, to, urgent)
	}
	b.restrain()
}

// restrain commands those who don't obey: down to their ceiling, and to 0 A where
// what they take can't be taken from others. It frees nothing until it is measured.
func (b *Balancer) restrain() {
	for i := range b.works {
		w := &b.works[i]
		if w.role != fixed || !w.s.rogue || !w.c.Online {
			continue
		}
		w.limit = w.final
		to := min(w.final, w.max)
		excess, urgent := b.excess(w)
		if excess > 0 {
			to = 0
		}
		if to < w.final {
			b.cut(w, to, urgent)
		}
	}
}

// planAll reckons what would flow if everybody below his target were raised and
// nobody reduced.
func (b *Balancer) planAll() {
	for i := range b.lines {
		b.lines[i].planned = b.lines[i].fixed
	}
	for _, i := range b.order {
		w := &b.works[i]
		w.limit = w.final
		plan := w.final
		if w.holdUp == RuleMax && w.worthRaising(b.now) {
			plan = w.target
		}
		for _, k := range w.lines {
			b.lines[k].planned += int64(plan)
		}
	}
}

// worthRaising reports whether the target is so much higher that a command pays.
func (w *work) worthRaising(now time.Time) bool {
	gain := w.target - w.final
	switch {
	case gain >= promptChange || gain > 0 && w.final < w.min:
		return true
	case gain >= leastChange || gain > 0 && w.target == w.max:
		return now.Sub(w.s.changedAt) >= rest
	}
	return false
}

func (b *Balancer) excess(w *work) (most int64, urgent bool) {
	for _, k := range w.lines {
		l := &b.lines[k]
		if e := l.planned - l.room; e > 0 {
			most, urgent = max(most, e), urgent || l.urgent
		}
	}
	return most, urgent
}

// comeDown is the setpoint of a connector that has to give way to excess.
func (b *Balancer) comeDown(w *work, excess int64) MilliAmp {
	if w.target < w.min {
		return 0
	}
	lowest := max(w.min, b.roundUp(w.target-giveWay))
	by := max(excess, int64(leastChange))
	to := max(int64(lowest), int64(w.final)-by)
	return b.roundDown(min(MilliAmp(to), max(w.max, lowest)))
}

// cut reduces a connector to limit unless it was reduced just now.
func (b *Balancer) cut(w *work, to MilliAmp, urgent bool) {
	s := w.s
	last := later(w.c.LastDown, s.cutAt)
	again := w.c.SentOpen || s.issued != to || b.now.Sub(s.cutAt) >= b.cfg.Down
	if next := last.Add(b.cfg.Down); b.now.Before(next) && !(urgent && again && b.now.Sub(s.cutAt) >= time.Second) {
		b.wake(next)
		return
	}
	w.limit, w.action, w.urgent = to, Reduce, urgent
	if to < w.min && w.charging() {
		s.shedAt, s.shedBy = b.now, w.reason
	}
	s.cutAt = b.now
	s.issued, s.issuedAt = to, b.now
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// raise gives current that is free and proven to be: for all others counts what they
// may still draw, not what they were told.
func (b *Balancer) raise() {
	for _, i := range b.order {
		w := &b.works[i]
		if w.action != Keep || w.target <= w.final {
			continue
		}
		if !w.worthRaising(b.now) {
			if w.target == w.max {
				w.reason = Reason{Rule: RulePacing}
			}
			continue
		}
		if w.holdUp != RuleMax {
			w.reason = b.meterReason(w)
			continue
		}
		to, k := b.affordable(w)
		if k >= 0 && to < w.target && (to < w.min || to < w.final+leastChange) {
			w.reason = b.shortage(w, k)
			continue
		}
		if to <= w.final {
			continue
		}
		if next := b.nextRaise(w); b.now.Before(next) {
			w.reason = Reason{Rule: RulePacing}
			b.wake(next)
			continue
		}
		b.grant(w, to)
	}
}

// affordable is how much of the target fits at once, and the line that stops it.
func (b *Balancer) affordable(w *work) (to MilliAmp, by int32) {
	to, by = w.target, -1
	for _, k := range w.lines {
		l := &b.lines[k]
		free := l.limit - l.slow - l.committed + int64(w.booked[l.phase])
		if free < int64(to) {
			to, by = MilliAmp(max(free, 0)), k
		}
		if back := b.nodes[l.node].meter.backAt; !back.IsZero() && b.now.Sub(back) < rampFor {
			to = min(to, max(w.min, w.final+rampStep))
		}
	}
	return b.roundDown(to), by
}

// shortage is why a target can't be given yet: others may still draw more than they
// will have by this pass, or it is the fuse.
func (b *Balancer) shortage(w *work, k int32) Reason {
	r := b.lineReason(k)
	l := &b.lines[k]
	if l.committed-int64(w.booked[l.phase]) > l.planned-int64(w.target) {
		r.Rule = RuleDonor
	}
	return r
}

// nextRaise is when the connector may be raised at the earliest: at once in a new
// transaction, never while a setpoint is on the way.
func (b *Balancer) nextRaise(w *work) time.Time {
	if w.c.SentOpen {
		return b.now.Add(time.Second)
	}
	if w.c.LeaseUntil.IsZero() && w.s.raisedAt.Before(w.s.began) {
		return b.now
	}
	return later(later(w.c.LastUp, w.s.raisedAt), later(w.c.LastDown, w.s.cutAt)).Add(b.cfg.Up)
}

func (b *Balancer) grant(w *work, to MilliAmp) {
	for _, k := range w.lines {
		l := &b.lines[k]
		l.committed += max(0, int64(to)-int64(w.booked[l.phase]))
		l.worst += max(0, int64(to)-int64(w.worst(l.phase)))
		l.lease = b.needLease(l)
	}
	for p := range w.booked {
		if w.set.Has(Phase(p)) {
			w.booked[p] = max(w.booked[p], to)
		}
	}
	w.limit, w.action = to, Raise
	w.s.raisedAt = b.now
	w.s.issued, w.s.issuedAt = to, b.now
}
