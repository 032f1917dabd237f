package downstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// status takes StatusNotification. Whatever is wrong with its content, the answer is
// normal: a charger would send the same again and again.
func (d *v16) status(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	const absent = -1
	req := ocpp16.StatusNotificationRequest{ConnectorID: absent}
	problems, err := r.DecodeLenient(&req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	if unreadable(problems, "connectorId") {
		req.ConnectorID = 0
	}
	status, known := knownStatus(req.Status)
	if !known || req.ConnectorID < 0 {
		d.logProblems(r, []string{"no status of a connector; dropped"})
		return empty(), nil
	}
	ev := controller.StatusReported{
		Station: d.id, Connector: req.ConnectorID, Status: controller.ConnectorStatus(status),
		ErrorCode: string(req.ErrorCode), VendorErrorCode: text(req.VendorErrorCode), VendorID: text(req.VendorID), Info: text(req.Info),
	}
	if !req.ErrorCode.Known() && req.ErrorCode != "" {
		ev.ErrorCode = string(ocpp16.ChargePointErrorCodeOtherError)
		ev.Info = strings.TrimSpace(string(req.ErrorCode) + " " + ev.Info)
	}
	if req.Timestamp != nil {
		ev.At = d.when(*req.Timestamp, r.Received)
		d.heardTime(inZone(*req.Timestamp, d.charger.Zone), r.Received)
	}
	if _, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev }); err != nil {
		return nil, err
	}
	return empty(), nil
}

// knownStatus reads a status in any case.
func knownStatus(s ocpp16.ChargePointStatus) (ocpp16.ChargePointStatus, bool) {
	for _, known := range []ocpp16.ChargePointStatus{
		ocpp16.ChargePointStatusAvailable, ocpp16.ChargePointStatusPreparing, ocpp16.ChargePointStatusCharging,
		ocpp16.ChargePointStatusSuspendedEV, ocpp16.ChargePointStatusSuspendedEVSE, ocpp16.ChargePointStatusFinishing,
		ocpp16.ChargePointStatusReserved, ocpp16.ChargePointStatusUnavailable, ocpp16.ChargePointStatusFaulted,
	} {
		if strings.EqualFold(string(s), string(known)) {
			return known, true
		}
	}
	return "", false
}

// start takes StartTransaction. Without a connector or a register it can't be billed,
// and a guess would be paid for by the driver: only then it is refused.
func (d *v16) start(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp16.StartTransactionRequest
	problems, err := r.DecodeLenient(&req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	for _, name := range []string{"connectorId", "meterStart"} {
		if !has(r.Payload, name) {
			return nil, ocpp.Missing(name)
		}
		if unreadable(problems, name) {
			return nil, &ocpp.Violation{Path: name, Code: ocpp.CodeTypeConstraintViolation, Problem: "is not an integer"}
		}
	}
	ev := controller.TxStarted{
		Station: d.id, MessageID: r.ID, Connector: max(1, req.ConnectorID), Token: token(req.IDTag),
		MeterStart: controller.WattHour(req.MeterStart), At: d.when(req.Timestamp, r.Received), AtText: req.Timestamp.Text,
		ReservationID: req.ReservationID,
	}
	d.unseen(ev.Connector)
	answer, err := ask[controller.StartAnswer](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil {
		return nil, err
	}
	return json.Marshal(ocpp16.StartTransactionResponse{IDTagInfo: tagInfo(answer.Info), TransactionID: int(answer.Tx)})
}

// stop takes StopTransaction. A register that can't be read is looked for in the
// transaction's data before the message is refused.
func (d *v16) stop(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp16.StopTransactionRequest
	problems, err := r.DecodeLenient(&req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	ev := controller.TxStopped{
		Station: d.id, Tx: controller.TxID(req.TransactionID), MeterStop: controller.WattHour(req.MeterStop),
		At: d.when(req.Timestamp, r.Received), AtText: req.Timestamp.Text,
	}
	if ev.At.IsZero() {
		ev.At = r.Received
	}
	if req.Reason != nil && req.Reason.Known() {
		ev.Reason = string(*req.Reason)
	}
	if t := token(text(req.IDTag)); t.Value != "" {
		ev.Token = &t
	}
	ev.Data = list(r.Payload, "transactionData")
	if !has(r.Payload, "meterStop") || unreadable(problems, "meterStop") {
		register, ok := lastRegister(ev.Data, r.Received, d.charger.Zone)
		if !ok {
			return nil, ocpp.Missing("meterStop")
		}
		ev.MeterStop = register
	}
	answer, err := ask[controller.StopAnswer](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil {
		return nil, err
	}
	r.After(func() { d.settle(ev.Tx) })
	var resp ocpp16.StopTransactionResponse
	if answer.Info != nil {
		resp.IDTagInfo = new(tagInfo(*answer.Info))
	}
	return json.Marshal(resp)
}

// meter takes MeterValues.
func (d *v16) meter(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req struct {
		ConnectorID   int           `json:"connectorId"`
		TransactionID *int          `json:"transactionId,omitempty"`
		MeterValue    meterValues16 `json:"meterValue"`
	}
	problems, err := r.DecodeLenient(&req)
	if err != nil {
		return nil, err
	}
	ev := controller.MeterReported{Station: d.id, Connector: req.ConnectorID}
	if req.TransactionID != nil {
		ev.Tx = controller.TxID(*req.TransactionID)
	}
	var newest time.Time
	samples, more := samples16(req.MeterValue, r.Received, d.charger.Zone, func(s controller.MeterSample, m measured) {
		d.seen(req.ConnectorID, s, m, r.Received)
		newest = m.at
	})
	d.heardTime(newest, r.Received) // older ones of the same message say nothing of the clock
	d.logProblems(r, append(problems, more...))
	if ev.Samples = samples; len(samples) == 0 {
		return empty(), nil
	}
	if _, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev }); err != nil {
		return nil, err
	}
	return empty(), nil
}
