package loadbalance

import (
	"math"
	"slices"
	"time"
)

// reduce finds who must come down: everybody above his ceiling, and as many of those
// above their target as it takes to make room for the targets of the others.
func (b *Balancer) reduce() {
	b.reduced = 0
	b.planAll()
	slices.Sort(b.donors)
	for _, d := range b.donors {
		w := &b.works[d.work()]
		excess, urgent := b.excess(w)
		to := w.final
		switch {
		case excess > 0:
			spare := MilliAmp(0)
			if urgent {
				spare = b.spare(w)
			}
			to = b.comeDown(w, excess, spare)
		case w.final > w.max:
			to = w.target
		}
		if to >= w.final {
			continue
		}
		for _, k := range w.lines {
			b.lines[k].planned -= int64(w.final-to) * b.lines[k].times(w)
		}
		b.cut(w, to, urgent)
	}
	b.restrain()
}

// restrain commands those who don't obey: down to their ceiling, and to 0 A where
// what they take can't be taken from others. It frees nothing until it is measured.
func (b *Balancer) restrain() {
	for i := 0; i < len(b.works) && b.rogues > 0; i++ {
		w := &b.works[i]
		if w.role != fixed || !w.s.rogue || !w.c.Online {
			continue
		}
		w.limit = w.final
		to := min(w.final, max(w.max, w.floor()))
		excess, urgent := b.excess(w)
		if excess > 0 {
			to = w.floor()
		}
		switch {
		case to < w.final:
			b.cut(w, to, urgent)
		case !w.leased && !w.c.SentOpen && w.valid(b) && b.now.Sub(w.s.renewedAt) >= insist:
			w.action, w.s.renewedAt = Renew, b.now // it may only have lost its fall-back
		}
	}
}

// insist is how long a connector that draws too much without a setpoint is left alone
// after the last try to give it one.
const insist = 30 * time.Second

// donor is a connector that has more than its target, such that those with the most come
// first, but after them all who have a reduction to follow yet: another one would bring
// nothing sooner.
type donor uint64

const obeys donor = 1 << 63

func (b *Balancer) donor(w *work, at int32) donor {
	d := donor(math.MaxInt32-(w.final-w.target))<<32 | donor(at)
	if w.draws > tolerated(w.final) && b.now.Sub(w.s.cutAt) < b.cfg.Settle {
		d |= obeys
	}
	return d
}

func (d donor) work() int32 { return int32(uint32(d)) }

// planAll reckons what would flow if everybody below his target were raised and
// nobody reduced, and lists the donors.
func (b *Balancer) planAll() {
	clear(b.sums)
	b.donors = b.donors[:0]
	for _, i := range b.order {
		w := &b.works[i]
		w.limit = w.final
		w.noteDue(b.now)
		plan := w.final
		if w.holdUp == RuleMax && b.worthTaking(w) {
			plan = b.worth(w)
		}
		if w.final > w.target {
			b.donors = append(b.donors, b.donor(w, i))
		}
		b.sums[w.node].add(w.way, int64(plan))
	}
	b.planSums()
}

// worthRaising reports whether the target is so much higher that a command pays.
func (b *Balancer) worthRaising(w *work) bool {
	t := &b.cfg.Tuning
	gain := w.target - w.final
	switch {
	case gain >= b.leastRaise(w) || gain > 0 && w.final < w.min || gain >= t.LeastChange && w.cap > 0:
		return true
	case gain >= t.LeastChange || gain > 0 && w.target == w.max:
		return b.now.Sub(w.s.changedAt) >= t.Rest
	}
	return false
}

// worthTaking reports whether others should come down for the sake of the connector.
// Small differences are left to what becomes free anyway.
func (b *Balancer) worthTaking(w *work) bool {
	t := &b.cfg.Tuning
	gain := w.target - w.final
	switch {
	case w.final < w.min || gain >= b.unfair(w):
		return gain > 0
	case gain >= t.LeastChange:
		return w.cap > 0 || b.now.Sub(w.s.changedAt) >= b.patience(w)
	}
	return false
}

func (b *Balancer) excess(w *work) (most int64, urgent bool) {
	for _, k := range w.lines {
		l := &b.lines[k]
		if e := l.planned - l.room; e > 0 {
			times := l.times(w)
			most, urgent = max(most, (e+times-1)/times), urgent || l.urgent
		}
	}
	return most, urgent
}

// comeDown is the setpoint of a connector that has to give way to excess.
func (b *Balancer) comeDown(w *work, excess int64, spare MilliAmp) MilliAmp {
	if w.target < w.min {
		return 0
	}
	least := b.cfg.Tuning.LeastChange
	// A little below its target, so that a small excess costs one command instead of
	// one for each connector; less than what would raise it again.
	lowest := max(w.min, b.roundUp(w.target-max(least-least/10, spare)))
	by := max(excess+int64(spare), int64(least))
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
	b.reduced++
	if to < w.min && w.charging() {
		b.shed(w)
	}
	s.cutAt = b.now
	s.issued, s.issuedAt = to, b.now
}

// shed notes why and for how long the connector goes to 0 A.
func (b *Balancer) shed(w *work) {
	s, t := w.s, &b.cfg.Tuning
	if s.seat.on && b.now.Sub(s.seat.since) >= stint {
		s.sheds = 0
	}
	s.shedAt, s.shedBy = b.now, w.reason
	switch {
	case w.reason.Rule == RuleRotation:
		s.shedFor = leastOff
	case w.reason.Rule == RulePlan:
		s.shedFor = 0
	default:
		s.shedFor = min(t.Lockout<<min(s.sheds, 4), longestLockout)
		s.sheds++
	}
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
		if !b.worthRaising(w) {
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
		if k >= 0 && to < w.target && (to < w.min || to < w.final+b.cfg.Tuning.LeastChange) {
			w.reason = b.shortage(w, k)
			continue
		}
		if to <= w.final {
			continue
		}
		if to < w.target && to-w.final < b.leastRaise(w) && w.final >= w.min && b.now.Sub(w.s.changedAt) < b.cfg.Tuning.Rest {
			w.reason = Reason{Rule: RulePacing}
			continue
		}
		if next := b.nextRaise(w); b.now.Before(next) {
			w.reason = Reason{Rule: RulePacing}
			b.wake(next)
			continue
		}
		b.grant(w, to)
	}
	b.useUp()
}

// affordable is how much of the target fits at once, and the line that stops it.
func (b *Balancer) affordable(w *work) (to MilliAmp, by int32) {
	to, by = w.target, -1
	for _, k := range w.lines {
		l := &b.lines[k]
		free := (l.roof(b.now) - l.slow - l.committed + l.of(w, &w.booked)) / l.times(w)
		if free < int64(to) {
			to, by = MilliAmp(max(free, 0)), k
		}
	}
	return b.roundDown(to), by
}

// shortage is why a target can't be given yet: others may still draw more than they
// will have by this pass, or it is the fuse.
func (b *Balancer) shortage(w *work, k int32) Reason {
	r := b.lineReason(k)
	l := &b.lines[k]
	switch {
	case l.roof(b.now) < l.limit:
		r.Rule = RulePacing
	case l.committed-l.of(w, &w.booked) > l.planned-int64(w.target)*l.times(w):
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
		more := int64(to) * l.times(w)
		l.committed += max(0, more-l.of(w, &w.booked))
		l.worst += max(0, more-w.worst(l))
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
