package loadbalance

import "time"

// lockedOut reports whether a connector that was sent to 0 A has to stay there a
// while, so that a load that comes and goes doesn't make cars stop and start.
func (b *Balancer) lockedOut(w *work) bool {
	return w.final < w.min && b.now.Before(w.s.shedAt.Add(w.s.shedFor))
}

// restrict says who may not be raised in this pass and bounds who is below a lost
// meter to what it has.
func (b *Balancer) restrict() {
	for i := range b.works {
		w := &b.works[i]
		if w.node < 0 {
			continue
		}
		for _, at := range b.nodes[w.node].path {
			n := &b.nodes[at]
			switch {
			case !n.cfg.Metered || n.meter.fresh && !n.meter.lost:
			case n.meter.lost:
				w.holdUp, w.heldBy = RuleMeterLost, at
			case w.holdUp != RuleMeterLost:
				w.holdUp, w.heldBy = RuleMeterStale, at
			}
		}
		if w.holdUp == RuleMeterLost {
			if w.max = b.roundDown(min(w.max, w.final)); w.max < w.min {
				w.max = 0
			}
		}
		if w.s.unused.cap > 0 {
			w.max = max(min(w.max, w.s.unused.cap), min(w.max, w.min))
		}
	}
}

// admit decides who gets the minimum: by priority, then who charges already, then
// who has waited longest.
func (b *Balancer) admit() {
	b.rankTakers()
	for i := range b.lines {
		b.lines[i].planned, b.lines[i].wished, b.lines[i].heldFor = b.lines[i].fixed, 0, false
	}
	for _, i := range b.order {
		w := &b.works[i]
		b.addWish(w, b.wish(w))
	}
	for _, i := range b.order {
		w := &b.works[i]
		switch {
		case w.max == 0:
			w.reason = b.noCharging(w)
		case w.s.unused.asleep:
			w.reason = Reason{Rule: RuleIdle} // gets what nobody else wants
		case b.lockedOut(w):
			w.reason = w.s.shedBy
		default:
			b.admitOne(w)
		}
		if wish := b.wish(w); w.admitted {
			b.addWish(w, -min(wish, w.min))
		} else {
			b.addWish(w, -wish)
		}
	}
}

// deferred reports whether the planner wants the connector to wait: it gets what the
// wishes of the others leave over.
func (w *work) deferred() bool { return w.c.Rank > 0 && w.c.Target == 0 }

// wish is the current that a planner wants for the connector, as far as it may have it.
func (b *Balancer) wish(w *work) MilliAmp {
	return min(b.roundDown(max(0, bounded(w.c.Target))), w.max)
}

// addWish counts a wish beyond what is planned already.
func (b *Balancer) addWish(w *work, more MilliAmp) {
	for _, k := range w.lines {
		b.lines[k].wished += int64(more) * b.lines[k].times(w)
	}
}

// standing is how strong a connector's hold on its place is, 0 the strongest.
func (w *work) standing(now time.Time) int {
	t := &w.s.seat
	switch {
	case t.yields(now):
		return 4
	case t.claims(now) || t.pinned && w.charging():
		return 0
	case w.charging():
		return 1
	}
	return 3
}

// charging reports whether the connector holds enough to charge by the box's own
// doing; what it may draw unasked doesn't count.
func (w *work) charging() bool { return w.final >= w.min && (w.leased || w.c.SentOpen) }

func (w *work) waitingSince() time.Time {
	if w.s.shedAt.After(w.c.WantsSince) {
		return w.s.shedAt
	}
	return w.c.WantsSince
}

// admitOne gives the connector its minimum if that fits. Newcomers must fit above the
// regulation reserve, and not take what somebody ahead of them waits for.
func (b *Balancer) admitOne(w *work) {
	asks := !w.charging() && !w.s.seat.claims(b.now)
	for _, k := range w.lines {
		l := &b.lines[k]
		room := l.room
		if asks {
			room = l.limit - l.reserve
		}
		if w.deferred() {
			room -= l.wished
		}
		if l.planned+int64(w.min)*l.times(w) > room || asks && l.heldFor {
			if !w.waits {
				w.waits, w.stopped = true, k
			}
			w.behind = w.behind || l.heldFor
		}
	}
	if w.waits {
		b.waitFor(w, w.stopped)
		return
	}
	for _, k := range w.lines {
		b.lines[k].planned += int64(w.min) * b.lines[k].times(w)
	}
	w.admitted = true
}

// waitFor notes why the connector isn't admitted. Once its turn is overdue the fuses
// where it doesn't fit are held for it, or cars of fewer phases would overtake it for
// ever.
func (b *Balancer) waitFor(w *work, k int32) {
	l := &b.lines[k]
	if w.reason = b.lineReason(k); w.reason.Rule == RuleShare {
		w.reason.Rule = RuleWaiting
		if l.planned+int64(w.min)*l.times(w) <= l.room && !w.behind {
			w.reason.Rule = RuleReserve
		}
	}
	if w.c.Rank > 0 && (w.reason.Rule == RuleWaiting || w.reason.Rule == RuleReserve) {
		w.reason.Rule = RulePlan
	}
	if w.s.seat.yields(b.now) {
		w.reason.Rule = RuleRotation
	}
	if w.behind || !b.rotates(w) || !b.overdue(w) {
		return
	}
	for _, k := range w.lines {
		if l := &b.lines[k]; l.planned+int64(w.min)*l.times(w) > l.room {
			l.heldFor = true
		}
	}
}

// noCharging is why a connector's ceiling is below its minimum.
func (b *Balancer) noCharging(w *work) Reason {
	if w.holdUp == RuleMeterLost && w.c.Max >= w.min {
		return b.meterReason(w)
	}
	return Reason{Rule: w.c.CeilingRule}
}

func (b *Balancer) meterReason(w *work) Reason {
	n := &b.nodes[w.heldBy]
	return Reason{Rule: w.holdUp, Node: n.cfg.ID, Age: n.meter.age}
}
