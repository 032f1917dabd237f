package downstream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// handler answers what chargers send. Messages about transactions and statuses are
// never refused for what they say: a charger would repeat them for ever, or drop them.
func (h *Hub) handler() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	m.Lenience = ocpp.Lenient
	m.Problems = func(c *ocpp.Conn, r *ocpp.Request, problems []string) {
		h.cfg.Logger.Info("charger sends what the specification does not allow", "station", c.Identity(), "action", r.Action, "problems", problems)
	}
	ocpp.Handle(m, ocpp16.BootNotification, h.boot)
	ocpp.Handle(m, ocpp16.Heartbeat, func(context.Context, *ocpp.Conn, ocpp16.HeartbeatRequest, *ocpp.Request) (ocpp16.HeartbeatResponse, error) {
		return ocpp16.HeartbeatResponse{CurrentTime: ocpp.NewDateTime(time.Now())}, nil
	})
	ocpp.Handle(m, ocpp16.Authorize, h.authorize)
	ocpp.Handle(m, ocpp16.StatusNotification, h.status)
	ocpp.Handle(m, ocpp16.StartTransaction, h.start)
	ocpp.Handle(m, ocpp16.StopTransaction, h.stop)
	ocpp.Handle(m, ocpp16.MeterValues, h.meter)
	ocpp.Handle(m, ocpp16.DataTransfer, func(context.Context, *ocpp.Conn, ocpp16.DataTransferRequest, *ocpp.Request) (ocpp16.DataTransferResponse, error) {
		return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
	})
	ocpp.Handle(m, ocpp16.FirmwareStatusNotification, func(context.Context, *ocpp.Conn, ocpp16.FirmwareStatusNotificationRequest, *ocpp.Request) (ocpp16.FirmwareStatusNotificationResponse, error) {
		return ocpp16.FirmwareStatusNotificationResponse{}, nil
	})
	ocpp.Handle(m, ocpp16.DiagnosticsStatusNotification, func(context.Context, *ocpp.Conn, ocpp16.DiagnosticsStatusNotificationRequest, *ocpp.Request) (ocpp16.DiagnosticsStatusNotificationResponse, error) {
		return ocpp16.DiagnosticsStatusNotificationResponse{}, nil
	})
	return ocpp.HandlerFunc(func(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		s := h.session(controller.StationID(c.Identity()))
		if s == nil || s.conn != c {
			return nil, ocpp.Errorf(ocpp.CodeInternalError, "this connection was replaced")
		}
		if !s.accepted.Load() && r.Action != ocpp16.BootNotification.Name {
			return nil, ocpp.Errorf(ocpp.CodeSecurityError, "send BootNotification and wait until it is accepted")
		}
		return m.HandleCall(ctx, c, r)
	})
}

// ask puts a question to the Site and waits for its kind of answer.
func ask[T controller.AnswerBody](ctx context.Context, h *Hub, q func(controller.ReplyID) controller.Event) (T, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	body, err := h.cfg.Loop.Ask(ctx, q)
	if err != nil {
		return none, ocpp.Errorf(ocpp.CodeInternalError, "cannot answer now, try again: %v", err)
	}
	answer, ok := body.(T)
	if !ok {
		return none, fmt.Errorf("the site answered with %T", body)
	}
	return answer, nil
}

func (h *Hub) boot(ctx context.Context, c *ocpp.Conn, req ocpp16.BootNotificationRequest, _ *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
	id := controller.StationID(c.Identity())
	info := controller.ChargerInfo{Vendor: req.ChargePointVendor, Model: req.ChargePointModel, Serial: text(req.ChargePointSerialNumber),
		Firmware: text(req.FirmwareVersion), MeterSerial: text(req.MeterSerialNumber), MeterType: text(req.MeterType)}
	if info.Serial == "" {
		info.Serial = text(req.ChargeBoxSerialNumber)
	}
	s := h.session(id)
	if s != nil {
		s.booted.Store(true)
	}
	a, err := ask[controller.BootAnswer](ctx, h, func(r controller.ReplyID) controller.Event {
		return controller.Booted{Station: id, Reply: r, Info: info}
	})
	if err != nil {
		return ocpp16.BootNotificationResponse{}, err
	}
	if s != nil && a.Status == "Accepted" {
		s.accepted.Store(true)
	}
	return ocpp16.BootNotificationResponse{Status: ocpp16.RegistrationStatus(a.Status), CurrentTime: ocpp.NewDateTime(a.Now), Interval: int(a.Interval.Seconds())}, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (h *Hub) authorize(ctx context.Context, c *ocpp.Conn, req ocpp16.AuthorizeRequest, _ *ocpp.Request) (ocpp16.AuthorizeResponse, error) {
	a, err := ask[controller.AuthorizeAnswer](ctx, h, func(r controller.ReplyID) controller.Event {
		return controller.AuthorizeAsked{Station: controller.StationID(c.Identity()), Reply: r, Token: controller.IDToken{Value: req.IDTag}}
	})
	return ocpp16.AuthorizeResponse{IDTagInfo: tagInfo(a.Info)}, err
}

func tagInfo(i controller.TokenInfo) ocpp16.IDTagInfo {
	out := ocpp16.IDTagInfo{Status: ocpp16.AuthorizationStatus(i.Status)}
	if i.Parent != "" {
		out.ParentIDTag = &i.Parent
	}
	if !i.Expiry.IsZero() {
		out.ExpiryDate = new(ocpp.NewDateTime(i.Expiry))
	}
	return out
}

func (h *Hub) status(ctx context.Context, c *ocpp.Conn, req ocpp16.StatusNotificationRequest, _ *ocpp.Request) (ocpp16.StatusNotificationResponse, error) {
	ev := controller.StatusReported{Station: controller.StationID(c.Identity()), Connector: req.ConnectorID, Status: controller.ConnectorStatus(req.Status),
		ErrorCode: string(req.ErrorCode), VendorErrorCode: text(req.VendorErrorCode), VendorID: text(req.VendorID), Info: text(req.Info)}
	if req.Timestamp != nil {
		ev.At = req.Timestamp.Time
	}
	if !req.Status.Known() { // says nothing we could act on
		h.cfg.Logger.Warn("charger reports an unknown status", "station", c.Identity(), "status", string(req.Status))
		return ocpp16.StatusNotificationResponse{}, nil
	}
	_, err := ask[controller.Done](ctx, h, func(r controller.ReplyID) controller.Event { ev.Reply = r; return ev })
	return ocpp16.StatusNotificationResponse{}, err
}

func (h *Hub) start(ctx context.Context, c *ocpp.Conn, req ocpp16.StartTransactionRequest, r *ocpp.Request) (ocpp16.StartTransactionResponse, error) {
	ev := controller.TxStarted{Station: controller.StationID(c.Identity()), MessageID: r.ID, Connector: req.ConnectorID, Token: controller.IDToken{Value: req.IDTag},
		MeterStart: controller.WattHour(req.MeterStart), At: req.Timestamp.Time, AtText: req.Timestamp.Text, ReservationID: req.ReservationID}
	a, err := ask[controller.StartAnswer](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.StartTransactionResponse{TransactionID: int(a.Tx), IDTagInfo: tagInfo(a.Info)}, err
}

func (h *Hub) stop(ctx context.Context, c *ocpp.Conn, req ocpp16.StopTransactionRequest, r *ocpp.Request) (ocpp16.StopTransactionResponse, error) {
	ev := controller.TxStopped{Station: controller.StationID(c.Identity()), Tx: controller.TxID(req.TransactionID), MeterStop: controller.WattHour(req.MeterStop),
		At: req.Timestamp.Time, AtText: req.Timestamp.Text}
	if req.Reason != nil {
		ev.Reason = string(*req.Reason)
	}
	if req.IDTag != nil && *req.IDTag != "" {
		ev.Token = &controller.IDToken{Value: *req.IDTag}
	}
	if o, err := ocpp.ParseObject(r.Payload); err == nil {
		if data, ok := o.Get("transactionData"); ok && string(data) != "null" {
			ev.Data = data
		}
	}
	a, err := ask[controller.StopAnswer](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil || a.Info == nil {
		return ocpp16.StopTransactionResponse{}, err
	}
	return ocpp16.StopTransactionResponse{IDTagInfo: new(tagInfo(*a.Info))}, nil
}

func (h *Hub) meter(ctx context.Context, c *ocpp.Conn, req ocpp16.MeterValuesRequest, r *ocpp.Request) (ocpp16.MeterValuesResponse, error) {
	ev := controller.MeterReported{Station: controller.StationID(c.Identity()), Connector: req.ConnectorID, Samples: samples(r.Payload, r.Received)}
	if req.TransactionID != nil {
		ev.Tx = controller.TxID(*req.TransactionID)
	}
	_, err := ask[controller.Done](ctx, h, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.MeterValuesResponse{}, err
}
