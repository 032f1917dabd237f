package controller

import (
	"fmt"
	"slices"
	"time"

	"busbar/loadbalance"
)

// limits is what the box knows of the current a connector was given.
type limits struct {
	held       loadbalance.MilliAmp // last acknowledged
	heldAt     time.Time
	leaseUntil time.Time // on the charger; zero: none, it is at its fall-back
	sends      []send    // on the way, oldest first
	lastUp     time.Time
	lastDown   time.Time
	refusals   int       // in a row
	failed     int       // setpoints in a row that came to nothing: refused, or not answered, which counts twice
	failedAt   time.Time // the last of them
	early      *send     // was refused before the charger was told its transaction
	// unsure is since when it may hold less than the box books: the box or the charger has
	// started again, or an answer is missing. Zero: it holds what is booked.
	unsure time.Time
}

// send is a setpoint that left for the charger and is not answered yet.
type send struct {
	seq   Seq
	limit loadbalance.MilliAmp
	lease time.Duration
	at    time.Time
}

// longestLease is the longest a setpoint may live on a charger by itself (decision 10).
const longestLease = 30 * time.Minute

// maxSends bounds the open setpoints of one connector; the adapter keeps one on the
// wire and one waiting.
const maxSends = 4

// present is what the charger holds now as far as acknowledged.
func (l *limits) present(now time.Time, failsafe loadbalance.MilliAmp) loadbalance.MilliAmp {
	if now.Before(l.leaseUntil) {
		return l.held
	}
	return failsafe
}

// deaf tells that setpoints come to nothing: until the next try the connector can't be
// commanded, so that others give way where it was to.
func (l *limits) deaf(now time.Time) bool {
	return l.failed >= deafAfter && now.Sub(l.failedAt) < deafFor
}

const (
	deafAfter = 3
	deafFor   = 30 * time.Second
)

// reset forgets everything: the transaction that carried the profiles ended.
func (l *limits) reset() {
	*l = limits{lastUp: l.lastUp, lastDown: l.lastDown}
}

// lost is called when the charger may have forgotten its profiles: what is held
// above the fall-back stays booked until its lease ends, what is held below it is
// not counted on any more.
func (l *limits) lost(failsafe loadbalance.MilliAmp, now time.Time) {
	if l.held < failsafe {
		l.leaseUntil = time.Time{}
	}
	l.unsure = now
}

// uncertain books a setpoint whose outcome is unknown as if it were held.
func (l *limits) uncertain(o send, failsafe loadbalance.MilliAmp, now time.Time) {
	until := now.Add(o.lease)
	if l.unsure.IsZero() {
		l.unsure = now
	}
	if o.limit > l.present(now, failsafe) {
		l.held, l.heldAt, l.leaseUntil = o.limit, now, until
	}
}

func (s *Site) limitAnswered(ev LimitAnswered) {
	sl := s.slotBy(ev.Slot)
	if sl == nil || sl.station == nil || sl.station.id != ev.Station {
		return
	}
	l := &sl.lim
	i := slices.IndexFunc(l.sends, func(o send) bool { return o.seq == ev.Seq })
	if i < 0 {
		return // of a transaction that ended meanwhile
	}
	o := l.sends[i]
	l.sends = slices.Delete(l.sends, i, i+1)
	s.passDue = true
	switch {
	case ev.Accepted:
		l.held, l.heldAt, l.leaseUntil, l.refusals, l.failed, l.unsure = o.limit, s.now, s.now.Add(o.lease), 0, 0, time.Time{}
		s.clear("connector.limit", fmt.Sprint(sl.number))
	case !ev.Sent:
	case ev.Unknown:
		l.uncertain(o, sl.failsafe(), s.now)
		l.failed, l.failedAt = l.failed+2, s.now
	case sl.tx != nil && sl.tx.answered == nil:
		l.early = &o // it does not know its transaction yet
	default:
		l.refusals++
		l.failed, l.failedAt = l.failed+1, s.now
		if l.refusals >= 3 {
			s.raise("connector.limit", fmt.Sprint(sl.number), SeverityWarning,
				fmt.Sprintf("Connector %d refuses its charging profiles: %s", sl.number, ev.Err),
				"It stays booked at what it may draw. Check the charger's smart charging settings or update its firmware.")
		}
	}
	s.provingAnswered(sl, ev)
	s.stir()
}

// expectStart reserves the minimum for a car that was just let in.
func (sl *slot) expectStart(now time.Time) { sl.expectedAt = now }

// startExpected is true from the moment a car was let in until its transaction, or
// pendingStartFor at the longest.
func (sl *slot) startExpected(now time.Time) bool {
	return !sl.expectedAt.IsZero() && now.Sub(sl.expectedAt) < pendingStartFor
}

// charging is what the connector says of itself.
func (sl *slot) charging() bool {
	switch sl.status.Status {
	case StatusCharging, StatusSuspendedEV, StatusSuspendedEVSE:
		return true
	}
	return false
}

// unheard tells that a car may have begun to charge without the box hearing of it yet:
// the charger is out of reach, or just back and has not told its connector's status.
func (s *Site) unheard(sl *slot) bool {
	st := sl.station
	return !st.online || sl.heardOn != st.generation && s.now.Sub(st.since) < tellsWithin
}

// tellsWithin is how long a charger that is back may take to tell what happened while it
// was away.
const tellsWithin = 30 * time.Second

// failsafe is what the connector falls back to by itself; for a charger whose
// fall-back is not proven it is the hardware's maximum.
func (sl *slot) failsafe() loadbalance.MilliAmp {
	if sl.station.failsafe == 0 && sl.station.learnt.abilities.Pause == PauseStop {
		return sl.layout.Max // a limit of 0 A is none
	}
	if sl.station.installed == int32(sl.station.failsafe) {
		return sl.station.failsafe
	}
	return sl.layout.Max
}

// control is the control pass: level-triggered, the whole site anew, at most one per
// passEvery. Events only bring it forward.
func (s *Site) control() {
	if !s.passDue && !s.passNow && s.now.Before(s.nextPass()) {
		s.wake(s.nextPass())
		return
	}
	if earliest := s.lastPass.Add(passEvery); s.now.Before(earliest) && !s.passNow {
		s.wake(earliest)
		return
	}
	s.answersTo = time.Time{}
	if s.sampled {
		s.answersTo = s.newestReading()
	}
	s.passDue, s.passNow, s.sampled, s.lastPass = false, false, false, s.now
	s.planAhead()
	s.fillInput()
	plan := s.balance()
	s.plan = append(s.plan[:0], plan.Nodes...)
	for _, sp := range plan.Setpoints {
		s.apply(sp)
	}
	s.balancerAlarms(plan)
	s.keepIncident()
	s.planWake = plan.Wake
	s.wake(s.nextPass())
	s.stir()
}

// passEvery bounds how often the site is balanced; a reading waits at most this long.
const passEvery = 100 * time.Millisecond

func (s *Site) nextPass() time.Time {
	next := s.lastPass.Add(time.Second)
	if !s.planWake.IsZero() && s.planWake.Before(next) {
		next = s.planWake
	}
	if earliest := s.lastPass.Add(passEvery); next.Before(earliest) {
		next = earliest
	}
	return next
}

func (s *Site) fillInput() {
	in := &s.input
	in.Connectors, in.Readings, in.Caps = in.Connectors[:0], in.Readings[:0], in.Caps[:0]
	for _, sl := range s.slots {
		if sl.station != nil && sl.state == SlotActive {
			in.Connectors = append(in.Connectors, s.demand(sl))
		}
	}
	for _, m := range s.meters {
		if !m.at.IsZero() {
			in.Readings = append(in.Readings, loadbalance.Reading{Node: m.layout.Node, At: m.at, Current: m.current, Period: m.period})
		}
	}
	in.Caps = s.siteCaps(in.Caps)
	in.Supplies = s.supplyInputs(in.Supplies[:0])
	in.Caps = append(in.Caps, s.peakCap()...)
}

// demand is one connector as the balancer sees it.
func (s *Site) demand(sl *slot) loadbalance.Connector {
	l := &sl.lim
	ceiling, rule := s.ceiling(sl)
	c := loadbalance.Connector{
		Slot: int(sl.number), Node: sl.node, Phases: sl.wires.set,
		Min: sl.layout.Min, Max: ceiling, CeilingRule: rule, Failsafe: sl.failsafe(),
		Online: sl.station.online && !l.deaf(s.now), Held: l.held, HeldAt: l.heldAt, LeaseUntil: l.leaseUntil,
		LastUp: l.lastUp, LastDown: l.lastDown, Measured: sl.measured, MeasuredAt: sl.measuredAt,
	}
	c.NoPause = sl.station.learnt.abilities.noPause() && !sl.operator.test
	look := s.outlook(sl)
	c.Departure, c.Needs = look.departure, int64(look.energy)
	s.followPlan(sl, &c, look)
	// It may draw the fall-back until its transaction has ended, when a start is under
	// way, when it reports to charge without our knowing why, and out of our reach.
	c.CanStartUnasked = sl.tx != nil || sl.startExpected(s.now) || sl.charging() || sl.flows() || s.unheard(sl)
	switch {
	case sl.tx != nil:
		c.Wants = sl.wantsCurrent()
		c.WantsSince = sl.tx.createdAt
	case sl.startExpected(s.now):
		c.Wants, c.WantsSince = true, sl.expectedAt
	}
	for _, o := range l.sends {
		if !c.SentOpen || o.limit > c.Sent {
			c.Sent, c.SentAt = o.limit, o.at
		}
		c.SentOpen = true
	}
	if l.held > c.Failsafe && !s.now.Before(l.leaseUntil) && !sl.station.learnt.leases() {
		c.LeaseUntil = s.now.Add(longestLease) // what it holds above its fall-back does not end by itself
	}
	return c
}

// apply carries out one setpoint of the plan.
func (s *Site) apply(sp loadbalance.Setpoint) {
	sl := s.slots[sp.Slot-1]
	if sp.Reason.Rule == loadbalance.RuleOffline && sl.station.online {
		sp.Reason.Rule = loadbalance.RuleUnresponsive
	}
	sl.setpoint = sp
	if s.proving(sl, sp) {
		return
	}
	switch sp.Action {
	case loadbalance.Reduce, loadbalance.Raise, loadbalance.Renew:
	default:
		return
	}
	if sl.tx == nil || !sl.station.online || !sl.station.booted || len(sl.lim.sends) >= maxSends {
		return // nothing to hang the profile on, or no way to send it: it stays booked
	}
	limit := sp.Limit
	if !sl.lim.unsure.IsZero() && limit > 0 {
		least, known := sl.surely(s.now)
		if !known && !sp.Urgent {
			return // what it holds may be less: it stays booked at more
		}
		limit = min(limit, least)
	}
	s.sendLimit(sl, limit, sp.Lease, sp.Urgent)
}

// surely is the most that a connector can be told without being raised, where it may hold
// less than the box books: what it was seen to draw since, else its fall-back. Known tells
// that there was a report, or the time for one.
func (sl *slot) surely(now time.Time) (most loadbalance.MilliAmp, known bool) {
	switch drawn := sl.strongest(); {
	case sl.measuredAt.Before(sl.lim.unsure):
		return sl.failsafe(), now.Sub(sl.lim.unsure) >= tellsWithin
	case drawn < loadbalance.Amp:
		return 0, true
	default:
		return max(drawn-drawn%100, sl.layout.Min), true
	}
}

// sendEarly sends a reduction again that came before the charger knew its transaction.
func (s *Site) sendEarly(sl *slot) {
	o := sl.lim.early
	if sl.lim.early = nil; o != nil && sl.station.online && len(sl.lim.sends) == 0 && o.limit < sl.lim.present(s.now, sl.failsafe()) {
		s.sendLimit(sl, o.limit, o.lease, true)
	}
}

// sendLimit sends a setpoint to a connector with a transaction.
func (s *Site) sendLimit(sl *slot, limit loadbalance.MilliAmp, lease time.Duration, urgent bool) {
	s.seq++
	l := &sl.lim
	present := l.present(s.now, sl.failsafe())
	if limit > present {
		l.lastUp = s.now
	} else if limit < present {
		l.lastDown = s.now
	}
	if limit != present {
		s.setpoints++
	}
	l.early = nil
	l.sends = append(l.sends, send{seq: s.seq, limit: limit, lease: lease, at: s.now})
	s.do(SetLimit{Station: sl.station.id, Slot: sl.number, Connector: sl.layout.Number, Seq: s.seq,
		Tx: sl.tx.id, ChargerTx: sl.tx.row.ChargerTx, Limit: limit, Lease: lease, Urgent: urgent,
		Reduction: limit < present, Reading: s.answersTo})
}

func (s *Site) newestReading() time.Time {
	var newest time.Time
	for _, m := range s.meters {
		newest = later(newest, m.at)
	}
	return newest
}

// ceiling is the most a connector may get from cable, profiles, operator and systems
// beside the box, and which rule set it.
func (s *Site) ceiling(sl *slot) (loadbalance.MilliAmp, loadbalance.Rule) {
	most, rule := sl.layout.Max, loadbalance.RuleMax
	if sl.operator.set {
		if !sl.operator.until.IsZero() && !s.now.Before(sl.operator.until) {
			sl.operator = operatorLimit{}
		} else if sl.operator.limit < most {
			most, rule = sl.operator.limit, loadbalance.RuleOperator
			s.wake(sl.operator.until)
		}
	}
	if limit, ok := s.profileCeiling(sl, s.now); ok && limit < most {
		most, rule = limit, loadbalance.RuleProfile
	}
	if limit, ok := s.outsideCeiling(sl, s.now); ok && limit < most {
		most, rule = limit, loadbalance.RuleOutside
	}
	return most, rule
}

func (s *Site) meterSampled(ev MeterSampled) {
	for _, m := range s.meters {
		if m.layout.ID == ev.Meter {
			m.current, m.power, m.at, m.err = ev.Current, ev.Power, ev.At, ""
			if ev.Period > 0 {
				m.period = ev.Period
			}
			s.passDue, s.passNow, s.sampled = true, true, true // meters set their own pace: at once
			s.observeBase(m)
			s.meterPeak(m)
			return
		}
	}
	s.observeSun(ev)
}

func (s *Site) meterFailed(ev MeterFailed) {
	for _, m := range s.meters {
		if m.layout.ID == ev.Meter {
			m.err = ev.Err
			s.passDue = true
		}
	}
}

func (s *Site) limitRequested(ev LimitRequested) {
	sl := s.slotBy(ev.Slot)
	if sl == nil || sl.station == nil {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "no such connector"})
		return
	}
	if ev.Limit < 0 {
		sl.operator = operatorLimit{}
	} else {
		sl.operator = operatorLimit{limit: ev.Limit, set: true, test: ev.Origin == FromCommissioning}
		if ev.For > 0 {
			sl.operator.until = s.now.Add(ev.For)
		}
	}
	s.note(SeverityInfo, "connector.operator-limit", fmt.Sprint(sl.number), fmt.Sprintf("limit set to %v by %s", ev.Limit, ev.Origin))
	s.passDue = true
	s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
}
