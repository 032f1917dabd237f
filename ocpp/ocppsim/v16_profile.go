package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// profile16 reads a profile of 1.6; false if its numbers can't be read.
func profile16(p *ocpp16.ChargingProfile) (chargingProfile, bool) {
	s := &p.ChargingSchedule
	out := chargingProfile{id: p.ChargingProfileID, level: p.StackLevel, given: *p, watts: s.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW,
		validFrom: timeOf(p.ValidFrom), validTo: timeOf(p.ValidTo), from: timeOf(s.StartSchedule), lasts: seconds(s.Duration)}
	switch p.ChargingProfilePurpose {
	case ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile:
		out.purpose = purposeStationMax
	case ocpp16.ChargingProfilePurposeTypeTxDefaultProfile:
		out.purpose = purposeTxDefault
	case ocpp16.ChargingProfilePurposeTypeTxProfile:
		out.purpose = purposeTx
	}
	switch p.ChargingProfileKind {
	case ocpp16.ChargingProfileKindTypeRelative:
		out.kind = kindRelative
	case ocpp16.ChargingProfileKindTypeRecurring:
		out.kind = kindRecurring
	}
	if p.RecurrencyKind != nil {
		out.every = 24 * time.Hour
		if *p.RecurrencyKind == ocpp16.RecurrencyKindTypeWeekly {
			out.every *= 7
		}
	}
	for _, period := range s.ChargingSchedulePeriod {
		milli, err := period.Limit.Milli()
		if err != nil {
			return out, false
		}
		out.periods = append(out.periods, newPeriod(period.StartPeriod, milli, period.NumberPhases))
	}
	return out, true
}

func newPeriod(start int, milli int64, phases *int) period {
	out := period{start: time.Duration(start) * time.Second, limit: float64(milli) / 1000}
	if phases != nil {
		out.phases = *phases
	}
	return out
}

// timeOf is zero where there is none.
func timeOf(t *ocpp.DateTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	return new(time.Duration(*n) * time.Second)
}

func (d *v16) setProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.SetChargingProfileRequest, _ *ocpp.Request) (ocpp16.SetChargingProfileResponse, error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := profile16(&req.CSChargingProfiles)
	if id := req.CSChargingProfiles.TransactionID; ok && p.purpose == purposeTx && id != nil {
		o := c.outlet(req.ConnectorID)
		ok = o != nil && o.tx != nil && o.tx.StartAcked && o.tx.ID == *id
	}
	if !ok || !c.install(req.ConnectorID, &p) {
		return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusRejected}, nil
	}
	return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusAccepted}, nil
}

func (d *v16) clearProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp16.ClearChargingProfileResponse, error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(time.Now())
	n := c.profiles.clear(func(i installed) bool {
		if req.ID != nil {
			return i.p.id == *req.ID
		}
		given := i.p.given.(ocpp16.ChargingProfile)
		return (req.ConnectorID == nil || *req.ConnectorID == i.connector) &&
			(req.ChargingProfilePurpose == nil || *req.ChargingProfilePurpose == given.ChargingProfilePurpose) &&
			(req.StackLevel == nil || *req.StackLevel == i.p.level)
	})
	if n == 0 {
		return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusUnknown}, nil
	}
	return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusAccepted}, nil
}

// compositeSchedule tells what all profiles together come to (16§5.7), second by
// second; connector 0 is the sum.
func (d *v16) compositeSchedule(_ context.Context, _ *ocpp.Conn, req ocpp16.GetCompositeScheduleRequest, _ *ocpp.Request) (ocpp16.GetCompositeScheduleResponse, error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	unit := ocpp16.ChargingRateUnitTypeA
	if req.ChargingRateUnit != nil {
		unit = *req.ChargingRateUnit
	}
	now := c.now()
	steps, duration, ok := c.composite(req.ConnectorID, req.Duration, unit == ocpp16.ChargingRateUnitTypeW, now)
	if !ok {
		return ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusRejected}, nil
	}
	s := ocpp16.ChargingSchedule{Duration: &duration, ChargingRateUnit: unit}
	for _, step := range steps {
		s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, ocpp16.ChargingSchedulePeriod{StartPeriod: step.at, Limit: ocpp.DecimalFromMilli(step.milli)})
	}
	return ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusAccepted, ConnectorID: &req.ConnectorID,
		ScheduleStart: new(ocpp.NewDateTime(now)), ChargingSchedule: &s}, nil
}
