package sitesim

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/controller/appliance"
	"busbar/controller/commission"
	"busbar/controller/sitesim/memnet"
	"busbar/ocpp/ocppsim"
)

// apiToken is an admin's.
const apiToken = "token-of-the-test"

// during runs a world in virtual time and act meanwhile; the world ends after act.
func during(t *testing.T, sc Scenario, act func(t *testing.T, w *World)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)))
		net := memnet.New()
		w, err := New(t.Context(), sc, Env{Network: appliance.Network{Listen: net.Listen, Dial: net.DialContext}, DataDir: dir,
			UI: "10.0.0.1:80", Chargers: "10.0.0.1:8887", Meter: "10.0.0.5:502", Cloud: "10.0.0.9:9000", Token: apiToken, Fast: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		act(t, w)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		for _, v := range w.Violations() {
			t.Error(v)
		}
		for _, d := range w.Differences() {
			t.Error(d)
		}
	})
}

// stays are sessions that outlast a probe.
func stays() Sessions {
	return Sessions{PlugWithin: 5 * time.Second, Short: 20 * time.Minute, Long: 30 * time.Minute}
}

func findingOf(v commission.Verdict, check string) commission.Finding {
	for _, f := range v.Findings {
		if f.Check == check {
			return f
		}
	}
	return commission.Finding{}
}

func TestCommissioningWithACar(t *testing.T) {
	for _, version := range []OCPP{OCPP16, OCPP201} {
		t.Run(string(version), func(t *testing.T) { commissionsWithACar(t, version) })
	}
}

// commissionsWithACar proves the fall-back, and that a car goes on after a pause.
func commissionsWithACar(t *testing.T, version OCPP) {
	during(t, Scenario{Chargers: 2, Seed: 3, Sessions: stays(), OCPP: version}, func(t *testing.T, w *World) {
		time.Sleep(90 * time.Second)
		began := time.Now()
		v, err := w.Box().Commission(t.Context(), "CP01")
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		proof := findingOf(v, "dead-man")
		if proof.Outcome != commission.OK || !strings.Contains(proof.Text, "fell to 6.0 A") || took < 30*time.Second || took > 4*time.Minute || !v.Good {
			t.Errorf("after %v: %s; all: %v", took, proof, v.Findings)
		}
		if pause := findingOf(v, "pause"); pause.Outcome != commission.OK || v.Abilities.Pause != controller.PauseZero {
			t.Errorf("%s", pause)
		}
		time.Sleep(90 * time.Second)
		for _, c := range w.Box().Snapshot().Connectors {
			if c.Station == "CP01" && c.Setpoint <= c.Failsafe {
				t.Errorf("the car did not get its current back: %v", c.Setpoint)
			}
		}
		for _, c := range w.Box().Snapshot().Chargers {
			a := c.Abilities
			if c.Station == "CP01" && (a.DeadMan.Result != controller.Yes || a.DeadMan.Fallback != 6000 || a.Source != controller.AbilitiesLearnt) {
				t.Errorf("not remembered: %+v", a)
			}
		}
	})
}

func TestCommissioningFindsAChargerThatIgnoresItsProfiles(t *testing.T) {
	during(t, Scenario{Chargers: 1, Seed: 3, Sessions: stays()}, func(t *testing.T, w *World) {
		time.Sleep(60 * time.Second)
		sim := w.chargers[0].sim
		sim.SetFault(ocppsim.Fault{IgnoreProfiles: true})
		v, err := w.Box().Commission(t.Context(), "CP01")
		if err != nil {
			t.Fatal(err)
		}
		if proof := findingOf(v, "dead-man"); proof.Outcome != commission.Missing || proof.Remedy == "" || v.Good {
			t.Errorf("got %s", proof)
		}
	})
}

// TestTheFirstRealSessionProvesTheFallBack: nobody asks, and the driver hardly notices.
func TestTheFirstRealSessionProvesTheFallBack(t *testing.T) {
	during(t, Scenario{Chargers: 3, Seed: 5, Sessions: stays()}, func(t *testing.T, w *World) {
		time.Sleep(4 * time.Minute)
		for _, c := range w.Box().Snapshot().Chargers {
			if c.Abilities.DeadMan.Result != "" {
				t.Errorf("%s is proven too early", c.Station)
			}
		}
		w.chargers[1].sim.SetFault(ocppsim.Fault{IgnoreProfiles: true})
		time.Sleep(12 * time.Minute)
		snap := w.Box().Snapshot()
		for i, c := range snap.Chargers {
			want := controller.Yes
			if i == 1 {
				want = controller.No
			}
			if c.Abilities.DeadMan.Result != want {
				t.Errorf("%s: %+v, want %s", c.Station, c.Abilities.DeadMan, want)
			}
		}
		alarmed := false
		for _, a := range snap.Alarms {
			alarmed = alarmed || a.Code == "charger.no-fallback" && a.Subject == "CP02"
		}
		if !alarmed {
			t.Errorf("no alarm among %+v", snap.Alarms)
		}
	})
}
