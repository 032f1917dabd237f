package planner

import (
	"cmp"
	"math"
	"slices"

	"busbar/loadbalance"
)

// fit makes the schedule fit every line: cars are scaled down by the worst line on their
// way to the root.
func (s *state) fit() {
	clear(s.load)
	for i := range s.cars {
		s.add(&s.cars[i], s.cars[i].x)
	}
	s.sumLoads()
	for i := range s.cars {
		c := &s.cars[i]
		for t, x := range c.x {
			part := 1.0
			for v := c.node; v >= 0; v = s.parent[v] {
				for ph, on := range c.phases {
					if at := (v*3+ph)*s.slots + t; on && s.load[at] > s.room[at] {
						part = min(part, s.room[at]/s.load[at])
					}
				}
			}
			if s.cap != nil {
				if total := s.total(t); total > s.cap[t] {
					part = min(part, s.cap[t]/total)
				}
			}
			c.x[t] = x * part
		}
	}
}

// now is the repair of the present slot to what chargers can do.
type now struct {
	*state
	step float64
	used []float64 // A by node and phase
	sum  float64   // of all phases
	amps []float64 // by car
}

// room tells whether a car can have so much more.
func (n *now) roomFor(c *car, more float64) float64 {
	for v := c.node; v >= 0; v = n.parent[v] {
		for ph, on := range c.phases {
			if on {
				more = min(more, n.room[(v*3+ph)*n.slots]-n.used[v*3+ph])
			}
		}
	}
	if n.cap != nil {
		more = min(more, (n.cap[0]-n.sum)/c.n)
	}
	return math.Floor(more/n.step+1e-6) * n.step
}

func (n *now) give(i int, more float64) {
	c := &n.cars[i]
	for v := c.node; v >= 0; v = n.parent[v] {
		for ph, on := range c.phases {
			if on {
				n.used[v*3+ph] += more
			}
		}
	}
	n.sum += more * c.n
	n.amps[i] += more
}

// least is the smallest current above zero that a car and the step allow.
func (n *now) least(c *car) float64 { return math.Ceil(c.min/n.step-1e-6) * n.step }

// worthwhile is the share of its minimum from which on a car is let in by the plan; below
// it, it waits for a later slot.
const worthwhile = 0.4

// report repairs the present slot and writes the result.
func (s *state) report(p *Problem, r *Result) {
	step := float64(p.Step) / 1000
	if step <= 0 {
		step = 1
	}
	n := &now{state: s, step: step, used: make([]float64, 3*len(s.parent)), amps: make([]float64, len(s.cars))}
	byLaxity := make([]int, len(s.cars))
	for i := range byLaxity {
		byLaxity[i] = i
	}
	slices.SortStableFunc(byLaxity, func(a, b int) int { return cmp.Compare(s.cars[a].lax, s.cars[b].lax) })
	byPlan := slices.Clone(byLaxity)
	slices.SortStableFunc(byPlan, func(a, b int) int {
		x, y := &s.cars[a], &s.cars[b]
		return cmp.Compare(min(y.x[0]/y.min, 1), min(x.x[0]/x.min, 1))
	})
	for _, i := range byPlan {
		c := &s.cars[i]
		if least := n.least(c); c.x[0] >= worthwhile*c.min && n.roomFor(c, least) >= least {
			n.give(i, least)
		}
	}
	for _, i := range byLaxity { // up to the plan
		c := &s.cars[i]
		if more := math.Floor(c.x[0]/step+1e-6)*step - n.amps[i]; n.amps[i] > 0 && more > 0 {
			n.give(i, max(0, n.roomFor(c, more)))
		}
	}
	for _, i := range byLaxity { // what is left
		c := &s.cars[i]
		if least := n.least(c); n.amps[i] == 0 && n.roomFor(c, least) >= least {
			n.give(i, least)
		}
		if n.amps[i] > 0 {
			need := math.Ceil(c.amps/s.hours[0]/step) * step
			more := math.Floor(min(c.max, max(need, n.amps[i]))/step+1e-6)*step - n.amps[i]
			n.give(i, max(0, n.roomFor(c, more)))
		}
	}
	r.Cars = make([]CarPlan, len(p.Cars))
	for i := range p.Cars {
		r.Cars[i] = CarPlan{Slot: p.Cars[i].Slot, Rank: len(p.Cars), Shortfall: max(0, p.Cars[i].Wants)}
	}
	for rank, i := range byPlan {
		c := &s.cars[i]
		out := &r.Cars[c.at]
		out.Now, out.Rank = loadbalance.MilliAmp(math.Round(n.amps[i]*1000)), rank+1
		got := 0.0
		for t, x := range c.x {
			out.Schedule = append(out.Schedule, loadbalance.MilliAmp(x*1000))
			got += x * s.hours[t] * c.fill[t]
		}
		if !math.IsInf(c.amps, 1) {
			out.Shortfall = int64(math.Round(max(0, c.amps-got) * c.whPerAh))
		}
	}
}
