package loadbalance

import "time"

// lockedOut reports whether a connector that was sent to 0 A has to stay there a
// while, so that a load that comes and goes doesn't make cars stop and start.
func (b *Balancer) lockedOut(w *work) bool {
	return w.final < w.min && b.now.Before(w.s.shedAt.Add(w.s.shedFor))
}

// path is what the fuses above the connectors of a node have in common.
type path struct {
	holdUp Rule  // why nobody may be raised, RuleMax if they may
	heldBy int32 // the node whose meter it is, next to the root
	over   uint8 // columns in which a line is overloaded, a bit for each
	lease  [3]time.Duration
}

// holdUps finds for each node whether a meter above it is stale or lost.
func (b *Balancer) holdUps() (any bool) {
	for i := range b.nodes {
		n, p := &b.nodes[i], &b.paths[i]
		p.holdUp, p.heldBy = RuleMax, -1
		if n.cfg.Metered && n.meter.lost {
			p.holdUp, p.heldBy = RuleMeterLost, int32(i)
		} else if n.cfg.Metered && !n.meter.fresh {
			p.holdUp, p.heldBy = RuleMeterStale, int32(i)
		}
		if up := b.parents[i]; up >= 0 {
			if above := &b.paths[up]; above.holdUp == RuleMeterLost || above.holdUp == RuleMeterStale && p.holdUp != RuleMeterLost {
				p.holdUp, p.heldBy = above.holdUp, above.heldBy
			}
		}
		any = any || p.holdUp != RuleMax
	}
	return any
}

// restrict says who may not be raised in this pass and bounds who is below a lost
// meter to what it has.
func (b *Balancer) restrict() {
	if any := b.holdUps(); !any && b.capped == 0 {
		return
	}
	for i := range b.works {
		w := &b.works[i]
		if w.node < 0 {
			continue
		}
		w.holdUp, w.heldBy = b.paths[w.node].holdUp, b.paths[w.node].heldBy
		if w.holdUp == RuleMeterLost {
			if w.max = b.roundDown(min(w.max, w.final)); w.max < w.min {
				w.max = 0
			}
			w.stay()
		}
		if w.cap > 0 {
			w.max = max(min(w.max, w.cap), min(w.max, w.min))
		}
	}
}

// admit decides who gets the minimum: by priority, then who charges already, then
// who has waited longest.
func (b *Balancer) admit() {
	b.rankTakers()
	b.findCrowds()
	b.waiting = false
	b.planSteadfast()
	for _, i := range b.order {
		w := &b.works[i]
		switch {
		case w.steadfast:
			w.admitted = true // was planned for before all others
		case w.max == 0:
			w.reason = b.noCharging(w)
		case w.asleep:
			w.reason = Reason{Rule: RuleIdle} // gets what nobody else wants
		case b.lockedOut(w):
			w.reason = w.s.shedBy
		case !b.marks[w.node]:
			w.admitted = true
		default:
			b.admitOne(w)
		}
		if w.wish > 0 && w.admitted {
			b.addWish(w, -min(w.wish, w.min))
		} else if w.wish > 0 {
			b.addWish(w, -w.wish)
		}
	}
}

// findCrowds starts the books of admission and marks the nodes with a line above them
// where not everybody's minimum may fit. Below the others nobody has to be asked for:
// as admission goes on, what is planned on a line and what is wished for beyond it is
// never more than at first, when all minima and all wishes count.
func (b *Balancer) findCrowds() {
	clear(b.sums)
	for i := range b.lines {
		b.lines[i].wished, b.lines[i].heldFor = 0, false
	}
	for _, i := range b.order {
		w := &b.works[i]
		b.sums[w.node].add(w.way, int64(w.min))
		if w.c.Target > 0 {
			w.wish = min(b.roundDown(bounded(w.c.Target)), w.max)
			b.addWish(w, w.wish)
		}
	}
	b.addUp(b.sums)
	clear(b.marks)
	for i := range b.lines {
		l := &b.lines[i]
		l.planned = l.fixed
		if l.fixed+b.sums[l.node][l.column()] > min(l.room, l.limit-l.reserve)-l.wished {
			b.marks[l.node] = true
		}
	}
	b.spread(b.marks)
}

// planSteadfast plans the minimum of those who can't do with less.
func (b *Balancer) planSteadfast() {
	for _, i := range b.order {
		w := &b.works[i]
		if !w.steadfast || !b.marks[w.node] {
			continue
		}
		for _, k := range w.lines {
			b.lines[k].planned += int64(w.min) * b.lines[k].times(w)
		}
	}
}

// deferred reports whether the planner wants the connector to wait: it gets what the
// wishes of the others leave over.
func (w *work) deferred() bool { return w.c.Rank > 0 && w.c.Target == 0 }

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
				w.waits, w.stopped, b.waiting = true, k, true
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
