package planner

import (
	"math"
	"slices"
	"time"

	"busbar/loadbalance"
)

// site is a Problem in numbers: amperes, hours, indices.
type site struct {
	problem *Problem
	step    float64   // A
	begin   []float64 // of each slot, hours from Now
	hours   []float64 // length of each slot
	parent  []int     // of each node, -1 for a supply
	order   []int     // nodes, children before parents
	cars    []car
	span    float64 // hours until the last departure
	volts   float64
	sides   []side
	width   int       // keys of a slot: node*3+phase, then the sides, then the power of all
	rooms   []float64 // A by slot and key; of the power, of all phases together
	money   money
}

// load is what an ampere of a car adds at a key, A.
type load struct {
	key int
	per float64
}

// car is a Car in numbers.
type car struct {
	path     []int // nodes from its own up to the supply
	phases   []int
	keys     []load  // what it loads, beside the power of all
	min, max float64 // A
	stay     float64 // hours until it leaves
	wants    float64 // Wh, +Inf if unknown
	power    float64 // W per A
	class    float64 // worth of a Wh against the lowest class
	weight   float64
	held     float64
	known    bool // its energy is known
	able     bool // it can charge at all
}

func newSite(p *Problem) *site {
	s := &site{problem: p, step: 1, volts: p.Volts}
	if s.volts <= 0 {
		s.volts = 230
	}
	if p.Step > 0 {
		s.step = inAmps(p.Step)
	}
	at := 0.0
	for _, d := range p.grid() {
		s.begin, s.hours = append(s.begin, at), append(s.hours, max(d, time.Second).Hours())
		at += s.hours[len(s.hours)-1]
	}
	index := map[loadbalance.NodeID]int{}
	for i := range p.Nodes {
		index[p.Nodes[i].ID] = i
	}
	s.parent = make([]int, len(p.Nodes))
	for i := range p.Nodes {
		s.parent[i] = -1
		if up, ok := index[p.Nodes[i].Parent]; ok && p.Nodes[i].Parent != "" {
			s.parent[i] = up
		}
	}
	s.sortNodes()
	s.addSides(index)
	s.takeRooms()
	s.money = s.priced()
	classes := p.classes()
	for i := range p.Cars {
		s.cars = append(s.cars, s.newCar(&p.Cars[i], index, classes))
	}
	for i := range s.cars {
		if s.cars[i].able {
			s.span = max(s.span, s.cars[i].stay)
		}
	}
	s.span = min(s.span, at)
	return s
}

// sortNodes orders the nodes from the leaves up.
func (s *site) sortNodes() {
	depth := make([]int, len(s.parent))
	for i := range s.parent {
		s.order = append(s.order, i)
		for up := s.parent[i]; up >= 0 && depth[i] <= len(s.parent); up = s.parent[up] {
			depth[i]++
		}
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return depth[b] - depth[a] })
}

// takeRooms writes what each slot leaves for cars.
func (s *site) takeRooms() {
	p := s.problem
	s.width = 3*len(s.parent) + len(s.sides) + 1
	s.rooms = make([]float64, len(s.hours)*s.width)
	for t := range s.hours {
		rooms := s.rooms[t*s.width : (t+1)*s.width]
		for v := range p.Nodes {
			if len(p.Nodes[v].Room) == 0 {
				continue
			}
			for ph, room := range entry(p.Nodes[v].Room, t) {
				rooms[v*3+ph] = max(0, inAmps(room))
			}
		}
		for i := range s.sides {
			rooms[3*len(s.parent)+i] = s.sides[i].limit
		}
		power := math.Inf(1)
		if len(p.Power) > 0 {
			power = entry(p.Power, t)
		}
		if p.Peak.Limit > 0 {
			power = min(power, s.underPeak(t, p.Peak.Limit))
		}
		rooms[s.width-1] = max(0, power) / s.volts
	}
}

// classes maps each priority to the worth of a Wh.
func (p *Problem) classes() map[int]float64 {
	var all []int
	for i := range p.Cars {
		all = append(all, p.Cars[i].Priority)
	}
	slices.Sort(all)
	out, worth := map[int]float64{}, 1.0
	for _, prio := range slices.Compact(all) {
		out[prio] = worth
		worth *= classStep
	}
	return out
}

func (s *site) newCar(c *Car, index map[loadbalance.NodeID]int, classes map[int]float64) car {
	out := car{
		min: inAmps(c.Min), max: inAmps(c.Max), held: inAmps(c.Held),
		class: classes[c.Priority], weight: float64(max(c.Weight, 1)),
		wants: math.Inf(1), known: c.Wants > 0, able: c.Max >= c.Min && c.Max > 0 && c.Wants >= 0,
	}
	out.class *= min(out.weight, mostWeight)
	if out.known {
		out.wants = float64(c.Wants)
		out.class *= 1 + evenWorth*out.wants/(out.wants+float64(max(c.Got, 0)))
	}
	for ph := loadbalance.L1; ph <= loadbalance.L3; ph++ {
		if c.Phases&loadbalance.AllPhases == 0 || c.Phases.Has(ph) {
			out.phases = append(out.phases, int(ph))
		}
	}
	out.power = s.volts * float64(len(out.phases))
	out.stay = s.begin[len(s.begin)-1] + s.hours[len(s.hours)-1]
	if !c.Departure.IsZero() {
		out.stay = min(out.stay, c.Departure.Sub(s.problem.Now).Hours())
	}
	if out.stay <= 0 {
		out.stay = s.hours[0]
	}
	v, ok := index[c.Node]
	if !ok {
		out.able = false
		return out
	}
	for ; v >= 0 && len(out.path) <= len(s.parent); v = s.parent[v] {
		out.path = append(out.path, v)
	}
	for _, v := range out.path {
		for _, ph := range out.phases {
			out.keys = append(out.keys, load{v*3 + ph, 1})
		}
	}
	s.addSideKeys(&out)
	return out
}

// share is the part of slot t for which the car is there, 0 to 1.
func (s *site) share(c *car, t int) float64 {
	return min(max((c.stay-s.begin[t])/s.hours[t], 0), 1)
}

// roomFor is the least room on the car's path in slot t, A.
func (s *site) roomFor(c *car, t int) float64 {
	rooms := s.rooms[t*s.width:]
	least := rooms[s.width-1] / float64(len(c.phases))
	for _, k := range c.keys {
		least = min(least, rooms[k.key]/k.per)
	}
	return least
}

func inAmps(a loadbalance.MilliAmp) float64 { return float64(a) / float64(loadbalance.Amp) }

// milliAmps rounds down, but forgives the last digits of a float.
func milliAmps(a float64) loadbalance.MilliAmp {
	return loadbalance.MilliAmp(math.Floor(a*float64(loadbalance.Amp) + 1e-6))
}
