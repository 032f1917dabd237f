package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"busbar/controller"
)

// recentFor is how long ended transactions are remembered for de-duplication.
const recentFor = 30 * 24 * time.Hour

// Recover reads what the box remembers. Transactions whose checksum is wrong are left
// out and logged; their outbox rows have checksums of their own. Call it before Run.
func (s *Store) Recover(ctx context.Context) (controller.Recovered, error) {
	var r controller.Recovered
	err := errors.Join(
		s.readers.QueryRowContext(ctx, `SELECT next_tx, started FROM ledger`).Scan(&r.NextTx, &r.Started),
		s.recoverPlaces(ctx, &r),
		s.recoverWishes(ctx, &r),
		s.recoverTransactions(ctx, &r),
	)
	if err == nil {
		err = s.recoverBilled(ctx, &r)
	}
	if err != nil {
		return controller.Recovered{}, fmt.Errorf("cannot read what the box remembers: %w", err)
	}
	return r, nil
}

func (s *Store) recoverPlaces(ctx context.Context, r *controller.Recovered) error {
	return errors.Join(
		each(ctx, s.readers, func(row scanner) error {
			var v controller.SlotRow
			err := row.Scan(&v.Slot, &v.UpEVSE, &v.UpConnector, &v.Station, &v.Connector, &v.State, &v.Epoch)
			r.Slots = append(r.Slots, v)
			return err
		}, `SELECT slot, up_evse, up_connector, station, connector, state, epoch FROM slot ORDER BY slot`),
		each(ctx, s.readers, func(row scanner) error {
			var v controller.StationRow
			var seen sql.NullInt64
			err := row.Scan(&v.Station, &v.Protocol, &v.Info.Vendor, &v.Info.Model, &v.Info.Serial, &v.Info.Firmware, &v.Info.MeterSerial,
				&v.Info.MeterType, &v.FailsafeInstalled, &seen)
			v.LastSeen = fromMillis(seen)
			r.Stations = append(r.Stations, v)
			return err
		}, `SELECT station, protocol, vendor, model, serial, firmware, meter_serial, meter_type, failsafe_installed, last_seen FROM station ORDER BY station`),
		each(ctx, s.readers, func(row scanner) error {
			var v controller.SlotStatus
			var at sql.NullInt64
			err := row.Scan(&v.Slot, &v.Status, &v.ErrorCode, &v.VendorErrorCode, &v.VendorID, &v.Info, &at)
			v.At = fromMillis(at)
			r.Statuses = append(r.Statuses, v)
			return err
		}, `SELECT slot, status, error_code, vendor_error_code, vendor_id, info, at FROM status ORDER BY slot`),
	)
}

func (s *Store) recoverWishes(ctx context.Context, r *controller.Recovered) error {
	r.Settings = map[string]string{}
	return errors.Join(
		each(ctx, s.readers, func(row scanner) error {
			var key, value string
			err := row.Scan(&key, &value)
			r.Settings[key] = value
			return err
		}, `SELECT key, value FROM setting`),
		each(ctx, s.readers, func(row scanner) error {
			var v controller.ProfileRow
			var body []byte
			if err := row.Scan(&v.Slot, &body); err != nil {
				return err
			}
			r.Profiles = append(r.Profiles, v)
			return json.Unmarshal(body, &r.Profiles[len(r.Profiles)-1].Profile)
		}, `SELECT slot, body FROM profile ORDER BY slot, id`),
	)
}

func (s *Store) recoverTransactions(ctx context.Context, r *controller.Recovered) error {
	take := func(into *[]controller.TxRow) func(scanner) error {
		return func(row scanner) error {
			v, intact, err := scanTx(row)
			if err != nil {
				return err
			}
			if !intact {
				s.log.Error("a damaged transaction was left out", "tx", int64(v.Tx))
				return nil
			}
			*into = append(*into, v)
			return nil
		}
	}
	since := time.Now().Add(-recentFor).UnixMilli()
	return errors.Join(
		each(ctx, s.readers, take(&r.Open), `SELECT `+txRead+` FROM tx WHERE (ended = 0 OR stop_done = 0) AND ended = 0 ORDER BY tx`),
		each(ctx, s.readers, take(&r.Recent), `SELECT `+txRead+` FROM tx
			WHERE ended = 1 AND tx IN (SELECT tx FROM tx WHERE updated >= ? UNION SELECT tx FROM tx WHERE ended = 0 OR stop_done = 0)
			ORDER BY updated, tx`, since),
		each(ctx, s.readers, func(row scanner) error {
			var id controller.TxID
			err := row.Scan(&id)
			r.Undelivered = append(r.Undelivered, id)
			return err
		}, `SELECT tx FROM tx WHERE (ended = 0 OR stop_done = 0) AND (ended = 1 OR start_done = 0) ORDER BY tx`),
	)
}

// recoverBilled reads the newest billed values of the open transactions.
func (s *Store) recoverBilled(ctx context.Context, r *controller.Recovered) error {
	for _, t := range r.Open {
		var values []json.RawMessage // newest first
		err := each(ctx, s.readers, func(row scanner) error {
			var body []byte
			if err := row.Scan(&body); err != nil {
				return err
			}
			var m controller.MeterBody
			if err := json.Unmarshal(body, &m); err != nil {
				s.log.Error("damaged meter values can't be told from repeated ones", "tx", int64(t.Tx), "err", err)
				return nil
			}
			for _, v := range slices.Backward(m.Values) {
				values = append(values, v)
			}
			return nil
		}, `SELECT body FROM outbox WHERE tx = ? AND kind = 'meter' ORDER BY id DESC LIMIT ?`, int64(t.Tx), controller.BilledKept)
		if err != nil {
			return err
		}
		if len(values) == 0 {
			continue
		}
		values = values[:min(len(values), controller.BilledKept)]
		slices.Reverse(values)
		if r.Billed == nil {
			r.Billed = map[controller.TxID][]json.RawMessage{}
		}
		r.Billed[t.Tx] = values
	}
	return nil
}

// txRead are the columns of scanTx.
const txRead = txColumns + `, sum, up_tx, up_sum`

// scanTx reads a transaction and whether its checksums are right.
func scanTx(row scanner, more ...any) (r controller.TxRow, intact bool, err error) {
	var started, stopped, sampled, reservation sql.NullInt64
	var sum, boundSum []byte
	err = row.Scan(append([]any{&r.Tx, &r.Slot, &r.Station, &r.Connector, &r.ChargerTx, &r.Token.Value, &r.Token.Type, &r.MeterStart, &started,
		&r.StartText, &r.MessageID, &r.Rule, &reservation, &r.Ended, &r.MeterStop, &stopped, &r.StopText, &r.Reason, &r.Synthetic,
		&r.LastRegister, &sampled, &sum, &r.UpTx, &boundSum}, more...)...)
	if err != nil {
		return r, false, err
	}
	r.StartedAt, r.StoppedAt, r.LastSampleAt = fromMillis(started), fromMillis(stopped), fromMillis(sampled)
	if reservation.Valid {
		r.ReservationID = new(int(reservation.Int64))
	}
	intact = bytes.Equal(sum, digest(txValues(r)...)) &&
		(r.UpTx == "" && boundSum == nil || bytes.Equal(boundSum, upSum(r.Tx, r.UpTx)))
	return r, intact, nil
}

// each runs take over the rows of a query.
func each(ctx context.Context, db *sql.DB, take func(scanner) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
