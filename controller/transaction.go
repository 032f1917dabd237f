package controller

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Times of transactions.
const (
	startAnswerWithin = 3 * time.Second  // wait for the cloud's idTagInfo (6.2 step 5)
	retryWindow       = 10 * time.Minute // a repeated Start with another timestamp
	lateStopWithin    = 2 * time.Minute  // a new Start while the old one is open
	forgottenAfter    = 10 * time.Minute // charger is back, idle, and sent no Stop
	rememberFor       = 30 * 24 * time.Hour
	shortQueue        = 3 // transactions not delivered yet, for a synchronous answer
)

// transaction is one charging transaction at run time.
type transaction struct {
	id        TxID
	row       TxRow
	slot      *slot
	createdAt time.Time
	heardAt   time.Time // when something of it came last, by the box's clock
	// answered is what the charger was told, nil while its Start waits.
	answered *TokenInfo
	replies  []ReplyID // Starts (repeated ones too) that wait for the answer
	answerBy time.Time // local decision at the latest; zero: not waiting
	durable  bool
	info     *TokenInfo // as the cloud answered
	billedAt time.Time  // newest sample that went to the outbox
	sights   [][32]byte // hashes of the newest billed samples
	stopping bool       // asked to end
	deauth   bool       // ended by us because the cloud said no
	nextSeq  int        // of a 2.x charger's events; 0: not known
	closeAt  time.Time  // synthetic close unless its Stop comes
	told     told
	takes    takes
	// startDue and stopDue are true until the cloud has acknowledged them.
	startDue, stopDue bool
}

// startKey is what makes two StartTransactions the same (6.3).
type startKey struct {
	station   StationID
	connector int
	token     string
	start     WattHour
	at        string
}

func keyOf(r *TxRow) startKey {
	return startKey{station: r.Station, connector: r.Connector, token: r.Token.Key(), start: r.MeterStart, at: r.StartText}
}

func (s *Site) recoverTransactions(r Recovered) {
	for _, row := range r.Recent {
		t := &transaction{id: row.Tx, row: row, durable: true, answered: &TokenInfo{Status: TokenAccepted}, slot: s.slotBy(row.Slot)}
		s.txs[t.id], s.starts[keyOf(&t.row)] = t, t.id
		s.indexChargerTx(t)
	}
	for _, row := range r.Open {
		t := &transaction{id: row.Tx, row: row, durable: true, answered: &TokenInfo{Status: TokenAccepted}, slot: s.slotBy(row.Slot),
			createdAt: row.StartedAt, billedAt: row.LastSampleAt}
		for _, value := range r.Billed[t.id] {
			t.sight(value)
		}
		s.txs[t.id], s.starts[keyOf(&t.row)] = t, t.id
		s.indexChargerTx(t)
		if sl := t.slot; sl != nil {
			if sl.open = append(sl.open, t); sl.tx == nil || sl.tx.id < t.id {
				sl.tx, sl.register = t, row.LastRegister
			}
		}
	}
	for _, id := range r.Undelivered {
		if t := s.txs[id]; t != nil {
			t.startDue, t.stopDue = t.row.UpTx == "", t.row.Ended
			s.due[id] = t
			if t.stopDue && t.slot != nil {
				t.slot.stopsDue++
			}
		}
	}
	s.txStarted = r.Started
}

func (s *Site) txStart(ev TxStarted) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, StartAnswer{Info: TokenInfo{Status: TokenInvalid}})
		return
	}
	st.lastHeard = s.now
	row := TxRow{Station: ev.Station, Connector: ev.Connector, ChargerTx: ev.ChargerTx, Token: ev.Token, MeterStart: ev.MeterStart,
		StartedAt: ev.At, StartText: ev.AtText, MessageID: ev.MessageID, ReservationID: ev.ReservationID, LastRegister: ev.MeterStart}
	if row.StartedAt.IsZero() {
		row.StartedAt = s.now
	}
	if t := s.sameStart(st, &row); t != nil {
		s.repeatStart(t, ev.Reply)
		return
	}
	sl := st.slotAt(ev.Connector)
	if sl == nil {
		// Billing is never refused (16§4.8): the place is unknown, the kWh are real.
		sl = s.addConnector(st, ev.Connector)
	}
	if old := sl.tx; old != nil {
		old.closeAt = s.now.Add(lateStopWithin) // its Stop may still be in the charger's queue
	}
	s.openTransaction(sl, row, ev.Reply, nil)
}

// sameStart finds the transaction that a StartTransaction repeats: the same content,
// or the same start with a new timestamp of a charger that stamps each attempt.
func (s *Site) sameStart(st *station, row *TxRow) *transaction {
	if id, ok := s.starts[keyOf(row)]; ok {
		return s.txs[id]
	}
	sl := st.slotAt(row.Connector)
	if sl == nil {
		return nil
	}
	for _, t := range sl.open {
		r := &t.row
		if r.MeterStart == row.MeterStart && r.Token.Same(row.Token) &&
			(r.MessageID == row.MessageID && row.MessageID != "" || row.StartedAt.Sub(r.StartedAt).Abs() < retryWindow) {
			return t
		}
	}
	return nil
}

func (s *Site) repeatStart(t *transaction, reply ReplyID) {
	s.note(SeverityInfo, "tx.repeated", fmt.Sprint(t.id), "the charger sent its start again; same transaction")
	if t.answered != nil {
		s.answer(reply, StartAnswer{Tx: t.id, Info: *t.answered})
		return
	}
	t.replies = append(t.replies, reply)
}

// openTransaction gives the id, persists, and only then lets the answer happen. more,
// nil allowed, makes the rows that belong to its beginning.
func (s *Site) openTransaction(sl *slot, row TxRow, reply ReplyID, more func(*transaction) []Row) *transaction {
	row.Tx, row.Slot, row.Rule = s.nextTx, sl.number, s.startRule(sl, row.Token)
	s.nextTx++
	t := &transaction{id: row.Tx, row: row, slot: sl, createdAt: s.now, startDue: true, replies: []ReplyID{reply}}
	s.txs[t.id], s.starts[keyOf(&t.row)] = t, t.id
	s.indexChargerTx(t)
	s.txStarted++
	s.due[t.id] = t
	sl.open = append(sl.open, t)
	sl.tx, sl.register, sl.soc = t, row.MeterStart, -1
	sl.lim.reset()
	sl.expectedAt, sl.measuredAt = time.Time{}, time.Time{}
	if sl.pending != nil {
		s.attachProfile(sl, t)
		sl.pending = nil
	}
	body := StartBody{Token: row.Token, MeterStart: row.MeterStart, At: utc(row.StartedAt), ReservationID: row.ReservationID}
	rows := []Row{t.row, s.outboxRow(t, OutboxStart, body)}
	if more != nil {
		rows = append(rows, more(t)...)
	}
	s.persist(func() { s.startDurable(t) }, rows...)
	s.stir()
	s.passDue = true
	return t
}

func (s *Site) outboxRow(t *transaction, kind OutboxKind, body any) OutboxRow {
	text, err := json.Marshal(body)
	if err != nil {
		panic("controller: an outbox body of plain values can't be encoded: " + err.Error())
	}
	return OutboxRow{Tx: t.id, Slot: t.row.Slot, Kind: kind, Token: t.row.Token.Key(), At: s.now, Body: text}
}

// utc writes a time as OCPP wants it: UTC, at most milliseconds (2.0.1 Part 2 §3.1).
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// startDurable: the transaction is on disk, the charger may have its answer. With a
// short queue and the cloud there, its word is worth a short wait: a charger that
// hears Invalid keeps the cable locked and reports the stop itself.
func (s *Site) startDurable(t *transaction) {
	t.durable = true
	switch {
	case t.info != nil:
		s.answerStart(t, *t.info)
	case s.uplink.state == UplinkAccepted && len(s.due) <= shortQueue:
		t.answerBy = s.now.Add(startAnswerWithin)
	default:
		s.decideStart(t)
	}
}

// decideStart answers from what the box knows itself.
func (s *Site) decideStart(t *transaction) {
	t.answerBy = time.Time{}
	s.decideLocally(t.row.Token, func(info TokenInfo, _ string) {
		if t.info != nil {
			info = *t.info
		}
		s.answerStart(t, info)
	})
}

func (s *Site) answerStart(t *transaction, info TokenInfo) {
	if t.answered != nil {
		return
	}
	t.answered, t.answerBy = &info, time.Time{}
	for _, r := range t.replies {
		s.answer(r, StartAnswer{Tx: t.id, Info: info})
	}
	t.replies = nil
	if t.slot != nil && t.slot.tx == t {
		s.sendEarly(t.slot)
	}
	s.stir()
}

func (s *Site) txStop(ev TxStopped) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, StopAnswer{})
		return
	}
	st.lastHeard = s.now
	t := s.txs[ev.Tx]
	if t == nil || t.row.Station != ev.Station {
		t = s.matchStop(st, ev)
	}
	if t != nil {
		s.stopTransaction(t, ev)
		return
	}
	if ev.Tx > 0 {
		s.lookupTx(ev.Tx, func(row *TxRow) { s.oldStop(ev, row) })
		return
	}
	s.orphanStop(ev)
}

// matchStop finds the transaction of a stop whose id is -1, 0 or unknown: the only
// open one of that charger, with the same token where one is given (6.3).
func (s *Site) matchStop(st *station, ev TxStopped) *transaction {
	var found *transaction
	for _, sl := range st.slots {
		t := sl.tx
		if t == nil || ev.ChargerTx != "" && t.row.ChargerTx != ev.ChargerTx || ev.Token != nil && !t.row.Token.Same(*ev.Token) {
			continue
		}
		if ev.MeterStop < t.row.MeterStart {
			continue // an older transaction's, come late
		}
		if found != nil {
			return nil
		}
		found = t
	}
	if found != nil && ev.ChargerTx == "" {
		s.note(SeverityWarning, "tx.matched", fmt.Sprint(found.id), fmt.Sprintf("the stop came with id %d; matched by charger and token", ev.Tx))
	}
	return found
}

func (s *Site) orphanStop(ev TxStopped) {
	s.note(SeverityAlarm, "tx.orphan-stop", string(ev.Station),
		fmt.Sprintf("stop of unknown transaction %d at register %d Wh, %s: kept in the log for a person to look at", ev.Tx, ev.MeterStop, ev.AtText))
	reply := ev.Reply
	s.persist(func() { s.answer(reply, StopAnswer{}) }, EventRow{Entry: s.log[len(s.log)-1]})
}

func (s *Site) oldStop(ev TxStopped, row *TxRow) {
	if row == nil || row.Station != ev.Station {
		s.orphanStop(ev)
		return
	}
	s.answer(ev.Reply, StopAnswer{})
}

func (s *Site) stopTransaction(t *transaction, ev TxStopped) {
	if t.row.Ended {
		if t.row.MeterStop != ev.MeterStop {
			s.note(SeverityAlarm, "tx.second-stop", fmt.Sprint(t.id),
				fmt.Sprintf("a second stop says %d Wh, the first said %d Wh; the first stays", ev.MeterStop, t.row.MeterStop))
		}
		s.answerWhenDurable(ev.Reply, StopAnswer{})
		return
	}
	if ev.MeterStop < t.row.MeterStart {
		s.note(SeverityWarning, "tx.register", fmt.Sprint(t.id), fmt.Sprintf("register went back from %d to %d Wh", t.row.MeterStart, ev.MeterStop))
	}
	reply := ev.Reply
	var info *TokenInfo
	if ev.Token != nil && t.answered != nil {
		info = t.answered
	}
	s.endTransaction(t, ev, false, func() { s.answer(reply, StopAnswer{Info: info}) })
}

// answerWhenDurable answers once all that was handed to the journal so far is on disk.
func (s *Site) answerWhenDurable(reply ReplyID, body AnswerBody) {
	if len(s.commits) == 0 && s.journalErr == "" {
		s.answer(reply, body)
		return
	}
	s.persist(func() { s.answer(reply, body) })
}

func (s *Site) endTransaction(t *transaction, ev TxStopped, synthetic bool, then func()) {
	r := &t.row
	r.Ended, r.MeterStop, r.StoppedAt, r.StopText, r.Synthetic = true, ev.MeterStop, ev.At, ev.AtText, synthetic
	r.LastRegister, r.Reason = ev.MeterStop, ev.Reason
	if r.StoppedAt.IsZero() {
		r.StoppedAt = s.now
	}
	if t.deauth { // the box stopped it; the charger says Remote (5.6)
		r.Reason = "DeAuthorized"
	}
	t.stopDue, t.closeAt = true, time.Time{}
	s.due[t.id] = t
	sl := t.slot
	if sl != nil {
		sl.stopsDue++
		sl.open = slices.DeleteFunc(sl.open, func(o *transaction) bool { return o == t })
	}
	if sl != nil && sl.tx == t {
		sl.tx = nil
		sl.register, sl.finished, sl.charging2 = ev.MeterStop, true, ""
		sl.lim.reset() // the charger deletes the TxProfile with the transaction
		s.dropTxProfiles(sl)
	}
	body := StopBody{MeterStop: r.MeterStop, At: utc(r.StoppedAt), Reason: r.Reason, Token: ev.Token, Data: ev.Data}
	s.persist(then, t.row, s.outboxRow(t, OutboxStop, body))
	s.stir()
	s.passDue = true
}

// closeSynthetically ends a transaction whose Stop never came, with the last
// register the box heard (6.2, 6.8).
func (s *Site) closeSynthetically(t *transaction, reason, why string) {
	at := t.row.LastSampleAt
	if at.IsZero() {
		at = t.row.StartedAt
	}
	s.note(SeverityAlarm, "tx.synthetic-stop", fmt.Sprint(t.id), why)
	s.endTransaction(t, TxStopped{MeterStop: t.row.LastRegister, At: at, AtText: utc(at), Reason: reason}, true, nil)
}

func (s *Site) addConnector(st *station, connector int) *slot {
	conn := ConnectorLayout{Number: connector, Min: 6000, Max: 32000}
	if len(st.slots) > 0 {
		conn.Min, conn.Max, conn.Wiring = st.slots[0].layout.Min, st.slots[0].layout.Max, st.slots[0].layout.Wiring
	}
	sl := s.slotFor(st.id, conn)
	sl.station, sl.layout, sl.node, sl.state = st, conn, st.node, SlotActive
	sl.layout.Slot = sl.number
	st.slots = append(st.slots, sl)
	s.persist(nil, sl.row())
	s.note(SeverityWarning, "charger.connector", string(st.id), fmt.Sprintf("connector %d is not in the configuration; it became slot %d", connector, sl.number))
	return sl
}

// token masks an idToken for people who need not know it.
func maskToken(t IDToken) string {
	v := t.Value
	if len(v) <= 4 {
		return strings.Repeat("•", len(v))
	}
	return "•••" + v[len(v)-4:]
}
