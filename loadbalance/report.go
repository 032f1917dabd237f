package loadbalance

import (
	"math"
	"slices"
	"time"
)

// longestPause bounds how long nobody needs to look.
const longestPause = 30 * time.Second

// report writes the outcome of the pass into the plan.
func (b *Balancer) report() {
	p := &b.plan
	p.Setpoints = slices.Grow(p.Setpoints[:0], len(b.keys))[:len(b.keys)]
	first, second := 0, b.reduced
	for i := range b.keys {
		w := &b.works[b.keys[i].work]
		at := &second
		if w.action == Reduce {
			at = &first
		}
		p.Setpoints[*at] = b.setpoint(w)
		*at++
	}
	for i, at := range b.shown {
		p.Nodes[i] = b.nodeState(at)
	}
	b.findAlarms()
	b.wakeForMeters()
}

func (b *Balancer) setpoint(w *work) Setpoint {
	sp := Setpoint{Slot: w.c.Slot, Limit: w.limit, Target: w.target, Action: w.action, Urgent: w.urgent, Reason: w.reason}
	switch {
	case w.role == idle:
		sp.Limit, sp.Target, sp.Reason = 0, 0, Reason{Rule: RuleIdle}
	case w.role == outside:
		sp.Limit, sp.Target, sp.Reason = w.final, w.final, Reason{Rule: RuleWaiting, Node: w.c.Node}
	case w.role == fixed:
		sp.Target = w.final
		if w.action != Reduce {
			sp.Limit = w.final
		}
		switch {
		case !w.c.Online:
			sp.Reason = Reason{Rule: RuleOffline}
		case w.s.rogue:
			sp.Reason = Reason{Rule: RuleUnresponsive}
		default:
			sp.Reason = Reason{Rule: RuleIdle}
		}
	case w.holdUp == RuleMeterLost && w.max <= w.final && w.reason.Rule == w.c.CeilingRule:
		sp.Reason = b.meterReason(w) // its own ceiling would allow more
	}
	if w.action == Reduce || w.action == Raise || w.action == Renew {
		sp.Lease = b.lease(w)
	}
	return sp
}

func (b *Balancer) nodeState(at int32) NodeState {
	n := &b.nodes[at]
	m := n.meter
	st := NodeState{Node: n.cfg.ID}
	if n.cfg.Metered {
		st.Measured, st.Fresh, st.Lost, st.Frozen = m.current, m.fresh && !m.lost, m.lost, m.frozen
		if m.read {
			st.Age = m.age
		}
	}
	for p := range st.Limit {
		l := &b.lines[int(at)*3+p]
		st.Rated[p] = clamp(l.rated)
		st.Limit[p], st.Base[p], st.Booked[p] = clamp(l.limit), clamp(l.slow), clamp(l.committed)
		st.Headroom[p] = clamp(l.limit - l.slow - l.committed)
	}
	return st
}

func clamp(a int64) MilliAmp { return MilliAmp(min(max(a, math.MinInt32), math.MaxInt32)) }

// wake asks for a pass at t at the latest.
func (b *Balancer) wake(t time.Time) {
	if t.After(b.now) && t.Before(b.plan.Wake) {
		b.plan.Wake = t
	}
}

// wakeForMeters asks for a pass when a reading becomes too old or an overload too
// long.
func (b *Balancer) wakeForMeters() {
	for i := range b.nodes {
		if n := &b.nodes[i]; n.cfg.Metered && n.meter.read {
			b.wake(n.meter.at.Add(n.meter.staleAfter(&b.cfg) + time.Millisecond))
			b.wake(n.meter.at.Add(n.meter.lostAfter(&b.cfg) + time.Millisecond))
		}
	}
	for i := range b.lines {
		if l := &b.lines[i]; l.over {
			b.wake(l.feltSince.Add(lasting))
			b.wake(l.overSince.Add(unfelt))
		}
	}
}
