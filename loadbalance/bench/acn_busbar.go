package bench

import (
	"cmp"
	"math"
	"slices"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

// acnGarage is the node below the transformer. Its phases are the legs.
const acnGarage loadbalance.NodeID = "garage"

// acnStep is what the planner's currents are multiples of; a vector sum leaves a little
// more, which is then given away without steps.
const acnStep = loadbalance.Amp / 10

// acnNodes are the garage, which has no fuse, and its pods.
func acnNodes() []planner.Node {
	fuse := func(amps float64) []loadbalance.PerPhase {
		return []loadbalance.PerPhase{loadbalance.Uniform(loadbalance.MilliAmp(amps * 1000))}
	}
	return []planner.Node{{ID: acnGarage, Room: fuse(1e5)}, {ID: "pod 0", Parent: acnGarage, Room: fuse(acnPod)}, {ID: "pod 1", Parent: acnGarage, Room: fuse(acnPod)}}
}

// planned asks the planner, departures known, and makes its currents keep the true
// vector sums: what is too much is left out, what is left over given to the first in the
// plan's order.
func (r *acnRun) planned(t int, use []int) {
	if len(use) == 0 {
		return
	}
	p := planner.Problem{Now: epoch().Add(time.Duration(t) * SlotSeconds * time.Second), Volts: acnVolts, Nodes: acnNodes(), Step: acnStep}
	if r.network == ThreePhase {
		p.Vectors = r.lines[:]
	} else {
		p.Power = []float64{r.kilowatts * 1000}
	}
	for _, k := range use {
		s := &r.sessions[k]
		c := planner.Car{Slot: k + 1, Node: acnGarage, Phases: loadbalance.Phases(loadbalance.Phase(r.leg[k])), Max: loadbalance.MilliAmp(math.Floor(acnMost / acnPerAmp * 1000)),
			Departure: epoch().Add(time.Duration(s.Depart) * SlotSeconds * time.Second), Wants: int64(math.Ceil(r.rem[k] * 1000)), Got: int64((s.KWh - r.rem[k]) * 1000)}
		if r.pod[k] < 2 {
			c.Node = p.Nodes[1+r.pod[k]].ID
		}
		p.Cars = append(p.Cars, c)
	}
	plan := r.planner.Solve(&p, func(iteration int) bool { return iteration < planIterations })
	slices.SortStableFunc(plan.Cars, func(a, b planner.CarPlan) int { return cmp.Compare(a.Rank, b.Rank) })
	for _, c := range plan.Cars {
		r.most(c.Slot-1, min(float64(c.Now)/1000, r.rem[c.Slot-1]/acnPerAmp))
	}
	for _, c := range plan.Cars {
		k := c.Slot - 1
		r.most(k, min(acnMost, r.rem[k])/acnPerAmp-r.amps[k])
	}
}
