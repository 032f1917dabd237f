package planner

import (
	"sort"
	"time"

	"busbar/loadbalance"
)

// memory is what one solve leaves for the next: prices and currents by the wall clock.
type memory struct {
	now    time.Time
	begin  []float64
	nodes  map[loadbalance.NodeID]int
	width  int
	sides  int
	prices []float64       // per A and hour, by slot and key
	energy map[int]float64 // per Wh, by connector
	plans  map[int][]float64
}

// keep remembers plan x and prices y of m.
func (r *memory) keep(m *model, x, y []float64) {
	s := m.site
	r.now = s.problem.Now
	r.begin = append(r.begin[:0], s.begin...)
	r.begin = append(r.begin, s.begin[len(s.begin)-1]+s.hours[len(s.hours)-1])
	r.width, r.sides = s.width, len(s.sides)
	r.nodes = map[loadbalance.NodeID]int{}
	for i := range s.problem.Nodes {
		r.nodes[s.problem.Nodes[i].ID] = i
	}
	r.prices = sized(r.prices, len(s.hours)*s.width)
	clear(r.prices)
	r.energy, r.plans = map[int]float64{}, map[int][]float64{}
	for i, k := range m.keyOf {
		if k >= 0 {
			r.prices[k] = y[i] / s.hours[int(k)/s.width]
		} else if car, ok := ofEnergy(k); ok {
			r.energy[s.problem.Cars[car].Slot] = y[i]
		}
	}
	for j, i := range m.carOf {
		slot := s.problem.Cars[i].Slot
		if r.plans[slot] == nil {
			r.plans[slot] = make([]float64, len(s.hours))
		}
		r.plans[slot][m.slotOf[j]] = x[j]
	}
}

// recall writes what is remembered into plan x and prices y of m, 0 where nothing is.
func (r *memory) recall(m *model, x, y []float64) {
	if len(r.begin) == 0 {
		return
	}
	s := m.site
	slots := len(r.begin) - 1
	shift := s.problem.Now.Sub(r.now).Hours()
	old := make([]int, len(s.hours)) // the old slot of each new one, -1: none
	for t := range s.hours {
		mid := s.begin[t] + s.hours[t]/2 + shift
		old[t] = sort.SearchFloat64s(r.begin, mid) - 1
		if old[t] >= slots {
			old[t] = -1
		}
	}
	width := r.width
	for i, k := range m.keyOf {
		if car, ok := ofEnergy(k); ok {
			y[i] = r.energy[s.problem.Cars[car].Slot]
		}
		if k < 0 {
			continue
		}
		t, key := int(k)/s.width, int(k)%s.width
		if old[t] < 0 {
			continue
		}
		was := width + key - s.width // of sides and power
		if key >= 3*len(s.parent) && key < s.width-1 && r.sides != len(s.sides) {
			continue
		}
		if key < 3*len(s.parent) {
			v, ok := r.nodes[s.problem.Nodes[key/3].ID]
			if !ok {
				continue
			}
			was = v*3 + key%3
		}
		y[i] = r.prices[old[t]*width+was] * s.hours[t]
	}
	for j, i := range m.carOf {
		if plan, t := r.plans[s.problem.Cars[i].Slot], old[m.slotOf[j]]; plan != nil && t >= 0 && t < len(plan) {
			x[j] = min(plan[t], m.top[j])
		}
	}
}
