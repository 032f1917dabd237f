package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// chain is a transaction as the CSMS is told of it, event after event. It may begin
// before energy can flow (StartPoint).
type chain struct {
	id       string
	seq      int
	state    ocpp2.ChargingState
	remoteID *int
	// What has been told: the token, and the place with its register.
	token, place bool
	at           time.Time // when the last of both was
	register     int       // Wh, told with the place
}

// presented is a token that was accepted; where transactions begin with it one does.
func (d *v2) presented(o *outlet, token string) {
	d.waiting[o.Number] = token
	if d.c.cfg.StartPoint != StartAuthorize || d.chains[o.Number] != nil {
		return
	}
	state := ocpp2.ChargingStateIdle
	if o.car != nil {
		state = ocpp2.ChargingStateEVConnected
	}
	d.start(o, state, ocpp2.TriggerReasonAuthorized)
}

func (d *v2) plugged(o *outlet) {
	ch := d.chains[o.Number]
	switch {
	case ch != nil:
		ch.state = ocpp2.ChargingStateEVConnected
		d.update(o, ch, ocpp2.TriggerReasonCablePluggedIn, nil)
	case d.c.cfg.StartPoint == StartPlug:
		d.start(o, ocpp2.ChargingStateEVConnected, ocpp2.TriggerReasonCablePluggedIn)
	}
}

// begun tells what the CSMS does not know yet. The transaction's start is the moment
// at which token, place and register were known.
func (d *v2) begun(o *outlet, t *running) {
	d.waiting[o.Number] = t.IDTag
	why := ocpp2.TriggerReasonAuthorized
	if o.remoteID != nil {
		why = ocpp2.TriggerReasonRemoteStart
	}
	ch := d.chains[o.Number]
	switch {
	case ch == nil:
		ch = d.start(o, ocpp2.ChargingStateEVConnected, why)
	case !ch.token || !ch.place:
		ch.remoteID = o.remoteID
		d.update(o, ch, why, nil)
	}
	t.ChargerTx, t.StartedAt, t.MeterStart, t.sampled = ch.id, ch.at, ch.register, ch.at
}

// start opens a chain and tells the first event.
func (d *v2) start(o *outlet, state ocpp2.ChargingState, why ocpp2.TriggerReason) *chain {
	ch := &chain{id: d.newUUID(), state: state, remoteID: o.remoteID}
	d.chains[o.Number] = ch
	d.send(o, ch, d.event(o, ch, ocpp2.TransactionEventEnumStarted, why, d.c.now()), nil)
	return ch
}

func (d *v2) update(o *outlet, ch *chain, why ocpp2.TriggerReason, values []ocpp2.MeterValue) {
	req := d.event(o, ch, ocpp2.TransactionEventEnumUpdated, why, d.c.now())
	if values != nil {
		req.MeterValue = values
	}
	d.send(o, ch, req, nil)
}

// event makes the next event of a chain, with what has not been told before.
func (d *v2) event(o *outlet, ch *chain, part ocpp2.TransactionEventEnum, why ocpp2.TriggerReason, at time.Time) ocpp2.TransactionEventRequest {
	at = at.UTC().Truncate(time.Millisecond)
	req := ocpp2.TransactionEventRequest{EventType: part, Timestamp: ocpp.NewDateTime(at), TriggerReason: why, SeqNo: ch.seq,
		TransactionInfo: ocpp2.Transaction{TransactionID: ch.id, ChargingState: new(ch.state), RemoteStartID: ch.remoteID}}
	ch.seq++
	if o.used != nil && (part == ocpp2.TransactionEventEnumStarted || !ch.token) { // P2 H03: with the token that uses it
		req.ReservationID = o.used
	}
	if d.c.conn == nil || !d.c.booted {
		req.Offline = new(true)
	}
	if token := d.waiting[o.Number]; token != "" && !ch.token {
		req.IDToken = new(idToken(token))
		ch.token, ch.at = true, at
	}
	if o.car != nil && !ch.place {
		req.EVSE = &ocpp2.EVSE{ID: o.Number, ConnectorID: new(1)}
		req.MeterValue = d.meterValue(o, at, ocpp2.ReadingContextTransactionBegin, []string{energyRegister})
		ch.place, ch.at, ch.register = true, at, int(o.draw.register)
	} else if o.car != nil && part == ocpp2.TransactionEventEnumEnded {
		req.EVSE = &ocpp2.EVSE{ID: o.Number, ConnectorID: new(1)}
	}
	if d.c.has(QuirkMissingEVSE) {
		req.EVSE = nil
	}
	return req
}

func (d *v2) sample(o *outlet, t *running) {
	d.sendSample(o, t, ocpp2.TriggerReasonMeterValuePeriodic, ocpp2.ReadingContextSamplePeriodic)
}

func (d *v2) sendSample(o *outlet, t *running, why ocpp2.TriggerReason, context ocpp2.ReadingContext) {
	at := d.c.now().UTC().Truncate(time.Millisecond)
	ch := d.chains[o.Number]
	if ch == nil || !at.After(t.sampled) {
		return
	}
	if values := d.meterValue(o, at, context, d.sampled()); values != nil {
		t.sampled = at
		d.update(o, ch, why, values)
	}
}

func (d *v2) ended(o *outlet, t *running, why cause) {
	ch := d.chains[o.Number]
	if ch == nil {
		return
	}
	delete(d.chains, o.Number)
	delete(d.waiting, o.Number)
	trigger, reason := reason2(why)
	ch.state = ocpp2.ChargingStateEVConnected
	req := d.event(o, ch, ocpp2.TransactionEventEnumEnded, trigger, t.StoppedAt)
	req.TransactionInfo.StoppedReason = &reason
	if why == causeLocal {
		req.IDToken = new(idToken(t.IDTag))
	}
	at := t.StoppedAt.Truncate(time.Millisecond)
	if !at.After(t.sampled) {
		at = t.sampled.Add(time.Millisecond)
	}
	req.MeterValue = d.meterValue(o, at, ocpp2.ReadingContextTransactionEnd, []string{energyRegister})
	d.send(o, ch, req, t)
}

// left ends a transaction in which no energy could flow.
func (d *v2) left(o *outlet) {
	delete(d.waiting, o.Number)
	ch := d.chains[o.Number]
	if ch == nil {
		return
	}
	delete(d.chains, o.Number)
	ch.state = ocpp2.ChargingStateIdle
	req := d.event(o, ch, ocpp2.TransactionEventEnumEnded, ocpp2.TriggerReasonEVDeparted, d.c.now())
	req.TransactionInfo.StoppedReason = new(ocpp2.ReasonEVDisconnected)
	d.send(o, ch, req, nil)
}

// reason2 is how 2.x says why a transaction ended.
func reason2(why cause) (ocpp2.TriggerReason, ocpp2.Reason) {
	switch why {
	case causeRemote:
		return ocpp2.TriggerReasonRemoteStop, ocpp2.ReasonRemote
	case causeDeauthorized:
		return ocpp2.TriggerReasonDeauthorized, ocpp2.ReasonDeAuthorized
	case causePowerLoss:
		return ocpp2.TriggerReasonAbnormalCondition, ocpp2.ReasonPowerLoss
	case causeUnlock:
		return ocpp2.TriggerReasonUnlockCommand, ocpp2.ReasonOther
	case causeSoftReset:
		return ocpp2.TriggerReasonResetCommand, ocpp2.ReasonReboot
	case causeHardReset:
		return ocpp2.TriggerReasonResetCommand, ocpp2.ReasonImmediateReset
	case causeUnplugged:
		return ocpp2.TriggerReasonEVDeparted, ocpp2.ReasonEVDisconnected
	case causeOther:
		return ocpp2.TriggerReasonAbnormalCondition, ocpp2.ReasonOther
	}
	return ocpp2.TriggerReasonStopAuthorized, ocpp2.ReasonLocal
}

// send queues an event; it is kept until acknowledged, or until it was refused
// MessageAttempts times (P2 E13). ended is the transaction that it ends.
func (d *v2) send(o *outlet, ch *chain, req ocpp2.TransactionEventRequest, ended *running) {
	d.c.enqueue(&message{keep: true, transaction: ch.id, attempts: d.number("OCPPCommCtrlr", "MessageAttempts"), again: d.seconds("OCPPCommCtrlr", "MessageAttemptInterval"),
		send: func(ctx context.Context, conn *ocpp.Conn) error {
			resp, err := say(ctx, d.c, conn, ocpp2.TransactionEvent, req)
			if err == nil && d.c.duplicates() {
				resp, err = say(ctx, d.c, conn, ocpp2.TransactionEvent, req)
			}
			if err != nil {
				return err
			}
			d.c.mu.Lock()
			defer d.c.mu.Unlock()
			d.acknowledged(o, ch, &req, &resp, ended)
			return nil
		}})
}

func (d *v2) acknowledged(o *outlet, ch *chain, req *ocpp2.TransactionEventRequest, resp *ocpp2.TransactionEventResponse, ended *running) {
	for _, t := range d.c.ledger {
		if t.ChargerTx != ch.id {
			continue
		}
		t.StartAcked = true
		if n := len(req.MeterValue); n > 0 {
			t.Samples += n
			t.LastSample = req.MeterValue[n-1].Timestamp.Time
		}
	}
	if ended != nil {
		ended.StopAcked = true
		return
	}
	refused := resp.IDTokenInfo != nil && resp.IDTokenInfo.Status != ocpp2.AuthorizationStatusAccepted
	if refused && o.tx != nil && o.tx.ChargerTx == ch.id {
		d.c.stop(o, causeDeauthorized)
	}
}
