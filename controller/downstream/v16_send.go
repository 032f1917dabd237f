package downstream

import (
	"context"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// schedule begins in the past and has one period without number of phases: naming
// them would make some chargers switch.
func schedule(now time.Time, limit loadbalance.MilliAmp) ocpp16.ChargingSchedule {
	return ocpp16.ChargingSchedule{
		// Whole seconds: not every charger reads fractions.
		StartSchedule:          new(ocpp.NewDateTime(now.Add(-profileBack).Truncate(time.Second))),
		ChargingRateUnit:       ocpp16.ChargingRateUnitTypeA,
		ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{StartPeriod: 0, Limit: amps(limit)}},
	}
}

// operating is row O of ocpp-gateway 7.4: it dies with the transaction or with its
// lease, whichever is first, and uncovers the fall-back.
func operating(now time.Time, l controller.SetLimit) ocpp16.SetChargingProfileRequest {
	s := schedule(now, l.Limit)
	s.Duration = new(int((profileBack + l.Lease) / time.Second))
	return ocpp16.SetChargingProfileRequest{ConnectorID: l.Connector, CSChargingProfiles: ocpp16.ChargingProfile{
		ChargingProfileID:      operatingID(l.Connector),
		TransactionID:          new(int(l.Tx)),
		StackLevel:             1,
		ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxProfile,
		ChargingProfileKind:    ocpp16.ChargingProfileKindTypeAbsolute,
		ChargingSchedule:       s,
	}}
}

// fallback is row F: without end, below everything else.
func fallback(now time.Time, connector int, limit loadbalance.MilliAmp) ocpp16.SetChargingProfileRequest {
	return ocpp16.SetChargingProfileRequest{ConnectorID: connector, CSChargingProfiles: ocpp16.ChargingProfile{
		ChargingProfileID:      failsafeID(connector),
		StackLevel:             0,
		ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxDefaultProfile,
		ChargingProfileKind:    ocpp16.ChargingProfileKindTypeAbsolute,
		ChargingSchedule:       schedule(now, limit),
	}}
}

// setLimit writes row O.
func (d *v16) setLimit(ctx context.Context, l controller.SetLimit, opt func(*ocpp.Call)) error {
	return d.profile(ctx, operating(time.Now(), l), opt)
}

// setFailsafe writes row F for the whole charger, or for each connector if it refuses
// that.
func (d *v16) setFailsafe(ctx context.Context, f controller.InstallFailsafe) error {
	within := d.within(d.hub.cfg.LimitTimeout)
	err := d.profile(ctx, fallback(time.Now(), 0, f.Limit), within)
	if !isRefusal(err) {
		return err
	}
	for _, connector := range f.Connectors {
		if err = d.profile(ctx, fallback(time.Now(), connector, f.Limit), within); err != nil {
			return err
		}
	}
	return err
}

// profile sends one; the errors are a dialect's.
func (d *v16) profile(ctx context.Context, req ocpp16.SetChargingProfileRequest, opt func(*ocpp.Call)) error {
	resp, err := ocpp16.SetChargingProfile.Call(ctx, d.conn, req, opt)
	if err == nil && resp.Status != ocpp16.ChargingProfileStatusAccepted {
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
		return string(r.Status), r.Status == ocpp16.RemoteStartStopStatusAccepted, err
	case controller.CommandStop:
		r, err := ocpp16.RemoteStopTransaction.Call(ctx, d.conn, ocpp16.RemoteStopTransactionRequest{TransactionID: int(c.Tx)}, opt)
		return string(r.Status), r.Status == ocpp16.RemoteStartStopStatusAccepted, err
	case controller.CommandUnlock:
		r, err := ocpp16.UnlockConnector.Call(ctx, d.conn, ocpp16.UnlockConnectorRequest{ConnectorID: c.Connector}, opt)
		return string(r.Status), r.Status == ocpp16.UnlockStatusUnlocked, err
	case controller.CommandAvailability:
		kind := ocpp16.AvailabilityTypeInoperative
		if c.Operative {
			kind = ocpp16.AvailabilityTypeOperative
		}
		r, err := ocpp16.ChangeAvailability.Call(ctx, d.conn, ocpp16.ChangeAvailabilityRequest{ConnectorID: c.Connector, Type: kind}, opt)
		return string(r.Status), r.Status == ocpp16.AvailabilityStatusAccepted || r.Status == ocpp16.AvailabilityStatusScheduled, err
	case controller.CommandReset:
		kind := ocpp16.ResetTypeSoft
		if c.Hard {
			kind = ocpp16.ResetTypeHard
		}
		r, err := ocpp16.Reset.Call(ctx, d.conn, ocpp16.ResetRequest{Type: kind}, opt)
		return string(r.Status), r.Status == ocpp16.ResetStatusAccepted, err
	case controller.CommandTrigger:
		req := ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTrigger(c.Message)}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.TriggerMessage.Call(ctx, d.conn, req, opt)
		return string(r.Status), r.Status == ocpp16.TriggerMessageStatusAccepted, err
	}
	return "", false, fmt.Errorf("cannot carry out %q: no such command in OCPP 1.6", c.Kind)
}
