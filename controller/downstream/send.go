package downstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// profileBack is how far in the past schedules begin, so that a charger whose clock
// is a little behind does not wait with them.
const profileBack = 60 * time.Second

// Profile ids come from the small fixed set 1..2n: chargers exist that refuse an id
// above the number of profiles they hold.
func failsafeID(connector int) int  { return max(1, 2*connector-1) }
func operatingID(connector int) int { return max(2, 2*connector) }

// amps is a limit in amperes with the one decimal that 1.6 allows, rounded down.
func amps(limit loadbalance.MilliAmp) ocpp.Decimal {
	return ocpp.DecimalFromMilli(int64(max(0, limit)) / 100 * 100)
}

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

// sendLimit writes a setpoint and reports what became of it.
func (s *session) sendLimit(ctx context.Context, l controller.SetLimit) {
	resp, err := ocpp16.SetChargingProfile.Call(ctx, s.conn, operating(time.Now(), l), s.within(s.hub.cfg.LimitTimeout), func(c *ocpp.Call) {
		c.Urgent = l.Urgent || l.Reduction
		c.Sent = func(at time.Time) {
			if s.hub.cfg.OnLimitSent != nil {
				s.hub.cfg.OnLimitSent(l.Seq, at)
			}
		}
	})
	out := controller.LimitAnswered{Station: s.id, Slot: l.Slot, Seq: l.Seq}
	refusal, refused := errors.AsType[*ocpp.Error](err)
	switch {
	case err == nil:
		out.Sent, out.Accepted = true, resp.Status == ocpp16.ChargingProfileStatusAccepted
		if !out.Accepted {
			out.Err = fmt.Sprintf("answered %q", resp.Status)
		}
	case errors.Is(err, ocpp.ErrNotSent):
		out.Err = err.Error()
	case refused:
		out.Sent, out.Err = true, "answered "+refusal.Error()
	default:
		out.Sent, out.Unknown, out.Err = true, true, err.Error()
	}
	s.hub.reports.add(out)
}

// sendFailsafe writes the fall-back for the whole charger, or for each connector if
// it refuses that.
func (s *session) sendFailsafe(ctx context.Context, f controller.InstallFailsafe) {
	err := s.writeFailsafe(ctx, 0, f.Limit)
	if s.refusedOnly(err) {
		err = nil
		for _, connector := range f.Connectors {
			if err = s.writeFailsafe(ctx, connector, f.Limit); err != nil {
				break
			}
		}
	}
	out := controller.FailsafeAnswered{Station: s.id, Accepted: err == nil}
	if err != nil {
		out.Err = err.Error()
	}
	if errors.Is(err, ocpp.ErrClosed) {
		return // the Site offers it again when the charger is back
	}
	s.hub.reports.add(out)
}

// statusError is an answer that is a refusal.
type statusError struct{ status string }

func (e *statusError) Error() string { return fmt.Sprintf("the charger answered %q", e.status) }

// refusedOnly tells that the charger answered, and said no.
func (s *session) refusedOnly(err error) bool {
	if _, ok := errors.AsType[*statusError](err); ok {
		return true
	}
	_, ok := errors.AsType[*ocpp.Error](err)
	return ok
}

func (s *session) writeFailsafe(ctx context.Context, connector int, limit loadbalance.MilliAmp) error {
	resp, err := ocpp16.SetChargingProfile.Call(ctx, s.conn, fallback(time.Now(), connector, limit), s.within(s.hub.cfg.LimitTimeout))
	if err != nil {
		return err
	}
	if resp.Status != ocpp16.ChargingProfileStatusAccepted {
		return &statusError{string(resp.Status)}
	}
	return nil
}

// sendCommand carries out a command within its time.
func (s *session) sendCommand(ctx context.Context, o order) {
	out := controller.CommandAnswered{Op: o.Op}
	left := time.Until(o.deadline)
	if left <= 0 {
		out.Err = "its time was over before it could be sent"
		s.hub.reports.add(out)
		return
	}
	ctx, cancel := context.WithDeadline(ctx, o.deadline)
	defer cancel()
	status, accepted, err := s.call(ctx, o.Command, s.within(left))
	out.Status, out.Accepted = status, accepted && err == nil
	if err != nil {
		out.Err = err.Error()
	}
	s.hub.reports.add(out)
}

func (s *session) call(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (status string, accepted bool, err error) {
	switch c.Kind {
	case controller.CommandStart:
		req := ocpp16.RemoteStartTransactionRequest{IDTag: c.Token.Value}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.RemoteStartTransaction.Call(ctx, s.conn, req, opt)
		return string(r.Status), r.Status == ocpp16.RemoteStartStopStatusAccepted, err
	case controller.CommandStop:
		r, err := ocpp16.RemoteStopTransaction.Call(ctx, s.conn, ocpp16.RemoteStopTransactionRequest{TransactionID: int(c.Tx)}, opt)
		return string(r.Status), r.Status == ocpp16.RemoteStartStopStatusAccepted, err
	case controller.CommandUnlock:
		r, err := ocpp16.UnlockConnector.Call(ctx, s.conn, ocpp16.UnlockConnectorRequest{ConnectorID: c.Connector}, opt)
		return string(r.Status), r.Status == ocpp16.UnlockStatusUnlocked, err
	case controller.CommandAvailability:
		kind := ocpp16.AvailabilityTypeInoperative
		if c.Operative {
			kind = ocpp16.AvailabilityTypeOperative
		}
		r, err := ocpp16.ChangeAvailability.Call(ctx, s.conn, ocpp16.ChangeAvailabilityRequest{ConnectorID: c.Connector, Type: kind}, opt)
		return string(r.Status), r.Status == ocpp16.AvailabilityStatusAccepted || r.Status == ocpp16.AvailabilityStatusScheduled, err
	case controller.CommandReset:
		kind := ocpp16.ResetTypeSoft
		if c.Hard {
			kind = ocpp16.ResetTypeHard
		}
		r, err := ocpp16.Reset.Call(ctx, s.conn, ocpp16.ResetRequest{Type: kind}, opt)
		return string(r.Status), r.Status == ocpp16.ResetStatusAccepted, err
	case controller.CommandTrigger:
		req := ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTrigger(c.Message)}
		if c.Connector > 0 {
			req.ConnectorID = &c.Connector
		}
		r, err := ocpp16.TriggerMessage.Call(ctx, s.conn, req, opt)
		return string(r.Status), r.Status == ocpp16.TriggerMessageStatusAccepted, err
	}
	return "", false, fmt.Errorf("cannot carry out %q: no such command in OCPP 1.6", c.Kind)
}
