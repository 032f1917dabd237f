package ocppsim

import (
	"context"
	"slices"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// profile2 reads a profile of 2.x, by its first schedule; false if its numbers can't be
// read or it has none.
func profile2(p *ocpp2.ChargingProfile) (chargingProfile, bool) {
	out := chargingProfile{id: p.ID, level: p.StackLevel, given: *p, validFrom: timeOf(p.ValidFrom), validTo: timeOf(p.ValidTo)}
	if len(p.ChargingSchedule) == 0 {
		return out, false
	}
	s := &p.ChargingSchedule[0]
	out.watts, out.from, out.lasts = s.ChargingRateUnit == ocpp2.ChargingRateUnitW, timeOf(s.StartSchedule), seconds(s.Duration)
	if p.TransactionID != nil {
		out.transaction = *p.TransactionID
	}
	switch p.ChargingProfilePurpose {
	case ocpp2.ChargingProfilePurposeChargingStationMaxProfile:
		out.purpose = purposeStationMax
	case ocpp2.ChargingProfilePurposeTxDefaultProfile:
		out.purpose = purposeTxDefault
	case ocpp2.ChargingProfilePurposeTxProfile:
		out.purpose = purposeTx
	}
	switch p.ChargingProfileKind {
	case ocpp2.ChargingProfileKindAbsolute:
		out.kind = kindAbsolute
	case ocpp2.ChargingProfileKindRelative:
		out.kind = kindRelative
	case ocpp2.ChargingProfileKindRecurring:
		out.kind = kindRecurring
	default:
		out.kind = kindOther
	}
	if p.RecurrencyKind != nil {
		out.every = 24 * time.Hour
		if *p.RecurrencyKind == ocpp2.RecurrencyKindWeekly {
			out.every *= 7
		}
	}
	for _, period := range s.ChargingSchedulePeriod {
		if period.Limit == nil {
			return out, false
		}
		milli, err := period.Limit.Milli()
		if err != nil {
			return out, false
		}
		out.periods = append(out.periods, newPeriod(period.StartPeriod, milli, period.NumberPhases))
	}
	return out, true
}

// refusal is a reason for a status, as P2 appendix 5 names them.
func refusal(code string) *ocpp2.StatusInfo { return &ocpp2.StatusInfo{ReasonCode: code} }

func (d *v2) setProfile(_ context.Context, _ *ocpp.Conn, req ocpp2.SetChargingProfileRequest, _ *ocpp.Request) (ocpp2.SetChargingProfileResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	rejected := func(code string) (ocpp2.SetChargingProfileResponse, error) {
		return ocpp2.SetChargingProfileResponse{Status: ocpp2.ChargingProfileStatusRejected, StatusInfo: refusal(code)}, nil
	}
	p, ok := profile2(&req.ChargingProfile)
	if !ok {
		return rejected("InvalidSchedule")
	}
	if p.purpose == purposeTx {
		o := d.c.outlet(req.EVSEID)
		switch {
		case p.transaction == "":
			return rejected("MissingParam")
		case o == nil || o.tx == nil || o.tx.ChargerTx != p.transaction:
			return rejected("TxNotFound")
		}
	}
	if !d.c.install(req.EVSEID, &p) {
		return rejected("InvalidProfile")
	}
	return ocpp2.SetChargingProfileResponse{Status: ocpp2.ChargingProfileStatusAccepted}, nil
}

func (d *v2) clearProfile(_ context.Context, _ *ocpp.Conn, req ocpp2.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp2.ClearChargingProfileResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.settle(time.Now())
	n := d.c.profiles.clear(func(i installed) bool {
		if req.ChargingProfileID != nil {
			return i.p.id == *req.ChargingProfileID
		}
		by := req.ChargingProfileCriteria
		return by == nil || (by.EVSEID == nil || *by.EVSEID == i.connector) && (by.StackLevel == nil || *by.StackLevel == i.p.level) &&
			(by.ChargingProfilePurpose == nil || *by.ChargingProfilePurpose == given2(i).ChargingProfilePurpose)
	})
	if n == 0 {
		return ocpp2.ClearChargingProfileResponse{Status: ocpp2.ClearChargingProfileStatusUnknown}, nil
	}
	return ocpp2.ClearChargingProfileResponse{Status: ocpp2.ClearChargingProfileStatusAccepted}, nil
}

func given2(i installed) ocpp2.ChargingProfile { return i.p.given.(ocpp2.ChargingProfile) }

// getProfiles reports what is installed, one message per EVSE (P2 K09).
func (d *v2) getProfiles(_ context.Context, _ *ocpp.Conn, req ocpp2.GetChargingProfilesRequest, r *ocpp.Request) (ocpp2.GetChargingProfilesResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	by := req.ChargingProfile
	found := map[int][]ocpp2.ChargingProfile{}
	var evses []int
	for _, i := range d.c.profiles.list {
		if req.EVSEID != nil && *req.EVSEID != i.connector || by.StackLevel != nil && *by.StackLevel != i.p.level ||
			by.ChargingProfilePurpose != nil && *by.ChargingProfilePurpose != given2(i).ChargingProfilePurpose ||
			len(by.ChargingProfileID) > 0 && !slices.Contains(by.ChargingProfileID, i.p.id) ||
			len(by.ChargingLimitSource) > 0 && !slices.Contains(by.ChargingLimitSource, ocpp2.ChargingLimitSource("CSO")) {
			continue
		}
		if found[i.connector] == nil {
			evses = append(evses, i.connector)
		}
		found[i.connector] = append(found[i.connector], given2(i))
	}
	if len(evses) == 0 {
		return ocpp2.GetChargingProfilesResponse{Status: ocpp2.GetChargingProfileStatusNoProfiles}, nil
	}
	d.c.after(r, func() {
		for n, evse := range evses {
			report := ocpp2.ReportChargingProfilesRequest{RequestID: req.RequestID, ChargingLimitSource: "CSO", EVSEID: evse, ChargingProfile: found[evse]}
			if n < len(evses)-1 {
				report.Tbc = new(true)
			}
			enqueue(d.c, ocpp2.ReportChargingProfiles, report)
		}
	})
	return ocpp2.GetChargingProfilesResponse{Status: ocpp2.GetChargingProfileStatusAccepted}, nil
}

func (d *v2) compositeSchedule(_ context.Context, _ *ocpp.Conn, req ocpp2.GetCompositeScheduleRequest, _ *ocpp.Request) (ocpp2.GetCompositeScheduleResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	unit := ocpp2.ChargingRateUnitA
	if req.ChargingRateUnit != nil {
		unit = *req.ChargingRateUnit
	}
	now := d.c.now()
	steps, duration, ok := d.c.composite(req.EVSEID, req.Duration, unit == ocpp2.ChargingRateUnitW, now)
	if !ok {
		return ocpp2.GetCompositeScheduleResponse{Status: ocpp2.GenericStatusRejected, StatusInfo: refusal("UnknownEvse")}, nil
	}
	s := &ocpp2.CompositeSchedule{EVSEID: req.EVSEID, Duration: duration, ScheduleStart: ocpp.NewDateTime(now), ChargingRateUnit: unit}
	for _, step := range steps {
		s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, ocpp2.ChargingSchedulePeriod{StartPeriod: step.at, Limit: new(ocpp.DecimalFromMilli(step.milli))})
	}
	return ocpp2.GetCompositeScheduleResponse{Status: ocpp2.GenericStatusAccepted, Schedule: s}, nil
}
