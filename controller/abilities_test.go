package controller

import "testing"

func TestAbilitiesAreInheritedByModelAndFirmwareOnly(t *testing.T) {
	learnt := Abilities{Vendor: "V", Model: "M", Firmware: "1", Source: AbilitiesLearnt, MaxStackLevel: 9, Connectors: []ConnectorAbilities{{Connector: 1, Phases: 3}},
		DeadMan: DeadManProof{Mode: DeadManTx, Result: Yes}}
	got, ok := learnt.InheritedBy(ChargerInfo{Vendor: "V", Model: "M", Firmware: "1", Serial: "other"})
	if !ok || got.Source != AbilitiesInherited || got.DeadMan.Result != Yes || got.Connectors != nil {
		t.Errorf("same model and firmware: got %+v, %v", got, ok)
	}
	if learnt.Connectors == nil || learnt.Source != AbilitiesLearnt {
		t.Error("what was learnt has changed")
	}
	for _, other := range []ChargerInfo{{Vendor: "V", Model: "M", Firmware: "2"}, {Vendor: "V", Model: "N", Firmware: "1"}, {Vendor: "W", Model: "M", Firmware: "1"}, {}} {
		if got, ok := learnt.InheritedBy(other); ok || got.Source != AbilitiesAssumed || got.DeadMan.Result != "" {
			t.Errorf("%+v: got %+v, %v", other, got, ok)
		}
	}
	if _, ok := (Abilities{Source: AbilitiesLearnt}).InheritedBy(ChargerInfo{}); ok {
		t.Error("a charger that never told its model passes on to others like it")
	}
}
