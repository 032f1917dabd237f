package bench

import (
	"slices"
	"testing"
)

// firstWeek are the ACN sessions of the first seven days.
func firstWeek(sessions []ACNSession) []ACNSession {
	return slices.DeleteFunc(sessions, func(s ACNSession) bool { return s.Depart > 7*86400/SlotSeconds })
}

// The Balancer keeps every fuse, and gives at least what equal shares give less two
// points; without departures nobody can do much better. With -short it is the first week.
func TestBusbarOnTheACNMonth(t *testing.T) {
	i := Instances()[2] // 25 A
	sessions, least := readACN(t), 0.
	if testing.Short() {
		sessions, least = firstWeek(sessions), 65 // percent, of 65.4 once delivered
	}
	w, err := i.Workload(sessions, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunBusbar(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	equal := RunPlain(w, Equal)
	t.Logf("%.1f %%, of bound %.3f, full %.1f %%, Jain %.3f, starve %.0f min, changes %.2f, pauses %.2f", r.Percent(), r.DeliveredKWh/i.BoundKWh, r.FullPercent, r.Jain, r.StarveMinutes, r.Changes, r.Pauses)
	if r.Percent() < max(least, equal.Percent()-2) || r.DeliveredKWh > i.BoundKWh {
		t.Errorf("%.1f %% of the energy, equal shares give %.1f %%", r.Percent(), equal.Percent())
	}
	if r.OverSeconds > 0 {
		t.Errorf("a fuse was overloaded for %.0f s by up to %.2f A", r.OverSeconds, r.WorstExcess)
	}
}

// Where departures and energies are known the Balancer delivers what its planner wants,
// but for little: at 25 A 0.986 of the bound in a month, 0.96 is asked for
// (load-balancing.md 4.4). With -short it is a week, which has no bound, beside the planner.
func TestBusbarDoesWhatThePlannerWants(t *testing.T) {
	i := Instances()[2] // 25 A
	sessions := readACN(t)
	if testing.Short() {
		sessions = firstWeek(sessions)
	}
	w, err := i.Workload(sessions, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunBusbar(w, Options{Known: true, Plan: true})
	if err != nil {
		t.Fatal(err)
	}
	alone := RunPlanner(w)
	t.Logf("%.1f %%, planner alone %.1f %%, of the month's bound %.3f", r.Percent(), alone.Percent(), r.DeliveredKWh/i.BoundKWh)
	if r.Percent() < alone.Percent()-1 || !testing.Short() && r.DeliveredKWh < 0.96*i.BoundKWh {
		t.Errorf("%.1f kWh, the planner alone delivers %.1f", r.DeliveredKWh, alone.DeliveredKWh)
	}
	if r.OverSeconds > 0 {
		t.Errorf("a fuse was overloaded for %.0f s", r.OverSeconds)
	}
}

// Cars that follow late and draw less never overload a fuse when there is no base load.
func TestBusbarWithFollowingCars(t *testing.T) {
	w, err := Generate("small", Recipe{Kind: Workplace, Connectors: 12, Days: 1, Seed: 3, RootAmps: 25})
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunBusbar(w, Options{Cars: FollowingCars})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f %%, over %.0f s by %.2f A", r.Percent(), r.OverSeconds, r.WorstExcess)
	if r.DeliveredKWh <= 0 || r.OverSeconds > 0 {
		t.Errorf("%.1f kWh delivered, overload of %.1f A", r.DeliveredKWh, r.WorstExcess)
	}
}
