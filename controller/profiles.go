package controller

import (
	"slices"
	"time"

	"busbar/loadbalance"
)

// siteProfile is a charging profile the cloud gave to the station. It is an input of
// the balancer and never forwarded (ocpp-gateway 7.1).
type siteProfile struct {
	slot Slot
	Profile
	tx TxID // for TxProfile
}

// checkStartProfile is the rule for a profile that comes with a remote start: a
// TxProfile without transaction id (16§5.16.2).
func checkStartProfile(p Profile) string {
	if p.Purpose != PurposeTx || p.UpTx != "" {
		return "a profile in a remote start must be a TxProfile without transaction id"
	}
	return ""
}

func (s *Site) profileSet(ev ProfileSet) {
	p := &siteProfile{slot: ev.Slot, Profile: ev.Profile}
	if why := s.placeProfile(p); why != "" {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: why})
		return
	}
	var rows []Row
	s.profiles = slices.DeleteFunc(s.profiles, func(o *siteProfile) bool {
		// 1.6: the same id, or the same purpose, level and connector (16§3.13.2).
		same := o.ID == p.ID || o.Purpose == p.Purpose && o.StackLevel == p.StackLevel && o.slot == p.slot
		if same {
			rows = append(rows, ProfileRow{Slot: o.slot, Profile: o.Profile, Deleted: true})
		}
		return same
	})
	s.profiles = append(s.profiles, p)
	reply := ev.Reply
	s.persist(func() { s.answer(reply, CommandAnswer{Status: "Accepted"}) }, append(rows, ProfileRow{Slot: p.slot, Profile: p.Profile})...)
	s.passDue = true
	s.stir()
}

// placeProfile checks purpose against place and binds a TxProfile to its transaction.
func (s *Site) placeProfile(p *siteProfile) string {
	sl := s.slotBy(p.slot)
	switch p.Purpose {
	case PurposeStationMax:
		if p.slot != 0 {
			return "ChargePointMaxProfile is for connector 0"
		}
	case PurposeTxDefault:
		if p.slot != 0 && (sl == nil || sl.station == nil) {
			return "no such connector"
		}
	case PurposeTx:
		if sl == nil || sl.tx == nil {
			return "no transaction is running on the connector"
		}
		if p.UpTx != "" && p.UpTx != sl.tx.row.UpTx {
			return "the transaction id is not the running one"
		}
		p.tx = sl.tx.id
	default:
		return "unknown purpose"
	}
	return ""
}

func (s *Site) profileCleared(ev ProfileCleared) {
	var rows []Row
	s.profiles = slices.DeleteFunc(s.profiles, func(p *siteProfile) bool {
		match := (ev.ID != nil && *ev.ID == p.ID) ||
			ev.ID == nil && (ev.Slot == nil || *ev.Slot == p.slot) && (ev.Purpose == nil || *ev.Purpose == p.Purpose) &&
				(ev.StackLevel == nil || *ev.StackLevel == p.StackLevel)
		if match {
			rows = append(rows, ProfileRow{Slot: p.slot, Profile: p.Profile, Deleted: true})
		}
		return match
	})
	if len(rows) == 0 {
		s.answer(ev.Reply, CommandAnswer{Status: "Unknown"})
		return
	}
	reply := ev.Reply
	s.persist(func() { s.answer(reply, CommandAnswer{Status: "Accepted"}) }, rows...)
	s.passDue = true
	s.stir()
}

func (s *Site) attachProfile(sl *slot, t *transaction) {
	if sl.pending.profile != nil {
		s.profiles = append(s.profiles, &siteProfile{slot: sl.number, Profile: *sl.pending.profile, tx: t.id})
	}
}

// dropTxProfiles: a TxProfile ends with its transaction (16§3.13.3).
func (s *Site) dropTxProfiles(sl *slot) {
	var rows []Row
	s.profiles = slices.DeleteFunc(s.profiles, func(p *siteProfile) bool {
		gone := p.Purpose == PurposeTx && p.slot == sl.number
		if gone {
			rows = append(rows, ProfileRow{Slot: p.slot, Profile: p.Profile, Deleted: true})
		}
		return gone
	})
	if len(rows) > 0 {
		s.persist(nil, rows...)
	}
}

// profileCeiling is what the cloud's profiles allow a connector at a time: the leading
// TxProfile, else the leading TxDefaultProfile of the connector, else of the site.
func (s *Site) profileCeiling(sl *slot, at time.Time) (loadbalance.MilliAmp, bool) {
	if sl.tx == nil {
		return 0, false
	}
	begin := sl.tx.row.StartedAt
	if l, ok := s.leading(at, PurposeTx, func(p *siteProfile) bool { return p.slot == sl.number && p.tx == sl.tx.id }, begin, sl.wires); ok {
		return l, true
	}
	if l, ok := s.leading(at, PurposeTxDefault, func(p *siteProfile) bool { return p.slot == sl.number }, begin, sl.wires); ok {
		return l, true
	}
	return s.leading(at, PurposeTxDefault, func(p *siteProfile) bool { return p.slot == 0 }, begin, sl.wires)
}

// leading is the limit of the highest stack level that has a period at a time.
func (s *Site) leading(at time.Time, purpose ProfilePurpose, applies func(*siteProfile) bool, begin time.Time, w wires) (loadbalance.MilliAmp, bool) {
	var limit loadbalance.MilliAmp
	level, ok := -1, false
	for _, p := range s.profiles {
		if p.Purpose != purpose || p.StackLevel <= level || !applies(p) {
			continue
		}
		if l, valid := p.limitAt(at, begin, w); valid {
			limit, level, ok = l, p.StackLevel, true
		}
	}
	return limit, ok
}

// limitAt is the profile's limit per phase at t. begin is when the transaction
// started, the zero of Relative schedules.
func (p *Profile) limitAt(t, begin time.Time, w wires) (loadbalance.MilliAmp, bool) {
	if !p.ValidFrom.IsZero() && t.Before(p.ValidFrom) || !p.ValidTo.IsZero() && !t.Before(p.ValidTo) {
		return 0, false
	}
	var at time.Duration
	switch p.Kind {
	case KindRelative:
		at = t.Sub(begin)
	case KindRecurring:
		span := 24 * time.Hour
		if p.Recurrency == "Weekly" {
			span *= 7
		}
		if at = t.Sub(p.Start) % span; at < 0 {
			at += span
		}
	default:
		at = t.Sub(p.Start)
	}
	if at < 0 || p.Duration > 0 && at >= p.Duration {
		return 0, false
	}
	var now *Period
	for i := range p.Periods {
		if p.Periods[i].From <= at {
			now = &p.Periods[i]
		}
	}
	if now == nil {
		return 0, false
	}
	return now.perPhase(p.Watts, w), true
}

// perPhase turns a period's limit into amperes per phase, rounded down.
func (p *Period) perPhase(watts bool, w wires) loadbalance.MilliAmp {
	if !watts {
		return loadbalance.MilliAmp(min(max(p.Limit, 0), 1<<30))
	}
	return w.amps(p.Limit, p.NumberPhases)
}
