package bench

import (
	"math"
	"slices"
	"testing"
)

// Published: minima of the table of notebook 2.1, at 10 kW (load-balancing.md 4.5); at
// 30 kW the reference run of the same section.
func TestW0GivesThePublishedResults(t *testing.T) {
	sessions := readACN(t)
	for kilowatts, published := range map[float64]map[ACNPolicy]float64{
		10: {ACNFCFS: 34.653, ACNLLF: 36.816, ACNEDF: 36.937, ACNRR: 43.847},
		30: {ACNFCFS: 80.5, ACNLLF: 86.5, ACNEDF: 86.3, ACNRR: 83.3},
	} {
		for policy, want := range published {
			got := RunACN(sessions, ThreePhase, policy, kilowatts)
			t.Logf("%v kW, %s: %.3f (%.3f)", kilowatts, policy, got, want)
			if math.Abs(got-want) > .1 {
				t.Errorf("%v kW, %s: %.3f %%, published %.3f", kilowatts, policy, got, want)
			}
		}
	}
}

// The planner on the same network, in its first week: far better than turns. BENCHMARK.md
// has the month.
func TestW0ByThePlanner(t *testing.T) {
	sessions := readACN(t)
	week := sessions[:slices.IndexFunc(sessions, func(s ACNSession) bool { return s.Depart > 7*288 })]
	turns, got := RunACN(week, ThreePhase, ACNRR, 10), RunACN(week, ThreePhase, ACNBusbar, 10)
	if t.Logf("10 kW, a week: %.2f, turns %.2f", got, turns); got < turns+4 {
		t.Errorf("%.2f %% delivered, turns deliver %.2f", got, turns)
	}
}

// The single-phase column is met less exactly: 0.2 to 0.9 points above the published
// numbers, with the order of FCFS and RR exchanged, and below the published offline
// optimum of 59.173. Its model is one sum of currents; what else the published run had
// is not known. The report says so.
func TestTheSinglePhaseModelComesNearThePublishedResults(t *testing.T) {
	sessions := readACN(t)
	for policy, want := range map[ACNPolicy]float64{ACNFCFS: 54.735, ACNLLF: 58.564, ACNEDF: 57.632, ACNRR: 55.083} {
		got := RunACN(sessions, SinglePhase, policy, 10)
		t.Logf("%s: %.3f (%.3f)", policy, got, want)
		if got < want || got > want+.9 || got > 59.173 {
			t.Errorf("%s: %.3f %%, published %.3f", policy, got, want)
		}
	}
}
