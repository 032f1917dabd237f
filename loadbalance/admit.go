package loadbalance

import (
	"cmp"
	"slices"
	"time"
)

// lockout is how long a connector that had to be sent to 0 A stays there, so that a
// load that comes and goes doesn't make cars stop and start.
const lockout = 60 * time.Second

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
	b.order = b.order[:0]
	for i := range b.works {
		if b.works[i].role == taker {
			b.order = append(b.order, int32(i))
		}
	}
	slices.SortFunc(b.order, func(x, y int32) int { return compareRank(&b.works[x], &b.works[y]) })
	for i := range b.lines {
		b.lines[i].planned = b.lines[i].fixed
	}
	for _, i := range b.order {
		w := &b.works[i]
		switch {
		case w.max == 0:
			w.reason = b.noCharging(w)
		case w.s.unused.asleep:
			w.reason = Reason{Rule: RuleIdle} // gets what nobody else wants
		case w.final < w.min && b.now.Before(w.s.shedAt.Add(lockout)):
			w.reason = w.s.shedBy
		default:
			b.admitOne(w)
		}
	}
}

func compareRank(x, y *work) int {
	return cmp.Or(
		cmp.Compare(y.c.Priority, x.c.Priority),
		compareBool(y.charging(), x.charging()),
		x.waitingSince().Compare(y.waitingSince()),
		cmp.Compare(x.c.Slot, y.c.Slot),
	)
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
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

func (b *Balancer) admitOne(w *work) {
	for _, k := range w.lines {
		if l := &b.lines[k]; l.planned+int64(w.min) > l.room {
			if w.reason = b.lineReason(k); w.reason.Rule == RuleShare {
				w.reason.Rule = RuleWaiting
			}
			return
		}
	}
	for _, k := range w.lines {
		b.lines[k].planned += int64(w.min)
	}
	w.admitted = true
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
