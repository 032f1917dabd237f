package planner

import (
	"slices"
	"time"

	"busbar/loadbalance"
)

// memory is the answer before, by absolute time, so that slots of other lengths can be
// filled from it.
type memory struct {
	now    time.Time
	starts []float64 // h
	price  map[loadbalance.NodeID][]float64
	power  []float64
	amps   map[int][]float64 // by connector
}

// resume starts a solution where the one before ended.
func (w *memory) resume(p *Problem, s *state) {
	if w.now.IsZero() || len(w.starts) == 0 {
		return
	}
	passed := p.Now.Sub(w.now).Hours()
	if passed < 0 || passed > w.starts[len(w.starts)-1] {
		return
	}
	was := make([]int, s.slots) // the slot before that each slot lies in
	for t, start := range s.starts {
		mid := passed + start + s.hours[t]/2
		k, exact := slices.BinarySearch(w.starts, mid)
		if !exact {
			k--
		}
		was[t] = max(k, 0)
	}
	for i := range s.cars {
		c := &s.cars[i]
		if old := w.amps[p.Cars[c.at].Slot]; len(old) > 0 {
			for t := range c.x {
				c.x[t] = min(entry(old, was[t]), c.max)
			}
		}
	}
	old := len(w.starts)
	for v, id := range s.ids {
		prices := w.price[id]
		if len(prices) != 3*old {
			continue
		}
		for ph := range 3 {
			for t := range s.slots {
				if i := (v*3+ph)*s.slots + t; s.count[i] > 0 {
					s.price[i] = prices[ph*old+was[t]]
				}
			}
		}
	}
	for t := range s.cap {
		if len(w.power) == old {
			s.power[t] = w.power[was[t]]
		}
	}
}

// remember keeps a solution.
func (w *memory) remember(p *Problem, s *state) {
	w.now, w.starts = p.Now, s.starts
	w.price = make(map[loadbalance.NodeID][]float64, len(s.ids))
	for v, id := range s.ids {
		w.price[id] = s.price[v*3*s.slots : (v+1)*3*s.slots]
	}
	w.power = s.power
	w.amps = make(map[int][]float64, len(s.cars))
	for i := range s.cars {
		w.amps[p.Cars[s.cars[i].at].Slot] = slices.Clone(s.cars[i].x)
	}
}
