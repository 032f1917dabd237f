package downstream

import (
	"context"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// writeProfile implements profileWriter.
func (d *v16) writeProfile(ctx context.Context, p profile, opt func(*ocpp.Call)) error {
	resp, err := ocpp16.SetChargingProfile.Call(ctx, d.conn, profile16(p), opt)
	if err == nil && !says(resp.Status, ocpp16.ChargingProfileStatusAccepted) {
		return &statusError{string(resp.Status)}
	}
	return err
}

func profile16(p profile) ocpp16.SetChargingProfileRequest {
	period := ocpp16.ChargingSchedulePeriod{StartPeriod: 0, Limit: p.limit}
	if p.phases > 0 {
		period.NumberPhases = &p.phases
	}
	s := ocpp16.ChargingSchedule{ChargingRateUnit: ocpp16.ChargingRateUnitType(p.unit), ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{period}}
	if !p.start.IsZero() {
		s.StartSchedule = new(ocpp.NewDateTime(p.start))
	}
	if p.duration > 0 {
		s.Duration = new(int(p.duration / time.Second))
	}
	out := ocpp16.ChargingProfile{
		ChargingProfileID: p.id, StackLevel: p.stack, ChargingProfilePurpose: ocpp16.ChargingProfilePurposeType(p.purpose),
		ChargingProfileKind: ocpp16.ChargingProfileKindType(p.kind), ChargingSchedule: s,
	}
	if p.tx != 0 {
		out.TransactionID = new(int(p.tx))
	}
	return ocpp16.SetChargingProfileRequest{ConnectorID: p.connector, CSChargingProfiles: out}
}

// clearID implements profileWriter.
func (d *v16) clearID(ctx context.Context, id int, opt func(*ocpp.Call)) error {
	return d.clearBy(ctx, ocpp16.ClearChargingProfileRequest{ID: &id}, opt)
}

// clearPlace implements profileWriter.
func (d *v16) clearPlace(ctx context.Context, connector int, purpose controller.ProfilePurpose, stack int, opt func(*ocpp.Call)) error {
	return d.clearBy(ctx, ocpp16.ClearChargingProfileRequest{
		ConnectorID: &connector, ChargingProfilePurpose: new(ocpp16.ChargingProfilePurposeType(purpose)), StackLevel: &stack,
	}, opt)
}

func (d *v16) clearBy(ctx context.Context, req ocpp16.ClearChargingProfileRequest, opt func(*ocpp.Call)) error {
	resp, err := ocpp16.ClearChargingProfile.Call(ctx, d.conn, req, opt)
	if err == nil && !says(resp.Status, ocpp16.ClearChargingProfileStatusAccepted) {
		return &statusError{string(resp.Status)}
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
		d.asksFor(c.Message)
		if extended := ocpp16.ExtendedMessageTrigger(c.Message); extended.Known() && !ocpp16.MessageTrigger(c.Message).Known() {
			return d.extendedTrigger(ctx, extended, c.Connector, opt)
		}
		req := ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTrigger(c.Message)}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.TriggerMessage.Call(ctx, d.conn, req, opt)
		return string(r.Status), says(r.Status, ocpp16.TriggerMessageStatusAccepted), err
	}
	return "", false, fmt.Errorf("cannot carry out %q: no such command in OCPP 1.6", c.Kind)
}

// extendedTrigger asks for what only the security extension has.
func (d *v16) extendedTrigger(ctx context.Context, message ocpp16.ExtendedMessageTrigger, connector int, opt func(*ocpp.Call)) (status string, accepted bool, err error) {
	req := ocpp16.ExtendedTriggerMessageRequest{RequestedMessage: message}
	if connector > 0 {
		req.ConnectorID = &connector
	}
	r, err := ocpp16.ExtendedTriggerMessage.Call(ctx, d.conn, req, opt)
	return string(r.Status), says(r.Status, ocpp16.TriggerMessageStatusAccepted), err
}
