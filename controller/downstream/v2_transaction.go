package downstream

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// running is what the box remembers of a charger's transaction while it is connected.
type running struct {
	evse int             // 0: not told yet
	tx   controller.TxID // of the setpoints that it was given, 0: none
}

// maxRunning bounds them: a charger that never ends its transactions is forgotten.
const maxRunning = 64

// transaction takes TransactionEvent. It is answered normally whatever is missing in
// it, because a charger keeps what is refused and sends it for ever.
func (d *v2) transaction(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.TransactionEventRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	ev, newest := d.reported(r, req)
	if ev.ChargerTx == "" {
		d.logProblems(r, []string{"no transactionId; nothing can be billed by it, dropped"})
		return transactionAnswer(req.IDToken, nil)
	}
	if !deref(req.Offline) {
		d.heardTime(newest, r.Received)
	}
	body, err := ask[controller.AnswerBody](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	if err != nil {
		return nil, err
	}
	if ev.Part == controller.TxEnds {
		r.After(func() { d.ended(ev.ChargerTx) })
	}
	switch answer := body.(type) {
	case controller.StartAnswer:
		return transactionAnswer(req.IDToken, &answer.Info)
	case controller.TxAnswer:
		return transactionAnswer(req.IDToken, answer.Info)
	}
	return nil, ocpp.Errorf(ocpp.CodeInternalError, "the box can't take it now, try again")
}

// reported makes the event. newest is the newest time that it tells.
func (d *v2) reported(r *ocpp.Request, req ocpp2.TransactionEventRequest) (ev controller.TxReported, newest time.Time) {
	info := req.TransactionInfo
	ev = controller.TxReported{
		Station: d.id, MessageID: r.ID, Part: partOf(req), ChargerTx: strings.TrimSpace(info.TransactionID), SeqNo: req.SeqNo,
		At: d.when(req.Timestamp, r.Received), AtText: req.Timestamp.Text, Charging: chargingOf(info.ChargingState), ReservationID: req.ReservationID,
	}
	if ev.At.IsZero() {
		ev.At = r.Received
	}
	if ev.Part == controller.TxEnds {
		ev.Reason = reasonOf(info.StoppedReason)
		if ev.Reason == hardReset && d.softReset.Load() {
			ev.Reason = "SoftReset"
		}
	}
	if req.IDToken != nil {
		if token, ok := tokenOf(*req.IDToken); ok {
			ev.Token = &token
		}
	}
	if req.EVSE != nil {
		ev.Connector = max(0, req.EVSE.ID)
	}
	evse := d.placeOf(ev)
	if ev.Part == controller.TxBegins && evse > 0 {
		d.unseen(evse)
	}
	newest = inZone(req.Timestamp, d.charger.Zone)
	var problems []string
	ev.Samples, problems = d.samples(r, evse, new(time.Time))
	d.logProblems(r, problems)
	return ev, newest
}

// placeOf remembers the EVSE of a transaction, which later events need not name.
func (d *v2) placeOf(ev controller.TxReported) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.runningTx(ev.ChargerTx)
	if ev.Connector > 0 {
		t.evse = ev.Connector
	}
	return t.evse
}

// runningTx finds or makes what is remembered of a transaction. It is called with mu
// held.
func (d *v2) runningTx(chargerTx string) *running {
	t := d.running[chargerTx]
	if t == nil {
		if len(d.running) >= maxRunning {
			clear(d.running)
		}
		t = &running{}
		d.running[chargerTx] = t
	}
	return t
}

// ended ends what a transaction's setpoint leaves behind.
func (d *v2) ended(chargerTx string) {
	d.mu.Lock()
	t := d.running[chargerTx]
	delete(d.running, chargerTx)
	maps.DeleteFunc(d.held, func(_ int, g given) bool { return g.ChargerTx == chargerTx })
	d.mu.Unlock()
	if t != nil && t.tx != 0 {
		d.settle(t.tx)
	}
}

// transactionAnswer tells of the token's rights whenever it was presented, and
// otherwise only if they are gone.
func transactionAnswer(presented *ocpp2.IDToken, info *controller.TokenInfo) (json.RawMessage, error) {
	var resp ocpp2.TransactionEventResponse
	switch {
	case info != nil && (presented != nil || info.Status != controller.TokenAccepted):
		resp.IDTokenInfo = new(tokenInfo(*info))
	case presented != nil:
		resp.IDTokenInfo = &ocpp2.IDTokenInfo{Status: ocpp2.AuthorizationStatusInvalid}
	}
	return json.Marshal(resp)
}

// partOf reads the eventType in any case; without one a reason to stop tells the end.
func partOf(req ocpp2.TransactionEventRequest) controller.TxPart {
	for _, part := range []controller.TxPart{controller.TxBegins, controller.TxGoesOn, controller.TxEnds} {
		if strings.EqualFold(string(part), strings.TrimSpace(string(req.EventType))) {
			return part
		}
	}
	if req.TransactionInfo.StoppedReason != nil {
		return controller.TxEnds
	}
	return controller.TxGoesOn
}

func chargingOf(s *ocpp2.ChargingState) controller.ChargingState {
	for _, known := range []controller.ChargingState{controller.ChargingCharging, controller.ChargingEVConnected,
		controller.ChargingSuspendedEV, controller.ChargingSuspendedEVSE, controller.ChargingIdle} {
		if says(string(deref(s)), string(known)) {
			return known
		}
	}
	return ""
}

// hardReset is the reason of what a reset ended; 2.x does not tell hard and soft ones
// apart.
const hardReset = "HardReset"

// reasonOf is a stoppedReason in words of 1.6 (ocpp-gateway 5.6).
func reasonOf(reason *ocpp2.Reason) string {
	switch word := deref(reason); word {
	case "", ocpp2.ReasonLocal, ocpp2.ReasonMasterPass, ocpp2.ReasonLocalOutOfCredit:
		return "Local"
	case ocpp2.ReasonRemote, ocpp2.ReasonDeAuthorized, ocpp2.ReasonEVDisconnected, ocpp2.ReasonEmergencyStop,
		ocpp2.ReasonPowerLoss, ocpp2.ReasonReboot:
		return string(word)
	case ocpp2.ReasonImmediateReset:
		return hardReset
	}
	return "Other"
}
