package controller

import (
	"slices"
	"testing"
	"time"

	"busbar/loadbalance"
)

// outside is a limit by its numbers: level, and from how many minutes on how many A.
func outside(r *rig, connector int, source string, level int, amps int64, duration time.Duration) OutsideLimit {
	return OutsideLimit{Connector: connector, Source: source,
		Profile: &Profile{StackLevel: level, Start: r.now, Duration: duration, Periods: []Period{{Limit: amps * 1000}}}}
}

func (r *rig) ceilingOf(slot Slot) (loadbalance.MilliAmp, loadbalance.Rule) {
	r.t.Helper()
	return r.site.ceiling(r.site.slotBy(slot))
}

func TestOutsideLimitsAreCeilings(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2") // slots 2 and 3, at most 16 A
	want := func(what string, second, third loadbalance.MilliAmp) {
		t.Helper()
		for slot, most := range map[Slot]loadbalance.MilliAmp{2: second, 3: third} {
			rule := loadbalance.RuleMax
			if most < 16000 {
				rule = loadbalance.RuleOutside
			}
			if got, why := r.ceilingOf(slot); got != most || why != rule {
				t.Errorf("%s: slot %d may have %v by rule %d, want %v by rule %d", what, slot, got, why, most, rule)
			}
		}
	}
	tell := func(all bool, limits ...OutsideLimit) {
		r.do(OutsideLimits{Station: "CP2", All: all, Limits: limits})
	}
	want("none", 16000, 16000)
	tell(false, outside(r, 1, "EMS", 0, 10, 0))
	want("one connector", 10000, 16000)
	tell(false, outside(r, 0, "SO", 0, 12, 0))
	want("the charger as well", 10000, 12000)
	tell(false, outside(r, 1, "EMS", 0, 14, 0))
	want("a newer one of the same system", 12000, 12000)
	tell(false, outside(r, 1, "EMS", 0, 6, 0), outside(r, 1, "EMS", 1, 11, time.Hour))
	want("the higher level leads", 11000, 12000)
	r.later(time.Hour)
	want("until it ends", 6000, 12000)
	tell(false, outside(r, 2, "EMS", 0, 40, 0))
	want("above what the charger has", 6000, 12000)
	tell(false, OutsideLimit{Source: "EMS"})
	want("lifted at all connectors", 12000, 12000)
	tell(true)
	want("all are gone", 16000, 16000)
	tell(false, outside(r, 1, "EMS", 0, 40, 0))
	want("it raises nothing", 16000, 16000)
	r.do(OutsideLimits{Station: "NOBODY", Limits: []OutsideLimit{outside(r, 0, "EMS", 0, 1, 0)}})
}

func TestOutsideLimitsInWattsAreRemembered(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1") // three phases, 230 V
	r.do(OutsideLimits{Station: "CP1", Limits: []OutsideLimit{{Source: "EMS", Profile: &Profile{Start: r.now, Watts: true, Periods: []Period{{Limit: 6_900_000}}}}}})
	settings := map[string]string{"outside/NOBODY": "[]", "outside/CP2": "no JSON"}
	for _, row := range rowsOf[SettingRow](r.rows) {
		settings[row.Key] = row.Value
	}
	for _, rig := range []*rig{r, newRig(t, layout(), Recovered{Settings: settings})} {
		rig.now = r.now
		rig.do(Tick{})
		if got, rule := rig.ceilingOf(1); got != 10000 || rule != loadbalance.RuleOutside {
			t.Errorf("%v by rule %d", got, rule)
		}
	}
	before := len(r.rows)
	r.do(OutsideLimits{Station: "CP1", Limits: slices.Clone(r.site.stations["CP1"].outside)})
	if len(r.rows) != before {
		t.Error("the same again is written again")
	}
}

// TestOutsideLimitsAreBounded: a charger that tells of ever new systems.
func TestOutsideLimitsAreBounded(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	for i := range 100 {
		r.do(OutsideLimits{Station: "CP1", Limits: []OutsideLimit{outside(r, 1, string(rune('A'+i)), 0, 8, 0)}})
	}
	if n := len(r.site.stations["CP1"].outside); n != maxOutside {
		t.Errorf("%d are remembered", n)
	}
}
