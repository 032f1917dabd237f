package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
)

// Settle ends one attempt; it is durable when it returns. Delivered rows leave their
// lane; a delivered start binds the cloud's id to its transaction; the delivery that
// completes a transaction adds it to the ledger. A retry counts the attempt, parking
// stops the lane. Settling rows that were delivered before changes nothing, so that a
// caller who missed the return may ask again.
func (s *Store) Settle(ctx context.Context, st controller.Settlement) error {
	if len(st.IDs) == 0 {
		return fmt.Errorf("cannot settle: no row is named: %w", ErrRefused)
	}
	return s.operate(ctx, func(w *writer) (refused, failed error) { return w.settle(st) })
}

func (w *writer) settle(st controller.Settlement) (refused, failed error) {
	open, refused, failed := w.undelivered(st)
	if refused != nil || failed != nil || len(open) == 0 {
		return refused, failed
	}
	for _, id := range open {
		if err := w.exec(`UPDATE outbox SET attempts = attempts + 1, err = ? WHERE id = ?`, st.Err, id); err != nil {
			return nil, err
		}
	}
	switch st.Outcome {
	case controller.OutcomeRetry:
		return nil, nil
	case controller.OutcomeParked:
		return nil, w.exec(`UPDATE lane SET state = 'parked' WHERE tx = ?`, int64(st.Tx))
	case controller.OutcomeDelivered:
		return nil, w.delivered(st, open)
	default:
		panic(fmt.Sprintf("store: outcome %q", st.Outcome))
	}
}

// undelivered are those rows of a settlement that still wait; all must be of its lane.
func (w *writer) undelivered(st controller.Settlement) (open []int64, refused, failed error) {
	if o := st.Outcome; o != controller.OutcomeRetry && o != controller.OutcomeParked && o != controller.OutcomeDelivered {
		return nil, fmt.Errorf("cannot settle with outcome %q: %w", o, ErrRefused), nil
	}
	for i, id := range st.IDs {
		var tx controller.TxID
		var kind controller.OutboxKind
		var state string
		err := w.row(`SELECT tx, kind, state FROM outbox WHERE id = ?`, id).Scan(&tx, &kind, &state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("cannot settle row %d: the outbox has none: %w", id, ErrRefused), nil
		case err != nil:
			return nil, nil, err
		case tx != st.Tx || i == 0 && kind != st.Kind:
			return nil, fmt.Errorf("cannot settle row %d: it is the %s of transaction %d, not the %s of %d: %w", id, kind, tx, st.Kind, st.Tx, ErrRefused), nil
		case state == "new" && st.Outcome == controller.OutcomeDelivered:
			return nil, fmt.Errorf("cannot settle row %d as delivered: it was never stamped: %w", id, ErrRefused), nil
		case state == "new" || state == "sent":
			open = append(open, id)
		}
	}
	return open, nil, nil
}

func (w *writer) delivered(st controller.Settlement, open []int64) error {
	now := time.Now().UnixMilli()
	for _, id := range open {
		if err := w.exec(`UPDATE outbox SET state = 'delivered', settled_at = ? WHERE id = ?`, now, id); err != nil {
			return err
		}
	}
	if err := w.exec(`UPDATE lane SET pending = pending - ?1, settled_run = CASE WHEN ?2 = 'stop' OR settled_run > 0 THEN ?3 ELSE 0 END WHERE tx = ?4`,
		int64(len(open)), string(st.Kind), max(1, w.ran().Milliseconds()), int64(st.Tx)); err != nil {
		return err
	}
	if err := w.advance(st.Tx, ""); err != nil {
		return err
	}
	switch st.Kind {
	case controller.OutboxStart:
		if st.UpTx != "" {
			if err := w.exec(`UPDATE tx SET up_tx = ?, up_sum = ? WHERE tx = ?`, string(st.UpTx), upSum(st.Tx, st.UpTx), int64(st.Tx)); err != nil {
				return err
			}
		}
		return w.enterLedger(st.Tx, `start_done`, `stop_done`)
	case controller.OutboxStop:
		return w.enterLedger(st.Tx, `stop_done`, `start_done`)
	default:
		return nil
	}
}

// enterLedger marks one end of a transaction as done. The mark that makes both done
// adds it to the sum, so nothing is entered twice.
func (w *writer) enterLedger(tx controller.TxID, this, other string) error {
	err := w.exec(`UPDATE ledger SET delivered = delivered + 1, delivered_wh = delivered_wh + t.meter_stop - t.meter_start
		FROM tx t WHERE t.tx = ? AND t.`+this+` = 0 AND t.`+other+` = 1`, int64(tx))
	if err != nil {
		return err
	}
	return w.exec(`UPDATE tx SET `+this+` = 1 WHERE tx = ?`, int64(tx))
}

// advance moves a lane's head to its first row that waits. state "" keeps a parked
// lane parked and lets another one be due or idle.
func (w *writer) advance(tx controller.TxID, state string) error {
	return w.exec(`UPDATE lane SET
			head = (SELECT min(id) FROM outbox WHERE outbox.tx = lane.tx AND id >= lane.head AND outbox.state IN ('new', 'sent')),
			state = CASE
				WHEN state = 'parked' AND ?2 = '' THEN 'parked'
				WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.tx = lane.tx AND id >= lane.head AND outbox.state IN ('new', 'sent')) THEN 'due'
				ELSE 'idle' END
		WHERE tx = ?1`, int64(tx), state)
}

// tail is the checksum of a lane's newest row, empty for a new lane.
func (w *writer) tail(tx controller.TxID) ([]byte, error) {
	tail := []byte{}
	err := w.row(`SELECT tail FROM lane WHERE tx = ?`, int64(tx)).Scan(&tail)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return tail, nil
}

// putAside quarantines rows whose checksum is wrong: they are never sent. A lane goes
// on without a damaged sample; without its start or end it is parked. The event log
// and an alarm say so.
func (s *Store) putAside(ctx context.Context, ids []int64) error {
	var parked []controller.TxID
	err := s.operate(ctx, func(w *writer) (refused, failed error) {
		for _, id := range ids {
			tx, isParked, err := w.putAside(id)
			if err != nil {
				return nil, err
			}
			if isParked {
				parked = append(parked, tx)
			}
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	for _, tx := range parked {
		s.postPatiently(ctx, controller.ParkedLane{Tx: tx, Err: "its record is damaged on the disk and was put aside"})
	}
	return nil
}

func (w *writer) putAside(id int64) (tx controller.TxID, parked bool, err error) {
	item, harm, err := scanItem(w.row(`SELECT `+itemColumns+` FROM outbox o LEFT JOIN tx t ON t.tx = o.tx WHERE o.id = ?`, id))
	if err != nil || harm == sound {
		return 0, false, err
	}
	// The row's own words can't be trusted; the lane knows whose it is.
	err = w.row(`SELECT tx FROM lane WHERE head = ?1 OR tx = ?2 ORDER BY head <> ?1 LIMIT 1`, id, int64(item.Tx)).Scan(&tx)
	if err != nil {
		return 0, false, err
	}
	text := fmt.Sprintf("record %d of transaction %d (%s) does not match its checksum (%s); it was put aside and is not sent", id, tx, item.Kind, harm)
	w.s.log.Error("a damaged record was put aside", "tx", int64(tx), "row", id, "kind", string(item.Kind), "harm", string(harm))
	entry := controller.LogEntry{At: time.Now(), Severity: controller.SeverityAlarm, Code: "store.damaged", Subject: fmt.Sprint(tx), Text: text}
	if err := w.writeEvent(entry); err != nil {
		return 0, false, err
	}
	if harm != harmedBinding { // else the row is sound, but nobody knows which id to send it under
		if err := w.exec(`UPDATE outbox SET state = 'damaged', err = ? WHERE id = ?`, string(harm), id); err != nil {
			return 0, false, err
		}
		if err := w.exec(`UPDATE outbox SET state = 'new', packed_with = NULL WHERE packed_with = ? AND state = 'sent'`, id); err != nil {
			return 0, false, err
		}
		if item.Kind == controller.OutboxMeter {
			return tx, false, w.advance(tx, "")
		}
	}
	return tx, true, w.exec(`UPDATE lane SET state = 'parked' WHERE tx = ?`, int64(tx))
}
