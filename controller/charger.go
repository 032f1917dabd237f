package controller

import (
	"encoding/json"
	"fmt"
	"time"

	"busbar/loadbalance"
)

// Times of the chargers' side.
const (
	heartbeatInterval = 5 * time.Minute  // chargers without NTP set their clock by it
	bootRetry         = 30 * time.Second // for Pending
	offlineGrace      = time.Minute      // N12
	returnGrace       = 2 * time.Minute  // N13
	failsafeRetry     = 30 * time.Second
	liveSample        = time.Minute // older samples are history, not control
)

func (s *Site) chargerConnected(ev ChargerConnected) {
	st := s.stations[ev.Station]
	if st == nil || ev.Stranger {
		s.knock(ev)
		return
	}
	delete(s.waiting, ev.Station)
	s.cameOnline(st, ev.Generation, ev.Protocol, ev.Remote)
	st.lastHeard = s.now
	// A known charger that comes back does not boot again (2.0.1 Part 4 §5.3).
	if st.booted {
		s.prepare(st)
	}
	s.stir()
}

// knock remembers an unknown charger at the door (decision 25).
func (s *Site) knock(ev ChargerConnected) {
	if s.waiting[ev.Station] == nil && len(s.waiting) >= maxWaiting {
		s.do(Disconnect{Station: ev.Station, Reason: "too many unknown chargers are waiting for approval"})
		return
	}
	s.waiting[ev.Station] = &waiting{generation: ev.Generation, protocol: ev.Protocol, remote: ev.Remote, since: s.now}
	s.stir()
}

func (s *Site) chargerGone(ev ChargerGone) {
	if w := s.waiting[ev.Station]; w != nil && w.generation == ev.Generation {
		delete(s.waiting, ev.Station)
	}
	st := s.stations[ev.Station]
	if st == nil || st.generation != ev.Generation {
		return // an older socket of a charger that is back already
	}
	st.online, st.prepared = false, false
	st.since = s.now
	s.note(SeverityInfo, "charger.gone", string(st.id), "connection lost: "+ev.Cause)
	s.stir()
	s.passDue = true
}

func (s *Site) chargerHeard(ev ChargerHeard) {
	if st := s.stations[ev.Station]; st != nil {
		st.lastHeard = s.now
	}
}

func (s *Site) booted(ev Booted) {
	st := s.stations[ev.Station]
	if st == nil || s.waiting[ev.Station] != nil {
		st = s.admit(ev)
		if st == nil {
			s.answer(ev.Reply, BootAnswer{Status: "Pending", Interval: bootRetry, Now: s.now})
			return
		}
	}
	st.booted, st.info, st.lastHeard = true, ev.Info, s.now
	s.note(SeverityInfo, "charger.boot", string(st.id), fmt.Sprintf("%s %s, firmware %s", ev.Info.Vendor, ev.Info.Model, ev.Info.Firmware))
	reply := ev.Reply
	s.persist(func() {
		s.answer(reply, BootAnswer{Status: "Accepted", Interval: heartbeatInterval, Now: s.now})
		st.prepared = false // it may have lost its profiles
		s.prepare(st)
	}, st.row(s.now))
	for _, sl := range st.slots {
		sl.lim.lost(st.failsafe, s.now) // a rebooted charger may hold anything it was ever given
	}
	s.stir()
	s.passDue = true
}

func (st *station) row(now time.Time) StationRow {
	return StationRow{Station: st.id, Protocol: st.protocol, Info: st.info, FailsafeInstalled: st.installed, LastSeen: now}
}

// admit lets an unknown charger in where onboarding is open.
func (s *Site) admit(ev Booted) *station {
	w := s.waiting[ev.Station]
	if w == nil {
		return nil
	}
	w.info = ev.Info
	s.stir()
	if s.cfg.Layout.Onboarding != "open" {
		return nil
	}
	return s.letIn(ev.Station, w)
}

// letIn connects a charger that waited at the door: one that is new, or one whose access
// was taken away before, with the connectors that it has.
func (s *Site) letIn(id StationID, w *waiting) *station {
	st := s.stations[id]
	if st == nil {
		st = s.adopt(id)
	} else {
		s.note(SeverityInfo, "charger.adopted", string(id), "let in again")
	}
	delete(s.waiting, id)
	s.cameOnline(st, w.generation, w.protocol, w.remote)
	return st
}

// cameOnline has a charger be online by a new connection.
func (s *Site) cameOnline(st *station, generation uint64, protocol, remote string) {
	st.online, st.generation, st.protocol, st.remote, st.since = true, generation, protocol, remote, s.now
	st.prepared, s.passDue = false, true
	s.clear("charger.offline", string(st.id))
}

// adopt gives an unknown charger one connector below the first supply. What is not
// known is taken on the safe side: all phases, and no current without being asked.
func (s *Site) adopt(id StationID) *station {
	c := ChargerLayout{Station: id, Node: s.supplies[0].node, Failsafe: 0,
		Connectors: []ConnectorLayout{{Number: 1, Min: 6 * loadbalance.Amp, Max: 32 * loadbalance.Amp}}}
	st := s.addCharger(c)
	text, err := json.Marshal(c)
	if err != nil {
		panic("controller: a layout of plain values can't be encoded: " + err.Error())
	}
	rows := []Row{SettingRow{Key: adoptedPrefix + string(id), Value: string(text)}}
	for _, sl := range st.slots {
		rows = append(rows, sl.row())
	}
	s.persist(nil, rows...)
	s.note(SeverityInfo, "charger.adopted", string(id), "new charger let in: wiring unknown, counted on all phases")
	return st
}

func (s *Site) approveRequested(ev ApproveRequested) {
	w := s.waiting[ev.Station]
	if w == nil {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "no such charger is waiting"})
		return
	}
	if !ev.Approve {
		delete(s.waiting, ev.Station)
		s.do(Disconnect{Station: ev.Station, Reason: "turned away by the operator"})
		s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
		return
	}
	s.letIn(ev.Station, w)
	// It is waiting with its next Boot; asked for it, it need not.
	s.command(Command{Station: ev.Station, Kind: CommandTrigger, Message: "BootNotification"}, nil)
	s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
}

// prepare writes the fall-back and the keys the box needs, once per socket.
func (s *Site) prepare(st *station) {
	if st.prepared || !st.online || !st.booted {
		return
	}
	st.prepared = true
	s.fallbackAlarm(st) // what a test of another run of the box found
	s.pauseAlarm(st)
	s.installFailsafe(st)
	s.do(PushBaseline{Station: st.id})
	s.askOpen(st)
	for _, sl := range st.slots {
		if sl.inoperable || s.settings[availabilityKey(0)] == "inoperative" {
			s.command(Command{Station: st.id, Kind: CommandAvailability, Connector: sl.layout.Number}, nil)
		}
	}
}

func (s *Site) installFailsafe(st *station) {
	connectors := make([]int, 0, len(st.slots))
	for _, sl := range st.slots {
		connectors = append(connectors, sl.layout.Number)
	}
	st.retryAt = s.now.Add(failsafeRetry)
	s.do(InstallFailsafe{Station: st.id, Connectors: connectors, Limit: st.failsafe})
}

func (s *Site) failsafeAnswered(ev FailsafeAnswered) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	if !ev.Accepted {
		s.raise("charger.failsafe", string(st.id), SeverityWarning,
			"The charger did not take its fall-back current: "+ev.Err,
			"It is budgeted at its maximum until it does. Set the fall-back in the charger itself, or update its firmware.")
		return // installed stays what was proven before
	}
	st.retryAt = time.Time{}
	s.clear("charger.failsafe", string(st.id))
	if st.installed != int32(st.failsafe) {
		st.installed = int32(st.failsafe)
		s.persist(nil, st.row(s.now))
	}
	s.passDue = true
}

func (s *Site) baselinePushed(ev BaselinePushed) {
	if len(ev.Refused) > 0 {
		s.note(SeverityInfo, "charger.keys", string(ev.Station), fmt.Sprintf("did not take the configuration keys %v", ev.Refused))
	}
}

func (s *Site) statusReported(ev StatusReported) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, Done{})
		return
	}
	st.lastHeard = s.now
	status := SlotStatus{Status: ev.Status, ErrorCode: ev.ErrorCode, VendorErrorCode: ev.VendorErrorCode, VendorID: ev.VendorID, Info: ev.Info, At: ev.At}
	if status.At.IsZero() {
		status.At = s.now
	}
	if status.ErrorCode == "" {
		status.ErrorCode = NoError
	}
	if ev.Connector == 0 { // N11: an overlay over all its slots, never the cloud's 0
		st.fault = status
	} else if sl := st.slotAt(ev.Connector); sl != nil {
		status.Slot, status.Status = sl.number, s.plugChanged(sl, status.Status)
		sl.heardOn = st.generation
		s.takeStatus(sl, status)
	} else {
		s.note(SeverityWarning, "charger.connector", string(st.id), fmt.Sprintf("reports connector %d, which the configuration doesn't have", ev.Connector))
	}
	s.answer(ev.Reply, Done{})
	s.stir()
	s.passDue = true
}

func (s *Site) takeStatus(sl *slot, status SlotStatus) {
	before := sl.status
	sl.status = status
	if status.Status == before.Status && status.ErrorCode == before.ErrorCode {
		return
	}
	sl.statusAt = s.now
	s.persist(nil, StatusRow{Status: status})
	if status.Status == StatusFaulted {
		s.raise("connector.fault", fmt.Sprint(sl.number), SeverityWarning,
			fmt.Sprintf("Connector %d reports %s %s", sl.number, status.ErrorCode, status.Info), "Look at the charger; reset it if the fault is gone.")
	} else {
		s.clear("connector.fault", fmt.Sprint(sl.number))
	}
}

// plugged says whether a car may be at the connector.
func (sl *slot) plugged() bool {
	switch sl.status.Status {
	case StatusPreparing, StatusCharging, StatusSuspendedEV, StatusSuspendedEVSE, StatusFinishing:
		return true
	}
	return false
}
