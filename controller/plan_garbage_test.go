package controller

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

// rubbish is a planner that answers with anything: foreign slots, doubles, currents and
// ranks of any size, answers to no question, failures, and silence.
func rubbish(r *rand.Rand, slots int) func(PlanWanted) PlanMade {
	any32 := func() int32 {
		switch r.IntN(4) {
		case 0:
			return int32(r.Uint32())
		case 1:
			return 0
		default:
			return r.Int32N(80000)
		}
	}
	return func(w PlanWanted) PlanMade {
		m := PlanMade{Seq: w.Seq, Took: time.Second}
		if r.IntN(8) == 0 {
			m.Seq = r.Uint64()
		}
		if r.IntN(8) == 0 {
			m.Err = "cannot"
		}
		var of []int
		if r.IntN(4) > 0 { // most are of the cars asked for, or they were not followed for long
			for _, c := range w.Problem.Cars {
				of = append(of, c.Slot)
			}
		}
		for range r.IntN(slots) {
			of = append(of, r.IntN(slots+3)-1)
		}
		for _, slot := range of {
			c := planner.CarPlan{Slot: slot, Now: loadbalance.MilliAmp(any32()), Rank: int(any32())}
			for range r.IntN(300) {
				c.Schedule = append(c.Schedule, loadbalance.MilliAmp(any32()))
			}
			m.Result.Cars = append(m.Result.Cars, c)
		}
		m.Result.Value, m.Result.Bound, m.Result.Iterations = r.NormFloat64(), r.NormFloat64(), int(any32())
		return m
	}
}

// TestNoPlanLiftsALimit: whatever the planner answers, what the box lets chargers draw
// fits each fuse beside the load of the building, and no connector gets more than its
// ceiling.
func TestNoPlanLiftsALimit(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			l := crowd(4 + r.IntN(5))
			if r.IntN(2) == 0 {
				l.Tariff = Tariff{Price: 0.3, Times: []TariffTime{{Days: [7]bool{1: true}, From: 9 * time.Hour, To: 10 * time.Hour, Price: 0.1}}}
			}
			y := newYard(t, l)
			y.planner = rubbish(r, len(l.Chargers))
			for _, c := range l.Chargers[2:] {
				y.online(c.Station)
			}
			y.base = loadbalance.Uniform(5000)
			followed := 0
			at, before := epoch, map[Slot]loadbalance.MilliAmp{}
			for range 40 {
				at = at.Add(time.Duration(1+r.IntN(40)) * time.Second)
				y.run(at, func() {
					y.fits(before)
					if y.site.planning.view.State == PlanFollowed {
						followed++
					}
				})
				switch i := r.IntN(len(l.Chargers)); {
				case y.charging(l.Chargers[i].Station) == nil:
					y.arrive(l.Chargers[i].Station, fmt.Sprint("CAR", i), loadbalance.MilliAmp(6000+r.IntN(26000)), 50000)
				case r.IntN(3) == 0:
					y.leave(y.charging(l.Chargers[i].Station))
				default:
					y.base = loadbalance.Uniform(loadbalance.MilliAmp(r.IntN(9000)))
				}
			}
			if followed < 200 {
				t.Errorf("plans were followed for %d s only: the test tests nothing", followed)
			}
		})
	}
}

// crowd is a site of n places at one fuse that is too small for them.
func crowd(n int) Layout {
	l := yardLayout(63000)
	one := l.Chargers[0]
	l.Chargers = nil
	for i := range n {
		c := one
		c.Station, c.Failsafe = StationID(fmt.Sprintf("CP%d", i+1)), 0
		if i%2 == 1 {
			c.Node = "board"
		}
		c.Connectors = []ConnectorLayout{one.Connectors[0]}
		c.Connectors[0].Expected = Expected{Leaves: weekdays(9 * time.Hour), Energy: 20000}
		l.Chargers = append(l.Chargers, c)
	}
	l.Nodes = append(l.Nodes, loadbalance.Node{ID: "board", Parent: "main", Limit: loadbalance.Uniform(25000)})
	return l
}

func (y *yard) charging(id StationID) *yardCar {
	for _, c := range y.cars {
		if c.station == id {
			return c
		}
	}
	return nil
}

// fits looks at what connectors may draw by what they hold and were sent: where one was
// given more, all of them and the base load that the box reckons with fit the fuses
// above it. (Where only the base load rises the fuse is relieved in time, which the
// tests of the balancer are about.)
func (y *yard) fits(before map[Slot]loadbalance.MilliAmp) {
	y.t.Helper()
	may := map[Slot]loadbalance.MilliAmp{}
	for _, sl := range y.site.slots {
		if sl.tx == nil {
			continue
		}
		may[sl.number] = sl.lim.present(y.now, sl.failsafe())
		for _, o := range sl.lim.sends {
			may[sl.number] = max(may[sl.number], o.limit)
		}
		if may[sl.number] > sl.layout.Max {
			y.t.Fatalf("%v: slot %d may draw %v of %v", y.now, sl.number, may[sl.number], sl.layout.Max)
		}
	}
	for _, n := range y.site.nodes {
		sum, rose := y.site.nodeState(n.ID).Base, false
		for _, sl := range y.site.slots {
			if !y.site.hangsBelow(sl.node, n.ID) {
				continue
			}
			rose = rose || may[sl.number] > before[sl.number]
			for p := range sum {
				sum[p] += may[sl.number]
			}
		}
		for p := range sum {
			if rose && sum[p] > n.Limit[p] {
				y.t.Fatalf("%v: %s on %v was given %v of %v", y.now, n.ID, loadbalance.Phase(p), sum[p], n.Limit[p])
			}
		}
	}
	clear(before)
	maps.Copy(before, may)
}
