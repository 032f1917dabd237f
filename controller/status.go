package controller

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// effective is the status the cloud is to see for a slot now: the connector's own,
// under the overlay of its charger's fault, its absence, and vacancy (N4, N11, N12).
func (s *Site) effective(sl *slot) SlotStatus {
	st := sl.status
	st.Slot = sl.number
	switch {
	case sl.station == nil || sl.state != SlotActive:
		return SlotStatus{Slot: sl.number, Status: StatusUnavailable, ErrorCode: NoError, Info: "vacant", At: st.At}
	case !sl.station.online && s.now.Sub(sl.station.since) >= s.grace():
		st.VendorErrorCode = "ChargerOffline"
		if sl.tx == nil {
			st.Status, st.ErrorCode = StatusUnavailable, NoError
		} else {
			st.ErrorCode = "OtherError" // a warning: the transaction goes on (16§4.9)
		}
	case sl.station.fault.Status == StatusFaulted || sl.station.fault.Status == StatusUnavailable:
		fault := sl.station.fault
		fault.Slot = sl.number
		return fault
	}
	return st
}

// grace is how long a charger may be away before the cloud hears of it: longer after
// a restart of the box, when all of them come back at once.
func (s *Site) grace() time.Duration {
	if s.now.Sub(s.bootAt) < returnGrace {
		return returnGrace
	}
	return offlineGrace
}

func (s *Site) stationStatus() SlotStatus {
	st := SlotStatus{Slot: 0, Status: StatusAvailable, ErrorCode: NoError, At: s.now}
	if s.settings[availabilityKey(0)] == "inoperative" {
		st.Status = StatusUnavailable
	}
	return st
}

// tellStatuses reports what changed. Available and Finishing wait until the slot's
// last Stop is acknowledged, because some clouds close a transaction on them
// (decision 5).
func (s *Site) tellStatuses() {
	if s.uplink.state != UplinkAccepted {
		return
	}
	for _, sl := range s.slots {
		now := s.effective(sl)
		if sl.everTold && same(now, sl.reported) {
			continue
		}
		if (now.Status == StatusAvailable || now.Status == StatusFinishing) && sl.stopsDue > 0 {
			continue
		}
		if now.At.IsZero() {
			now.At = s.now
		}
		sl.reported, sl.everTold = now, true
		s.do(ReportStatus{Status: now})
	}
}

func same(a, b SlotStatus) bool {
	return a.Status == b.Status && a.ErrorCode == b.ErrorCode && a.VendorErrorCode == b.VendorErrorCode && a.Info == b.Info
}

// timers does what time alone brings about: when something stirred, when one of them
// is due, and once a second for those that only look at the clock.
func (s *Site) timers() {
	if !s.stirred && s.now.Sub(s.timersRan) < timersEvery && (s.timersDue.IsZero() || s.now.Before(s.timersDue)) {
		s.wake(s.timersDue)
		return
	}
	s.timersRan, s.stirred = s.now, false
	asked := s.wakeAt
	s.wakeAt = time.Time{}
	s.runTimers()
	s.timersDue = s.wakeAt
	s.wake(asked)
}

const timersEvery = time.Second

func (s *Site) runTimers() {
	for _, id := range slices.Sorted(maps.Keys(s.asks)) {
		if a := s.asks[id]; !s.now.Before(a.deadline) {
			delete(s.asks, id)
			s.decideLocally(a.token, a.then)
		} else {
			s.wake(a.deadline)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.ops)) {
		if op := s.ops[id]; !s.now.Before(op.deadline) {
			delete(s.ops, id)
			if op.then != nil {
				op.then(CommandAnswered{Op: id, Err: "no answer in time"})
			}
		} else {
			s.wake(op.deadline)
		}
	}
	for _, sl := range s.slots {
		s.slotTimers(sl)
	}
	s.stationTimers()
	s.watchSupplies()
	s.tellStatuses()
	s.sweep()
}

// sweep forgets transactions that no charger will repeat any more.
func (s *Site) sweep() {
	if s.now.Sub(s.sweptAt) < time.Hour {
		return
	}
	s.sweptAt = s.now
	for id, t := range s.txs {
		if t.row.Ended && s.due[id] == nil && s.now.Sub(t.row.StoppedAt) > rememberFor {
			delete(s.txs, id)
			delete(s.starts, keyOf(&t.row))
			delete(s.chargerTxs, chargerTxKey{t.row.Station, t.row.ChargerTx})
		}
	}
}

func (s *Site) slotTimers(sl *slot) {
	if p := sl.pending; p != nil && !s.now.Before(p.until) {
		sl.pending = nil
	}
	var few [4]*transaction
	for _, t := range append(few[:0], sl.open...) { // a copy: closing one changes the list
		if !t.answerBy.IsZero() {
			if !s.now.Before(t.answerBy) {
				s.decideStart(t)
			} else {
				s.wake(t.answerBy)
			}
		}
		if !t.closeAt.IsZero() {
			if !s.now.Before(t.closeAt) {
				s.closeSynthetically(t, "Other", fmt.Sprintf("no stop came for transaction %d: closed with the last register %d Wh", t.id, t.row.LastRegister))
			} else {
				s.wake(t.closeAt)
			}
		}
	}
	s.forgotten(sl)
}

// forgotten watches for a charger that is back and idle but never sent the stop of
// its transaction (6.8). Times are the box's: chargers' clocks may be hours off.
func (s *Site) forgotten(sl *slot) {
	t := sl.tx
	if t == nil || !t.closeAt.IsZero() || sl.station == nil || !sl.station.online || sl.status.Status != StatusAvailable {
		return
	}
	silent := later(later(sl.statusAt, sl.station.since), later(t.createdAt, t.heardAt))
	if s.now.Sub(silent) >= forgottenAfter {
		s.closeSynthetically(t, "PowerLoss", fmt.Sprintf("the charger is idle and sent no stop for transaction %d: closed with the last register %d Wh", t.id, t.row.LastRegister))
	}
}

func (s *Site) stationTimers() {
	for _, st := range s.order {
		if st.online && !st.retryAt.IsZero() && !s.now.Before(st.retryAt) && st.installed != int32(st.failsafe) {
			s.installFailsafe(st)
		}
		if !st.online && s.now.Sub(st.since) >= s.grace() {
			s.raise("charger.offline", string(st.id), SeverityWarning, "The charger is not connected.",
				"Check its power and network cable, and that its CSMS address is this box.")
		}
	}
	if s.uplink.state != UplinkOff && s.uplink.state != UplinkAccepted && s.now.Sub(later(s.uplink.since, s.bootAt)) >= uplinkAlarmAfter {
		s.raise("cloud.down", "cloud", SeverityWarning, "The cloud can't be reached: "+s.uplink.detail,
			"Charging and billing go on; everything is kept and delivered later. Check the internet connection and the cloud's address.")
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
