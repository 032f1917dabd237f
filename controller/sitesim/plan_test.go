package sitesim

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocppsim"
)

// TestTheVanIsReadyWhenItLeaves: two cars at one fuse of a whole site; the van leaves
// early by the schedule of its vehicle and gets its energy by then, the other car later.
func TestTheVanIsReadyWhenItLeaves(t *testing.T) {
	const needs = 9500.
	leaves := time.Date(2026, 3, 2, 7, 15, 0, 0, time.UTC) // 08:15 in Berlin, a Monday
	fleet := `
schedules: [{id: early, leaves: [{days: [mon, tue, wed, thu, fri], at: "08:15"}]}, {id: late, leaves: [{at: "18:00"}], needs_kwh: 30}]
vehicles: [{id: van, id_tokens: ["VAN"], max_a: 16, needs_kwh: 9.5, schedule: early}]
`
	site := func(yaml string) string {
		yaml = strings.ReplaceAll(yaml, "limit_a: [40, 40, 40]", "limit_a: [22, 22, 22]")
		yaml = strings.Replace(yaml, "failsafe_a: 6", "failsafe_a: 0", 2)
		return strings.ReplaceAll(yaml, "connectors: [{n: 1,", "connectors: [{n: 1, schedule: late,") + fleet
	}
	cars := func(i int) []ocppsim.Session {
		car := ocppsim.Car{Phases: 3}
		switch i {
		case 0:
			return []ocppsim.Session{{Wait: 2 * time.Second, Token: "OTHER", Car: car, Lasts: 4 * time.Hour}}
		case 4:
			return []ocppsim.Session{{Wait: 2 * time.Minute, Token: "VAN", Car: car, Lasts: 90 * time.Minute}}
		}
		return nil
	}
	during(t, Scenario{Chargers: 5, Seed: 1, Site: site, Cars: cars}, func(t *testing.T, w *World) {
		time.Sleep(time.Until(leaves))
		synctest.Wait()
		snap := w.Box().Snapshot()
		other, van := snap.Connectors[0], snap.Connectors[4]
		if van.Vehicle != "van" || !van.Departure.Equal(leaves) || van.DepartureBy != controller.NeedsFromVehicle {
			t.Errorf("the van is known as %q and leaves %v by %q", van.Vehicle, van.Departure, van.DepartureBy)
		}
		if float64(van.Energy) < needs*0.98 {
			t.Errorf("the van leaves with %d of %.0f Wh", van.Energy, needs)
		}
		if other.Energy < 3000 {
			t.Errorf("the other car was left with %d Wh", other.Energy)
		}
		if snap.Plan.State != controller.PlanFollowed || snap.Plan.Failures > 0 {
			t.Errorf("planning is %+v", snap.Plan)
		}
		before := other.Energy
		time.Sleep(100 * time.Minute)
		if snap = w.Box().Snapshot(); snap.Connectors[0].Energy-before < 12000 {
			t.Errorf("afterwards the other car got only %d Wh", snap.Connectors[0].Energy-before)
		}
		if st := w.Box().Status(); st.PlanAgeS == nil || *st.PlanAgeS > 600 || st.PlanFailures > 0 {
			t.Errorf("the status says %v of the plan", st)
		}
	})
}
