package bench

import (
	"math"
	"testing"
)

// Published: minima of the table of notebook 2.1, at 10 kW (load-balancing.md 4.5).
func TestW0GivesThePublishedResults(t *testing.T) {
	sessions := readACN(t)
	for _, c := range []struct {
		network   ACNNetwork
		policy    ACNPolicy
		kilowatts float64
		want      float64
	}{
		{ThreePhase, ACNFCFS, 10, 34.653}, {ThreePhase, ACNLLF, 10, 36.816}, {ThreePhase, ACNEDF, 10, 36.937}, {ThreePhase, ACNRR, 10, 43.847},
		{ThreePhase, ACNFCFS, 30, 80.5}, {ThreePhase, ACNLLF, 30, 86.5}, {ThreePhase, ACNEDF, 30, 86.3}, {ThreePhase, ACNRR, 30, 83.3},
		{SinglePhase, ACNFCFS, 10, 54.735}, {SinglePhase, ACNLLF, 10, 58.564}, {SinglePhase, ACNEDF, 10, 57.632}, {SinglePhase, ACNRR, 10, 55.083},
	} {
		got := RunACN(sessions, c.network, c.policy, c.kilowatts)
		t.Logf("network %d, %v kW, %s: %.3f (%.3f)", c.network, c.kilowatts, c.policy, got, c.want)
		if math.Abs(got-c.want) > .1 {
			t.Errorf("network %d, %v kW, %s: %.3f %%, published %.3f", c.network, c.kilowatts, c.policy, got, c.want)
		}
	}
}
