package bench

import (
	"math"
	"os"
	"testing"
)

func readACN(t testing.TB) []ACNSession {
	f, err := os.Open("testdata/acn_caltech_2019-03.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := ReadACN("acn_caltech_2019-03.csv", f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The reference run of load-balancing.md section 4.6. With -short it is one root limit.
func TestPlainPoliciesGiveTheReferenceRunOnTheACNMonth(t *testing.T) {
	roots := []float64{16, 20, 25, 32, 40, 63}
	for policy, want := range map[Plain][]float64{
		FCFS:     {52.8, 53.2, 64.9, 73.7, 84.0, 97.1},
		Equal:    {53.8, 60.4, 67.3, 77.4, 86.8, 97.0},
		Rotation: {54.2, 60.6, 67.0, 76.6, 85.4, 96.9},
		EDF:      {57.9, 58.3, 72.0, 81.8, 90.8, 99.4},
		LLF:      {56.6, 56.7, 70.6, 80.7, 91.2, 99.7},
	} {
		for i, root := range roots {
			if testing.Short() && root != 25 {
				continue
			}
			w, err := EUTree("W1", root, readACN(t))
			if err != nil {
				t.Fatal(err)
			}
			r := RunPlain(w, policy)
			if math.Abs(r.Percent()-want[i]) > .1 {
				t.Errorf("%s at %v A: %.2f %%, need %.1f", policy, root, r.Percent(), want[i])
			}
			if root == 25 {
				t.Logf("%s at 25 A: %.2f %%, full %.1f %%, p5 %.3f, Jain %.3f, starve %.0f min, changes %.2f, pauses %.2f", policy, r.Percent(), r.FullPercent, r.P5, r.Jain, r.StarveMinutes, r.Changes, r.Pauses)
			}
		}
	}
}
