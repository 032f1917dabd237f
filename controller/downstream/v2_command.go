package downstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// outcome is a charger's answer to a command, in its own words.
type outcome struct {
	status string
	info   *ocpp2.StatusInfo
}

// command carries out a command. Of a refusal the charger's reason becomes the error.
func (d *v2) command(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (status string, taken bool, err error) {
	out, err := d.carryOut(ctx, c, opt)
	if err != nil {
		return "", false, err
	}
	status, taken = wordOf(out.status)
	if why := reasonText(out.info); why != "" && !taken {
		err = errors.New(why)
	}
	return status, taken, err
}

// wordOf is an answer's word in OCPP 1.6, and whether it is a yes.
func wordOf(status string) (word string, taken bool) {
	switch {
	case says(status, string(ocpp2.UnlockStatusOngoingAuthorizedTransaction)):
		return string(ocpp2.UnlockStatusUnlockFailed), false
	case says(status, string(ocpp2.UnlockStatusUnknownConnector)):
		return "NotSupported", false
	}
	for _, yes := range []string{accepted, string(ocpp2.ChangeAvailabilityStatusScheduled), string(ocpp2.UnlockStatusUnlocked)} {
		if says(status, yes) {
			return yes, true
		}
	}
	return status, false
}

func (d *v2) carryOut(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (outcome, error) {
	switch c.Kind {
	case controller.CommandStart:
		req := ocpp2.RequestStartTransactionRequest{RemoteStartID: d.nextNumber(), IDToken: idToken(c.Token)}
		if c.Connector > 0 {
			req.EVSEID = &c.Connector
		}
		r, err := ocpp2.RequestStartTransaction.Call(ctx, d.conn, req, opt)
		return outcome{string(r.Status), r.StatusInfo}, err
	case controller.CommandStop:
		r, err := ocpp2.RequestStopTransaction.Call(ctx, d.conn, ocpp2.RequestStopTransactionRequest{TransactionID: c.ChargerTx}, opt)
		return outcome{string(r.Status), r.StatusInfo}, err
	case controller.CommandUnlock:
		r, err := ocpp2.UnlockConnector.Call(ctx, d.conn, ocpp2.UnlockConnectorRequest{EVSEID: c.Connector, ConnectorID: firstPlug}, opt)
		return outcome{string(r.Status), r.StatusInfo}, err
	case controller.CommandAvailability:
		req := ocpp2.ChangeAvailabilityRequest{OperationalStatus: ocpp2.OperationalStatusInoperative, EVSE: evseOf(c.Connector, false)}
		if c.Operative {
			req.OperationalStatus = ocpp2.OperationalStatusOperative
		}
		r, err := ocpp2.ChangeAvailability.Call(ctx, d.conn, req, opt)
		return outcome{string(r.Status), r.StatusInfo}, err
	case controller.CommandReset:
		return d.reset(ctx, c, opt)
	case controller.CommandTrigger:
		message := triggerOf(c.Message)
		d.asksFor(string(message))
		r, err := ocpp2.TriggerMessage.Call(ctx, d.conn, ocpp2.TriggerMessageRequest{
			RequestedMessage: message, EVSE: evseOf(c.Connector, message == ocpp2.MessageTriggerStatusNotification)}, opt)
		return outcome{string(r.Status), r.StatusInfo}, err
	}
	return outcome{}, fmt.Errorf("cannot carry out %q: no such command in OCPP 2.x", c.Kind)
}

// reset restarts the charger at once (ocpp-gateway 5.7): a soft reset of 1.6 ends the
// transactions in order and does not wait for their drivers, as OnIdle would. Some say
// Scheduled to it, which 1.6 has no word for.
func (d *v2) reset(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (outcome, error) {
	d.softReset.Store(!c.Hard) // before the answer: ends may overtake it
	r, err := ocpp2.Reset.Call(ctx, d.conn, ocpp2.ResetRequest{Type: ocpp2.ResetEnumImmediate}, opt)
	if says(r.Status, ocpp2.ResetStatusScheduled) {
		r.Status = ocpp2.ResetStatusAccepted
	}
	if err != nil || !says(r.Status, ocpp2.ResetStatusAccepted) {
		d.softReset.Store(false)
	}
	return outcome{string(r.Status), r.StatusInfo}, err
}

// firstPlug is the connector of an EVSE that is meant where one must be named.
const firstPlug = 1

// evseOf is a connector of the controller; nil is the charger. Some messages need one
// of its plugs named (F06.FR.13).
func evseOf(connector int, plug bool) *ocpp2.EVSE {
	if connector <= 0 {
		return nil
	}
	evse := &ocpp2.EVSE{ID: connector}
	if plug {
		evse.ConnectorID = new(firstPlug)
	}
	return evse
}

// triggerOf is the name of a message that is asked for, where 1.6 calls it otherwise.
func triggerOf(name string) ocpp2.MessageTrigger {
	switch {
	case strings.EqualFold(name, "DiagnosticsStatusNotification"):
		return ocpp2.MessageTriggerLogStatusNotification
	case strings.EqualFold(name, "SignChargePointCertificate"):
		return ocpp2.MessageTriggerSignChargingStationCertificate
	}
	return ocpp2.MessageTrigger(name)
}

func (d *v2) askBoot(ctx context.Context) { d.asks(ctx, ocpp2.MessageTriggerBootNotification, nil) }

// askStatus asks for each connector: 2.x has no way to ask for all of them (F06.FR.12).
func (d *v2) askStatus(ctx context.Context) {
	if d.lastFloor == nil {
		d.asks(ctx, ocpp2.MessageTriggerStatusNotification, nil)
		return
	}
	var steps []step
	for _, evse := range d.lastFloor.Connectors {
		known := d.hub.memory.plugsOf(place{d.id, evse})
		steps = append(steps, func(ctx context.Context) { d.askPlug(ctx, evse, firstPlug, known) })
	}
	d.plan(steps...)
}

// mostPlugs is how many connectors are looked for at an EVSE that told of none.
const mostPlugs = 4

// askPlug asks for the status of a connector, and then for the next one: up to the known
// ones, or until there is none any more.
func (d *v2) askPlug(ctx context.Context, evse, plug, known int) {
	there := d.asks(ctx, ocpp2.MessageTriggerStatusNotification, &ocpp2.EVSE{ID: evse, ConnectorID: &plug})
	if plug < known || known == 0 && there && plug < mostPlugs {
		d.plan(func(ctx context.Context) { d.askPlug(ctx, evse, plug+1, known) })
	}
}

// asks asks for a message; false if it won't come.
func (d *v2) asks(ctx context.Context, message ocpp2.MessageTrigger, evse *ocpp2.EVSE) bool {
	resp, err := ocpp2.TriggerMessage.Call(ctx, d.conn, ocpp2.TriggerMessageRequest{RequestedMessage: message, EVSE: evse}, d.within(d.hub.cfg.CallTimeout))
	if err == nil && says(resp.Status, ocpp2.TriggerMessageStatusAccepted) {
		return true
	}
	place := ""
	if evse != nil {
		place = placeName(*evse)
	}
	d.hub.log.Info("charger does not send on request", "station", d.id, "message", message, "evse", place,
		"status", resp.Status, "reason", reasonText(resp.StatusInfo), "err", err)
	return false
}
