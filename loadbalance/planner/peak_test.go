package planner

import (
	"slices"
	"testing"
	"time"
)

// depot is six three-phase cars that need 96 kWh in three hours, beside a steady load of 5 kW: 37 kW
// throughout would do, the fuse allows 66 kW.
func depot() *Problem {
	p := &Problem{Now: start, Nodes: []Node{{ID: "main", Room: amps(96)}}, Peak: Peak{Base: []float64{5000}}}
	for i := range 6 {
		p.Cars = append(p.Cars, Car{Slot: i + 1, Node: "main", Min: 6000, Max: 16000, Departure: start.Add(3 * time.Hour), Wants: 16_000})
	}
	return p
}

// live plans p anew every five minutes for three hours, with the quarter hour's energy and the peak so far;
// cars draw what they are given. It returns the highest mean power of a quarter hour, W, and what the cars
// got, Wh.
func live(p *Problem) (highest float64, got int64) {
	var pl Planner
	for slot := range 36 {
		p.Now = start.Add(time.Duration(slot) * fineSlot)
		if slot%3 == 0 {
			highest = max(highest, 4*p.Peak.Used)
			p.Peak.Set, p.Peak.Used = max(p.Peak.Set, highest), 0
		}
		r := pl.Solve(p, nil)
		p.Peak.Used += p.Peak.Base[0] / 12
		for i, plan := range r.Cars {
			c := &p.Cars[i]
			wh := max(0, min(int64(inAmps(plan.Now)*3*230/12), c.Wants))
			p.Peak.Used += float64(wh)
			c.Held, c.Got, got = plan.Now, c.Got+wh, got+wh
			if c.Wants -= wh; c.Wants <= 0 {
				c.Wants = -1
			}
		}
	}
	return max(highest, 4*p.Peak.Used), got
}

// A price of the peak keeps it near the lowest possible and costs no energy; up to Set it costs nothing, and
// Limit is kept without a price.
func TestPeaksAreHeldDown(t *testing.T) {
	const wanted = 6 * 16_000
	for _, c := range []struct {
		name        string
		peak        Peak
		least, most float64 // W
	}{
		{"without a price", Peak{}, 60_000, 72_000},
		{"with a price", Peak{Price: 10}, 36_500, 40_000},
		{"with a peak already set", Peak{Price: 10, Set: 45_000}, 44_000, 45_100},
		{"with a limit", Peak{Limit: 40_000}, 36_500, 40_000},
	} {
		p := depot()
		c.peak.Base = p.Peak.Base
		p.Peak = c.peak
		highest, got := live(p)
		if highest < c.least || highest > c.most || float64(got) < 0.995*wanted {
			t.Errorf("%s: the peak is %.0f W, need %.0f to %.0f; %d Wh delivered of %d", c.name, highest, c.least, c.most, got, wanted)
		}
	}
}

// The peak is one of quarter hours: who leaves within one may take all that the plan's peak leaves of it at once.
func TestAPeakKeepsNobodyFromLeavingInTime(t *testing.T) {
	p := &Problem{Now: start, Slots: slices.Repeat([]time.Duration{fineSlot}, 12), Nodes: []Node{{ID: "main", Room: amps(32)}}, Peak: Peak{Price: 10},
		Cars: []Car{{Slot: 1, Node: "main", Min: 6000, Max: 16000, Departure: start.Add(fineSlot), Wants: 900}}}
	if r := new(Planner).Solve(p, nil); r.Cars[0].Now < 15_000 {
		t.Errorf("%v for a car that leaves after the present slot, shortfall %d Wh", r.Cars[0].Now, r.Cars[0].Shortfall)
	}
}
