package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"busbar/controller"
)

// page is how many rows a query of the history reads at once. Between pages no
// connection is held, so that a slow reader of an export keeps nobody waiting.
const page = 256

// TxFilter selects transactions; zero fields match all.
type TxFilter struct {
	From, To time.Time // StartedAt, From <= t < To
	Slot     controller.Slot
	Station  controller.StationID
	Token    string // IDToken.Value, without regard to case
	Open     bool   // only those not ended
	Due      bool   // only those the cloud has not acknowledged
	Before   controller.TxID
	Limit    int
}

// TxRecord is a transaction of the history.
type TxRecord struct {
	controller.TxRow
	// Energy is MeterStop, or while it runs LastRegister, minus MeterStart, in Wh.
	Energy         controller.WattHour
	StartDelivered bool // acknowledged by the cloud
	StopDelivered  bool
	Parked         bool
	Err            string // of the row the cloud did not take, "" if none
	Damaged        bool   // the row does not match its checksum
}

// Transactions are the transactions that match, newest first. The sequence ends after
// its first error.
func (s *Store) Transactions(ctx context.Context, f TxFilter) iter.Seq2[TxRecord, error] {
	return func(yield func(TxRecord, error) bool) {
		before, left := f.Before, f.Limit
		if f.Limit <= 0 {
			left = int(^uint(0) >> 1)
		}
		for left > 0 {
			n := min(page, left)
			f.Before = before
			records, err := s.txPage(ctx, f, n)
			if err != nil {
				yield(TxRecord{}, fmt.Errorf("cannot read the transactions: %w", err))
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				before = r.Tx
			}
			if len(records) < n {
				return
			}
			left -= n
		}
	}
}

func (s *Store) txPage(ctx context.Context, f TxFilter, n int) ([]TxRecord, error) {
	where, args := f.where()
	var records []TxRecord
	err := each(ctx, s.readers, func(row scanner) error {
		var r TxRecord
		var intact bool
		var err error
		r.TxRow, intact, err = scanTx(row, &r.StartDelivered, &r.StopDelivered, &r.Parked, &r.Err)
		r.Damaged = !intact
		r.Energy = r.LastRegister - r.MeterStart
		if r.Ended {
			r.Energy = r.MeterStop - r.MeterStart
		}
		records = append(records, r)
		return err
	}, `SELECT `+txRead+`, start_done, stop_done,
			coalesce((SELECT state = 'parked' FROM lane WHERE lane.tx = tx.tx), 0),
			coalesce((SELECT err FROM outbox WHERE id = (SELECT head FROM lane WHERE lane.tx = tx.tx)), '')
		FROM tx WHERE `+where+` ORDER BY tx DESC LIMIT ?`, append(args, n)...)
	return records, err
}

// where is the filter as SQL with its arguments.
func (f TxFilter) where() (string, []any) {
	terms, args := []string{"1"}, []any(nil)
	add := func(on bool, term string, arg ...any) {
		if on {
			terms, args = append(terms, term), append(args, arg...)
		}
	}
	add(!f.From.IsZero(), "started_at >= ?", millis(f.From))
	add(!f.To.IsZero(), "started_at < ?", millis(f.To))
	add(f.Slot != 0, "slot = ?", int64(f.Slot))
	add(f.Station != "", "station = ?", string(f.Station))
	add(f.Token != "", "token = ? COLLATE NOCASE", f.Token)
	add(f.Open, "(ended = 0 OR stop_done = 0) AND ended = 0")
	add(f.Due, "(ended = 0 OR stop_done = 0) AND (ended = 1 OR start_done = 0)")
	add(f.Before != 0, "tx < ?", int64(f.Before))
	return strings.Join(terms, " AND "), args
}

// BillingValues are the meterValue elements of a transaction that were kept for the
// cloud, byte-exact, in the order of arrival. They are kept as long as delivered
// messages are.
func (s *Store) BillingValues(ctx context.Context, tx controller.TxID) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for after := int64(0); ; {
			var values []json.RawMessage
			n := 0
			err := each(ctx, s.readers, func(row scanner) error {
				var body []byte
				if err := row.Scan(&after, &body); err != nil {
					return err
				}
				n++
				var m controller.MeterBody
				if err := json.Unmarshal(body, &m); err != nil {
					return fmt.Errorf("outbox row %d: %w", after, err)
				}
				for _, v := range m.Values {
					values = append(values, v)
				}
				return nil
			}, `SELECT id, body FROM outbox WHERE tx = ? AND id > ? AND kind = 'meter' ORDER BY id LIMIT ?`, int64(tx), after, page)
			for _, v := range values {
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, fmt.Errorf("cannot read the meter values of transaction %d: %w", tx, err))
				return
			}
			if n < page {
				return
			}
		}
	}
}

// SampleFilter selects samples; zero fields match all.
type SampleFilter struct {
	Slot     controller.Slot
	Tx       controller.TxID
	From, To time.Time // At, From <= t < To
}

// Samples are samples of the history, those of a connector in the order of arrival, their
// Raw byte-exact.
// AtText and Billing are not kept. The last half minute may be missing.
func (s *Store) Samples(ctx context.Context, f SampleFilter) iter.Seq2[controller.Telemetry, error] {
	return func(yield func(controller.Telemetry, error) bool) {
		for after := int64(0); ; {
			samples, last, err := s.history.page(ctx, f, after)
			if err != nil {
				yield(controller.Telemetry{}, fmt.Errorf("cannot read the samples: %w", err))
				return
			}
			for _, t := range samples {
				if !yield(t, nil) {
					return
				}
			}
			if len(samples) < page {
				return
			}
			after = last
		}
	}
}

func (h *history) page(ctx context.Context, f SampleFilter, after int64) (samples []controller.Telemetry, last int64, err error) {
	terms, args := []string{"id > ?"}, []any{after}
	add := func(on bool, term string, arg any) {
		if on {
			terms, args = append(terms, term), append(args, arg)
		}
	}
	add(f.Slot != 0, "slot = ?", int64(f.Slot))
	add(f.Tx != 0, "tx = ?", int64(f.Tx))
	add(!f.From.IsZero(), "at >= ?", millis(f.From))
	add(!f.To.IsZero(), "at < ?", millis(f.To))
	err = each(ctx, h.db, func(row scanner) error {
		var t controller.Telemetry
		var at, power, energy sql.NullInt64
		var raw []byte
		v := &t.Sample
		err := row.Scan(&last, &at, &t.Slot, &t.Tx, &power, &energy, &v.SoC, &v.Current[0], &v.Current[1], &v.Current[2], &v.CurrentPhases, &raw)
		v.At, v.Raw = fromMillis(at), raw
		v.Power, v.HasPower = controller.Watt(power.Int64), power.Valid
		v.Energy, v.HasEnergy = controller.WattHour(energy.Int64), energy.Valid
		samples = append(samples, t)
		return err
	}, `SELECT id, at, slot, tx, power, energy, soc, l1, l2, l3, phases, raw FROM sample
		WHERE `+strings.Join(terms, " AND ")+` ORDER BY id LIMIT ?`, append(args, page)...)
	return samples, last, err
}

// Events are the newest n lines of the event log, oldest of them first.
func (s *Store) Events(ctx context.Context, n int) ([]controller.LogEntry, error) {
	var entries []controller.LogEntry
	err := each(ctx, s.readers, func(row scanner) error {
		var e controller.LogEntry
		var at sql.NullInt64
		err := row.Scan(&at, &e.Severity, &e.Code, &e.Subject, &e.Text)
		e.At = fromMillis(at)
		entries = append(entries, e)
		return err
	}, `SELECT at, severity, code, subject, text FROM event ORDER BY id DESC LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("cannot read the event log: %w", err)
	}
	slices.Reverse(entries)
	return entries, nil
}
