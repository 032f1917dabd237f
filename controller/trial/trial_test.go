package trial

import (
	"testing"
	"time"
)

func TestFew(t *testing.T) {
	count := map[Verdict]int{}
	start := time.Now()
	for seed := range uint64(400) {
		r, err := Judge(Draw(seed))
		if err != nil {
			t.Fatal(err)
		}
		count[r.Verdict]++
		t.Logf("%d %s theta %.2f J %.1f steps %d setpoints %d energy %.0f %v %v", seed, r.Verdict, r.Theta, r.Integral, r.Steps, r.Setpoints, r.EnergyWh, r.Tripped, r.Violations)
	}
	t.Log(count, time.Since(start)/400)
}
