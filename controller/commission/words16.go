package commission

import (
	"context"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// setProfile implements language.
func (p *probe16) setProfile(ctx context.Context, connector int, pr profile) (string, error) {
	s := ocpp16.ChargingSchedule{ChargingRateUnit: ocpp16.ChargingRateUnitType(pr.unit), ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{Limit: pr.limit}}}
	if pr.phases > 0 {
		s.ChargingSchedulePeriod[0].NumberPhases = &pr.phases
	}
	if !pr.start.IsZero() {
		s.StartSchedule = new(ocpp.NewDateTime(pr.start))
	}
	if pr.lives > 0 {
		s.Duration = new(int(pr.lives / time.Second))
	}
	resp, err := ocpp16.SetChargingProfile.Call(ctx, wire{p.caller}, ocpp16.SetChargingProfileRequest{ConnectorID: connector, CSChargingProfiles: ocpp16.ChargingProfile{
		ChargingProfileID: pr.id, StackLevel: pr.stack, ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxDefaultProfile,
		ChargingProfileKind: ocpp16.ChargingProfileKindType(pr.kind), ChargingSchedule: s}})
	return string(resp.Status), err
}

// clearProfile implements language.
func (p *probe16) clearProfile(ctx context.Context, id int) (string, error) {
	resp, err := ocpp16.ClearChargingProfile.Call(ctx, wire{p.caller}, ocpp16.ClearChargingProfileRequest{ID: &id})
	return string(resp.Status), err
}

// composite implements language.
func (p *probe16) composite(ctx context.Context, connector int, unit controller.RateUnit) (shown, string, error) {
	resp, err := ocpp16.GetCompositeSchedule.Call(ctx, wire{p.caller}, ocpp16.GetCompositeScheduleRequest{ConnectorID: connector, Duration: shownFor, ChargingRateUnit: new(ocpp16.ChargingRateUnitType(unit))})
	if s := resp.ChargingSchedule; err == nil && s != nil && len(s.ChargingSchedulePeriod) > 0 {
		return shown{s.ChargingSchedulePeriod[0].Limit, controller.RateUnit(s.ChargingRateUnit)}, string(resp.Status), nil
	}
	return shown{}, string(resp.Status), err
}

// measurandsName implements language.
func (p *probe16) measurandsName() string { return keyMeasurands }

// setMeasurands implements language.
func (p *probe16) setMeasurands(ctx context.Context, list string) (bool, error) {
	return p.change(ctx, keyMeasurands, list)
}

// change writes a key; false if it was not taken.
func (p *probe16) change(ctx context.Context, key, value string) (bool, error) {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, wire{p.caller}, ocpp16.ChangeConfigurationRequest{Key: key, Value: value})
	if _, lost := refused(string(resp.Status), err); lost != nil {
		return false, lost
	}
	return err == nil && (resp.Status == ocpp16.ConfigurationStatusAccepted || resp.Status == ocpp16.ConfigurationStatusRebootRequired), nil
}
