package controller

import (
	"slices"
	"testing"
	"time"
)

func charger(r *rig, id StationID) ChargerView {
	r.t.Helper()
	for _, v := range r.site.Snapshot(r.now).Chargers {
		if v.Station == id {
			return v
		}
	}
	r.t.Fatalf("no charger %s", id)
	return ChargerView{}
}

func alarmed(r *rig, code string) bool {
	return slices.ContainsFunc(r.site.Snapshot(r.now).Alarms, func(a Alarm) bool { return a.Code == code })
}

func TestAbilitiesAreShownAndRemembered(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	a := UsualAbilities()
	a.Model, a.Units, a.Source = "X", []RateUnit{UnitWatts}, AbilitiesLearnt
	r.do(ChargerLearnt{Station: "CP1", Abilities: a})
	r.do(ChargerLearnt{Station: "NOBODY", Abilities: a})
	settings := map[string]string{"other": "{}"}
	for _, row := range rowsOf[SettingRow](r.rows) {
		settings[row.Key] = row.Value
	}
	recovered := Recovered{Settings: settings}
	if got := RecoveredAbilities(recovered); len(got) != 1 || !got["CP1"].TakesUnit(UnitWatts) || got["CP1"].MaxStackLevel != -1 {
		t.Errorf("recovered %+v", got)
	}
	for _, rig := range []*rig{r, newRig(t, layout(), recovered)} {
		if v := charger(rig, "CP1"); !v.Abilities.TakesUnit(UnitWatts) || !v.LeaseOK {
			t.Errorf("shown %+v", v)
		}
	}
}

func TestClockAndWritesAreShown(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.do(ClockJudged{Station: "CP1", Skew: time.Hour})
	r.do(ProfilesWritten{Station: "CP1", Day: r.now, Count: 501, Budget: 500})
	if v := charger(r, "CP1"); v.LeaseOK || v.ClockSkew != time.Hour || v.ProfileWrites != 501 || v.ProfileBudget != 500 {
		t.Errorf("shown %+v", v)
	}
	if !alarmed(r, "charger.clock") || !alarmed(r, "charger.writes") {
		t.Errorf("alarms %+v", r.site.Snapshot(r.now).Alarms)
	}
	r.do(ClockJudged{Station: "CP1", LeaseOK: true})
	r.do(ProfilesWritten{Station: "CP1", Day: r.now, Count: 1, Budget: 500})
	if alarmed(r, "charger.clock") || alarmed(r, "charger.writes") {
		t.Errorf("alarms stay: %+v", r.site.Snapshot(r.now).Alarms)
	}
}

// TestWhatDoesNotEndByItselfStaysBooked: a charger that is out of reach and keeps its
// setpoint counts with it for as long as it is away.
func TestWhatDoesNotEndByItselfStaysBooked(t *testing.T) {
	for _, c := range []struct {
		name string
		ev   Event
		ends bool
	}{
		{"usual", nil, true},
		{"wrong clock", ClockJudged{Station: "CP1", Skew: time.Hour}, false},
		{"no dead man", ChargerLearnt{Station: "CP1", Abilities: Abilities{DeadMan: DeadManProof{Mode: DeadManNone}}}, false},
		{"proven not to fall back", ChargerLearnt{Station: "CP1", Abilities: Abilities{DeadMan: DeadManProof{Mode: DeadManTx, Result: No}}}, false},
	} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP1")
		r.start("CP1", 1, "A")
		if c.ev != nil {
			r.do(c.ev)
		}
		sl := r.site.slots[0]
		sl.lim.held, sl.lim.leaseUntil = 20_000, r.now.Add(time.Minute)
		r.do(ChargerGone{Station: "CP1", Generation: 1})
		r.later(time.Hour)
		if got := !r.site.demand(sl).LeaseUntil.After(r.now); got != c.ends {
			t.Errorf("%s: ends by itself: %v", c.name, got)
		}
	}
}

func TestChargerThatDoesNotFallBackIsAnAlarmAlsoAfterARestart(t *testing.T) {
	alarmed := func(r *rig) bool {
		return slices.ContainsFunc(r.site.Snapshot(r.now).Alarms, func(a Alarm) bool { return a.Code == "charger.no-fallback" && a.Subject == "CP1" })
	}
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	refuted := Abilities{MaxStackLevel: -1, DeadMan: DeadManProof{Mode: DeadManTx, Result: No}, Source: AbilitiesLearnt}
	r.do(ChargerLearnt{Station: "CP1", Abilities: refuted})
	if !alarmed(r) {
		t.Fatal("no alarm")
	}
	settings := map[string]string{}
	for _, row := range rowsOf[SettingRow](r.rows) {
		settings[row.Key] = row.Value
	}
	again := newRig(t, layout(), Recovered{Settings: settings})
	again.online("CP1")
	if !alarmed(again) {
		t.Error("no alarm after a restart")
	}
	refuted.DeadMan.Result = Yes
	if again.do(ChargerLearnt{Station: "CP1", Abilities: refuted}); alarmed(again) {
		t.Error("the alarm outlives the proof")
	}
}
