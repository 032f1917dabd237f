package upstream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func (s *Station) setProfile(ctx context.Context, _ *ocpp.Conn, req ocpp16.SetChargingProfileRequest, _ *ocpp.Request) (ocpp16.SetChargingProfileResponse, error) {
	if req.ConnectorID != 0 && !hasSlot(s.cfg.Loop.Snapshot(), req.ConnectorID) {
		return ocpp16.SetChargingProfileResponse{}, ocpp.Errorf(ocpp.CodePropertyConstraintViolation, "connectorId %d does not exist", req.ConnectorID)
	}
	p, why := profileOf(req.CSChargingProfiles)
	if why != "" {
		s.cfg.Logger.Warn("charging profile of the cloud rejected", "reason", why)
		return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusRejected}, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.ProfileSet{Reply: id, Slot: controller.Slot(req.ConnectorID), Profile: p}
	})
	return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) clearProfile(ctx context.Context, _ *ocpp.Conn, req ocpp16.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp16.ClearChargingProfileResponse, error) {
	ev := controller.ProfileCleared{ID: req.ID, StackLevel: req.StackLevel}
	if req.ConnectorID != nil {
		ev.Slot = new(controller.Slot(*req.ConnectorID))
	}
	if req.ChargingProfilePurpose != nil {
		ev.Purpose = new(controller.ProfilePurpose(*req.ChargingProfilePurpose))
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatus(statusOf(a, err, "Unknown"))}, nil
}

// compositeSchedule tells what a connector is given as things stand: its planned
// current if it charges, else its maximum. The plan of the minutes to come depends on
// the site's other loads and is not known, so there is one period; the sum of the
// station (connector 0) would be a promise and is refused.
func (s *Station) compositeSchedule(_ context.Context, _ *ocpp.Conn, req ocpp16.GetCompositeScheduleRequest, _ *ocpp.Request) (ocpp16.GetCompositeScheduleResponse, error) {
	rejected := ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusRejected}
	snap := s.cfg.Loop.Snapshot()
	at := slices.IndexFunc(snap.Connectors, func(c controller.ConnectorView) bool { return int(c.Slot) == req.ConnectorID })
	if at < 0 || req.Duration <= 0 {
		return rejected, nil
	}
	c := snap.Connectors[at]
	limit, phases := int64(c.Max), int64(len(c.Phases)/len("L1"))
	if c.Tx != 0 {
		limit = int64(c.Target)
	}
	unit := ocpp16.ChargingRateUnitTypeA
	if req.ChargingRateUnit != nil && *req.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW {
		unit, limit = ocpp16.ChargingRateUnitTypeW, limit*phases*int64(s.cfg.NominalV)
	}
	period := ocpp16.ChargingSchedulePeriod{StartPeriod: 0, Limit: ocpp.DecimalFromMilli(limit / 100 * 100)}
	if phases >= 1 && phases <= 3 {
		period.NumberPhases = new(int(phases))
	}
	return ocpp16.GetCompositeScheduleResponse{Status: ocpp16.GetCompositeScheduleStatusAccepted, ConnectorID: &req.ConnectorID,
		ScheduleStart: new(ocpp.NewDateTime(time.Now())), ChargingSchedule: &ocpp16.ChargingSchedule{Duration: &req.Duration, ChargingRateUnit: unit,
			ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{period}}}, nil
}

// profileOf checks the form of a profile (16§7.8 to 7.13) and puts it in the domain's
// words; why says what is wrong with it.
func profileOf(p ocpp16.ChargingProfile) (out controller.Profile, why string) {
	sched := p.ChargingSchedule
	out = controller.Profile{ID: p.ChargingProfileID, StackLevel: p.StackLevel, Purpose: controller.ProfilePurpose(p.ChargingProfilePurpose),
		Kind: controller.ProfileKind(p.ChargingProfileKind), Watts: sched.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW}
	if p.TransactionID != nil {
		out.UpTx = controller.UpstreamTx(strconv.Itoa(*p.TransactionID))
	}
	if p.ValidFrom != nil {
		out.ValidFrom = p.ValidFrom.Time
	}
	if p.ValidTo != nil {
		out.ValidTo = p.ValidTo.Time
	}
	if p.RecurrencyKind != nil {
		out.Recurrency = string(*p.RecurrencyKind)
	}
	if sched.StartSchedule != nil {
		out.Start = sched.StartSchedule.Time
	}
	if sched.Duration != nil {
		if *sched.Duration <= 0 {
			return out, "the duration must be above 0"
		}
		out.Duration = time.Duration(*sched.Duration) * time.Second
	}
	switch {
	case p.StackLevel < 0 || p.StackLevel > maxStackLevel:
		return out, fmt.Sprintf("stackLevel must be 0 to %d", maxStackLevel)
	case len(sched.ChargingSchedulePeriod) == 0 || len(sched.ChargingSchedulePeriod) > maxPeriods:
		return out, fmt.Sprintf("a schedule has 1 to %d periods", maxPeriods)
	case sched.ChargingSchedulePeriod[0].StartPeriod != 0:
		return out, "the first period must start at 0"
	case !out.ValidTo.IsZero() && !out.ValidFrom.Before(out.ValidTo):
		return out, "validTo must be after validFrom"
	case out.Kind != controller.KindRelative && out.Start.IsZero():
		return out, "an absolute or recurring schedule needs startSchedule"
	case out.Kind == controller.KindRecurring && out.Recurrency == "":
		return out, "a recurring schedule needs recurrencyKind"
	}
	return out, addPeriods(&out, sched.ChargingSchedulePeriod)
}

func addPeriods(out *controller.Profile, periods []ocpp16.ChargingSchedulePeriod) string {
	last := -1
	for _, period := range periods {
		limit, err := period.Limit.Milli()
		if err != nil || limit < 0 {
			return "a limit must be a number, 0 or above"
		}
		if period.StartPeriod <= last {
			return "periods must be in the order of their starts"
		}
		last = period.StartPeriod
		p := controller.Period{From: time.Duration(period.StartPeriod) * time.Second, Limit: limit}
		if period.NumberPhases != nil {
			if *period.NumberPhases < 1 || *period.NumberPhases > 3 {
				return "numberPhases must be 1 to 3"
			}
			p.NumberPhases = *period.NumberPhases
		}
		out.Periods = append(out.Periods, p)
	}
	return ""
}
