package controller

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TxPart is the place of a TransactionEvent in its transaction (eventType).
type TxPart string

// The parts of a transaction.
const (
	TxBegins TxPart = "Started"
	TxGoesOn TxPart = "Updated"
	TxEnds   TxPart = "Ended"
)

// ChargingState is what a 2.x charger says of the energy flow.
type ChargingState string

// The charging states (P2 ChargingStateEnumType).
const (
	ChargingCharging      ChargingState = "Charging"
	ChargingEVConnected   ChargingState = "EVConnected"
	ChargingSuspendedEV   ChargingState = "SuspendedEV"
	ChargingSuspendedEVSE ChargingState = "SuspendedEVSE"
	ChargingIdle          ChargingState = "Idle"
)

// TxReported is a TransactionEvent of OCPP 2.x (P2 block E). Answered with
// StartAnswer if a transaction of the site began with it, else with TxAnswer.
//
// A 2.x transaction may begin before a driver has identified and before a register
// was read. For the cloud it begins when the token, the connector and the register
// are known; until then it is held (ocpp-gateway 5.2), on the disk as well, because
// the charger never repeats what was answered.
type TxReported struct {
	Station       StationID
	Reply         ReplyID
	MessageID     string
	Part          TxPart
	ChargerTx     string // the charger's transactionId
	SeqNo         int
	Connector     int // the EVSE's number; 0: not given
	Token         *IDToken
	At            time.Time
	AtText        string
	Charging      ChargingState // "" if not given
	Samples       []MeterSample
	Reason        string // of the end, in OCPP 1.6 words
	ReservationID *int
}

// TxAnswer answers TxReported; Info is nil if no token was to be judged.
type TxAnswer struct{ Info *TokenInfo }

func (TxReported) event() {}
func (TxAnswer) answer()  {}

// heldTx is a transaction that can't begin for the cloud yet.
type heldTx struct {
	ChargerTx     string    `json:"tx"`
	Connector     int       `json:"connector,omitempty"`
	Token         *IDToken  `json:"token,omitempty"`
	Register      *WattHour `json:"register,omitempty"` // the first one heard
	Last          WattHour  `json:"last,omitempty"`     // the newest one
	At            time.Time `json:"at"`                 // of the newest of what is known
	AtText        string    `json:"at_text,omitempty"`
	ReservationID *int      `json:"reservation,omitempty"`
	Values        [][]byte  `json:"values,omitempty"` // billing ones, byte-exact
	NextSeq       int       `json:"next_seq,omitempty"`
}

// Bounds of what is held.
const (
	maxHeld       = 8  // transactions per charger
	maxHeldValues = 16 // the newest are dropped: the first frame the transaction
)

// nobody is the token of energy that flowed before anybody identified.
func nobody() IDToken { return IDToken{Value: "unauthorized", Type: "NoAuthorization"} }

func (s *Site) txReported(ev TxReported) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, TxAnswer{Info: &TokenInfo{Status: TokenInvalid}})
		return
	}
	st.lastHeard = s.now
	t := s.txOfCharger(st, ev.ChargerTx)
	switch {
	case t == nil:
		s.reportHeld(st, ev)
	case t.row.Ended:
		s.cameLate(st, t, ev)
		s.judgeAgain(t, ev.Token, func(info *TokenInfo) { s.answerWhenDurable(ev.Reply, TxAnswer{Info: info}) })
	case ev.Part == TxEnds:
		s.count(st, t, ev)
		s.endReported(t, ev)
	default:
		t.isAlive(s.now)
		s.count(st, t, ev)
		s.goesOn(t, ev)
	}
	s.stir()
	s.passDue = true
}

// txOfCharger finds a transaction by the charger's own id, which is unique per charger
// only.
func (s *Site) txOfCharger(st *station, chargerTx string) *transaction {
	return s.txs[s.chargerTxs[chargerTxKey{st.id, chargerTx}]]
}

type chargerTxKey struct {
	station StationID
	tx      string
}

// indexChargerTx makes a transaction of a 2.x charger known by its own id.
func (s *Site) indexChargerTx(t *transaction) {
	if t.row.ChargerTx != "" {
		s.chargerTxs[chargerTxKey{t.row.Station, t.row.ChargerTx}] = t.id
	}
}

// count watches the numbering of a transaction's events.
func (s *Site) count(st *station, t *transaction, ev TxReported) {
	if t.nextSeq > 0 && ev.SeqNo > t.nextSeq {
		s.missed(st, ev.ChargerTx, fmt.Sprint(t.id), t.nextSeq, ev.SeqNo-1)
	}
	t.nextSeq = max(t.nextSeq, ev.SeqNo+1)
}

// reportHeld takes an event of a transaction that has not begun for the cloud.
func (s *Site) reportHeld(st *station, ev TxReported) {
	h, expected := st.hold(ev)
	if ev.SeqNo > expected && (expected > 0 || ev.Part != TxBegins) { // some begin to count at 1
		s.missed(st, ev.ChargerTx, string(st.id), expected, ev.SeqNo-1)
	}
	sl := s.placeOf(st, h)
	if sl != nil {
		for _, sample := range ev.Samples {
			s.observe(sl, nil, sample)
		}
		s.charges(sl, ev)
		if h.Register == nil && ev.Charging == ChargingCharging && sl.register > 0 {
			h.Register, h.Last = new(sl.register), sl.register
			s.note(SeverityWarning, "tx.register", string(st.id), fmt.Sprintf("connector %d charges but gave no register; the last one heard counts, %d Wh", h.Connector, sl.register))
		}
	}
	complete := sl != nil && h.Token != nil && h.Register != nil
	switch {
	case complete && ev.Part == TxEnds:
		t := s.beginHeld(st, sl, h, 0, ev.MessageID)
		s.endHeld(t, h, ev)
	case complete:
		s.beginHeld(st, sl, h, ev.Reply, ev.MessageID)
	case ev.Part == TxEnds:
		s.discardHeld(st, sl, h, ev)
	default:
		s.keepHeld(st, sl, h, ev)
	}
}

// hold finds or makes what is held of a transaction and adds what ev tells. expected is
// the number that its event should have had.
func (st *station) hold(ev TxReported) (h *heldTx, expected int) {
	i := slices.IndexFunc(st.held, func(h *heldTx) bool { return h.ChargerTx == ev.ChargerTx })
	if i < 0 {
		if len(st.held) >= maxHeld {
			st.held = slices.Delete(st.held, 0, 1)
		}
		st.held = append(st.held, &heldTx{ChargerTx: ev.ChargerTx})
		i = len(st.held) - 1
	}
	h = st.held[i]
	before := *h
	if ev.Connector > 0 {
		h.Connector = ev.Connector
	}
	if h.Token == nil && ev.Token != nil {
		h.Token = ev.Token
	}
	if ev.ReservationID != nil {
		h.ReservationID = ev.ReservationID
	}
	for _, sample := range ev.Samples {
		if sample.HasEnergy {
			if h.Register == nil {
				h.Register = new(sample.Energy)
			}
			h.Last = max(h.Last, sample.Energy)
		}
		if sample.Billing && len(h.Values) < maxHeldValues {
			h.Values = append(h.Values, sample.Raw)
		}
	}
	if h.At.IsZero() || h.Connector != before.Connector || h.Token != before.Token || (h.Register == nil) != (before.Register == nil) {
		h.At, h.AtText = ev.At, ev.AtText // the moment of the last condition
	}
	h.NextSeq = max(h.NextSeq, ev.SeqNo+1)
	return h, before.NextSeq
}

// placeOf is the slot of a held transaction; nil while its EVSE is not known.
func (s *Site) placeOf(st *station, h *heldTx) *slot {
	if h.Connector == 0 && len(st.slots) == 1 {
		h.Connector = st.slots[0].layout.Number
	}
	if h.Connector == 0 {
		return nil
	}
	if sl := st.slotAt(h.Connector); sl != nil {
		return sl
	}
	return s.addConnector(st, h.Connector)
}

// beginHeld opens the transaction of the site.
func (s *Site) beginHeld(st *station, sl *slot, h *heldTx, reply ReplyID, messageID string) *transaction {
	st.held = slices.DeleteFunc(st.held, func(o *heldTx) bool { return o == h })
	row := TxRow{Station: st.id, Connector: h.Connector, ChargerTx: h.ChargerTx, Token: *h.Token, MeterStart: *h.Register,
		StartedAt: h.At, StartText: h.AtText, MessageID: messageID, ReservationID: h.ReservationID, LastRegister: h.Last, LastSampleAt: h.At}
	if row.StartedAt.IsZero() {
		row.StartedAt = s.now
	}
	if old := sl.tx; old != nil {
		old.closeAt = s.now.Add(lateStopWithin)
	}
	extra := []Row{st.heldRow()}
	t := s.openTransaction(sl, row, reply, func(t *transaction) []Row {
		if len(h.Values) == 0 {
			return extra
		}
		for _, v := range h.Values {
			t.sight(v)
		}
		return append(extra, s.outboxRow(t, OutboxMeter, t.meterBody(h.Values)))
	})
	t.nextSeq = h.NextSeq
	s.refreshStatus(sl)
	return t
}

// keepHeld answers once what was told is on the disk.
func (s *Site) keepHeld(st *station, sl *slot, h *heldTx, ev TxReported) {
	done := func(info *TokenInfo) {
		if info != nil && info.Status != TokenAccepted {
			h.Token = nil // another one may follow
		}
		s.persist(func() { s.answer(ev.Reply, TxAnswer{Info: info}) }, st.heldRow())
	}
	if ev.Token == nil {
		done(nil)
		return
	}
	number := Slot(0)
	if sl != nil {
		number = sl.number
		sl.lastToken = *ev.Token
	}
	s.decide(*ev.Token, number, func(info TokenInfo, rule string) {
		if sl != nil {
			sl.lastRule = rule
		}
		done(&info)
	})
}

// discardHeld ends what never became a transaction. Energy that flowed all the same is
// billed under a name that says so, and a person is told.
func (s *Site) discardHeld(st *station, sl *slot, h *heldTx, ev TxReported) {
	if sl == nil || h.Register == nil || h.Last <= *h.Register {
		st.held = slices.DeleteFunc(st.held, func(o *heldTx) bool { return o == h })
		s.persist(func() { s.answer(ev.Reply, TxAnswer{}) }, st.heldRow())
		return
	}
	s.note(SeverityAlarm, "tx.unauthorized", string(st.id),
		fmt.Sprintf("%d Wh flowed at connector %d and nobody had identified; billed to %q", h.Last-*h.Register, h.Connector, nobody().Value))
	h.Token = new(nobody())
	t := s.beginHeld(st, sl, h, 0, ev.MessageID)
	s.endHeld(t, h, ev)
}

// endHeld ends a transaction with the event that made it begin.
func (s *Site) endHeld(t *transaction, h *heldTx, ev TxReported) {
	t.answered = &TokenInfo{Status: TokenAccepted} // the charger waits for the end's answer
	reply := ev.Reply
	s.endTransaction(t, TxStopped{MeterStop: h.Last, At: ev.At, AtText: ev.AtText, Reason: ev.Reason, Token: ev.Token}, false,
		func() { s.answer(reply, TxAnswer{Info: acceptedIf(ev.Token != nil)}) })
}

func acceptedIf(asked bool) *TokenInfo {
	if !asked {
		return nil
	}
	return &TokenInfo{Status: TokenAccepted}
}

// goesOn takes an Updated of an open transaction, or a Started that came again.
func (s *Site) goesOn(t *transaction, ev TxReported) {
	values, repeated := s.takeSamples(t.slot, t, ev.Samples)
	s.charges(t.slot, ev)
	var rows []Row
	if len(values) > 0 {
		rows = []Row{t.row, s.outboxRow(t, OutboxMeter, t.meterBody(values))}
	}
	if ev.Part == TxBegins && t.answered == nil { // as a repeated StartTransaction
		s.persist(nil, rows...)
		t.replies = append(t.replies, ev.Reply)
		return
	}
	s.judgeAgain(t, ev.Token, func(info *TokenInfo) {
		switch {
		case len(rows) > 0:
			s.persist(func() { s.answer(ev.Reply, TxAnswer{Info: info}) }, rows...)
		case repeated || ev.Part == TxBegins:
			s.answerWhenDurable(ev.Reply, TxAnswer{Info: info})
		default:
			s.answer(ev.Reply, TxAnswer{Info: info})
		}
	})
}

// endReported ends a transaction. Its last values go to the cloud before the stop.
func (s *Site) endReported(t *transaction, ev TxReported) {
	values, _ := s.takeSamples(t.slot, t, ev.Samples)
	if len(values) > 0 {
		s.persist(nil, t.row, s.outboxRow(t, OutboxMeter, t.meterBody(values)))
	}
	stop := t.row.LastRegister
	for _, sample := range ev.Samples {
		if sample.HasEnergy {
			stop = sample.Energy // the list is in order, Transaction.End last
		}
	}
	reply, asked := ev.Reply, ev.Token != nil
	s.endTransaction(t, TxStopped{MeterStop: stop, At: ev.At, AtText: ev.AtText, Reason: ev.Reason, Token: ev.Token}, false,
		func() { s.answer(reply, TxAnswer{Info: acceptedIf(asked)}) })
	s.refreshStatus(t.slot)
}

// judgeAgain judges a token that came during a transaction: the one that started it
// may stop it, whatever the cloud says (6.6 order 1).
func (s *Site) judgeAgain(t *transaction, token *IDToken, then func(*TokenInfo)) {
	switch {
	case token == nil:
		then(nil)
	case t.row.Token.Same(*token):
		info := TokenInfo{Status: TokenAccepted}
		if t.answered != nil {
			info = *t.answered
		}
		then(&info)
	default:
		s.decide(*token, t.row.Slot, func(info TokenInfo, _ string) { then(&info) })
	}
}

// heldRow is what is held of a charger, as one small state.
func (st *station) heldRow() Row {
	if len(st.held) == 0 {
		return SettingRow{Key: heldPrefix + string(st.id)}
	}
	text, err := json.Marshal(st.held)
	if err != nil {
		panic("controller: held transactions of plain values can't be encoded: " + err.Error())
	}
	return SettingRow{Key: heldPrefix + string(st.id), Value: string(text)}
}

// heldPrefix begins the names of the states of heldRow.
const heldPrefix = "held/"

// recoverHeld takes back what was held when the box stopped.
func (s *Site) recoverHeld(settings map[string]string) {
	for key, text := range settings {
		id, ok := strings.CutPrefix(key, heldPrefix)
		st := s.stations[StationID(id)]
		if !ok || st == nil || text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &st.held); err != nil {
			s.note(SeverityAlarm, "tx.held", id, "what was held of this charger's transactions can't be read: "+err.Error())
		}
		st.held = slices.DeleteFunc(st.held, func(h *heldTx) bool { return h == nil })
	}
}
