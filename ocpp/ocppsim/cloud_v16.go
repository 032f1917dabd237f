package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func (c *Cloud) routes16() *ocpp.Mux {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.BootNotification, c.boot)
	ocpp.Handle(m, ocpp16.Heartbeat, func(context.Context, *ocpp.Conn, ocpp16.HeartbeatRequest, *ocpp.Request) (ocpp16.HeartbeatResponse, error) {
		return ocpp16.HeartbeatResponse{CurrentTime: ocpp.NewDateTime(time.Now())}, nil
	})
	ocpp.Handle(m, ocpp16.StatusNotification, c.status)
	ocpp.Handle(m, ocpp16.Authorize, func(_ context.Context, _ *ocpp.Conn, req ocpp16.AuthorizeRequest, _ *ocpp.Request) (ocpp16.AuthorizeResponse, error) {
		return ocpp16.AuthorizeResponse{IDTagInfo: ocpp16.IDTagInfo{Status: c.judge(req.IDTag), ParentIDTag: c.group(req.IDTag)}}, nil
	})
	ocpp.Handle(m, ocpp16.StartTransaction, c.start)
	ocpp.Handle(m, ocpp16.MeterValues, c.meter)
	ocpp.Handle(m, ocpp16.StopTransaction, c.stop)
	take(c, m, ocpp16.FirmwareStatusNotification)
	take(c, m, ocpp16.DiagnosticsStatusNotification)
	return m
}

func (c *Cloud) boot(context.Context, *ocpp.Conn, ocpp16.BootNotificationRequest, *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots++
	return ocpp16.BootNotificationResponse{Status: ocpp16.RegistrationStatusAccepted, CurrentTime: ocpp.NewDateTime(time.Now()), Interval: int(c.cfg.Heartbeat.Seconds())}, nil
}

func (c *Cloud) status(_ context.Context, conn *ocpp.Conn, req ocpp16.StatusNotificationRequest, _ *ocpp.Request) (ocpp16.StatusNotificationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[place{conn.Identity(), req.ConnectorID}] = Status(req.Status)
	c.latest[req.ConnectorID] = Status(req.Status)
	return ocpp16.StatusNotificationResponse{}, nil
}

func (c *Cloud) start(_ context.Context, conn *ocpp.Conn, req ocpp16.StartTransactionRequest, _ *ocpp.Request) (ocpp16.StartTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &Transaction{Station: conn.Identity(), Connector: req.ConnectorID, IDTag: req.IDTag, ID: 5001 + len(c.txs), MeterStart: req.MeterStart, StartedAt: req.Timestamp.Time, Reservation: req.ReservationID}
	c.txs = append(c.txs, t)
	return ocpp16.StartTransactionResponse{IDTagInfo: ocpp16.IDTagInfo{Status: c.judge(req.IDTag), ParentIDTag: c.group(req.IDTag)}, TransactionID: t.ID}, nil
}

func (c *Cloud) meter(_ context.Context, _ *ocpp.Conn, req ocpp16.MeterValuesRequest, _ *ocpp.Request) (ocpp16.MeterValuesResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.TransactionID == nil {
		return ocpp16.MeterValuesResponse{}, nil
	}
	t := c.find(*req.TransactionID)
	switch {
	case t == nil:
		c.fault("disordered", "meter values of transaction %d, which never started", *req.TransactionID)
		return ocpp16.MeterValuesResponse{}, nil
	case t.Stopped:
		c.fault("disordered", "meter values of transaction %d after its stop", t.ID)
	case t.Connector != req.ConnectorID:
		c.fault("unequal", "meter values of transaction %d on connector %d, it runs on %d", t.ID, req.ConnectorID, t.Connector)
	}
	for _, v := range req.MeterValue {
		if !v.Timestamp.Time.After(t.LastSample) {
			c.fault("disordered", "a sample of transaction %d of %v after one of %v", t.ID, v.Timestamp.Time, t.LastSample)
		}
		t.LastSample = v.Timestamp.Time
		t.Samples++
	}
	return ocpp16.MeterValuesResponse{}, nil
}

func (c *Cloud) stop(_ context.Context, _ *ocpp.Conn, req ocpp16.StopTransactionRequest, _ *ocpp.Request) (ocpp16.StopTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.find(req.TransactionID)
	switch {
	case t == nil:
		c.fault("disordered", "stop of transaction %d, which never started", req.TransactionID)
	case t.Stopped:
		c.fault("doubled", "a second stop of transaction %d", t.ID)
	default:
		t.Stopped, t.MeterStop, t.StoppedAt = true, req.MeterStop, req.Timestamp.Time
	}
	return ocpp16.StopTransactionResponse{}, nil
}
