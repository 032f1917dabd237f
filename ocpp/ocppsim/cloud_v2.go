package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// chainKey names a transaction of 2.x: its id is unique per station.
type chainKey struct{ station, id string }

// heardChain is a transaction of 2.x as it was told.
type heardChain struct {
	next   int // the sequence number to come
	ended  bool
	evse   int
	token  string
	first  int // the first register, once there is one
	reads  bool
	last   int
	sample time.Time
	count  int
	at     time.Time    // when the last of token, place and register was told
	tx     *Transaction // once all three are known
}

func (c *Cloud) routes2() *ocpp.Mux {
	m := ocpp.NewMux(ocpp2.KnownIn(c.cfg.Protocol))
	ocpp.Handle(m, ocpp2.BootNotification, func(context.Context, *ocpp.Conn, ocpp2.BootNotificationRequest, *ocpp.Request) (ocpp2.BootNotificationResponse, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.boots++
		return ocpp2.BootNotificationResponse{Status: ocpp2.RegistrationStatusAccepted, CurrentTime: ocpp.NewDateTime(time.Now()), Interval: int(c.cfg.Heartbeat.Seconds())}, nil
	})
	ocpp.Handle(m, ocpp2.Heartbeat, func(context.Context, *ocpp.Conn, ocpp2.HeartbeatRequest, *ocpp.Request) (ocpp2.HeartbeatResponse, error) {
		return ocpp2.HeartbeatResponse{CurrentTime: ocpp.NewDateTime(time.Now())}, nil
	})
	ocpp.Handle(m, ocpp2.StatusNotification, func(_ context.Context, conn *ocpp.Conn, req ocpp2.StatusNotificationRequest, _ *ocpp.Request) (ocpp2.StatusNotificationResponse, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statuses[place{conn.Identity(), req.EVSEID}] = Status(req.ConnectorStatus)
		c.latest[req.EVSEID] = Status(req.ConnectorStatus)
		return ocpp2.StatusNotificationResponse{}, nil
	})
	ocpp.Handle(m, ocpp2.Authorize, func(_ context.Context, _ *ocpp.Conn, req ocpp2.AuthorizeRequest, _ *ocpp.Request) (ocpp2.AuthorizeResponse, error) {
		return ocpp2.AuthorizeResponse{IDTokenInfo: ocpp2.IDTokenInfo{Status: ocpp2.AuthorizationStatus(c.judge(req.IDToken.IDToken)), GroupIDToken: c.group2(req.IDToken.IDToken)}}, nil
	})
	ocpp.Handle(m, ocpp2.TransactionEvent, c.event)
	take(c, m, ocpp2.MeterValues)
	take(c, m, ocpp2.NotifyReport)
	take(c, m, ocpp2.NotifyEvent)
	take(c, m, ocpp2.ReportChargingProfiles)
	take(c, m, ocpp2.LogStatusNotification)
	take(c, m, ocpp2.FirmwareStatusNotification)
	take(c, m, ocpp2.SecurityEventNotification)
	take(c, m, ocpp2.NotifyChargingLimit)
	take(c, m, ocpp2.ClearedChargingLimit)
	ocpp.Handle(m, ocpp2.SignCertificate, func(_ context.Context, conn *ocpp.Conn, req ocpp2.SignCertificateRequest, _ *ocpp.Request) (ocpp2.SignCertificateResponse, error) {
		c.heard(conn, ocpp2.SignCertificate.Name, req)
		return ocpp2.SignCertificateResponse{Status: ocpp2.GenericStatusAccepted}, nil
	})
	return m
}

// take routes an action that is only noted.
func take[Req, Resp any](c *Cloud, m *ocpp.Mux, a ocpp.Action[Req, Resp]) {
	ocpp.Handle(m, a, func(_ context.Context, conn *ocpp.Conn, req Req, _ *ocpp.Request) (Resp, error) {
		c.heard(conn, a.Name, req)
		var resp Resp
		return resp, nil
	})
}

// event books a TransactionEvent. What comes again under the same sequence number is
// answered as the first, and not booked.
func (c *Cloud) event(_ context.Context, conn *ocpp.Conn, req ocpp2.TransactionEventRequest, _ *ocpp.Request) (ocpp2.TransactionEventResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := req.TransactionInfo.TransactionID
	key := chainKey{conn.Identity(), id}
	ch := c.chains[key]
	if ch == nil {
		ch = &heardChain{}
		c.chains[key] = ch
		if req.EventType != ocpp2.TransactionEventEnumStarted {
			c.fault("disordered", "%s of transaction %s, which never started", req.EventType, id)
		}
		ch.next = req.SeqNo
	}
	switch {
	case req.SeqNo < ch.next:
		c.repeats++
		return c.eventAnswer(&req), nil
	case ch.ended:
		c.fault("disordered", "%s of transaction %s after its end", req.EventType, id)
	case req.SeqNo > ch.next:
		c.fault("lost", "events %d to %d of transaction %s", ch.next, req.SeqNo-1, id)
	}
	ch.next = req.SeqNo + 1
	c.learn(ch, conn.Identity(), &req)
	if ch.tx != nil {
		ch.tx.Samples, ch.tx.LastSample = ch.count, ch.sample
	}
	if req.EventType == ocpp2.TransactionEventEnumEnded {
		ch.ended = true
		if ch.tx != nil {
			ch.tx.Stopped, ch.tx.MeterStop, ch.tx.StoppedAt = true, ch.last, req.Timestamp.Time
		}
	}
	return c.eventAnswer(&req), nil
}

func (c *Cloud) eventAnswer(req *ocpp2.TransactionEventRequest) ocpp2.TransactionEventResponse {
	if req.IDToken == nil {
		return ocpp2.TransactionEventResponse{}
	}
	return ocpp2.TransactionEventResponse{IDTokenInfo: &ocpp2.IDTokenInfo{Status: ocpp2.AuthorizationStatus(c.judge(req.IDToken.IDToken)), GroupIDToken: c.group2(req.IDToken.IDToken)}}
}

// learn adds what an event tells; with token, place and register a transaction begins.
func (c *Cloud) learn(ch *heardChain, station string, req *ocpp2.TransactionEventRequest) {
	before := *ch
	if req.EVSE != nil {
		if ch.evse != 0 && ch.evse != req.EVSE.ID {
			c.fault("unequal", "transaction %s on EVSE %d was on %d", req.TransactionInfo.TransactionID, req.EVSE.ID, ch.evse)
		}
		ch.evse = req.EVSE.ID
	}
	if req.IDToken != nil && ch.token == "" {
		ch.token = req.IDToken.IDToken
	}
	for i := range req.MeterValue {
		c.read(ch, req.TransactionInfo.TransactionID, &req.MeterValue[i])
	}
	if ch.evse != before.evse || ch.token != before.token || ch.reads != before.reads {
		ch.at = req.Timestamp.Time
	}
	if ch.tx == nil && ch.evse != 0 && ch.token != "" && ch.reads {
		ch.tx = &Transaction{Station: station, Connector: ch.evse, IDTag: ch.token, ID: 5001 + len(c.txs), ChargerTx: req.TransactionInfo.TransactionID,
			MeterStart: ch.first, StartedAt: ch.at}
		c.txs = append(c.txs, ch.tx)
	}
}

func (c *Cloud) read(ch *heardChain, id string, v *ocpp2.MeterValue) {
	if !v.Timestamp.Time.After(ch.sample) {
		c.fault("disordered", "a sample of transaction %s of %v after one of %v", id, v.Timestamp.Time, ch.sample)
	}
	ch.sample = v.Timestamp.Time
	ch.count++
	for _, s := range v.SampledValue {
		if s.Measurand != nil && *s.Measurand != ocpp2.MeasurandEnergyActiveImportRegister || s.Phase != nil {
			continue
		}
		milli, err := s.Value.Milli()
		if err != nil {
			c.fault("unequal", "a register of transaction %s that is no number: %s", id, s.Value)
			continue
		}
		wh := int(milli / 1000)
		if s.UnitOfMeasure != nil && s.UnitOfMeasure.Unit != nil && *s.UnitOfMeasure.Unit == "kWh" {
			wh = int(milli)
		}
		if !ch.reads {
			ch.first, ch.reads = wh, true
		}
		ch.last = wh
	}
}
