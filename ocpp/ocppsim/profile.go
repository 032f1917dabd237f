package ocppsim

import (
	"slices"
	"time"

	"busbar/ocpp/ocpp16"
)

// profiles is what a charger was given, evaluated as 16§3.13 says.
type profiles struct {
	list []installed
	memo map[int]answered // by connector: the same is asked many times a second
}

// answered is a limit that holds from one moment to another.
type answered struct {
	q        question
	from, to time.Time
	limit    float64
	expires  time.Time
}

type installed struct {
	connector int
	at        time.Time // received
	p         ocpp16.ChargingProfile
}

// question is whom a limit is asked for.
type question struct {
	connector, phases int
	hardware          float64   // A per phase
	start             time.Time // of the transaction
	sharing           int       // transactions among which the station's maximum is divided
}

// acceptable reports whether the charger can carry out a profile.
func acceptable(p *ocpp16.ChargingProfile) bool {
	s := &p.ChargingSchedule
	n := len(s.ChargingSchedulePeriod)
	if p.StackLevel < 0 || p.StackLevel > maxStackLevel || n == 0 || n > maxPeriods || s.ChargingSchedulePeriod[0].StartPeriod != 0 {
		return false
	}
	for i, period := range s.ChargingSchedulePeriod {
		if m, err := period.Limit.Milli(); err != nil || m < 0 || i > 0 && period.StartPeriod <= s.ChargingSchedulePeriod[i-1].StartPeriod {
			return false
		}
	}
	return p.ChargingProfileKind != ocpp16.ChargingProfileKindTypeRecurring || p.RecurrencyKind != nil && s.StartSchedule != nil
}

// set replaces the profile with the same id, or with the same purpose, stack level
// and connector (16§3.13.2); false if there is no room for another.
func (s *profiles) set(connector int, p ocpp16.ChargingProfile, now time.Time) bool {
	kept := slices.DeleteFunc(slices.Clone(s.list), func(o installed) bool {
		return o.p.ChargingProfileID == p.ChargingProfileID ||
			o.connector == connector && o.p.ChargingProfilePurpose == p.ChargingProfilePurpose && o.p.StackLevel == p.StackLevel
	})
	if len(kept) >= maxProfiles {
		return false
	}
	s.list, s.memo = append(kept, installed{connector: connector, at: now, p: p}), nil
	return true
}

// dropTx forgets the TxProfiles of a connector: its transaction ended.
func (s *profiles) dropTx(connector int) {
	s.clear(func(o installed) bool {
		return o.connector == connector && o.p.ChargingProfilePurpose == ocpp16.ChargingProfilePurposeTypeTxProfile
	})
}

// clear removes what matches, and reports how many.
func (s *profiles) clear(match func(installed) bool) int {
	before := len(s.list)
	s.list, s.memo = slices.DeleteFunc(s.list, match), nil
	return before - len(s.list)
}

// limit is the amperes per phase a connector may offer at t, and until when the
// leading TxProfile holds (zero: none leads, or for ever). A TxProfile comes before
// every TxDefaultProfile, one of the connector before one of all; where none is valid
// any more the next is asked. The station's maximum bounds them all.
func (s *profiles) limit(q question, t time.Time) (float64, time.Time) {
	if a, ok := s.memo[q.connector]; ok && a.q == q && !t.Before(a.from) && t.Before(a.to) {
		return a.limit, a.expires
	}
	limit, expires := s.evaluate(q, t)
	if s.memo == nil {
		s.memo = map[int]answered{}
	}
	s.memo[q.connector] = answered{q: q, from: t, to: s.unchanged(q, t), limit: limit, expires: expires}
	return limit, expires
}

// unchanged is until when no profile begins, ends or goes to another period after t.
func (s *profiles) unchanged(q question, t time.Time) time.Time {
	next := t.Add(time.Hour)
	at := func(edge time.Time) {
		if edge.After(t) && edge.Before(next) {
			next = edge
		}
	}
	for i := range s.list {
		p := &s.list[i].p
		if p.ValidFrom != nil {
			at(p.ValidFrom.Time)
		}
		if p.ValidTo != nil {
			at(p.ValidTo.Time)
		}
		zero := zeroOf(p, s.list[i].at, q.start, t)
		at(zero)
		if p.RecurrencyKind != nil {
			at(zero.Add(24 * time.Hour))
			at(zero.Add(7 * 24 * time.Hour))
		}
		if d := p.ChargingSchedule.Duration; d != nil {
			at(zero.Add(time.Duration(*d) * time.Second))
		}
		for _, period := range p.ChargingSchedule.ChargingSchedulePeriod {
			at(zero.Add(time.Duration(period.StartPeriod) * time.Second))
		}
	}
	return next
}

func (s *profiles) evaluate(q question, t time.Time) (float64, time.Time) {
	best := q.hardware
	var expires time.Time
	if a, until, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxProfile, q.connector, q, t); ok {
		best, expires = min(best, a), until
	} else if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, q.connector, q, t); ok {
		best = min(best, a)
	} else if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, 0, q, t); ok {
		best = min(best, a)
	}
	if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile, 0, q, t); ok {
		best = min(best, a/float64(max(1, q.sharing)))
	}
	return best, expires
}

// leading is the valid profile of the highest stack level.
func (s *profiles) leading(purpose ocpp16.ChargingProfilePurposeType, connector int, q question, t time.Time) (amps float64, until time.Time, ok bool) {
	level := -1
	for _, o := range s.list {
		if o.p.ChargingProfilePurpose != purpose || o.connector != connector || o.p.StackLevel <= level {
			continue
		}
		if a, end, valid := scheduleAt(&o.p, o.at, q, t); valid {
			amps, until, level, ok = a, end, o.p.StackLevel, true
		}
	}
	return amps, until, ok
}

// scheduleAt is the limit of one profile at t; end is zero if it never runs out.
func scheduleAt(p *ocpp16.ChargingProfile, received time.Time, q question, t time.Time) (amps float64, end time.Time, ok bool) {
	if p.ValidFrom != nil && t.Before(p.ValidFrom.Time) || p.ValidTo != nil && !t.Before(p.ValidTo.Time) {
		return 0, end, false
	}
	zero := zeroOf(p, received, q.start, t)
	at := t.Sub(zero)
	if at < 0 {
		return 0, end, false
	}
	if d := p.ChargingSchedule.Duration; d != nil {
		end = zero.Add(time.Duration(*d) * time.Second)
		if !t.Before(end) {
			return 0, end, false
		}
	}
	if p.ValidTo != nil && (end.IsZero() || p.ValidTo.Time.Before(end)) {
		end = p.ValidTo.Time
	}
	for _, period := range p.ChargingSchedule.ChargingSchedulePeriod {
		if time.Duration(period.StartPeriod)*time.Second > at {
			break
		}
		milli, err := period.Limit.Milli()
		if err != nil {
			return 0, end, false
		}
		amps, ok = float64(milli)/1000, true
		if p.ChargingSchedule.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW {
			phases := 3
			if period.NumberPhases != nil {
				phases = *period.NumberPhases
			}
			amps /= voltage * float64(max(1, min(phases, q.phases)))
		}
	}
	return amps, end, ok
}

// zeroOf is the moment from which the periods count at t.
func zeroOf(p *ocpp16.ChargingProfile, received, start, t time.Time) time.Time {
	from := p.ChargingSchedule.StartSchedule
	switch {
	case p.ChargingProfileKind == ocpp16.ChargingProfileKindTypeRelative:
		return start
	case from == nil:
		return received
	case p.ChargingProfileKind == ocpp16.ChargingProfileKindTypeRecurring && !t.Before(from.Time):
		every := 24 * time.Hour
		if p.RecurrencyKind != nil && *p.RecurrencyKind == ocpp16.RecurrencyKindTypeWeekly {
			every *= 7
		}
		return from.Time.Add(t.Sub(from.Time) / every * every)
	}
	return from.Time
}
