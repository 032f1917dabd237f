package planner

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"busbar/loadbalance"
)

var start = time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)

func amps(a ...float64) []loadbalance.PerPhase {
	var out []loadbalance.PerPhase
	for _, x := range a {
		out = append(out, loadbalance.Uniform(loadbalance.MilliAmp(x*1000)))
	}
	return out
}

// someProblem draws a site of up to three levels.
func someProblem(t *rapid.T) *Problem {
	p := &Problem{Now: start, Slots: Grid(start, start.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes"))*time.Minute)),
		Step: loadbalance.MilliAmp(rapid.SampledFrom([]int{0, 100, 500, 1000}).Draw(t, "step"))}
	ids := []loadbalance.NodeID{"a", "b", "c", "d", "e"}
	for i, id := range ids {
		n := Node{ID: id}
		if i > 0 {
			n.Parent = ids[rapid.IntRange(0, i-1).Draw(t, "parent")]
		}
		for range rapid.IntRange(0, 3).Draw(t, "rooms") {
			var room loadbalance.PerPhase
			for ph := range room {
				room[ph] = loadbalance.MilliAmp(rapid.IntRange(-5, 80).Draw(t, "room") * 700)
			}
			n.Room = append(n.Room, room)
		}
		p.Nodes = append(p.Nodes, n)
	}
	if rapid.Bool().Draw(t, "shuffled") {
		p.Nodes[0], p.Nodes[4] = p.Nodes[4], p.Nodes[0]
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "cars") {
		p.Cars = append(p.Cars, Car{
			Slot: i + 1, Node: rapid.SampledFrom(append(ids, "nowhere")).Draw(t, "node"),
			Phases: loadbalance.PhaseSet(rapid.IntRange(0, 7).Draw(t, "phases")),
			Min:    6000, Max: loadbalance.MilliAmp(rapid.IntRange(4, 64).Draw(t, "max") * 1000),
			Departure: start.Add(time.Duration(rapid.IntRange(-5, 700).Draw(t, "departs")) * time.Minute),
			Wants:     int64(rapid.IntRange(-1, 40).Draw(t, "kWh") * 1000), Priority: rapid.IntRange(-1, 2).Draw(t, "priority"),
			Held: loadbalance.MilliAmp(rapid.SampledFrom([]int{0, 6000, 16000}).Draw(t, "held")),
		})
	}
	if rapid.Bool().Draw(t, "capped") {
		p.Power = []float64{float64(rapid.IntRange(0, 40).Draw(t, "kW") * 1000), 20_000}
	}
	if rapid.Bool().Draw(t, "priced") {
		p.Prices = []float64{0.3, 0.1, 0.2}
	}
	return p
}

// loads adds up one slot of a plan at every node.
func loads(p *Problem, current func(i int) loadbalance.MilliAmp) (map[loadbalance.NodeID]loadbalance.PerPhase, float64) {
	parent := map[loadbalance.NodeID]loadbalance.NodeID{}
	for _, n := range p.Nodes {
		parent[n.ID] = n.Parent
	}
	out, watts := map[loadbalance.NodeID]loadbalance.PerPhase{}, 0.0
	for i, c := range p.Cars {
		a := current(i)
		set := c.Phases & loadbalance.AllPhases
		if set == 0 {
			set = loadbalance.AllPhases
		}
		watts += float64(a) / 1000 * 230 * float64(set.Count())
		for id := c.Node; id != ""; id = parent[id] {
			sum := out[id]
			for ph := range sum {
				if set.Has(loadbalance.Phase(ph)) {
					sum[ph] += a
				}
			}
			out[id] = sum
		}
	}
	return out, watts
}

// checkFits tells whether one slot of a plan is within every limit, but for rounding of
// at most slack at each node.
func checkFits(t *rapid.T, p *Problem, at int, slack loadbalance.MilliAmp, current func(i int) loadbalance.MilliAmp) {
	sums, watts := loads(p, current)
	for _, n := range p.Nodes {
		for ph, sum := range sums[n.ID] {
			room := loadbalance.MilliAmp(0)
			if len(n.Room) > 0 {
				room = max(0, entry(n.Room, at)[ph])
			}
			if sum > room+slack {
				t.Fatalf("slot %d, node %s, phase %d: %v planned, %v of room", at, n.ID, ph, sum, room)
			}
		}
	}
	if p.Power != nil && watts > entry(p.Power, at)+230*3*0.02 {
		t.Fatalf("slot %d: %.1f W planned, %.1f W allowed", at, watts, entry(p.Power, at))
	}
}

// Whatever the problem and however few iterations: every slot fits, setpoints are such
// that a charger can follow, and the bound is above the value.
func TestPlansFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pl Planner
		for range 2 { // the second starts from the first
			p := someProblem(t)
			most := rapid.SampledFrom([]int{0, 1, 7, 120}).Draw(t, "iterations")
			r := pl.Solve(p, func(done int) bool { return done < most })
			checkFits(t, p, 0, 1, func(i int) loadbalance.MilliAmp { return r.Cars[i].Now })
			for at := range p.Slots {
				checkFits(t, p, at, 1, func(i int) loadbalance.MilliAmp {
					if at < len(r.Cars[i].Schedule) {
						return r.Cars[i].Schedule[at]
					}
					return 0
				})
			}
			step := max(p.Step, 1)
			if p.Step == 0 {
				step = 1000
			}
			for i, c := range p.Cars {
				if now := r.Cars[i].Now; now != 0 && (now < c.Min || now > c.Max || now%step != 0) {
					t.Fatalf("car %d gets %v of %v to %v in steps of %v", c.Slot, now, c.Min, c.Max, step)
				}
				if r.Cars[i].Shortfall < 0 || r.Cars[i].Shortfall > max(0, c.Wants)+1 {
					t.Fatalf("car %d wants %d Wh, shortfall %d", c.Slot, c.Wants, r.Cars[i].Shortfall)
				}
			}
			if r.Value > r.Bound*(1+1e-9)+1e-6 {
				t.Fatalf("value %v above the bound %v", r.Value, r.Bound)
			}
		}
	})
}

// With enough iterations the gap closes.
func TestTheGapCloses(t *testing.T) {
	p := crowd(30)
	var before float64
	for _, most := range []int{50, 400, 3000} {
		var pl Planner
		r := pl.Solve(p, func(done int) bool { return done < most })
		gap := (r.Bound - r.Value) / r.Bound
		t.Logf("%d iterations: gap %.4f", most, gap)
		if before > 0 && gap > before {
			t.Errorf("%d iterations: gap %v, with fewer %v", most, gap, before)
		}
		before = gap
	}
	if before > 0.001 {
		t.Errorf("the gap stays at %v", before)
	}
}

// Two cars, room for one: who leaves first goes first, and both are full in time.
func TestWhoLeavesFirstGoesFirst(t *testing.T) {
	p := &Problem{Now: start, Slots: Grid(start, start.Add(4*time.Hour)), Nodes: []Node{{ID: "main", Room: amps(8)}},
		Cars: []Car{
			{Slot: 1, Node: "main", Min: 6000, Max: 16000, Departure: start.Add(4 * time.Hour), Wants: 10_000},
			{Slot: 2, Node: "main", Min: 6000, Max: 16000, Departure: start.Add(2 * time.Hour), Wants: 10_500},
		}}
	r := new(Planner).Solve(p, nil)
	if r.Cars[1].Now != 8000 || r.Cars[0].Now != 0 || r.Cars[1].Rank != 1 {
		t.Errorf("now: %v and %v, ranks %d and %d", r.Cars[0].Now, r.Cars[1].Now, r.Cars[0].Rank, r.Cars[1].Rank)
	}
	if r.Cars[0].Shortfall > 200 || r.Cars[1].Shortfall > 200 {
		t.Errorf("shortfalls of %d and %d Wh, both could be full", r.Cars[0].Shortfall, r.Cars[1].Shortfall)
	}
}

// Cheap hours are used if that costs no energy, and dear ones if it would.
func TestPrices(t *testing.T) {
	slots := []time.Duration{time.Hour, time.Hour, time.Hour}
	p := &Problem{Now: start, Slots: slots, Prices: []float64{0.40, 0.10, 0.40}, Nodes: []Node{{ID: "main", Room: amps(16)}},
		Cars: []Car{{Slot: 1, Node: "main", Min: 6000, Max: 16000, Wants: 10_000}}}
	r := new(Planner).Solve(p, func(done int) bool { return done < 2000 })
	if s := r.Cars[0].Schedule; s[0] > 100 || s[1] < 14_000 || s[2] > 100 {
		t.Errorf("one hour's need is planned as %v", s)
	}
	p.Cars[0].Wants = 30_000
	r = new(Planner).Solve(p, func(done int) bool { return done < 2000 })
	if s := r.Cars[0].Schedule; s[0] < 14_000 || s[1] < 15_900 || r.Cars[0].Shortfall > 100 {
		t.Errorf("three hours' need is planned as %v, shortfall %d", s, r.Cars[0].Shortfall)
	}
}

// crowd is a site of n cars on boards of six.
func crowd(n int) *Problem {
	p := &Problem{Now: start, Slots: Grid(start, start.Add(12*time.Hour)), Nodes: []Node{{ID: "main", Room: amps(float64(n) * 2.5)}}}
	for i := range n {
		board := loadbalance.NodeID(rune('A' + i/6))
		if i%6 == 0 {
			p.Nodes = append(p.Nodes, Node{ID: board, Parent: "main", Room: amps(40)})
		}
		c := Car{Slot: i + 1, Node: board, Min: 6000, Max: 16000, Wants: int64(5000 + i*7919%25000), Departure: start.Add(time.Duration(60+i*104729%660) * time.Minute)}
		if i%5 < 2 {
			c.Phases, c.Max = loadbalance.Phases(loadbalance.Phase(i%3)), 32000
		}
		p.Cars = append(p.Cars, c)
	}
	return p
}

func BenchmarkSolve(b *testing.B) {
	for _, n := range []int{30, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := crowd(n)
			var pl Planner
			b.ReportAllocs()
			for b.Loop() {
				pl.Solve(p, func(done int) bool { return done < 40 })
			}
		})
	}
}
