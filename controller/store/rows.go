package store

import (
	"encoding/json"
	"fmt"
	"time"

	"busbar/controller"
)

// write stores one row inside the writer's transaction.
func (w *writer) write(r controller.Row) error {
	switch r := r.(type) {
	case controller.TxRow:
		return w.writeTx(r)
	case controller.OutboxRow:
		return w.writeOutbox(r)
	case controller.SlotRow:
		return w.exec(`REPLACE INTO slot (slot, up_evse, up_connector, station, connector, state, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(r.Slot), int64(r.UpEVSE), int64(r.UpConnector), string(r.Station), int64(r.Connector), string(r.State), int64(r.Epoch))
	case controller.StationRow:
		return w.exec(`REPLACE INTO station (station, protocol, vendor, model, serial, firmware, meter_serial, meter_type, failsafe_installed, last_seen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			string(r.Station), r.Protocol, r.Info.Vendor, r.Info.Model, r.Info.Serial, r.Info.Firmware, r.Info.MeterSerial, r.Info.MeterType,
			int64(r.FailsafeInstalled), millis(r.LastSeen))
	case controller.TokenRow:
		return w.exec(`REPLACE INTO token (key, type, value, status, parent, expiry, updated) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.Token.Key(), string(r.Token.Type), r.Token.Value, string(r.Info.Status), r.Info.Parent, millis(r.Info.Expiry), millis(r.Updated))
	case controller.ClearTokensRow:
		return w.exec(`DELETE FROM token`)
	case controller.SettingRow:
		return w.exec(`REPLACE INTO setting (key, value) VALUES (?, ?)`, r.Key, r.Value)
	case controller.StatusRow:
		st := r.Status
		return w.exec(`REPLACE INTO status (slot, status, error_code, vendor_error_code, vendor_id, info, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			int64(st.Slot), string(st.Status), st.ErrorCode, st.VendorErrorCode, st.VendorID, st.Info, millis(st.At))
	case controller.ProfileRow:
		return w.writeProfile(r)
	case controller.EventRow:
		return w.writeEvent(r.Entry)
	default:
		panic(fmt.Sprintf("store: row %T without a table", r))
	}
}

func (w *writer) writeProfile(r controller.ProfileRow) error {
	if r.Deleted {
		return w.exec(`DELETE FROM profile WHERE slot = ? AND id = ?`, int64(r.Slot), int64(r.Profile.ID))
	}
	body, err := json.Marshal(r.Profile)
	if err != nil {
		return err
	}
	return w.exec(`REPLACE INTO profile (slot, id, body) VALUES (?, ?, ?)`, int64(r.Slot), int64(r.Profile.ID), string(body))
}

func (w *writer) writeEvent(e controller.LogEntry) error {
	return w.exec(`INSERT INTO event (at, severity, code, subject, text) VALUES (?, ?, ?, ?, ?)`,
		millis(e.At), string(e.Severity), e.Code, e.Subject, e.Text)
}

// writeTx replaces a transaction's row. up_tx, start_done and stop_done stay: they
// belong to the settlements. updated tells when it began, then when it ended: that is
// what is asked for, and its index would change with every sample.
func (w *writer) writeTx(r controller.TxRow) error {
	values := txValues(r)
	return w.exec(`INSERT INTO tx (`+txColumns+`, sum, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tx) DO UPDATE SET slot = excluded.slot, station = excluded.station, connector = excluded.connector,
			charger_tx = excluded.charger_tx, token = excluded.token, token_type = excluded.token_type, meter_start = excluded.meter_start,
			started_at = excluded.started_at, start_text = excluded.start_text, message_id = excluded.message_id, rule = excluded.rule,
			reservation_id = excluded.reservation_id, ended = excluded.ended, meter_stop = excluded.meter_stop,
			stopped_at = excluded.stopped_at, stop_text = excluded.stop_text, reason = excluded.reason, synthetic = excluded.synthetic,
			last_register = excluded.last_register, last_sample_at = excluded.last_sample_at, sum = excluded.sum,
			updated = CASE WHEN excluded.ended THEN excluded.updated ELSE updated END`,
		append(values, digest(values...), time.Now().UnixMilli())...)
}

// txColumns are what sum covers, in the order of txValues.
const txColumns = `tx, slot, station, connector, charger_tx, token, token_type, meter_start, started_at, start_text, message_id, rule,
	reservation_id, ended, meter_stop, stopped_at, stop_text, reason, synthetic, last_register, last_sample_at`

func txValues(r controller.TxRow) []any {
	var reservation any
	if r.ReservationID != nil {
		reservation = int64(*r.ReservationID)
	}
	return []any{int64(r.Tx), int64(r.Slot), string(r.Station), int64(r.Connector), r.ChargerTx, r.Token.Value, string(r.Token.Type),
		int64(r.MeterStart), millis(r.StartedAt), r.StartText, r.MessageID, r.Rule, reservation, bit(r.Ended), int64(r.MeterStop),
		millis(r.StoppedAt), r.StopText, r.Reason, bit(r.Synthetic), int64(r.LastRegister), millis(r.LastSampleAt)}
}

// writeOutbox puts a message at the end of its lane.
func (w *writer) writeOutbox(r controller.OutboxRow) error {
	id := w.nextRow
	prev, err := w.tail(r.Tx)
	if err != nil {
		return err
	}
	sum := outboxSum(prev, id, r)
	err = w.exec(`INSERT INTO lane (tx, token, head, state, pending, tail) VALUES (?, ?, ?, 'due', 1, ?)
		ON CONFLICT (tx) DO UPDATE SET head = coalesce(head, excluded.head), pending = pending + 1, tail = excluded.tail,
			state = CASE state WHEN 'parked' THEN 'parked' ELSE 'due' END`,
		int64(r.Tx), r.Token, id, sum)
	if err != nil {
		return err
	}
	body := []byte(r.Body)
	if body == nil {
		body = []byte{} // a nil slice would be NULL
	}
	err = w.exec(`INSERT INTO outbox (id, tx, slot, kind, token, at, body, prev, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, int64(r.Tx), int64(r.Slot), string(r.Kind), r.Token, millis(r.At), body, prev, sum)
	if err != nil {
		return err
	}
	w.nextRow = id + 1
	w.outboxGrew = true
	return nil
}
