package loadbalance

import "time"

// overloadAlarm is how long the meter must read above the limit before a person
// hears of it.
const overloadAlarm = 2 * time.Second

// findAlarms lists what a person should see: nodes in the order of the
// configuration, then connectors.
func (b *Balancer) findAlarms() {
	alarms := b.plan.Alarms[:0]
	for _, at := range b.shown {
		n := &b.nodes[at]
		m := n.meter
		if n.cfg.Metered && m.dead {
			kind := AlarmMeterLost
			if m.frozen {
				kind = AlarmMeterFrozen
			}
			alarms = append(alarms, Alarm{Kind: kind, Node: n.cfg.ID})
		}
		if n.cfg.Metered && !n.now.idle() && m.overloaded(b.now, n.now.limit) {
			alarms = append(alarms, Alarm{Kind: AlarmOverload, Node: n.cfg.ID})
		}
		if b.failsafeExceeds(at) {
			alarms = append(alarms, Alarm{Kind: AlarmFailsafeSum, Node: n.cfg.ID})
		}
	}
	for i := range b.plan.Setpoints {
		sp := &b.plan.Setpoints[i]
		if sp.Reason.Rule == RuleUnresponsive {
			alarms = append(alarms, Alarm{Kind: AlarmDisobedience, Slot: sp.Slot})
		}
	}
	b.plan.Alarms = alarms
}

// overloaded reports whether the meter has read above the limit for long enough.
func (m *meter) overloaded(now time.Time, limit PerPhase) bool {
	above := false
	for p := range limit {
		above = above || m.current[p] > limit[p]
	}
	switch {
	case m.dead || !above:
		m.overAt = time.Time{}
		return false
	case m.overAt.IsZero():
		m.overAt = m.at
	}
	return now.Sub(m.overAt) >= overloadAlarm
}
