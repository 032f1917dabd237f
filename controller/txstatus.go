package controller

import (
	"encoding/json"
	"fmt"
	"time"
)

// CommandTxStatus asks a charger of 2.x how its transaction Command.ChargerTx stands
// (P2 E14). Its Data is a TxStatus.
const CommandTxStatus CommandKind = "transaction-status"

// TxStatus is what a charger says of a transaction.
type TxStatus struct {
	// Ongoing is nil where the charger does not say.
	Ongoing *bool `json:"ongoing,omitempty"`
	// Waiting: messages of it are still in the charger's queue.
	Waiting bool `json:"waiting"`
}

// askTx asks how a transaction stands; then gets nil where the charger does not say.
func (s *Site) askTx(st *station, chargerTx string, then func(*TxStatus)) {
	s.command(Command{Station: st.id, Kind: CommandTxStatus, ChargerTx: chargerTx}, func(a CommandAnswered) {
		status := new(TxStatus)
		if !a.Accepted || json.Unmarshal(a.Data, status) != nil {
			status = nil
		}
		then(status)
	})
}

// missed notes a gap in the numbering of a transaction's events, and whether the charger
// still has what did not come. The registers of what came bill the transaction exactly.
func (s *Site) missed(st *station, chargerTx, subject string, from, to int) {
	if !st.service.notes.take(s.now) {
		return
	}
	s.askTx(st, chargerTx, func(status *TxStatus) {
		severity, rest := SeverityWarning, "the charger does not say whether it still has them"
		switch {
		case status == nil:
		case status.Waiting:
			severity, rest = SeverityInfo, "the charger still has messages in its queue"
		default:
			rest = "the charger has none in its queue: they are lost"
		}
		s.note(severity, "tx.gap", subject, fmt.Sprintf("messages %d to %d of the charger's transaction did not come; %s", from, to, rest))
	})
}

// cameLate notes billing values of an ended transaction: nothing may follow its Stop.
func (s *Site) cameLate(st *station, t *transaction, ev TxReported) {
	late := 0
	for _, sample := range ev.Samples {
		if sample.Billing && !t.sighted(sample) {
			late++
		}
	}
	if late > 0 && ev.Part != TxEnds && st.service.notes.take(s.now) {
		s.note(SeverityWarning, "tx.late", fmt.Sprint(t.id), fmt.Sprintf("message %d came after the transaction's end; its %d values are not passed on, the registers of both ends bill it", ev.SeqNo, late))
	}
}

// isAlive puts off the close of a transaction of which something came.
func (t *transaction) isAlive(now time.Time) {
	t.heardAt = now
	if t.closeAt.IsZero() {
		return
	}
	silence := lateStopWithin
	if t.slot != nil && t.slot.tx == t { // it has no successor
		silence = forgottenAfter
	}
	t.closeAt = later(t.closeAt, now.Add(silence))
}

// askOpen asks a charger of 2.x that is back about its open transactions: one may have
// ended while it was away.
func (s *Site) askOpen(st *station) {
	for _, sl := range st.slots {
		t := sl.tx
		if t == nil || t.row.ChargerTx == "" {
			continue
		}
		s.askTx(st, t.row.ChargerTx, func(status *TxStatus) { s.standsNow(t, status) })
	}
}

// standsNow takes what a charger says of a transaction that the box holds as open.
func (s *Site) standsNow(t *transaction, status *TxStatus) {
	if status == nil || status.Ongoing == nil || t.slot == nil || t.slot.tx != t { // ended or followed by another one meanwhile
		return
	}
	switch {
	case *status.Ongoing:
		t.closeAt = time.Time{}
	case status.Waiting:
		t.closeAt, t.heardAt = time.Time{}, s.now // waited for as for one that was heard
		s.note(SeverityInfo, "tx.queued", fmt.Sprint(t.id), "ended while the charger was away; its end is still in the charger's queue")
	case t.closeAt.IsZero():
		s.note(SeverityWarning, "tx.ended-unheard", fmt.Sprint(t.id), "ended while the charger was away, and the charger has no message of it any more")
		t.closeAt = s.now.Add(forgottenAfter)
		s.stir()
	}
}
