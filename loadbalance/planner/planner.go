package planner

import (
	"math"

	"busbar/loadbalance"
)

// Planner plans one site again and again. The zero value is ready. It keeps the last
// prices, so that the next plan starts from them, and scratch memory; one goroutine
// owns it.
type Planner struct {
	model   model
	solver  firstOrder
	relaxed relaxed
	present present
	memory  memory
}

const (
	// lookEvery is how many iterations lie between two looks at the gap.
	lookEvery = 25
	// mostIterations is the end if keepGoing sets none.
	mostIterations = 1500
)

// Solve plans p. keepGoing is asked before each iteration, the first being 0; false
// ends the search; nil never does. Solve ends by itself when the gap is small or after
// many iterations. The plan keeps all limits however early the search ended. The result
// depends on p, on earlier calls of Solve and on the answers of keepGoing only.
func (pl *Planner) Solve(p *Problem, keepGoing func(iteration int) bool) Result {
	s := newSite(p)
	m := &pl.model
	m.build(s)
	x, y := make([]float64, len(m.cost)), make([]float64, len(m.limit))
	pl.memory.recall(m, x, y)
	bestX, bestY := make([]float64, len(x)), make([]float64, len(y))
	out := Result{Bound: math.Inf(1), Value: math.Inf(-1)}
	look := func() bool {
		if b := m.bound(y); b < out.Bound {
			out.Bound = b
			copy(bestY, y)
		}
		pl.relaxed.repair(m, x, y)
		if v := m.value(x); v > out.Value {
			out.Value = v
			copy(bestX, x)
		}
		return out.Gap() <= enough
	}
	pl.solver.load(&m.program, x, y)
	done := look()
	for it := 0; !done && it < mostIterations; it++ {
		stop := keepGoing != nil && !keepGoing(it)
		if !stop {
			pl.solver.step()
			out.Iterations++
		}
		if stop || out.Iterations%lookEvery == 0 {
			pl.solver.outcome(x, y)
			done = look() || stop
		}
	}
	out.Bound = max(out.Bound, out.Value)
	pl.memory.keep(m, bestX, bestY)
	pl.finish(&out, bestX, bestY)
	return out
}

// finish makes the present slot fit the chargers and writes the plan out.
func (pl *Planner) finish(out *Result, x, y []float64) {
	m, s := &pl.model, pl.model.site
	now := make([]float64, len(s.cars))
	ranks := pl.present.choose(m, x, y, now)
	pl.relaxed.sortCars(y)
	pl.relaxed.fixNow(m, x, now)
	out.Cars = make([]CarPlan, len(s.cars))
	for i := range s.cars {
		c := &s.cars[i]
		plan := CarPlan{Slot: s.problem.Cars[i].Slot, Now: milliAmps(now[i])}
		plan.Schedule = make([]loadbalance.MilliAmp, len(s.hours))
		plan.Schedule[0] = plan.Now
		got := now[i] * s.share(c, 0) * c.power * s.hours[0]
		for t := 1; t < len(s.hours); t++ {
			if j := m.column[t*len(s.cars)+i]; j >= 0 {
				plan.Schedule[t] = milliAmps(x[j])
				got += x[j] * c.power * s.hours[t]
			}
		}
		if c.known {
			plan.Shortfall = int64(math.Round(max(0, c.wants-got)))
		}
		out.Cars[i] = plan
	}
	for rank, i := range ranks {
		if s.cars[i].known {
			out.Cars[i].Rank = rank + 1
		}
	}
}
