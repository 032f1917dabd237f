package commission

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// setProfile implements language. The schedule has the profile's id: one of each is all
// there is.
func (p *probe2) setProfile(ctx context.Context, connector int, pr profile) (string, error) {
	period := ocpp2.ChargingSchedulePeriod{Limit: &pr.limit}
	if pr.phases > 0 {
		period.NumberPhases = &pr.phases
	}
	s := ocpp2.ChargingSchedule{ID: pr.id, ChargingRateUnit: ocpp2.ChargingRateUnit(pr.unit), ChargingSchedulePeriod: []ocpp2.ChargingSchedulePeriod{period}}
	if !pr.start.IsZero() {
		s.StartSchedule = new(ocpp.NewDateTime(pr.start))
	}
	if pr.lives > 0 {
		s.Duration = new(int(pr.lives / time.Second))
	}
	resp, err := ocpp2.SetChargingProfile.Call(ctx, wire{p.caller}, ocpp2.SetChargingProfileRequest{EVSEID: connector, ChargingProfile: ocpp2.ChargingProfile{
		ID: pr.id, StackLevel: pr.stack, ChargingProfilePurpose: ocpp2.ChargingProfilePurposeTxDefaultProfile,
		ChargingProfileKind: ocpp2.ChargingProfileKind(pr.kind), ChargingSchedule: []ocpp2.ChargingSchedule{s}}})
	return because(resp.Status, resp.StatusInfo), err
}

// because is a status with the reason that was given for it; accepted stays as it is.
func because[S ~string](status S, info *ocpp2.StatusInfo) string {
	if status == accepted || info == nil || info.ReasonCode == "" {
		return string(status)
	}
	return string(status) + ": " + info.ReasonCode
}

// clearProfile implements language.
func (p *probe2) clearProfile(ctx context.Context, id int) (string, error) {
	resp, err := ocpp2.ClearChargingProfile.Call(ctx, wire{p.caller}, ocpp2.ClearChargingProfileRequest{ChargingProfileID: &id})
	return because(resp.Status, resp.StatusInfo), err
}

// composite implements language.
func (p *probe2) composite(ctx context.Context, connector int, unit controller.RateUnit) (shown, string, error) {
	resp, err := ocpp2.GetCompositeSchedule.Call(ctx, wire{p.caller}, ocpp2.GetCompositeScheduleRequest{EVSEID: connector, Duration: shownFor, ChargingRateUnit: new(ocpp2.ChargingRateUnit(unit))})
	if s := resp.Schedule; err == nil && s != nil && len(s.ChargingSchedulePeriod) > 0 && s.ChargingSchedulePeriod[0].Limit != nil {
		return shown{*s.ChargingSchedulePeriod[0].Limit, controller.RateUnit(s.ChargingRateUnit)}, string(resp.Status), nil
	}
	return shown{}, because(resp.Status, resp.StatusInfo), err
}

// measurandsName implements language.
func (p *probe2) measurandsName() string { return sampled().String() }

// setMeasurands implements language.
func (p *probe2) setMeasurands(ctx context.Context, list string) (bool, error) {
	c, v := sampled().parts()
	resp, err := ocpp2.SetVariables.Call(ctx, wire{p.caller}, ocpp2.SetVariablesRequest{SetVariableData: []ocpp2.SetVariableData{{AttributeValue: list, Component: c, Variable: v}}})
	if _, lost := refused("", err); lost != nil {
		return false, lost
	}
	if err != nil || len(resp.SetVariableResult) != 1 {
		return false, nil
	}
	status := resp.SetVariableResult[0].AttributeStatus
	return status == ocpp2.SetVariableStatusAccepted || status == ocpp2.SetVariableStatusRebootRequired, nil
}

// variable names a variable of the device model (P2 appendix 3).
type variable struct {
	component, name string
	evse            int // 0: of the charger
}

func (v variable) String() string { return v.component + "." + v.name }

func (v variable) parts() (ocpp2.Component, ocpp2.Variable) {
	c := ocpp2.Component{Name: v.component}
	if v.evse > 0 {
		c.EVSE = &ocpp2.EVSE{ID: v.evse}
	}
	return c, ocpp2.Variable{Name: v.name}
}

// The variables that the probe looks at.
func sampled() variable { return variable{component: "SampledDataCtrlr", name: "TxUpdatedMeasurands"} }

func smart(name string) variable { return variable{component: "SmartChargingCtrlr", name: name} }

func available(evse int) variable { return variable{"EVSE", "AvailabilityState", evse} }

func supply(evse int) variable { return variable{"EVSE", "SupplyPhases", evse} }

// ask gets variables one by one: some chargers take but one, and answer a list with an
// error because of one name.
func (p *probe2) ask(ctx context.Context, wanted ...variable) error {
	for _, v := range wanted {
		c, n := v.parts()
		resp, err := ocpp2.GetVariables.Call(ctx, wire{p.caller}, ocpp2.GetVariablesRequest{GetVariableData: []ocpp2.GetVariableData{{Component: c, Variable: n}}})
		if _, lost := refused("", err); lost != nil {
			return lost
		}
		if err == nil && len(resp.GetVariableResult) == 1 {
			p.answers[v] = resp.GetVariableResult[0]
		}
	}
	return nil
}

// value of a variable that was asked for; ok is false if the charger does not tell it.
func (p *probe2) value(v variable) (string, bool) {
	r, ok := p.answers[v]
	if !ok || r.AttributeStatus != ocpp2.GetVariableStatusAccepted || r.AttributeValue == nil {
		return "", false
	}
	return strings.TrimSpace(*r.AttributeValue), true
}

// number is a variable's; fallback if it is not told.
func (p *probe2) number(v variable, check string, fallback int) int {
	value, ok := p.value(v)
	n, err := strconv.Atoi(value)
	if !ok || err != nil || n < 0 {
		p.find(check, Different, "the charger does not tell "+v.String()+".", "The usual is assumed.")
		return fallback
	}
	p.find(check, OK, fmt.Sprintf("%s is %d.", v, n), "")
	return n
}
