package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
)

// Wait is signalled when a commit brought rows to the outbox, or a lane came back to
// work. One signal may stand for many rows.
func (s *Store) Wait() <-chan struct{} { return s.added }

const itemColumns = `o.id, o.tx, o.slot, o.kind, o.token, o.at, o.body, o.prev, o.sum, o.attempts, o.message_id, o.wire, o.wire_sum,
	coalesce(t.up_tx, ''), t.up_sum, t.tx IS NULL`

// Heads returns the first undelivered row of each lane that is not parked, oldest
// first, at most n. Among lanes of one token only the one with the oldest head counts
// (decision 6). A row whose checksum is wrong is put aside and never returned. It
// fails with ErrFailed once the journal failed: what can't be settled must not be sent.
func (s *Store) Heads(ctx context.Context, n int) ([]controller.OutboxItem, error) {
	// Most of the time nothing waits, and saying so is cheap.
	if due, err := s.anyDue(ctx); err == nil && !due && s.Err() == nil {
		return nil, nil
	}
	return s.heads(ctx, n, "ASC")
}

// NewestHeads returns the n newest of the rows that Heads would return without bound,
// oldest first: what drivers wait for while a long backlog goes out.
func (s *Store) NewestHeads(ctx context.Context, n int) ([]controller.OutboxItem, error) {
	return s.heads(ctx, n, "DESC")
}

// heads asks with LIMIT ? + 0: SQLite plans a bare LIMIT ? by its bound value and would
// prepare the statement anew each time.
func (s *Store) heads(ctx context.Context, n int, order string) ([]controller.OutboxItem, error) {
	return s.items(ctx, `SELECT `+itemColumns+`
		FROM outbox o LEFT JOIN tx t ON t.tx = o.tx
		WHERE o.id IN (
			SELECT min(head) FROM lane WHERE state = 'due' AND token <> '' GROUP BY token
			UNION ALL SELECT head FROM lane WHERE state = 'due' AND token = ''
			ORDER BY 1 `+order+` LIMIT ? + 0)
		ORDER BY o.id`, n)
}

func (s *Store) anyDue(ctx context.Context) (due bool, err error) {
	st, err := s.prepared(`SELECT EXISTS (SELECT 1 FROM lane WHERE state = 'due')`)
	if err != nil {
		return false, err
	}
	return due, st.QueryRowContext(ctx).Scan(&due)
}

// Following returns the run of meter rows behind row `after` in its lane that were
// never sent, at most n: they may be packed with it.
func (s *Store) Following(ctx context.Context, tx controller.TxID, after int64, n int) ([]controller.OutboxItem, error) {
	return s.items(ctx, `SELECT `+itemColumns+`
		FROM outbox o LEFT JOIN tx t ON t.tx = o.tx
		WHERE o.tx = ?1 AND o.id > ?2 AND o.state = 'new' AND o.kind = 'meter'
			AND o.id < coalesce((SELECT min(id) FROM outbox b WHERE b.tx = ?1 AND b.id > ?2
				AND (b.kind <> 'meter' AND b.state <> 'delivered' OR b.state = 'sent')), 9223372036854775807)
		ORDER BY o.id LIMIT ?3 + 0`, int64(tx), after, n)
}

// items reads rows and puts damaged ones aside until all that are left are sound.
func (s *Store) items(ctx context.Context, query string, args ...any) ([]controller.OutboxItem, error) {
	for {
		if err := s.Err(); err != nil {
			return nil, err
		}
		items, damaged, err := s.readItems(ctx, query, args...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the outbox: %w", err)
		}
		if len(damaged) == 0 {
			return items, nil
		}
		if err := s.putAside(ctx, damaged); err != nil {
			return nil, err
		}
	}
}

func (s *Store) readItems(ctx context.Context, query string, args ...any) (items []controller.OutboxItem, damaged []int64, err error) {
	st, err := s.prepared(query)
	if err != nil {
		return nil, nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		item, found, err := scanItem(rows)
		if err != nil {
			return nil, nil, err
		}
		if found != sound {
			damaged = append(damaged, item.ID)
			continue
		}
		items = append(items, item)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, nil, err
	}
	for i := range items {
		if items[i].MessageID == "" {
			continue
		}
		if items[i].Packed, err = s.packed(ctx, items[i].ID); err != nil {
			return nil, nil, err
		}
	}
	return items, damaged, nil
}

// harm is what a checksum found.
type harm string

const (
	sound         harm = ""
	harmedRow     harm = "row"
	harmedWire    harm = "wire form"
	harmedBinding harm = "id at the cloud"
)

// scanItem reads one row of itemColumns and verifies what it will be billed by.
func scanItem(row scanner) (item controller.OutboxItem, found harm, err error) {
	var at sql.NullInt64
	var body, prev, sum, wire, sentSum, boundSum []byte
	var unbound bool // its transaction's row is gone, and with it the id at the cloud
	err = row.Scan(&item.ID, &item.Tx, &item.Slot, &item.Kind, &item.Token, &at, &body, &prev, &sum, &item.Attempts, &item.MessageID, &wire, &sentSum,
		&item.UpTx, &boundSum, &unbound)
	if err != nil {
		return item, sound, err
	}
	item.At, item.Body, item.Wire = fromMillis(at), body, wire
	switch {
	case !bytes.Equal(sum, outboxSum(prev, item.ID, item.OutboxRow)):
		return item, harmedRow, nil
	case (item.MessageID != "" || wire != nil) && !bytes.Equal(sentSum, wireSum(sum, item.MessageID, wire)):
		return item, harmedWire, nil
	case unbound, (item.UpTx != "" || boundSum != nil) && !bytes.Equal(boundSum, upSum(item.Tx, item.UpTx)):
		return item, harmedBinding, nil
	}
	return item, sound, nil
}

func (s *Store) packed(ctx context.Context, head int64) ([]int64, error) {
	st, err := s.prepared(`SELECT id FROM outbox WHERE packed_with = ? ORDER BY id`)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, head)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Stamp stores the wire form and message id of a head, and which rows are packed with
// it (ids[0] is the head), before it is sent for the first time (decision 24). It
// returns when that is durable. Stamping again with the same bytes changes nothing;
// with others it is refused.
func (s *Store) Stamp(ctx context.Context, ids []int64, messageID string, wire json.RawMessage) error {
	if len(ids) == 0 || messageID == "" || len(wire) == 0 {
		return fmt.Errorf("cannot stamp: row, message id or wire form is missing: %w", ErrRefused)
	}
	return s.operate(ctx, func(w *writer) (refused, failed error) { return w.stamp(ids, messageID, wire) })
}

func (w *writer) stamp(ids []int64, messageID string, wire []byte) (refused, failed error) {
	rows, refused, failed := w.sendable(ids)
	if refused != nil || failed != nil {
		return refused, failed
	}
	head := rows[0]
	if head.messageID != "" {
		if head.messageID == messageID && bytes.Equal(head.wire, wire) {
			return nil, nil
		}
		return fmt.Errorf("cannot stamp row %d: it was sent as %s already and must be repeated byte by byte: %w", head.id, head.messageID, ErrRefused), nil
	}
	for _, r := range rows[1:] {
		if r.state != "new" || r.kind != controller.OutboxMeter || head.kind != controller.OutboxMeter {
			return fmt.Errorf("cannot pack row %d with row %d: only meter rows never sent can be packed: %w", r.id, head.id, ErrRefused), nil
		}
	}
	if err := w.exec(`UPDATE outbox SET state = 'sent', message_id = ?, wire = ?, wire_sum = ? WHERE id = ?`,
		messageID, wire, wireSum(head.sum, messageID, wire), head.id); err != nil {
		return nil, err
	}
	for _, r := range rows[1:] {
		if err := w.exec(`UPDATE outbox SET state = 'sent', packed_with = ? WHERE id = ?`, head.id, r.id); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// sentRow is what stamping and settling need to know of a row.
type sentRow struct {
	id        int64
	tx        controller.TxID
	kind      controller.OutboxKind
	state     string
	messageID string
	wire, sum []byte
}

// sendable reads rows of one lane of which the first is its head.
func (w *writer) sendable(ids []int64) (rows []sentRow, refused, failed error) {
	for _, id := range ids {
		r := sentRow{id: id}
		err := w.row(`SELECT tx, kind, state, message_id, wire, sum FROM outbox WHERE id = ?`, id).
			Scan(&r.tx, &r.kind, &r.state, &r.messageID, &r.wire, &r.sum)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("cannot find row %d of the outbox: %w", id, ErrRefused), nil
		case err != nil:
			return nil, nil, err
		case len(rows) > 0 && r.tx != rows[0].tx:
			return nil, fmt.Errorf("row %d is of transaction %d, not %d: %w", id, r.tx, rows[0].tx, ErrRefused), nil
		}
		rows = append(rows, r)
	}
	var head sql.NullInt64
	var state string
	if err := w.row(`SELECT head, state FROM lane WHERE tx = ?`, int64(rows[0].tx)).Scan(&head, &state); err != nil {
		return nil, nil, err
	}
	if state != "due" || head.Int64 != rows[0].id {
		return nil, fmt.Errorf("row %d is not at the head of a lane at work (lane is %s, its head %d): %w", rows[0].id, state, head.Int64, ErrRefused), nil
	}
	return rows, nil, nil
}

// Resend takes a parked lane back to work, with its attempts forgotten and its bytes
// unchanged, and returns how many of its rows wait. A lane that is not parked has 0.
// It is refused while a damaged start or end blocks the lane.
func (s *Store) Resend(ctx context.Context, tx controller.TxID) (int, error) {
	waiting := 0
	err := s.operate(ctx, func(w *writer) (refused, failed error) {
		waiting, refused, failed = w.resend(tx)
		return refused, failed
	})
	if err != nil {
		return 0, err
	}
	if waiting > 0 {
		s.signal()
	}
	return waiting, nil
}

func (w *writer) resend(tx controller.TxID) (waiting int, refused, failed error) {
	var state string
	err := w.row(`SELECT state FROM lane WHERE tx = ?`, int64(tx)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) || err == nil && state != "parked" {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	var damaged int64
	if err := w.row(`SELECT coalesce(min(id), 0) FROM outbox WHERE tx = ? AND state = 'damaged' AND kind <> 'meter'`, int64(tx)).Scan(&damaged); err != nil {
		return 0, nil, err
	}
	if damaged != 0 {
		return 0, fmt.Errorf("cannot resend transaction %d: row %d is damaged on the disk; restore a backup or report this transaction by hand: %w", tx, damaged, ErrRefused), nil
	}
	if err := w.row(`SELECT count(*) FROM outbox WHERE tx = ? AND state IN ('new', 'sent')`, int64(tx)).Scan(&waiting); err != nil {
		return 0, nil, err
	}
	if err := w.exec(`UPDATE outbox SET attempts = 0, err = '' WHERE tx = ? AND state IN ('new', 'sent')`, int64(tx)); err != nil {
		return 0, nil, err
	}
	return waiting, nil, w.advance(tx, "due")
}

// Parked are the transactions whose lanes wait for a person, with what the cloud said,
// the oldest first, at most n.
func (s *Store) Parked(ctx context.Context, n int) ([]controller.ParkedLane, error) {
	var parked []controller.ParkedLane
	err := each(ctx, s.readers, func(row scanner) error {
		var p controller.ParkedLane
		err := row.Scan(&p.Tx, &p.Err)
		parked = append(parked, p)
		return err
	}, `SELECT l.tx, coalesce(o.err, '') FROM lane l LEFT JOIN outbox o ON o.id = l.head
		WHERE l.state <> 'idle' AND l.state = 'parked' ORDER BY l.head LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("cannot read which lanes are parked: %w", err)
	}
	return parked, nil
}

// tellParked raises the alarms of lanes that were parked before a restart.
func (s *Store) tellParked(ctx context.Context) {
	parked, err := s.Parked(ctx, parkedTold)
	if err != nil && ctx.Err() == nil {
		s.log.Error("cannot raise the alarms of parked lanes", "err", err)
	}
	for _, p := range parked {
		s.postPatiently(ctx, p)
	}
}

// parkedTold bounds the alarms at a start; Counts has the whole number.
const parkedTold = 100

// Counts are the numbers of the outbox and of the ledger, cheap enough to ask every
// second. Damaged rows count as parked.
func (s *Store) Counts(ctx context.Context) (controller.OutboxCounts, error) {
	var c controller.OutboxCounts
	var oldest sql.NullInt64
	err := s.readers.QueryRowContext(ctx, `SELECT l.started, l.delivered, l.delivered_wh,
			(SELECT coalesce(sum(pending), 0) FROM lane WHERE state <> 'idle') +
				(SELECT count(*) FROM outbox o JOIN lane k ON k.tx = o.tx WHERE o.state = 'damaged' AND k.state = 'idle'),
			(SELECT coalesce(sum(pending), 0) FROM lane WHERE state <> 'idle' AND state = 'parked') +
				(SELECT count(*) FROM outbox o JOIN lane k ON k.tx = o.tx WHERE o.state = 'damaged' AND k.state <> 'parked'),
			(SELECT at FROM outbox WHERE id = (SELECT min(head) FROM lane WHERE state <> 'idle'))
		FROM ledger l`).Scan(&c.Started, &c.Delivered, &c.DeliveredEnergy, &c.Pending, &c.Parked, &oldest)
	if err != nil {
		return c, fmt.Errorf("cannot count the outbox: %w", err)
	}
	c.Oldest = fromMillis(oldest)
	return c, nil
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
