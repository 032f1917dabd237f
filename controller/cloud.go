package controller

import (
	"fmt"
	"time"
)

// Times of the cloud's side.
const (
	uplinkAlarmAfter = time.Minute
	commandWithin    = 3 * time.Second  // decision 3: answered from known state
	callWithin       = 30 * time.Second // a charger's own time
	pendingStartFor  = time.Minute      // ConnectionTimeOut
	resetEvery       = 10 * time.Minute // decision 9
)

type uplink struct {
	state  UplinkState
	detail string
	since  time.Time
	told   bool // statuses were sent since the box started
}

func (s *Site) uplinkChanged(ev UplinkChanged) {
	if ev.State != s.uplink.state {
		s.uplink.since = s.now
		s.note(SeverityInfo, "cloud."+string(ev.State), "cloud", ev.Detail)
	}
	s.uplink.state, s.uplink.detail = ev.State, ev.Detail
	if ev.State == UplinkAccepted {
		s.clear("cloud.down", "cloud")
		if ev.Booted || !s.uplink.told {
			for _, sl := range s.slots {
				sl.everTold = false
			}
			s.uplink.told = true
			s.do(ReportStatus{Status: s.stationStatus()})
		}
	} else {
		// What waits for the cloud is decided here and now.
		for _, t := range s.due {
			if !t.answerBy.IsZero() {
				s.decideStart(t)
			}
		}
	}
	s.stir()
}

// delivered: the cloud has a message of a transaction; the journal knows already.
func (s *Site) delivered(ev Delivered) {
	t := s.txs[ev.Tx]
	if t == nil {
		return
	}
	switch ev.Kind {
	case OutboxStart:
		t.startDue, t.row.UpTx = false, ev.UpTx
		if ev.Info != nil {
			s.startJudged(t, *ev.Info)
		}
	case OutboxStop:
		if t.stopDue && t.slot != nil {
			t.slot.stopsDue--
		}
		t.stopDue = false
		if ev.Info != nil && t.row.Token.Value != "" {
			s.remember(t.row.Token, *ev.Info)
		}
	case OutboxMeter:
	}
	if !t.startDue && !t.stopDue {
		delete(s.due, t.id)
	}
	s.stir()
}

// startJudged is the cloud's word on a started transaction, in time or late (6.5).
func (s *Site) startJudged(t *transaction, info TokenInfo) {
	t.info = &info
	s.remember(t.row.Token, info)
	if t.answered == nil {
		if t.durable {
			s.answerStart(t, info)
		}
		return
	}
	if info.Status == TokenAccepted || t.row.Ended || s.settings[SettingStopOnInvalid] != "true" {
		return
	}
	// ConcurrentTx while older messages of that token wait is an echo of our own
	// outage, not a second car (decision 6).
	if info.Status == TokenConcurrentTx && s.olderUndelivered(t) {
		return
	}
	s.note(SeverityWarning, "tx.deauthorized", fmt.Sprint(t.id), "the cloud does not accept the token: "+string(info.Status))
	t.deauth = true
	s.stopAtCharger(t, nil)
}

func (s *Site) olderUndelivered(t *transaction) bool {
	for _, o := range s.due {
		if o.id < t.id && o.row.Token.Same(t.row.Token) {
			return true
		}
	}
	return false
}

func (s *Site) parkedLane(ev ParkedLane) {
	s.raise("outbox.parked", fmt.Sprint(ev.Tx), SeverityAlarm,
		fmt.Sprintf("The cloud refuses a message of transaction %d: %s", ev.Tx, ev.Err),
		"Nothing is lost; the other transactions go on. Ask the cloud's operator why, then resend it on the outbox page.")
}

// --- commands ---------------------------------------------------------------

// operation is a command on its way to a charger.
type operation struct {
	deadline time.Time
	then     func(CommandAnswered)
}

// command sends one and runs then when the charger answered or its time is up.
func (s *Site) command(c Command, then func(CommandAnswered)) {
	if c.Within == 0 {
		c.Within = callWithin
	}
	s.nextOp++
	c.Op = s.nextOp
	s.ops[c.Op] = &operation{deadline: s.now.Add(c.Within + time.Second), then: then}
	s.do(c)
}

func (s *Site) commandAnswered(ev CommandAnswered) {
	op := s.ops[ev.Op]
	if op == nil {
		return
	}
	delete(s.ops, ev.Op)
	if op.then != nil {
		op.then(ev)
	}
}

// pendingStart remembers a remote start until its transaction comes.
type pendingStart struct {
	token   IDToken
	profile *Profile
	until   time.Time
}

func (s *Site) startRequested(ev StartRequested) {
	sl, why := s.startable(ev)
	if why != "" {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: why})
		return
	}
	if ev.Profile != nil {
		if err := checkStartProfile(*ev.Profile); err != "" {
			s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: err})
			return
		}
	}
	sl.pending = &pendingStart{token: ev.Token, profile: ev.Profile, until: s.now.Add(pendingStartFor)}
	sl.expectStart(s.now)
	s.passDue = true
	s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
	if s.settings[SettingAuthorizeRemote] == "true" && ev.Origin == FromCloud {
		s.decide(ev.Token, sl.number, func(info TokenInfo, _ string) {
			if info.Status == TokenAccepted {
				s.startAtCharger(sl, ev.Token)
			} else {
				sl.pending = nil
			}
		})
		return
	}
	s.startAtCharger(sl, ev.Token)
}

func (s *Site) startAtCharger(sl *slot, token IDToken) {
	s.command(Command{Station: sl.station.id, Kind: CommandStart, Connector: sl.layout.Number, Token: token}, func(a CommandAnswered) {
		if !a.Accepted {
			sl.pending = nil
			s.note(SeverityWarning, "start.refused", fmt.Sprint(sl.number), "the charger refused the remote start: "+a.Status+" "+a.Err)
		}
	})
}

// startable finds the slot of a remote start, or says why there is none.
func (s *Site) startable(ev StartRequested) (*slot, string) {
	if ev.Slot == 0 {
		var one *slot
		for _, sl := range s.slots {
			if sl.station != nil && sl.tx == nil && sl.status.Status == StatusPreparing && sl.station.online {
				if one != nil {
					return nil, "more than one connector waits: say which"
				}
				one = sl
			}
		}
		if one == nil {
			return nil, "no connector waits for a start"
		}
		return one, ""
	}
	sl := s.slotBy(ev.Slot)
	switch {
	case sl == nil || sl.station == nil:
		return nil, "no such connector"
	case !sl.station.online:
		return nil, "the charger is not connected"
	case sl.tx != nil:
		return nil, "a transaction is running"
	case sl.inoperable || s.settings[availabilityKey(0)] == "inoperative":
		return nil, "the connector is out of service"
	case sl.status.Status == StatusFaulted || sl.status.Status == StatusUnavailable:
		return nil, "the connector reports " + string(sl.status.Status)
	case s.journalErr != "":
		return nil, "the database can't be written: no new transactions"
	}
	return sl, ""
}

func (s *Site) stopRequested(ev StopRequested) {
	var t *transaction
	if ev.UpTx != "" {
		for _, sl := range s.slots {
			for _, o := range sl.open {
				if o.row.UpTx == ev.UpTx {
					t = o
				}
			}
		}
	} else if sl := s.slotBy(ev.Slot); sl != nil {
		t = sl.tx
	}
	switch {
	case t == nil:
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "no such transaction is running"})
	case t.slot == nil || t.slot.station == nil || !t.slot.station.online:
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "the charger is not connected"})
	default:
		s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
		s.stopAtCharger(t, nil)
	}
}

func (s *Site) stopAtCharger(t *transaction, then func()) {
	if t.slot == nil || t.slot.station == nil {
		return
	}
	t.stopping = true
	s.command(Command{Station: t.slot.station.id, Kind: CommandStop, Connector: t.slot.layout.Number, Tx: t.id, ChargerTx: t.row.ChargerTx},
		func(a CommandAnswered) {
			if !a.Accepted {
				t.stopping = false
				s.note(SeverityWarning, "stop.refused", fmt.Sprint(t.id), "the charger refused to stop: "+a.Status+" "+a.Err)
			}
			if then != nil {
				then()
			}
		})
}

func (s *Site) unlockRequested(ev UnlockRequested) {
	sl := s.slotBy(ev.Slot)
	if sl == nil || sl.station == nil {
		s.answer(ev.Reply, CommandAnswer{Status: "NotSupported", Reason: "no such connector"})
		return
	}
	if !sl.station.online {
		s.answer(ev.Reply, CommandAnswer{Status: "UnlockFailed", Reason: "the charger is not connected"})
		return
	}
	reply := ev.Reply
	unlock := func() {
		s.command(Command{Station: sl.station.id, Kind: CommandUnlock, Connector: sl.layout.Number, Within: commandWithin}, func(a CommandAnswered) {
			status := a.Status
			if status == "" {
				status = "UnlockFailed"
			}
			s.answer(reply, CommandAnswer{Status: status, Reason: a.Err})
		})
	}
	if sl.tx != nil { // 1.6: the transaction is finished first (16§5.18)
		s.stopAtCharger(sl.tx, unlock)
		return
	}
	unlock()
}

func availabilityKey(n Slot) string { return fmt.Sprintf("availability/%d", n) }

// availabilityRequested: the box owns the wish and applies it when a charger is
// there; what it answers is what will be (16§5.2).
func (s *Site) availabilityRequested(ev AvailabilityRequested) {
	slots := s.slots
	if ev.Slot != 0 {
		sl := s.slotBy(ev.Slot)
		if sl == nil || sl.station == nil {
			s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "no such connector"})
			return
		}
		slots = []*slot{sl}
	}
	wish := "inoperative"
	if ev.Operative {
		wish = "operative"
	}
	s.settings[availabilityKey(ev.Slot)] = wish
	status := "Accepted"
	for _, sl := range slots {
		if ev.Slot != 0 {
			sl.inoperable = !ev.Operative
		}
		if sl.tx != nil && !ev.Operative {
			status = "Scheduled"
		}
		if sl.station != nil && sl.station.online {
			s.command(Command{Station: sl.station.id, Kind: CommandAvailability, Connector: sl.layout.Number,
				Operative: ev.Operative && !sl.inoperable && s.settings[availabilityKey(0)] != "inoperative"}, nil)
		}
	}
	reply := ev.Reply
	s.persist(func() { s.answer(reply, CommandAnswer{Status: status}) }, SettingRow{Key: availabilityKey(ev.Slot), Value: wish})
	if ev.Slot == 0 {
		s.do(ReportStatus{Status: s.stationStatus()})
	}
	s.stir()
}

// resetRequested restarts the box's link, not the chargers: cars go on charging
// (reset policy gateway-only).
func (s *Site) resetRequested(ev ResetRequested) {
	if !s.resetAt.IsZero() && s.now.Sub(s.resetAt) < resetEvery {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "reset less than ten minutes ago"})
		return
	}
	s.resetAt = s.now
	s.note(SeverityInfo, "box.reset", "cloud", fmt.Sprintf("reset asked for by %s: the link to the cloud restarts, charging goes on", ev.Origin))
	s.answer(ev.Reply, CommandAnswer{Status: "Accepted"})
	s.do(RestartUplink{Reason: "reset"})
}
