package downstream

import (
	"context"
	"encoding/json"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// outsideReport is a report of the limits that other systems have set (P2 K09), on its
// way.
type outsideReport struct {
	request int // 0: none was asked for
	limits  []controller.OutsideLimit
}

// Bounds of what is read of such limits.
const (
	maxOutside        = 64
	maxOutsidePeriods = 1024 // P2 ChargingScheduleType
)

// chargingLimit takes NotifyChargingLimit. Chargers send the schedule only if they are
// set to (K11.FR.03); without one they are asked for it.
func (d *v2) chargingLimit(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.NotifyChargingLimitRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	source := req.ChargingLimit.ChargingLimitSource
	d.hub.log.Info("charger is limited by another system", "station", d.id, "evse", deref(req.EVSEID), "source", source, "schedules", len(req.ChargingSchedule))
	switch {
	case ours(source): // K11.FR.05: it tells of what we wrote
	case len(req.ChargingSchedule) == 0:
		r.After(func() { d.planOnce("outside", d.askOutside) })
	default:
		d.outside(controller.OutsideLimits{Limits: d.limitsOf(r, max(0, deref(req.EVSEID)), source, ocpp2.ChargingProfile{ChargingSchedule: req.ChargingSchedule})})
	}
	return empty(), nil
}

// clearedLimit takes ClearedChargingLimit; without an EVSE the limit is gone everywhere.
func (d *v2) clearedLimit(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.ClearedChargingLimitRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	d.hub.log.Info("charger is not limited any more", "station", d.id, "evse", deref(req.EVSEID), "source", req.ChargingLimitSource)
	if !ours(req.ChargingLimitSource) {
		d.outside(controller.OutsideLimits{Limits: []controller.OutsideLimit{{Connector: max(0, deref(req.EVSEID)), Source: sourceName(req.ChargingLimitSource)}}})
	}
	return empty(), nil
}

// ours tells that a limit is one of the box's own profiles.
func ours(s ocpp2.ChargingLimitSource) bool {
	return says(string(s), string(ocpp2.ChargingLimitSourceCSO))
}

func sourceName(s ocpp2.ChargingLimitSource) string {
	if name := clip(string(s), 20); name != "" {
		return name
	}
	return string(ocpp2.ChargingLimitSourceOther)
}

// outside tells the Site; the report must not be lost to a busy loop, because the
// charger tells of a limit once.
func (d *v2) outside(ev controller.OutsideLimits) {
	ev.Station = d.id
	d.hub.reports.add(ev)
}

// limitsOf are the limits of a profile, one for each of its schedules.
func (d *v2) limitsOf(r *ocpp.Request, evse int, source ocpp2.ChargingLimitSource, p ocpp2.ChargingProfile) []controller.OutsideLimit {
	var out []controller.OutsideLimit
	for _, schedule := range p.ChargingSchedule[:min(len(p.ChargingSchedule), maxOutside)] {
		read, ok := d.outsideProfile(r, p, schedule)
		if !ok {
			d.logProblems(r, []string{"a schedule without a limit that can be read; dropped"})
			continue
		}
		out = append(out, controller.OutsideLimit{Connector: evse, Source: sourceName(source), Profile: &read})
	}
	return out
}

// outsideProfile reads a schedule. One that has no beginning begins when it is told.
func (d *v2) outsideProfile(r *ocpp.Request, p ocpp2.ChargingProfile, s ocpp2.ChargingSchedule) (controller.Profile, bool) {
	at := func(t *ocpp.DateTime) time.Time {
		if t == nil {
			return time.Time{}
		}
		return inZone(*t, d.charger.Zone)
	}
	out := controller.Profile{
		ID: p.ID, StackLevel: p.StackLevel, Kind: controller.KindAbsolute, ValidFrom: at(p.ValidFrom), ValidTo: at(p.ValidTo),
		Start: at(s.StartSchedule), Watts: says(string(s.ChargingRateUnit), string(controller.UnitWatts)),
		Duration: time.Duration(max(0, deref(s.Duration))) * time.Second,
	}
	if says(string(p.ChargingProfileKind), string(ocpp2.ChargingProfileKindRecurring)) {
		out.Kind, out.Recurrency = controller.KindRecurring, string(deref(p.RecurrencyKind))
	}
	if out.Start.IsZero() {
		out.Start = r.Received
	}
	for _, period := range s.ChargingSchedulePeriod[:min(len(s.ChargingSchedulePeriod), maxOutsidePeriods)] {
		limit, _, ok := limitsOfPeriod(period)
		if !ok {
			continue
		}
		out.Periods = append(out.Periods, controller.Period{From: time.Duration(max(0, period.StartPeriod)) * time.Second,
			Limit: limit, NumberPhases: max(0, deref(period.NumberPhases))})
	}
	return out, len(out.Periods) > 0
}

// askOutside asks for the limits that other systems have set: the charger tells of a
// change only, and one may have passed while it was away.
func (d *v2) askOutside(ctx context.Context) {
	request := d.nextNumber()
	d.mu.Lock()
	d.external = outsideReport{request: request}
	d.mu.Unlock()
	resp, err := ocpp2.GetChargingProfiles.Call(ctx, d.conn, ocpp2.GetChargingProfilesRequest{RequestID: request,
		ChargingProfile: ocpp2.ChargingProfileCriterion{ChargingProfilePurpose: new(ocpp2.ChargingProfilePurposeChargingStationExternalConstraints)}},
		d.within(d.hub.cfg.CallTimeout))
	switch {
	case err != nil:
		d.hub.log.Info("charger does not tell other systems' limits", "station", d.id, "err", err)
	case says(resp.Status, ocpp2.GetChargingProfileStatusNoProfiles):
		d.outside(controller.OutsideLimits{All: true})
	}
}

// profileReport takes a part of ReportChargingProfiles; with the last one the Site is
// told of all limits of other systems.
func (d *v2) profileReport(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.ReportChargingProfilesRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	var limits []controller.OutsideLimit
	for _, p := range req.ChargingProfile {
		if says(string(p.ChargingProfilePurpose), string(ocpp2.ChargingProfilePurposeChargingStationExternalConstraints)) && !ours(req.ChargingLimitSource) {
			limits = append(limits, d.limitsOf(r, max(0, req.EVSEID), req.ChargingLimitSource, p)...)
		}
	}
	d.mu.Lock()
	mine := d.external.request != 0 && d.external.request == req.RequestID
	if mine {
		d.external.limits = append(d.external.limits, limits[:min(len(limits), maxOutside)]...)
		mine = !deref(req.Tbc) || len(d.external.limits) >= maxOutside
	}
	whole := d.external.limits
	if mine {
		d.external = outsideReport{}
	}
	d.mu.Unlock()
	if !mine {
		return d.noted(ctx, c, r) // of a report that somebody else asked for, or more is to come
	}
	d.outside(controller.OutsideLimits{All: true, Limits: whole})
	return empty(), nil
}

// limitsOfPeriod are the least and the most of a period's limits, in thousandths: 2.1
// has one for each phase. Below zero some mean "none".
func limitsOfPeriod(p ocpp2.ChargingSchedulePeriod) (least, most int64, ok bool) {
	for _, limit := range []*ocpp.Decimal{p.Limit, p.LimitL2, p.LimitL3} {
		if limit == nil {
			continue
		}
		milli, err := limit.Milli()
		if err != nil || milli < 0 {
			continue
		}
		if !ok || milli < least {
			least = milli
		}
		most, ok = max(most, milli), true
	}
	return least, most, ok
}
