package bench

import (
	"testing"
	"time"
)

// metric is one figure of a result.
func metric(t testing.TB, r Result, id string) float64 {
	t.Helper()
	for _, m := range r.Metrics {
		if m.ID == id {
			return m.Value
		}
	}
	t.Fatalf("%s has no %s", r.Scenario, id)
	return 0
}

// An hour of the loop test: no breaker opens, and the figures are those of the gates
// of load-balancing.md section 4.4 where an hour can tell.
func TestLoopKeepsTheBreaker(t *testing.T) {
	cars, err := loopCars(loopCount, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlant(loopConfig(125_000, 90), 1, cars, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p.base = office(loopAmps, 1)
	p.run(time.Hour)
	r := Result{Metrics: p.figures()}
	if metric(t, r, "P2.trips") != 0 || metric(t, r, "P2.J_s") > 8 || metric(t, r, "P1.longest_s") > 20 {
		t.Errorf("%+v", r.Metrics)
	}
	if p.used == 0 || p.used > p.usable*1.05 {
		t.Errorf("used %.0f of %.0f A s", p.used, p.usable)
	}
}

// A load that comes on at once opens no breaker, and the site is within its limit
// again after the cars' time and little more.
func TestStepsAreAnswered(t *testing.T) {
	results, err := step(50, 40, 3).Run(Inputs{}, Policy{Name: "busbar"})
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if metric(t, r, "P2.trips") != 0 || metric(t, r, "P2.J_s") > 12 || metric(t, r, "C2.compliant_s") > 15 {
		t.Errorf("%+v", r.Metrics)
	}
	if len(results) != 4 || results[3].Seed != 3 {
		t.Errorf("%d results", len(results))
	}
}

// The loop test meets its gates at once: use of the headroom, overload, changes, pauses.
func TestLoopMeetsItsGates(t *testing.T) {
	meterings, seeds, use := []time.Duration{10 * time.Second, time.Second}, loopSeeds, .85
	if testing.Short() { // one seed may lie below the mean
		meterings, seeds, use = meterings[:1], 1, .82
	}
	for _, metering := range meterings {
		results, err := overSeeds(0, seeds, func(seed int) (Result, error) { return oneLoop(metering, seed) })
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		if metric(t, r, "P3") < use || metric(t, r, "P1.longest_s") > 20 || metric(t, r, "P2.J_s") > 8 || metric(t, r, "C1.changes") > 30 || metric(t, r, "C1.pauses") > 4 {
			t.Errorf("metered every %v: %+v", metering, r.Metrics)
		}
	}
}

// Every fault leaves the breaker closed and meets its gates: a lost meter, cars that do
// not come down, a limit from outside.
func TestFaultsMeetTheirGates(t *testing.T) {
	most := map[string]float64{"F1.last_increase_s": 3, "F1.failsafe_s": 15, "F4.detected_s": 15, "F4.compliant_s": 20, "F6.compliant_s": 10}
	least := map[string]float64{"F1.return_s": 60, "F6.return_s": 60}
	for _, s := range faults() {
		results, err := s.Run(Inputs{}, Policy{Name: "busbar"})
		if err != nil {
			t.Fatal(err)
		}
		if j := metric(t, results[0], "P2.J_s"); j > 27 {
			t.Errorf("%s: J %.1f s, an MCB would open", s.Name, j)
		}
		for _, m := range results[0].Metrics {
			if gate, ok := most[m.ID]; ok && m.Value > gate {
				t.Errorf("%s %.1f, at most %.0f", m.ID, m.Value, gate)
			}
			if gate, ok := least[m.ID]; ok && m.Value < gate {
				t.Errorf("%s %.1f, at least %.0f", m.ID, m.Value, gate)
			}
		}
	}
}
