package controller

import (
	"testing"
	"time"
)

// vanLeaves is a yard whose van leaves early on weekdays and needs much until then.
func vanLeaves(t *testing.T, at time.Duration, needs WattHour) Layout {
	l := yardLayout(22000)
	l.Vehicles = []VehicleLayout{{ID: "van", Tokens: []string{"VAN"}, Max: 16000, Expected: Expected{Leaves: weekdays(at), Energy: needs}}}
	for i := range l.Chargers {
		l.Chargers[i].Connectors[0].Expected = Expected{Leaves: weekdays(18 * time.Hour), Energy: 30000}
	}
	return l
}

// TestWhoLeavesEarlyIsReady: two cars at one fuse; the one that its vehicle's schedule
// has leave early gets its energy by then, the other later.
func TestWhoLeavesEarlyIsReady(t *testing.T) {
	y := newYard(t, vanLeaves(t, 9*time.Hour+10*time.Minute, 8500))
	y.planner = solving()
	other := y.arrive("CP1", "OTHER", 32000, 30000)
	y.run(epoch.Add(10*time.Minute), nil)
	van := y.arrive("CP2", "VAN", 16000, 8500)
	y.run(epoch.Add(70*time.Minute), nil)
	if van.wh < 8500*0.98 {
		t.Errorf("the van leaves with %.0f of 8500 Wh", van.wh)
	}
	snap := y.site.Snapshot(y.now)
	if snap.Plan.State != PlanFollowed || snap.Plan.Made == 0 {
		t.Errorf("the plan is %+v", snap.Plan)
	}
	if v := snap.Connectors[0]; len(v.Planned) == 0 || v.PlanRank == 0 {
		t.Errorf("the other car's plan is not shown: %+v", v)
	}
	y.leave(van)
	y.run(epoch.Add(4*time.Hour), nil)
	if other.wh < 29000 {
		t.Errorf("the other car has only %.0f of 30000 Wh by noon", other.wh)
	}
	if y.site.alarms[alarmKey{"plan.missing", "planner"}] != nil {
		t.Error("a plan is missed")
	}
}

// TestWithoutAPlannerItIsSaid: a planner that never answers, or fails, keeps nobody from
// charging, and a person hears of it; when it is back the alarm goes.
func TestWithoutAPlannerItIsSaid(t *testing.T) {
	for name, dead := range map[string]func(PlanWanted) PlanMade{
		"silent": nil,
		"failing": func(w PlanWanted) PlanMade {
			return PlanMade{Seq: w.Seq, Err: "out of order"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t, vanLeaves(t, 12*time.Hour, 8500))
			y.planner = dead
			y.arrive("CP1", "OTHER", 32000, 30000)
			van := y.arrive("CP2", "VAN", 16000, 8500)
			y.run(epoch.Add(30*time.Second), nil)
			if got := y.site.Snapshot(y.now).Plan.State; got != PlanWaiting {
				t.Errorf("at first planning is %q", got)
			}
			y.run(epoch.Add(20*time.Minute), nil)
			snap := y.site.Snapshot(y.now)
			if snap.Plan.State != PlanFallback || snap.Plan.Why == "" || y.site.alarms[alarmKey{"plan.missing", "planner"}] == nil {
				t.Errorf("nobody says that there is no plan: %+v", snap.Plan)
			}
			if van.wh < 1350 { // the minimum current
				t.Errorf("without a plan the van got %.0f Wh in 20 minutes", van.wh)
			}
			if n := len(y.asked); n < 3 || n > 30 {
				t.Errorf("it was asked for a plan %d times in 20 minutes", n)
			}
			y.planner = solving()
			y.run(y.now.Add(6*time.Minute), nil)
			if got := y.site.Snapshot(y.now).Plan.State; got != PlanFollowed || y.site.alarms[alarmKey{"plan.missing", "planner"}] != nil {
				t.Errorf("with a planner again planning is %q", got)
			}
			y.planner = nil
			y.run(y.now.Add(17*time.Minute), nil)
			if got := y.site.Snapshot(y.now).Plan; got.State != PlanFallback {
				t.Errorf("an old plan is still followed: %+v", got)
			}
		})
	}
}

// TestNobodyKnownNothingPlanned: where no car's needs are known no plan is asked for.
func TestNobodyKnownNothingPlanned(t *testing.T) {
	y := newYard(t, yardLayout(22000))
	y.arrive("CP1", "A", 32000, 30000)
	y.run(epoch.Add(10*time.Minute), nil)
	if len(y.asked) != 0 || y.site.alarms[alarmKey{"plan.missing", "planner"}] != nil {
		t.Errorf("%d plans were asked for", len(y.asked))
	}
}

// TestAPlanIsAskedForWhenSomethingChanges: at plug and unplug, at a change of needs and
// of the cloud's cap, else every five minutes.
func TestAPlanIsAskedForWhenSomethingChanges(t *testing.T) {
	y := newYard(t, vanLeaves(t, 12*time.Hour, 8500))
	y.planner = solving()
	asks := func(what string, least, most int, do func()) {
		t.Helper()
		y.asked = nil
		do()
		y.run(y.now.Add(15*time.Second), nil)
		if n := len(y.asked); n < least || n > most {
			t.Errorf("%s: %d plans were asked for, want %d to %d", what, n, least, most)
		}
	}
	y.run(epoch.Add(20*time.Second), nil)
	asks("a car comes", 1, 1, func() { y.arrive("CP1", "OTHER", 32000, 30000) })
	asks("nothing", 0, 0, func() {})
	var van *yardCar
	asks("another comes", 1, 1, func() { van = y.arrive("CP2", "VAN", 16000, 8500) })
	asks("its departure is told", 1, 1, func() {
		y.do(DepartureRequested{Slot: 2, Departure: y.now.Add(time.Hour)})
	})
	asks("a cap of the cloud", 1, 1, func() {
		y.do(ProfileSet{Reply: y.next(), Profile: Profile{ID: 1, Purpose: PurposeStationMax, Kind: KindAbsolute, Start: y.now, Periods: []Period{{Limit: 10000}}}})
	})
	asks("it leaves", 1, 1, func() { y.leave(van) })
	asks("half an hour", 6, 7, func() { y.run(y.now.Add(30*time.Minute), nil) })
}
