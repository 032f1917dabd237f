package downstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// setLimit writes row O. A charger that refuses is tried with other forms, but only
// the second time: right after a Start some don't know their own transaction yet, and
// one that was accepted before refuses for another reason.
func (d *v16) setLimit(ctx context.Context, l controller.SetLimit, opt func(*ocpp.Call)) error {
	f := d.form()
	if d.clock.off() != 0 && f.kind == controller.KindAbsolute && !d.triedRelative {
		d.triedRelative = true
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { // the first choice again when the clock is right
			if len(a.Kinds) == 0 {
				a.Kinds = []controller.ProfileKind{controller.KindAbsolute}
			}
		})
		f.kind = controller.KindRelative
		if err := d.lead(ctx, f, l, opt); !isRefusal(err) {
			d.tellClock()
			return err
		}
		f.kind = controller.KindAbsolute
	}
	err := d.lead(ctx, f, l, opt)
	if !isRefusal(err) {
		d.refusals = 0
		return err
	}
	if d.refusals++; d.refusals%formsAgain != 2 {
		return err
	}
	for _, o := range f.others(true) {
		again := d.lead(ctx, o, l, opt)
		if isRefusal(again) {
			continue
		}
		if again == nil {
			d.refusals = 0
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { o.instead(a, f) })
			d.refloor(ctx, o, l.Connector)
		}
		return again
	}
	return err
}

// formsAgain: other forms are tried at the second refusal in a row, and after so many
// more again.
const formsAgain = 20

// lead writes a setpoint in one form.
func (d *v16) lead(ctx context.Context, f form, l controller.SetLimit, opt func(*ocpp.Call)) error {
	err := d.write(ctx, f, f.setpoint(time.Now(), l, d.outletAt(l.Connector)), opt)
	if f.mode != controller.DeadManTx && !isRefusal(err) {
		d.hub.memory.leads(place{d.id, l.Connector}, l.Tx)
	}
	return err
}

// refloor writes the fall-back of the other connectors, where a setpoint has taken the
// place of the one for all.
func (d *v16) refloor(ctx context.Context, f form, connector int) {
	if f.mode != controller.DeadManNone || d.lastFloor == nil {
		return
	}
	rest := *d.lastFloor
	if rest.Connectors = without(rest.Connectors, connector); len(rest.Connectors) > 0 {
		if err := d.floor(ctx, f, rest); err != nil {
			d.hub.log.Warn("charger lost its fall-back", "station", d.id, "err", err)
		}
	}
}

// settle ends what a transaction's setpoint leaves behind in the modes where it does
// not end with it: the next car must begin at the fall-back.
func (d *v16) settle(tx controller.TxID) {
	connector := d.hub.memory.unled(d.id, tx)
	if connector == 0 {
		return
	}
	d.plan(func(ctx context.Context) {
		f := d.form()
		if f.mode != controller.DeadManNone {
			d.clear(ctx, f, connector)
		} else if d.lastFloor != nil {
			one := *d.lastFloor
			one.Connectors = []int{connector}
			if err := d.floor(ctx, f, one); err != nil {
				d.hub.log.Warn("charger keeps the setpoint of an ended transaction", "station", d.id, "connector", connector, "err", err)
			}
		}
	})
	d.stir()
}

// clear removes a setpoint by its id, or by its place where the charger can't do that
// (pitfall 28). A stack level of 0 is not named: some take it for none.
func (d *v16) clear(ctx context.Context, f form, connector int) {
	within := d.within(d.hub.cfg.CallTimeout)
	resp, err := ocpp16.ClearChargingProfile.Call(ctx, d.conn, ocpp16.ClearChargingProfileRequest{ID: new(operatingID(connector))}, within)
	if err == nil && says(resp.Status, ocpp16.ClearChargingProfileStatusAccepted) {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.ClearByID = controller.Yes })
		return
	}
	req := ocpp16.ClearChargingProfileRequest{ConnectorID: &connector, ChargingProfilePurpose: new(ocpp16.ChargingProfilePurposeType(f.floor))}
	if f.floor == controller.PurposeStationMax {
		req.ConnectorID = new(0)
	}
	if f.stack == 0 {
		return // it would clear the fall-back too; the lease ends by itself
	}
	req.StackLevel = &f.stack
	resp, err = ocpp16.ClearChargingProfile.Call(ctx, d.conn, req, within)
	if err == nil && says(resp.Status, ocpp16.ClearChargingProfileStatusAccepted) {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.ClearByID = controller.No })
		return
	}
	d.hub.log.Info("charger does not clear a setpoint; it ends with its lease", "station", d.id, "connector", connector, "status", resp.Status, "err", err)
}

// setFailsafe writes row F for the whole charger, or for each connector if it refuses
// that, and in other forms if it refuses that too.
func (d *v16) setFailsafe(ctx context.Context, e controller.InstallFailsafe) error {
	d.lastFloor = &e
	f := d.form()
	err := d.floor(ctx, f, e)
	if !isRefusal(err) {
		return err
	}
	for _, o := range f.others(false) {
		if o.floor == controller.PurposeStationMax && len(e.Connectors) != 1 {
			continue // one limit for all of them would be none for each
		}
		again := d.floor(ctx, o, e)
		if isRefusal(again) {
			continue
		}
		if again == nil {
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { o.instead(a, f) })
		}
		return again
	}
	return err
}

// floor writes row F in one form.
func (d *v16) floor(ctx context.Context, f form, e controller.InstallFailsafe) error {
	within := d.within(d.hub.cfg.LimitTimeout)
	station := d.hub.memory.abilities(d.id).StationWide
	if station != controller.No && f.mode != controller.DeadManNone {
		err := d.write(ctx, f, f.fallback(time.Now(), 0, e.Limit, d.narrowest(e.Connectors)), within)
		if err == nil && station != controller.Yes {
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.StationWide = controller.Yes })
		}
		if !isRefusal(err) || f.floor == controller.PurposeStationMax || len(e.Connectors) == 0 {
			return err
		}
	}
	for _, connector := range e.Connectors {
		if err := d.write(ctx, f, f.fallback(time.Now(), connector, e.Limit, d.narrowest([]int{connector})), within); err != nil {
			return err
		}
	}
	if f.mode != controller.DeadManNone {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.StationWide = controller.No })
	}
	return nil
}

// write sends one profile, counts it, and learns from its acceptance. The errors are
// a dialect's.
func (d *v16) write(ctx context.Context, f form, req ocpp16.SetChargingProfileRequest, opt func(*ocpp.Call)) error {
	resp, err := ocpp16.SetChargingProfile.Call(ctx, d.conn, req, opt)
	if !errors.Is(err, ocpp.ErrNotSent) {
		d.hub.memory.wrote(d.id, time.Now())
	}
	if err == nil && !says(resp.Status, ocpp16.ChargingProfileStatusAccepted) {
		return &statusError{string(resp.Status)}
	}
	if err == nil {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) {
			f.learnt(a, controller.ProfilePurpose(req.CSChargingProfiles.ChargingProfilePurpose))
		})
	}
	return err
}

func (d *v16) command(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (status string, accepted bool, err error) {
	switch c.Kind {
	case controller.CommandStart:
		req := ocpp16.RemoteStartTransactionRequest{IDTag: c.Token.Value}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.RemoteStartTransaction.Call(ctx, d.conn, req, opt)
		return string(r.Status), says(r.Status, ocpp16.RemoteStartStopStatusAccepted), err
	case controller.CommandStop:
		r, err := ocpp16.RemoteStopTransaction.Call(ctx, d.conn, ocpp16.RemoteStopTransactionRequest{TransactionID: int(c.Tx)}, opt)
		return string(r.Status), says(r.Status, ocpp16.RemoteStartStopStatusAccepted), err
	case controller.CommandUnlock:
		r, err := ocpp16.UnlockConnector.Call(ctx, d.conn, ocpp16.UnlockConnectorRequest{ConnectorID: c.Connector}, opt)
		return string(r.Status), says(r.Status, ocpp16.UnlockStatusUnlocked), err
	case controller.CommandAvailability:
		kind := ocpp16.AvailabilityTypeInoperative
		if c.Operative {
			kind = ocpp16.AvailabilityTypeOperative
		}
		r, err := ocpp16.ChangeAvailability.Call(ctx, d.conn, ocpp16.ChangeAvailabilityRequest{ConnectorID: c.Connector, Type: kind}, opt)
		return string(r.Status), says(r.Status, ocpp16.AvailabilityStatusAccepted) || says(r.Status, ocpp16.AvailabilityStatusScheduled), err
	case controller.CommandReset:
		kind := ocpp16.ResetTypeSoft
		if c.Hard {
			kind = ocpp16.ResetTypeHard
		}
		r, err := ocpp16.Reset.Call(ctx, d.conn, ocpp16.ResetRequest{Type: kind}, opt)
		return string(r.Status), says(r.Status, ocpp16.ResetStatusAccepted), err
	case controller.CommandTrigger:
		req := ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTrigger(c.Message)}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.TriggerMessage.Call(ctx, d.conn, req, opt)
		return string(r.Status), says(r.Status, ocpp16.TriggerMessageStatusAccepted), err
	}
	return "", false, fmt.Errorf("cannot carry out %q: no such command in OCPP 1.6", c.Kind)
}
