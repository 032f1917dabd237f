package ocppsim

import (
	"slices"
	"time"
)

// purpose is what a profile is for, in the order in which they are asked.
type purpose uint8

const (
	purposeOther      purpose = iota // one that the charger does not carry out
	purposeStationMax                // of the whole station
	purposeTxDefault
	purposeTx
)

// kind says from when the periods of a profile count.
type kind uint8

const (
	kindAbsolute kind = iota
	kindRecurring
	kindRelative // from the start of the transaction
	kindOther
)

// chargingProfile is a profile of any version.
type chargingProfile struct {
	id, level   int
	purpose     purpose
	kind        kind
	every       time.Duration // of a recurring one; 0: not given
	transaction string        // of a 2.x TxProfile
	validFrom   time.Time     // zero: at once
	validTo     time.Time     // zero: for ever
	from        time.Time     // startSchedule; zero: not given
	lasts       *time.Duration
	watts       bool
	periods     []period
	given       any // as it was received
}

// period is a limit from a moment on, in A per phase or W.
type period struct {
	start  time.Duration
	limit  float64
	phases int // of watts; 0: not given
}

// profiles is what a charger was given, evaluated as 16§3.13 and P2 block K say.
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
	p         chargingProfile
}

// question is whom a limit is asked for.
type question struct {
	connector, phases int
	hardware          float64   // A per phase
	start             time.Time // of the transaction
	sharing           int       // transactions among which the station's maximum is divided
}

// acceptable reports whether the charger can carry out a profile.
func acceptable(p *chargingProfile) bool {
	n := len(p.periods)
	if p.purpose == purposeOther || p.kind == kindOther || p.level < 0 || p.level > maxStackLevel || n == 0 || n > maxPeriods || p.periods[0].start != 0 {
		return false
	}
	for i, s := range p.periods {
		if s.limit < 0 || i > 0 && s.start <= p.periods[i-1].start {
			return false
		}
	}
	return p.kind != kindRecurring || p.every > 0 && !p.from.IsZero()
}

// set replaces the profile with the same id, or with the same purpose, stack level
// and connector (16§3.13.2); false if there is no room for another.
func (s *profiles) set(connector int, p chargingProfile, now time.Time) bool {
	kept := slices.DeleteFunc(slices.Clone(s.list), func(o installed) bool {
		return o.p.id == p.id || o.connector == connector && o.p.purpose == p.purpose && o.p.level == p.level
	})
	if len(kept) >= maxProfiles {
		return false
	}
	s.list, s.memo = append(kept, installed{connector: connector, at: now, p: p}), nil
	return true
}

// dropTx forgets the TxProfiles of a connector: its transaction ended.
func (s *profiles) dropTx(connector int) {
	s.clear(func(o installed) bool { return o.connector == connector && o.p.purpose == purposeTx })
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
		at(p.validFrom)
		at(p.validTo)
		zero := p.zero(s.list[i].at, q.start, t)
		at(zero)
		if p.every > 0 {
			at(zero.Add(p.every))
		}
		if p.lasts != nil {
			at(zero.Add(*p.lasts))
		}
		for _, period := range p.periods {
			at(zero.Add(period.start))
		}
	}
	return next
}

func (s *profiles) evaluate(q question, t time.Time) (float64, time.Time) {
	best := q.hardware
	var expires time.Time
	if a, until, ok := s.leading(purposeTx, q.connector, q, t); ok {
		best, expires = min(best, a), until
	} else if a, _, ok := s.leading(purposeTxDefault, q.connector, q, t); ok {
		best = min(best, a)
	} else if a, _, ok := s.leading(purposeTxDefault, 0, q, t); ok {
		best = min(best, a)
	}
	if a, _, ok := s.leading(purposeStationMax, 0, q, t); ok {
		best = min(best, a/float64(max(1, q.sharing)))
	}
	return best, expires
}

// leading is the valid profile of the highest stack level.
func (s *profiles) leading(purpose purpose, connector int, q question, t time.Time) (amps float64, until time.Time, ok bool) {
	level := -1
	for _, o := range s.list {
		if o.p.purpose != purpose || o.connector != connector || o.p.level <= level {
			continue
		}
		if a, end, valid := o.p.at(o.at, q, t); valid {
			amps, until, level, ok = a, end, o.p.level, true
		}
	}
	return amps, until, ok
}

// at is the limit of one profile at t; end is zero if it never runs out.
func (p *chargingProfile) at(received time.Time, q question, t time.Time) (amps float64, end time.Time, ok bool) {
	if t.Before(p.validFrom) || !p.validTo.IsZero() && !t.Before(p.validTo) {
		return 0, end, false
	}
	zero := p.zero(received, q.start, t)
	at := t.Sub(zero)
	if at < 0 {
		return 0, end, false
	}
	if p.lasts != nil {
		end = zero.Add(*p.lasts)
		if !t.Before(end) {
			return 0, end, false
		}
	}
	if !p.validTo.IsZero() && (end.IsZero() || p.validTo.Before(end)) {
		end = p.validTo
	}
	for _, period := range p.periods {
		if period.start > at {
			break
		}
		amps, ok = period.limit, true
		if p.watts {
			phases := 3
			if period.phases > 0 {
				phases = period.phases
			}
			amps /= voltage * float64(max(1, min(phases, q.phases)))
		}
	}
	return amps, end, ok
}

// zero is the moment from which the periods count at t.
func (p *chargingProfile) zero(received, start, t time.Time) time.Time {
	switch {
	case p.kind == kindRelative:
		return start
	case p.from.IsZero():
		return received
	case p.kind == kindRecurring && p.every > 0 && !t.Before(p.from):
		return p.from.Add(t.Sub(p.from) / p.every * p.every)
	}
	return p.from
}
