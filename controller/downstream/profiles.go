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

// Ids of the box's own profiles are small and fixed per connector, because some
// chargers take only ids up to the number of profiles they hold.
func failsafeID(connector int) int { return 2*connector + 1 }
func leaseID(connector int) int    { return 2*connector + 2 }

// startedAgo is how far in the past schedules start, so that a charger whose clock is
// a little behind does not wait for them.
const startedAgo = time.Minute

// sendLimit gives a connector its leased setpoint (ocpp-gateway 7.4, layer O).
func (s *session) sendLimit(ctx context.Context, e controller.SetLimit) controller.LimitAnswered {
	out := controller.LimitAnswered{Station: s.id, Slot: e.Slot, Seq: e.Seq}
	now := time.Now()
	p := ocpp16.ChargingProfile{
		ChargingProfileID: leaseID(e.Connector), TransactionID: new(int(e.Tx)), StackLevel: 1,
		ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxProfile, ChargingProfileKind: ocpp16.ChargingProfileKindTypeAbsolute,
		ChargingSchedule: schedule(now.Add(-startedAgo), e.Limit),
	}
	p.ChargingSchedule.Duration = new(int((startedAgo + e.Lease) / time.Second))
	resp, err := ocpp16.SetChargingProfile.Call(ctx, s.conn, ocpp16.SetChargingProfileRequest{ConnectorID: e.Connector, CSChargingProfiles: p}, func(c *ocpp.Call) {
		c.Urgent = e.Urgent || e.Reduction
		c.Sent = func(at time.Time) {
			if s.hub.cfg.OnLimitSent != nil {
				s.hub.cfg.OnLimitSent(e.Seq, at)
			}
		}
	})
	switch {
	case err != nil:
		out.Sent, out.Unknown = fate(err)
		out.Err = err.Error()
	case resp.Status == ocpp16.ChargingProfileStatusAccepted:
		out.Sent, out.Accepted = true, true
	default:
		out.Sent, out.Err = true, "answered "+string(resp.Status)
	}
	return out
}

// schedule is one period without end, in amperes per phase, rounded down to the tenth
// that 1.6 knows.
func schedule(start time.Time, limit loadbalance.MilliAmp) ocpp16.ChargingSchedule {
	return ocpp16.ChargingSchedule{
		StartSchedule: new(ocpp.NewDateTime(start)), ChargingRateUnit: ocpp16.ChargingRateUnitTypeA,
		ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{StartPeriod: 0, Limit: ocpp.DecimalFromMilli(int64(limit / 100 * 100))}},
	}
}

// installFailsafe writes the permanent fall-back, for the whole charger, else for each
// connector (layer F).
func (s *session) installFailsafe(ctx context.Context, e controller.InstallFailsafe) {
	err := s.defaultProfile(ctx, 0, e.Limit)
	if _, refused := errors.AsType[*refusal](err); refused {
		for _, n := range e.Connectors {
			if err = s.defaultProfile(ctx, n, e.Limit); err != nil {
				break
			}
		}
	}
	out := controller.FailsafeAnswered{Station: s.id, Accepted: err == nil}
	if err != nil {
		out.Err = err.Error()
	}
	s.hub.tell(out)
}

// refusal is an answer that is not Accepted.
type refusal struct{ status string }

func (r *refusal) Error() string { return "answered " + r.status }

func (s *session) defaultProfile(ctx context.Context, connector int, limit loadbalance.MilliAmp) error {
	p := ocpp16.ChargingProfile{
		ChargingProfileID: failsafeID(connector), StackLevel: 0,
		ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, ChargingProfileKind: ocpp16.ChargingProfileKindTypeAbsolute,
		ChargingSchedule: schedule(time.Now().Add(-24*time.Hour).Truncate(time.Second), limit),
	}
	resp, err := ocpp16.SetChargingProfile.Call(ctx, s.conn, ocpp16.SetChargingProfileRequest{ConnectorID: connector, CSChargingProfiles: p})
	if err != nil {
		return fmt.Errorf("fall-back on connector %d: %w", connector, err)
	}
	if resp.Status != ocpp16.ChargingProfileStatusAccepted {
		return &refusal{string(resp.Status)}
	}
	return nil
}
