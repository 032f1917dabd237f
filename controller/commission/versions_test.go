package commission

import (
	"fmt"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
	"busbar/ocpp/ocppsim"
)

var versions = []ocpp.Protocol{ocpp.V16, ocpp.V201, ocpp.V21}

func TestAHealthyChargerOfEachVersionWithACar(t *testing.T) {
	for _, version := range versions {
		t.Run(string(version), func(t *testing.T) {
			atStation(t, version, nil, &ocppsim.Car{}, func(s *station) {
				v := s.probed()
				expect(s.t, v, true, map[string]Outcome{"configuration": OK, "smart-charging": OK, "connectors": OK, "profiles.stack-level": OK, "profiles.periods": OK,
					"measurands": OK, "profiles.default": OK, "profiles.unit": OK, "profiles.stacked": OK, "profiles.clear": OK, "profiles.composite": Open, "dead-man": OK, "pause": OK})
				a := v.Abilities
				if a.StationWide != controller.Yes || a.MaxStackLevel != 10 || a.MaxPeriods != 24 || a.ClearByID != controller.Yes || len(a.Measurands) < 4 || len(a.Units) != 2 ||
					a.Units[0] != controller.UnitAmps || !a.Takes(controller.PurposeTxDefault) || a.DeadMan.Result != controller.Yes || a.Pause != controller.PauseZero || a.Source != controller.AbilitiesLearnt {
					s.t.Errorf("abilities: %+v", a)
				}
				if version != ocpp.V16 && (v.outcome("phases") != OK || len(a.Connectors) != 1 || a.Connectors[0].Phases != 3) {
					s.t.Errorf("phases: %+v", a.Connectors)
				}
				for range 10 {
					_ = s.Wait(s.t.Context())
				}
				if now := s.Connectors()[0]; now.Tx == 0 || now.Measured < 15_000 {
					s.t.Errorf("left behind: %+v, want the car as it was", now)
				}
			})
		})
	}
}

func TestAnIdleChargerOfEachVersionIsLeftAsItWas(t *testing.T) {
	for _, version := range versions {
		t.Run(string(version), func(t *testing.T) {
			atStation(t, version, nil, nil, func(s *station) {
				v := s.probed()
				expect(s.t, v, true, map[string]Outcome{"profiles.composite": OK, "dead-man": Open, "pause": Open})
				if version == ocpp.V16 {
					return
				}
				got, err := ocpp2.GetVariables.Call(s.t.Context(), wire{s}, ocpp2.GetVariablesRequest{GetVariableData: []ocpp2.GetVariableData{
					{Component: ocpp2.Component{Name: "SampledDataCtrlr"}, Variable: ocpp2.Variable{Name: "TxUpdatedMeasurands"}}}})
				if err != nil || *got.GetVariableResult[0].AttributeValue != "Energy.Active.Import.Register" {
					s.t.Errorf("%+v, %v", got, err)
				}
				all, err := ocpp2.GetChargingProfiles.Call(s.t.Context(), wire{s}, ocpp2.GetChargingProfilesRequest{RequestID: 1, ChargingProfile: ocpp2.ChargingProfileCriterion{ChargingProfileID: []int{3}}})
				if err != nil || all.Status != ocpp2.GetChargingProfileStatusNoProfiles {
					s.t.Errorf("the test profile is left: %+v, %v", all, err)
				}
			})
		})
	}
}

// TestVerdictsOfQuirks has chargers of each version be as some in the field are.
func TestVerdictsOfQuirks(t *testing.T) {
	for _, c := range []struct {
		quirk ocppsim.Quirk
		good  controller.Tristate // "": the box of this test can't lead such a charger, so its pause fails
		want  map[string]Outcome
		check func(a controller.Abilities) bool
	}{
		{ocppsim.QuirkNoSmartCharging, controller.No, map[string]Outcome{"smart-charging": Missing, "profiles.default": Missing, "profiles.stacked": ""}, func(a controller.Abilities) bool { return !a.Takes(controller.PurposeTxDefault) }},
		{ocppsim.QuirkEnergyOnly, controller.No, map[string]Outcome{"measurands.Current.Import": Missing, "measurands.Voltage": Different, "measurands": OK}, func(a controller.Abilities) bool { return len(a.Measurands) == 1 }},
		{ocppsim.QuirkIgnoresLimits, controller.No, map[string]Outcome{"dead-man": Missing, "pause": Missing}, func(a controller.Abilities) bool {
			return a.DeadMan.Result == controller.No && a.Pause == controller.PauseStop
		}},
		{ocppsim.QuirkEndsAtZero, controller.No, map[string]Outcome{"dead-man": OK, "pause": Missing}, func(a controller.Abilities) bool { return a.Pause == controller.PauseMinimum }},
		{ocppsim.QuirkNeverResumes, controller.No, map[string]Outcome{"dead-man": OK, "pause": Missing}, func(a controller.Abilities) bool { return a.Pause == controller.PauseMinimum }},
		{ocppsim.QuirkRefusesStationDefault, controller.Yes, map[string]Outcome{"profiles.default": Different}, func(a controller.Abilities) bool { return a.StationWide == controller.No }},
		{ocppsim.QuirkLevelZeroOnly, controller.Yes, map[string]Outcome{"profiles.stacked": Different}, func(a controller.Abilities) bool { return a.MaxStackLevel == 0 }},
		{ocppsim.QuirkWattsOnly, "", map[string]Outcome{"profiles.unit": Different, "dead-man": Open}, func(a controller.Abilities) bool { return !a.TakesUnit(controller.UnitAmps) }},
		{ocppsim.QuirkRelativeOnly, "", map[string]Outcome{"profiles.default": Different, "dead-man": Open}, func(a controller.Abilities) bool { return a.Kinds[0] == controller.KindRelative }},
		{ocppsim.QuirkRefusesTxProfile, "", map[string]Outcome{"profiles.default": OK, "dead-man": Open}, func(a controller.Abilities) bool { return a.DeadMan.Result == "" }},
	} {
		for _, version := range versions {
			t.Run(fmt.Sprintf("%s %s", c.quirk, version), func(t *testing.T) {
				atStation(t, version, []ocppsim.Quirk{c.quirk}, &ocppsim.Car{}, func(s *station) {
					v := s.probed()
					good := c.good == controller.Yes || c.good == "" && v.Good
					expect(s.t, v, good, c.want)
					if !c.check(v.Abilities) {
						s.t.Errorf("abilities: %+v", v.Abilities)
					}
					says(s.t, v)
				})
			})
		}
	}
}

// TestVerdictsOfTheConfiguration has it differ from the charger.
func TestVerdictsOfTheConfiguration(t *testing.T) {
	for _, version := range versions {
		t.Run(string(version), func(t *testing.T) {
			atStation(t, version, nil, nil, func(s *station) {
				s.outlets, s.phases = 2, 1
				want := map[string]Outcome{"connectors": Missing, "phases": Missing}
				if version == ocpp.V16 { // it does not tell how it is wired
					want["phases"] = Different
				}
				v := s.probed()
				expect(s.t, v, false, want)
				says(s.t, v)
			})
		})
	}
}

// says looks whether each bad finding says what to do.
func says(t *testing.T, v Verdict) {
	t.Helper()
	for _, f := range v.Findings {
		if f.Outcome == Missing && f.Remedy == "" {
			t.Errorf("does not say what to do: %s", f)
		}
	}
	if !v.Good && !strings.Contains(v.Summary(), "needs attention") {
		t.Error(v.Summary())
	}
}
