package loadbalance

import (
	"fmt"
	"testing"
	"time"
)

// bigSite is n charging connectors on feeders of ten below boards of ten feeders, a
// third of them on one phase; everything is contended.
func bigSite(tb testing.TB, n int) (*Balancer, Input) {
	tb.Helper()
	root := MilliAmp(n) * 12 * Amp
	nodes := []Node{{ID: "main", Limit: Uniform(root), Metered: true, WorstBase: Uniform(root / 10)}}
	feeders := (n + 9) / 10
	for i := range (feeders + 9) / 10 {
		nodes = append(nodes, Node{ID: NodeID(fmt.Sprint("board", i)), Parent: "main", Limit: Uniform(1050 * Amp)})
	}
	in := Input{}
	for i := range feeders {
		nodes = append(nodes, Node{ID: NodeID(fmt.Sprint("feeder", i)), Parent: NodeID(fmt.Sprint("board", i/10)), Limit: Uniform(MilliAmp(100+i%7*10) * Amp)})
	}
	for i := range n {
		c := Connector{Slot: i + 1, Node: NodeID(fmt.Sprint("feeder", i/10)), Phases: AllPhases, Min: 6 * Amp, Max: MilliAmp(16+i%3*8) * Amp,
			Online: true, Wants: true, CanStartUnasked: true, WantsSince: morning.Add(time.Duration(i) * time.Second), Weight: 1 + i%2}
		if i%3 == 0 {
			c.Phases = Phases(Phase(i / 3 % 3))
		}
		c.Held, c.HeldAt, c.LeaseUntil = 10*Amp, morning, morning.Add(time.Hour)
		c.Measured, c.MeasuredAt = Uniform(9800), morning
		in.Connectors = append(in.Connectors, c)
	}
	in.Readings = []Reading{{Node: "main", At: morning, Current: Uniform(root / 2), Period: time.Second}}
	b, err := NewBalancer(Config{Nodes: nodes})
	if err != nil {
		tb.Fatal(err)
	}
	return b, in
}

// second is one control pass of a busy second: a new reading that moved, each
// tenth charger has reported and has prolonged its lease, so that every pass costs the
// same.
func second(b *Balancer, in *Input, i int) Plan {
	now := morning.Add(time.Duration(i) * time.Second)
	in.Readings[0].At = now
	in.Readings[0].Current[i%3] += MilliAmp(i%5-2) * 100
	for k := i % 10; k < len(in.Connectors); k += 10 {
		c := &in.Connectors[k]
		c.MeasuredAt, c.HeldAt, c.LeaseUntil = now, now, now.Add(time.Hour)
		c.Measured[0] += MilliAmp(i%3-1) * 50
	}
	return b.Step(now, *in)
}

func TestStepAllocatesNothing(t *testing.T) {
	b, in := bigSite(t, 200)
	i := 0
	for ; i < 20; i++ {
		second(b, &in, i)
	}
	if n := testing.AllocsPerRun(100, func() { second(b, &in, i); i++ }); n != 0 {
		t.Errorf("%v allocations for each pass", n)
	}
}

func benchmarkStep(b *testing.B, n int) {
	bal, in := bigSite(b, n)
	benchmark(b, bal, in)
}

// BenchmarkStepCrowded500 is a site with places for two in three, where the rest waits
// its turn.
func BenchmarkStepCrowded500(b *testing.B) {
	bal, in := bigSite(b, 500)
	in.Caps = []Cap{{Node: "main", Limit: Uniform(500 * 4 * Amp), Rule: RuleSiteCap}}
	for i := range in.Connectors {
		if i%3 == 1 {
			c := &in.Connectors[i]
			c.Held, c.Measured = 0, PerPhase{}
		}
	}
	benchmark(b, bal, in)
}

// BenchmarkStepLaxity500 is a site that fills by the time to spare: everybody rises at
// levels of its own.
func BenchmarkStepLaxity500(b *testing.B) {
	bal, in := bigSite(b, 500)
	bal.cfg.Policy = PolicyLaxity
	for i := range in.Connectors {
		c := &in.Connectors[i]
		c.Departure, c.Needs = morning.Add(time.Duration(3+i%11)*time.Hour), int64(5000+i*97%30_000)
	}
	benchmark(b, bal, in)
}

// BenchmarkCalibration is a loop that never changes: what the others cost is to be read
// by it, where machines and hours differ.
func BenchmarkCalibration(b *testing.B) {
	for b.Loop() {
		x, times := uint64(1), uint64(3)
		for range 100_000 {
			x = x*6364136223846793005 + times
			times ^= x >> 33
		}
		if x == 0 {
			b.Fatal("a sequence that has no zero")
		}
	}
}

func benchmark(b *testing.B, bal *Balancer, in Input) {
	b.Helper()
	b.ReportAllocs()
	i := 0
	for ; i < 20; i++ {
		second(bal, &in, i)
	}
	for b.Loop() {
		second(bal, &in, i)
		i++
	}
}

func BenchmarkStep50(b *testing.B)   { benchmarkStep(b, 50) }
func BenchmarkStep500(b *testing.B)  { benchmarkStep(b, 500) }
func BenchmarkStep5000(b *testing.B) { benchmarkStep(b, 5000) }
