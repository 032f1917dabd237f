package downstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// routes is the handler of all chargers.
func (h *Hub) routes() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	m.Lenience = ocpp.Lenient
	m.Problems = func(c *ocpp.Conn, r *ocpp.Request, problems []string) { h.logProblems(c, r, problems) }
	ocpp.Handle(m, ocpp16.BootNotification, h.boot)
	ocpp.Handle(m, ocpp16.Heartbeat, h.heartbeat)
	ocpp.Handle(m, ocpp16.Authorize, h.authorize)
	ocpp.Handle(m, ocpp16.DataTransfer, func(context.Context, *ocpp.Conn, ocpp16.DataTransferRequest, *ocpp.Request) (ocpp16.DataTransferResponse, error) {
		return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
	})
	ocpp.Handle(m, ocpp16.SignCertificate, func(context.Context, *ocpp.Conn, ocpp16.SignCertificateRequest, *ocpp.Request) (ocpp16.SignCertificateResponse, error) {
		return ocpp16.SignCertificateResponse{Status: ocpp16.GenericStatusRejected}, nil
	})
	for _, action := range []string{"DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification",
		"SignedFirmwareStatusNotification", "SecurityEventNotification"} {
		m.Raw(action, h.noted)
	}
	m.Raw("StatusNotification", h.status)
	m.Raw("StartTransaction", h.start)
	m.Raw("StopTransaction", h.stop)
	m.Raw("MeterValues", h.meter)
	return ocpp.HandlerFunc(func(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		s := h.sessionOf(c)
		if s == nil {
			return nil, ocpp.Errorf(ocpp.CodeInternalError, "the box is busy")
		}
		// Before acceptance only the wish to be accepted (16§4.2, decision 25).
		if r.Action != "BootNotification" && !s.isAccepted() {
			return nil, ocpp.Errorf(ocpp.CodeSecurityError, "this charger is not accepted yet")
		}
		s.heard()
		return m.HandleCall(ctx, c, r)
	})
}

func (h *Hub) logProblems(c *ocpp.Conn, r *ocpp.Request, problems []string) {
	if len(problems) > 0 {
		h.log.Warn("charger's message read only in part", "station", c.Identity(), "action", r.Action, "msg_id", r.ID, "problems", problems)
	}
}

// empty is the answer without content.
func empty() json.RawMessage { return json.RawMessage("{}") }

// ask puts a question to the loop and waits for its answer of type B. A loop that is
// congested or does not answer in time makes InternalError: the charger keeps its
// copy and sends it again.
func ask[B controller.AnswerBody](ctx context.Context, h *Hub, question func(controller.ReplyID) controller.Event) (B, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.AnswerTimeout)
	defer cancel()
	var none B
	body, err := h.cfg.Loop.Ask(ctx, question)
	if err != nil {
		return none, ocpp.Errorf(ocpp.CodeInternalError, "the box can't take it now, try again")
	}
	answer, ok := body.(B)
	if !ok {
		return none, fmt.Errorf("cannot answer: the controller gave a %T", body)
	}
	return answer, nil
}

func (h *Hub) boot(ctx context.Context, c *ocpp.Conn, req ocpp16.BootNotificationRequest, r *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
	s := h.sessionOf(c)
	if s == nil {
		return ocpp16.BootNotificationResponse{}, errors.New("cannot answer: the connection has ended")
	}
	r.After(s.bootBegins())
	info := controller.ChargerInfo{
		Vendor: req.ChargePointVendor, Model: req.ChargePointModel, Serial: text(req.ChargePointSerialNumber),
		Firmware: text(req.FirmwareVersion), MeterSerial: text(req.MeterSerialNumber), MeterType: text(req.MeterType),
	}
	if info.Serial == "" {
		info.Serial = text(req.ChargeBoxSerialNumber)
	}
	answer, err := ask[controller.BootAnswer](ctx, h, func(id controller.ReplyID) controller.Event {
		return controller.Booted{Station: s.id, Reply: id, Info: info}
	})
	if err != nil {
		return ocpp16.BootNotificationResponse{}, err
	}
	if answer.Status == string(ocpp16.RegistrationStatusAccepted) {
		s.bootAccepted()
	}
	return ocpp16.BootNotificationResponse{
		Status: ocpp16.RegistrationStatus(answer.Status), CurrentTime: clock(answer.Now), Interval: int(answer.Interval / time.Second),
	}, nil
}

// clock is a time as chargers set their own clock by it: whole seconds.
func clock(t time.Time) ocpp.DateTime { return ocpp.NewDateTime(t.Truncate(time.Second)) }

func (h *Hub) heartbeat(context.Context, *ocpp.Conn, ocpp16.HeartbeatRequest, *ocpp.Request) (ocpp16.HeartbeatResponse, error) {
	return ocpp16.HeartbeatResponse{CurrentTime: clock(time.Now())}, nil
}

// noted is the answer to what the box only writes into its log.
func (h *Hub) noted(_ context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	h.log.Info("charger reports", "station", c.Identity(), "action", r.Action, "payload", string(r.Payload[:min(len(r.Payload), 500)]))
	return empty(), nil
}

func (h *Hub) authorize(ctx context.Context, c *ocpp.Conn, req ocpp16.AuthorizeRequest, _ *ocpp.Request) (ocpp16.AuthorizeResponse, error) {
	answer, err := ask[controller.AuthorizeAnswer](ctx, h, func(id controller.ReplyID) controller.Event {
		return controller.AuthorizeAsked{Station: controller.StationID(c.Identity()), Reply: id, Token: token(req.IDTag)}
	})
	return ocpp16.AuthorizeResponse{IDTagInfo: tagInfo(answer.Info)}, err
}

func token(idTag string) controller.IDToken {
	return controller.IDToken{Value: strings.TrimSpace(idTag)}
}

// tagInfo is what a charger may know of a token. A parent that does not fit into 1.6
// is left out: the charger can't compare it anyway.
func tagInfo(info controller.TokenInfo) ocpp16.IDTagInfo {
	out := ocpp16.IDTagInfo{Status: ocpp16.AuthorizationStatus(info.Status)}
	if !out.Status.Known() {
		out.Status = ocpp16.AuthorizationStatusInvalid
	}
	if info.Parent != "" && utf8.RuneCountInString(info.Parent) <= 20 {
		out.ParentIDTag = &info.Parent
	}
	if !info.Expiry.IsZero() {
		out.ExpiryDate = new(ocpp.NewDateTime(info.Expiry))
	}
	return out
}

// status takes StatusNotification. Whatever is wrong with its content, the answer is
// normal: a charger would send the same again and again.
func (h *Hub) status(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp16.StatusNotificationRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	h.logProblems(c, r, problems)
	status, known := knownStatus(req.Status)
	if !known || !has(r.Payload, "connectorId") || req.ConnectorID < 0 {
		h.logProblems(c, r, []string{"no status of a connector; dropped"})
		return empty(), nil
	}
	ev := controller.StatusReported{
		Station: controller.StationID(c.Identity()), Connector: req.ConnectorID, Status: controller.ConnectorStatus(status),
		ErrorCode: string(req.ErrorCode), VendorErrorCode: text(req.VendorErrorCode), VendorID: text(req.VendorID), Info: text(req.Info),
	}
	if !req.ErrorCode.Known() && req.ErrorCode != "" {
		ev.ErrorCode = string(ocpp16.ChargePointErrorCodeOtherError)
		ev.Info = strings.TrimSpace(string(req.ErrorCode) + " " + ev.Info)
	}
	if req.Timestamp != nil {
		ev.At = plausible(req.Timestamp.Time, r.Received)
	}
	if _, err := ask[controller.Done](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev }); err != nil {
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
func (h *Hub) start(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp16.StartTransactionRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	h.logProblems(c, r, problems)
	for _, name := range []string{"connectorId", "meterStart"} {
		if !has(r.Payload, name) {
			return nil, ocpp.Missing(name)
		}
		if unreadable(problems, name) {
			return nil, &ocpp.Violation{Path: name, Code: ocpp.CodeTypeConstraintViolation, Problem: "is not an integer"}
		}
	}
	ev := controller.TxStarted{
		Station: controller.StationID(c.Identity()), MessageID: r.ID, Connector: max(1, req.ConnectorID), Token: token(req.IDTag),
		MeterStart: controller.WattHour(req.MeterStart), At: plausible(req.Timestamp.Time, r.Received), AtText: req.Timestamp.Text,
		ReservationID: req.ReservationID,
	}
	answer, err := ask[controller.StartAnswer](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil {
		return nil, err
	}
	return json.Marshal(ocpp16.StartTransactionResponse{IDTagInfo: tagInfo(answer.Info), TransactionID: int(answer.Tx)})
}

// stop takes StopTransaction. A register that can't be read is looked for in the
// transaction's data before the message is refused.
func (h *Hub) stop(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp16.StopTransactionRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	h.logProblems(c, r, problems)
	ev := controller.TxStopped{
		Station: controller.StationID(c.Identity()), Tx: controller.TxID(req.TransactionID), MeterStop: controller.WattHour(req.MeterStop),
		At: plausible(req.Timestamp.Time, r.Received), AtText: req.Timestamp.Text,
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
		register, ok := lastRegister(ev.Data, r.Received)
		if !ok {
			return nil, ocpp.Missing("meterStop")
		}
		ev.MeterStop = register
	}
	answer, err := ask[controller.StopAnswer](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil {
		return nil, err
	}
	var resp ocpp16.StopTransactionResponse
	if answer.Info != nil {
		resp.IDTagInfo = new(tagInfo(*answer.Info))
	}
	return json.Marshal(resp)
}

// meter takes MeterValues.
func (h *Hub) meter(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req struct {
		ConnectorID   int  `json:"connectorId"`
		TransactionID *int `json:"transactionId,omitempty"`
	}
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	ev := controller.MeterReported{Station: controller.StationID(c.Identity()), Connector: req.ConnectorID}
	if req.TransactionID != nil {
		ev.Tx = controller.TxID(*req.TransactionID)
	}
	samples, more := readSamples(list(r.Payload, "meterValue"), r.Received)
	h.logProblems(c, r, append(problems, more...))
	if ev.Samples = samples; len(samples) == 0 {
		return empty(), nil
	}
	if _, err := ask[controller.Done](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev }); err != nil {
		return nil, err
	}
	return empty(), nil
}

// plausible is at, or zero if the charger's clock can't be right: before the first
// Boot many stand at 1970. Old times are normal after an outage.
func plausible(at, now time.Time) time.Time {
	if at.Before(now.AddDate(-1, -1, 0)) || at.After(now.Add(24*time.Hour)) {
		return time.Time{}
	}
	return at
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(*s)
}

// members splits an object; duplicate names are a charger's own business here.
func members(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// member finds a member in any case, byte-exact; nil if absent or null.
func member(raw json.RawMessage, name string) json.RawMessage {
	all := members(raw)
	value, ok := all[name]
	for key, v := range all {
		if !ok && strings.EqualFold(key, name) {
			value, ok = v, true
		}
	}
	if string(value) == "null" {
		return nil
	}
	return value
}

func has(raw json.RawMessage, name string) bool { return member(raw, name) != nil }

// unreadable tells whether a member is among the problems of a lenient reading.
func unreadable(problems []string, name string) bool {
	for _, p := range problems {
		if strings.HasPrefix(p, name+" ") {
			return true
		}
	}
	return false
}

// list is a member as the text of a JSON array: a single element is made one, nil if
// there is none.
func list(raw json.RawMessage, name string) json.RawMessage {
	value := member(raw, name)
	if len(value) == 0 {
		return nil
	}
	if value[0] == '{' {
		return append(append(json.RawMessage{'['}, value...), ']')
	}
	if elements, err := ocpp.RawArray(value); err != nil || len(elements) == 0 {
		return nil
	}
	return value
}
