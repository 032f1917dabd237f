package downstream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

func TestClockThatIsOffGetsRelativeProfiles(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(string) string
		point   string
		leaseOK bool
	}{
		{"takes them", always(`3,{"status":"Accepted"}`), "TxProfile 16 A Relative on 1 stack 1", true},
		{"does not", refusing("Relative"), "TxProfile 16 A Absolute on 1 stack 1", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			status := func(at string) {
				cp.call(`[2,"` + at + `","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging","timestamp":"` + at + `"}]`)
			}
			for range 3 { // an hour behind
				time.Sleep(8 * time.Second)
				status(time.Now().UTC().Add(-time.Hour).Format(time.RFC3339))
			}
			for seq := range controller.Seq(2) {
				r.hub.Do(setpoint(seq, 16_000))
				points := limitsOf(cp.play(c.answer))
				if got := points[len(points)-1]; got != c.point {
					t.Errorf("%s: %s", c.name, got)
				}
			}
			judged := eventsOf[controller.ClockJudged](r.loop.learnt)
			if last := judged[len(judged)-1]; last.LeaseOK != c.leaseOK || last.Skew != time.Hour {
				t.Errorf("%s: the controller heard %+v", c.name, judged)
			}
			status("2000-01-01T00:00:23Z") // it took the time
			r.hub.Do(setpoint(9, 16_000))
			if got := limitsOf(cp.play(c.answer)); got[0] != "TxProfile 16 A Absolute on 1 stack 1" {
				t.Errorf("%s: afterwards %s", c.name, got)
			}
			judged = eventsOf[controller.ClockJudged](r.loop.learnt)
			if last := judged[len(judged)-1]; !last.LeaseOK || last.Skew != 0 {
				t.Errorf("%s: afterwards the controller heard %+v", c.name, last)
			}
		})
	}
}

func TestOldMessagesDoNotMakeAClockWrong(t *testing.T) {
	for name, ages := range map[string][]time.Duration{ // one every 8 s
		"queued in an outage":       {3 * time.Hour, 2*time.Hour + 59*time.Minute, 2*time.Hour + 58*time.Minute, 30 * time.Second},
		"last change, again":        {time.Hour, time.Hour + 8*time.Second, time.Hour + 16*time.Second, time.Hour + 24*time.Second},
		"now and then one in order": {time.Hour, time.Hour, 2 * time.Second, time.Hour, time.Hour, -4 * time.Second},
		"now and then a wrong one":  {2 * time.Second, -time.Hour, 2 * time.Second, 24 * time.Hour},
	} {
		var j clockJudge
		now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		for _, ago := range ages {
			if skew, _ := j.hear(now.Add(-ago), now); skew != 0 {
				t.Errorf("%s: %v", name, skew)
			}
			now = now.Add(8 * time.Second)
		}
	}
	var j clockJudge
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for range 10 { // all connectors at once, as they last changed together
		if skew, _ := j.hear(now.Add(-time.Hour), now); skew != 0 {
			t.Fatalf("statuses on request: %v", skew)
		}
	}
	if skew, news := j.hear(now, now); skew != 0 || !news {
		t.Errorf("the first judgement is no news")
	}
}

func TestAbilitiesAreInheritedAndForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Chargers: []Charger{{ID: "CP1"}, {ID: "CP2"}, {ID: "CP3"}, {ID: "CP4", Abilities: &controller.Abilities{MaxStackLevel: 3}}}})
		boot := func(id, firmware string) *rawCharger {
			cp := r.raw(id)
			cp.call(`[2,"1","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"X","firmwareVersion":"` + firmware + `"}]`)
			return cp
		}
		cp := boot("CP1", "1")
		r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
		cp.play(refusing(`"A"`))
		if a := r.abilities("CP1"); !a.TakesUnit(controller.UnitWatts) || a.TakesUnit(controller.UnitAmps) || a.Source != controller.AbilitiesLearnt || a.Model != "X" {
			t.Errorf("learnt %+v", a)
		}
		boot("CP2", "1")
		if a := r.abilities("CP2"); !a.TakesUnit(controller.UnitWatts) || a.Source != controller.AbilitiesInherited {
			t.Errorf("of the same firmware: %+v", a)
		}
		boot("CP3", "2")
		if a := r.abilities("CP3"); len(a.Units) != 0 || a.Source != controller.AbilitiesAssumed || a.MaxStackLevel != -1 {
			t.Errorf("of another firmware: %+v", a)
		}
		boot("CP4", "1")
		if a := r.hub.memory.abilities("CP4"); a.MaxStackLevel != 3 || a.Source != controller.AbilitiesConfigured {
			t.Errorf("configured: %+v", a)
		}
		boot("CP1", "2")
		if a := r.abilities("CP1"); len(a.Units) != 0 {
			t.Errorf("after an update: %+v", a)
		}
	})
}

func TestAbilitiesOfEarlierLivesAreUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Abilities: map[controller.StationID]controller.Abilities{"CP1": {MaxStackLevel: -1, Units: []controller.RateUnit{controller.UnitWatts},
			DeadMan: controller.DeadManProof{Mode: controller.DeadManDefault}, Source: controller.AbilitiesLearnt}}})
		cp := r.raw("CP1")
		r.hub.Do(setpoint(1, 16_000))
		if got := limitsOf(cp.play(always(`3,{"status":"Accepted"}`))); got[0] != `TxDefaultProfile 3680,"numberPhases":1 W Absolute on 1 stack 1` {
			t.Errorf("the first try is %s", got)
		}
	})
}

func TestWithoutADeadManTheOtherConnectorsKeepTheirFallback(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw("CP1")
		answer := refusing(`"TxProfile"`, `"stackLevel":1`)
		r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1, 2}, Limit: 6000})
		cp.play(answer)
		r.hub.Do(setpoint(1, 16_000))
		cp.play(answer)
		r.hub.Do(setpoint(2, 16_000))
		points := limitsOf(cp.play(answer))
		equal(t, "the last two", points[len(points)-2:], []string{"TxDefaultProfile 16 A Absolute on 1 stack 0", "TxDefaultProfile 6 A Absolute on 2 stack 0"})
		cp.call(`[2,"1","StopTransaction",{"transactionId":1000001,"meterStop":10,"timestamp":"2000-01-01T00:00:00Z"}]`)
		equal(t, "after the stop", limitsOf(cp.play(answer)), []string{"TxDefaultProfile 6 A Absolute on 1 stack 0"})
	})
}

func TestWritesAreCountedByDay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{WriteBudget: 12})
		cp := r.raw("CP1")
		day := func(n int) []controller.ProfilesWritten {
			r.loop.mu.Lock()
			r.loop.learnt = nil
			r.loop.mu.Unlock()
			for seq := range n {
				r.hub.Do(setpoint(controller.Seq(seq), 16_000))
				cp.play(always(`3,{"status":"Accepted"}`))
			}
			return eventsOf[controller.ProfilesWritten](r.loop.learnt)
		}
		today := start2000
		equal(t, "first day", day(15), []controller.ProfilesWritten{{Station: "CP1", Day: today, Count: 1, Budget: 12}, {Station: "CP1", Day: today, Count: 11, Budget: 12},
			{Station: "CP1", Day: today, Count: 13, Budget: 12}})
		time.Sleep(24 * time.Hour)
		cp = r.raw("CP1")
		equal(t, "second day", day(1), []controller.ProfilesWritten{{Station: "CP1", Day: today.AddDate(0, 0, 1), Count: 1, Budget: 12}})
	})
}

func TestWhatKeysSay(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"ChargingScheduleAllowedChargingRateUnit", "Current", "[]"},
		{"ChargingScheduleAllowedChargingRateUnit", "A", "[]"},
		{"ChargingScheduleAllowedChargingRateUnit", "Power", "[W]"},
		{"ChargingScheduleAllowedChargingRateUnit", "W", "[W]"},
		{"chargingScheduleAllowedChargingRateUnit", "Power, Current", "[]"},
		{"ChargeProfileMaxStackLevel", " 0", "stack 0"},
		{"ChargeProfileMaxStackLevel", "many", "stack -1"},
		{"ConnectorPhaseRotation", "0.RST,1.RTS, 2.NotApplicable,3.Unknown", "[{1 3 RTS} {2 1 }]"},
		{"ConnectorPhaseRotation", "RST", "[]"},
	} {
		a := controller.UsualAbilities()
		takeAbility(&a, c.key, strings.TrimSpace(c.value))
		got := fmt.Sprint(a.Units)
		if strings.HasPrefix(c.want, "stack") {
			got = fmt.Sprintf("stack %d", a.MaxStackLevel)
		} else if c.key == "ConnectorPhaseRotation" {
			got = fmt.Sprint(a.Connectors)
		}
		if got != c.want {
			t.Errorf("%s=%q: %s, want %s", c.key, c.value, got, c.want)
		}
	}
}

func TestChargersWithoutADeadManGetTheirFallbackWhenTheBoxEnds(t *testing.T) {
	for _, c := range []struct {
		mode controller.DeadManMode
		want []string
	}{
		{controller.DeadManNone, []string{"TxDefaultProfile 6 A Absolute on 1 stack 0"}},
		{controller.DeadManTx, nil},
		{controller.DeadManDefault, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Abilities: map[controller.StationID]controller.Abilities{"CP1": {MaxStackLevel: -1,
				DeadMan: controller.DeadManProof{Mode: c.mode}, Source: controller.AbilitiesLearnt}}})
			cp := r.connect("CP1")
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
			r.hub.Do(setpoint(1, 16_000))
			cp.heard()
			if err := r.hub.Close(t.Context()); err != nil {
				t.Error(err)
			}
			equal(t, string(c.mode), limitsOf(cp.heard()), c.want)
		})
	}
}
