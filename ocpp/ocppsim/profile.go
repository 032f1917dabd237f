package ocppsim

import (
	"time"

	"busbar/ocpp/ocpp16"
)

// profiles is what a charger was given, evaluated as 16§3.13 says.
type profiles struct {
	list []installed
}

type installed struct {
	connector int
	at        time.Time // received
	p         ocpp16.ChargingProfile
}

// set replaces the profile with the same id, or with the same purpose, stack level
// and connector (16§3.13.2).
func (s *profiles) set(connector int, p ocpp16.ChargingProfile, now time.Time) {
	kept := s.list[:0]
	for _, o := range s.list {
		same := o.p.ChargingProfileID == p.ChargingProfileID && o.connector == connector ||
			o.p.ChargingProfilePurpose == p.ChargingProfilePurpose && o.p.StackLevel == p.StackLevel && o.connector == connector
		if !same {
			kept = append(kept, o)
		}
	}
	s.list = append(kept, installed{connector: connector, at: now, p: p})
}

// dropTx forgets the TxProfiles of a connector: its transaction ended.
func (s *profiles) dropTx(connector int) {
	kept := s.list[:0]
	for _, o := range s.list {
		if o.p.ChargingProfilePurpose != ocpp16.ChargingProfilePurposeTypeTxProfile || o.connector != connector {
			kept = append(kept, o)
		}
	}
	s.list = kept
}

// clear removes what matches, and reports how many.
func (s *profiles) clear(match func(installed) bool) int {
	kept, n := s.list[:0], 0
	for _, o := range s.list {
		if match(o) {
			n++
		} else {
			kept = append(kept, o)
		}
	}
	s.list = kept
	return n
}

// limit is the amperes a connector may offer at t, and until when the leading
// TxProfile holds (zero: no TxProfile leads).
func (s *profiles) limit(connector int, start, t time.Time, hardware float64) (float64, time.Time) {
	best := hardware
	var expires time.Time
	if a, until, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxProfile, connector, start, t); ok {
		best, expires = min(best, a), until
	} else if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, connector, start, t); ok {
		best = min(best, a)
	} else if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, 0, start, t); ok {
		best = min(best, a)
	}
	if a, _, ok := s.leading(ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile, 0, start, t); ok {
		best = min(best, a)
	}
	return best, expires
}

func (s *profiles) leading(purpose ocpp16.ChargingProfilePurposeType, connector int, start, t time.Time) (amps float64, until time.Time, ok bool) {
	level := -1
	for _, o := range s.list {
		if o.p.ChargingProfilePurpose != purpose || o.connector != connector || o.p.StackLevel <= level {
			continue
		}
		if a, end, valid := scheduleAt(&o.p, o.at, start, t); valid {
			amps, until, level, ok = a, end, o.p.StackLevel, true
		}
	}
	return amps, until, ok
}

// scheduleAt is the limit of one profile at t; end is zero if it never runs out.
func scheduleAt(p *ocpp16.ChargingProfile, received, start, t time.Time) (amps float64, end time.Time, ok bool) {
	if p.ValidFrom != nil && t.Before(p.ValidFrom.Time) || p.ValidTo != nil && !t.Before(p.ValidTo.Time) {
		return 0, end, false
	}
	zero := received
	switch {
	case p.ChargingProfileKind == ocpp16.ChargingProfileKindTypeRelative:
		zero = start
	case p.ChargingSchedule.StartSchedule != nil:
		zero = p.ChargingSchedule.StartSchedule.Time
	}
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
	for _, period := range p.ChargingSchedule.ChargingSchedulePeriod {
		if time.Duration(period.StartPeriod)*time.Second <= at {
			milli, err := period.Limit.Milli()
			if err != nil {
				return 0, end, false
			}
			amps, ok = float64(milli)/1000, true
			if p.ChargingSchedule.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW {
				amps /= 3 * voltage
			}
		}
	}
	return amps, end, ok
}
