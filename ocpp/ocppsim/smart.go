package ocppsim

import (
	"context"
	"math"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func (c *Charger) setProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.SetChargingProfileRequest, _ *ocpp.Request) (ocpp16.SetChargingProfileResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := ocpp16.ChargingProfileStatusRejected
	if c.wants(req.ConnectorID, &req.CSChargingProfiles) {
		c.settle(time.Now())
		if c.profiles.set(req.ConnectorID, req.CSChargingProfiles, c.now()) {
			status = ocpp16.ChargingProfileStatusAccepted
		}
	}
	return ocpp16.SetChargingProfileResponse{Status: status}, nil
}

// wants reports whether a profile may be set on a connector (16§5.16).
func (c *Charger) wants(connector int, p *ocpp16.ChargingProfile) bool {
	o := c.outlet(connector)
	switch p.ChargingProfilePurpose {
	case ocpp16.ChargingProfilePurposeTypeTxProfile:
		if c.fault.RefuseTxProfile || o == nil || o.tx == nil || p.TransactionID != nil && (!o.tx.StartAcked || *p.TransactionID != o.tx.ID) {
			return false
		}
	case ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile:
		if connector != 0 || p.ChargingProfileKind == ocpp16.ChargingProfileKindTypeRelative {
			return false
		}
	default:
		if connector != 0 && o == nil {
			return false
		}
	}
	return acceptable(p)
}

func (c *Charger) clearProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp16.ClearChargingProfileResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(time.Now())
	n := c.profiles.clear(func(i installed) bool {
		if req.ID != nil {
			return i.p.ChargingProfileID == *req.ID
		}
		return (req.ConnectorID == nil || *req.ConnectorID == i.connector) &&
			(req.ChargingProfilePurpose == nil || *req.ChargingProfilePurpose == i.p.ChargingProfilePurpose) &&
			(req.StackLevel == nil || *req.StackLevel == i.p.StackLevel)
	})
	if n == 0 {
		return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusUnknown}, nil
	}
	return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusAccepted}, nil
}

// compositeSchedule tells what all profiles together come to (16§5.7), second by
// second; connector 0 is the sum.
func (c *Charger) compositeSchedule(_ context.Context, _ *ocpp.Conn, req ocpp16.GetCompositeScheduleRequest, _ *ocpp.Request) (ocpp16.GetCompositeScheduleResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.outlet(req.ConnectorID)
	if o == nil && req.ConnectorID != 0 || req.Duration < 1 {
		return ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusRejected}, nil
	}
	outlets := c.outlets
	if o != nil {
		outlets = []*outlet{o}
	}
	unit := ocpp16.ChargingRateUnitTypeA
	if req.ChargingRateUnit != nil {
		unit = *req.ChargingRateUnit
	}
	now, duration := c.now(), min(req.Duration, 24*60*60)
	s := ocpp16.ChargingSchedule{Duration: &duration, ChargingRateUnit: unit}
	for at, last := 0, int64(-1); at < duration; at++ {
		milli := c.allowance(outlets, unit, now.Add(time.Duration(at)*time.Second))
		if milli != last {
			s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, ocpp16.ChargingSchedulePeriod{StartPeriod: at, Limit: ocpp.DecimalFromMilli(milli)})
			last = milli
		}
	}
	return ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusAccepted, ConnectorID: &req.ConnectorID,
		ScheduleStart: new(ocpp.NewDateTime(now)), ChargingSchedule: &s}, nil
}

// allowance is what outlets may draw together at t: thousandths of A per phase or of
// W, a multiple of 100, rounded down.
func (c *Charger) allowance(outlets []*outlet, unit ocpp16.ChargingRateUnitType, t time.Time) int64 {
	sum := 0.0
	for _, o := range outlets {
		amps, _ := c.profiles.limit(c.question(o), t)
		if unit == ocpp16.ChargingRateUnitTypeW {
			amps *= voltage * float64(o.Phases)
		}
		sum += amps
	}
	return int64(math.Floor(sum*10+1e-6)) * 100
}
