package loadbalance

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// outcome is what the loop test measures: 24 chargers on 125 A below a noisy office,
// all cars hungry.
type outcome struct {
	use, j, changes, pauses float64 // the last two by charger-hour
	longest                 time.Duration
	tripped                 bool
}

func (o outcome) String() string {
	return fmt.Sprintf("use %.3f, J %.1f s, longest %.1f s, changes %.1f, pauses %.2f", o.use, o.j, o.longest.Seconds(), o.changes, o.pauses)
}

// measureLoop lives through length of seeds sites and gives back the means and worsts.
func measureLoop(t testing.TB, tuning Tuning, length time.Duration, seeds int) outcome {
	outs := make([]outcome, seeds)
	var group sync.WaitGroup
	for i := range outs {
		group.Go(func() { outs[i] = oneLoop(t, tuning, length, uint64(i+1)) })
	}
	group.Wait()
	var sum outcome
	for _, o := range outs {
		n := float64(seeds)
		sum.use, sum.changes, sum.pauses = sum.use+o.use/n, sum.changes+o.changes/n, sum.pauses+o.pauses/n
		sum.j, sum.longest, sum.tripped = max(sum.j, o.j), max(sum.longest, o.longest), sum.tripped || o.tripped
	}
	return sum
}

func oneLoop(t testing.TB, tuning Tuning, length time.Duration, seed uint64) (o outcome) {
	cfg := loopSite(125*Amp, 90*Amp)
	cfg.Tuning = tuning
	p := newPlant(t, seed, 125*Amp, cfg, 24)
	p.base = office(seed, 1)
	p.run(length)
	hours := p.carSeconds / 3600
	o = outcome{use: p.used / p.usable, changes: float64(p.changes) / hours, pauses: float64(p.pauses) / hours}
	for i := range p.stress {
		s := &p.stress[i]
		o.j, o.longest, o.tripped = max(o.j, s.WorstJ()), max(o.longest, s.LongestEvent()), o.tripped || s.Tripped()
	}
	return o
}

// TestTradeOff holds all gates of the loop test at once, over 4 h and 8 seeds.
func TestTradeOff(t *testing.T) {
	o := measureLoop(t, Tuning{}, 4*time.Hour, 8)
	t.Log(o)
	if o.use < 0.85 || o.j > 8 || o.longest > 20*time.Second || o.changes > 30 || o.pauses > 4 || o.tripped {
		t.Errorf("missed: %v", o)
	}
}

// BenchmarkTradeOff prints the curve: each parameter of Tuning around its default.
// Run it with -benchtime 1x.
func BenchmarkTradeOff(b *testing.B) {
	for _, p := range []struct {
		name string
		tune Tuning
	}{
		{"default", Tuning{}},
		{"release=20s", Tuning{Release: 20 * time.Second}},
		{"release=60s", Tuning{Release: 60 * time.Second}},
		{"raise=2A,rest=1m", Tuning{LeastRaise: 2 * Amp, Rest: time.Minute}},
		{"raise=6A", Tuning{LeastRaise: 6 * Amp}},
		{"unfair=2A,patience=1m", Tuning{Unfair: 2 * Amp, Patience: time.Minute}},
		{"unfair=10A,patience=30m", Tuning{Unfair: 10 * Amp, Patience: 30 * time.Minute}},
		{"spare=1A", Tuning{Spare: Amp}},
		{"spare=4A", Tuning{Spare: 4 * Amp}},
		{"reserve=50", Tuning{Reserve: 50}},
		{"reserve=100", Tuning{Reserve: 100}},
	} {
		b.Run(p.name, func(b *testing.B) {
			var o outcome
			for b.Loop() {
				o = measureLoop(b, p.tune, 4*time.Hour, 8)
			}
			b.ReportMetric(o.use, "use")
			b.ReportMetric(o.j, "J-s")
			b.ReportMetric(o.longest.Seconds(), "longest-s")
			b.ReportMetric(o.changes, "changes/h")
			b.ReportMetric(o.pauses, "pauses/h")
		})
	}
}
