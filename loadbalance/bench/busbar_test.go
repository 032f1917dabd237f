package bench

import (
	"testing"
	"time"
)

func TestBusbarOnTheACNMonth(t *testing.T) {
	acn := readACN(t)
	for _, i := range Instances()[:6] {
		w, err := i.Workload(acn)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, err := RunBusbar(w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r.BoundKWh = i.BoundKWh
		t.Logf("%s: %.1f %%, Q1 %.3f, full %.1f %%, Jain %.3f, starve %.0f min, changes %.2f, pauses %.2f, over %.0f s by %.2f A, %v", i.Name, r.Percent(), r.Q1(), r.FullPercent, r.Jain, r.StarveMinutes, r.Changes, r.Pauses, r.OverSeconds, r.WorstExcess, time.Since(start))
	}
}
