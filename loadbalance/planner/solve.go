package planner

import (
	"math"
	"slices"
)

// Planner solves one problem after the other, each starting from the answer before.
// One goroutine may use it at a time. The zero value is ready.
type Planner struct{ warm memory }

// The method alternates a step of all cars towards their value less the prices of the
// lines they load, and a step of all prices towards the lines' overload (primal-dual
// hybrid gradient, Chambolle and Pock 2011, with the diagonal steps of Pock and
// Chambolle 2011). Every restartEvery iterations it goes on from the mean of them.
const (
	restartEvery = 40
	// scale is the ratio of the size of currents to that of prices.
	scale = 12.0
)

// DefaultIterations are done when nobody says how many.
const DefaultIterations = 200

// state is where a solution stands. Prices are of one A·h on a line.
type state struct {
	*model
	price    []float64
	priceSum []float64 // since the last restart
	above    []float64 // of the line and all above it
	load     []float64
	power    []float64 // price of the power cap in each slot
	powerSum []float64
	old      []float64
	steps    int // since the last restart
}

func newState(m *model) *state {
	lines := len(m.room)
	return &state{model: m, price: make([]float64, lines), priceSum: make([]float64, lines), above: make([]float64, lines), load: make([]float64, lines),
		power: make([]float64, m.slots), powerSum: make([]float64, m.slots), old: make([]float64, m.slots)}
}

// Solve plans. keepGoing is asked before each iteration, with the number of those done;
// nil: DefaultIterations. The result is feasible however few there were.
func (pl *Planner) Solve(p *Problem, keepGoing func(iteration int) bool) Result {
	if keepGoing == nil {
		keepGoing = func(done int) bool { return done < DefaultIterations }
	}
	s := newState(newModel(p))
	pl.warm.resume(p, s)
	done := 0
	for len(s.cars) > 0 && keepGoing(done) {
		s.iterate()
		if done++; s.steps == restartEvery {
			s.restart()
		}
	}
	s.restart()
	pl.warm.remember(p, s)
	r := Result{Iterations: done, Bound: s.bound()}
	s.fit()
	r.Value = s.worth()
	s.report(p, &r)
	return r
}

// iterate is one step of cars and prices.
func (s *state) iterate() {
	s.sumPrices()
	clear(s.load)
	for i := range s.cars {
		c := &s.cars[i]
		copy(s.old, c.x)
		step := scale / c.rows
		for t, gain := range s.gains(c) {
			c.x[t] += step * gain
		}
		s.project(c)
		for t, x := range c.x {
			c.sum[t] += x
			s.old[t] = 2*x - s.old[t] // the lines look at where the car is heading for
		}
		s.add(c, s.old)
	}
	s.sumLoads()
	for i, n := range s.count {
		if n > 0 {
			s.price[i] = max(0, s.price[i]+(s.load[i]-s.room[i])/(scale*n))
			s.priceSum[i] += s.price[i]
		}
	}
	for t := range s.cap {
		if n := s.phasesAt[t]; n > 0 {
			s.power[t] = max(0, s.power[t]+(s.total(t)-s.cap[t])/(scale*n))
			s.powerSum[t] += s.power[t]
		}
	}
	s.steps++
}

// gains is what one ampere more is worth in each slot, less the price of its lines.
func (s *state) gains(c *car) func(yield func(int, float64) bool) {
	return func(yield func(int, float64) bool) {
		for t := range c.x {
			g := c.n * (c.value[t]*c.fill[t] - s.power[t])
			for ph, on := range c.phases {
				if on {
					g -= s.above[(c.node*3+ph)*s.slots+t]
				}
			}
			if !yield(t, g) {
				return
			}
		}
	}
}

// sumPrices adds up prices from the roots down.
func (s *state) sumPrices() {
	width := 3 * s.slots
	for v, parent := range s.parent {
		own := s.above[v*width : (v+1)*width]
		copy(own, s.price[v*width:(v+1)*width])
		if parent >= 0 {
			for i, a := range s.above[parent*width : (parent+1)*width] {
				own[i] += a
			}
		}
	}
}

// add puts a car's currents on its own node.
func (s *state) add(c *car, x []float64) {
	for ph, on := range c.phases {
		if on {
			line := s.load[(c.node*3+ph)*s.slots:]
			for t := range c.x {
				line[t] += x[t]
			}
		}
	}
}

// sumLoads adds up loads from the leaves up.
func (s *state) sumLoads() {
	width := 3 * s.slots
	for v, parent := range slices.Backward(s.parent) {
		if parent >= 0 {
			above := s.load[parent*width : (parent+1)*width]
			for i, a := range s.load[v*width : (v+1)*width] {
				above[i] += a
			}
		}
	}
}

// total is the load of all roots and phases in a slot.
func (s *state) total(t int) (sum float64) {
	for v, parent := range s.parent {
		if parent < 0 {
			for ph := range 3 {
				sum += s.load[(v*3+ph)*s.slots+t]
			}
		}
	}
	return sum
}

// project moves a car's currents to the nearest that it can take: 0 to its maximum in
// each slot, and no more energy than it wants.
func (s *state) project(c *car) {
	energy := func(mu float64) (amps, slope float64) {
		for t, z := range c.x {
			w := s.hours[t] * c.fill[t]
			switch x := z - mu*c.fill[t]; {
			case x >= c.max:
				amps += w * c.max
			case x > 0:
				amps += w * x
				slope += w * c.fill[t]
			}
		}
		return amps, slope
	}
	mu := 0.0
	if amps, slope := energy(0); amps > c.amps {
		// The energy falls with mu, convexly or concavely in pieces: Newton inside a bracket.
		low, high := 0.0, slices.Max(c.x)/c.fill[len(c.fill)-1]
		for range 60 {
			if next := mu + (amps-c.amps)/slope; slope > 0 && next > low && next < high {
				mu = next
			} else {
				mu = (low + high) / 2
			}
			if amps, slope = energy(mu); math.Abs(amps-c.amps) <= 1e-9*(1+c.amps) {
				break
			}
			if amps > c.amps {
				low = mu
			} else {
				high = mu
			}
		}
	}
	for t, z := range c.x {
		c.x[t] = min(max(z-mu*c.fill[t], 0), c.max)
	}
}

// restart goes on from the mean of the steps since the last one.
func (s *state) restart() {
	if s.steps == 0 {
		return
	}
	n := float64(s.steps)
	for i := range s.cars {
		c := &s.cars[i]
		for t := range c.x {
			c.x[t], c.sum[t] = c.sum[t]/n, 0
		}
	}
	for i := range s.price {
		if s.count[i] > 0 {
			s.price[i], s.priceSum[i] = s.priceSum[i]/n, 0
		}
	}
	for t := range s.cap {
		s.power[t], s.powerSum[t] = s.powerSum[t]/n, 0
	}
	s.steps = 0
}

// worth is the objective of the schedule, Wh.
func (s *state) worth() (sum float64) {
	for i := range s.cars {
		c := &s.cars[i]
		for t, x := range c.x {
			sum += s.hours[t] * c.n * c.value[t] * c.fill[t] * x
		}
	}
	return sum * s.volts
}

// bound is what the present prices prove that no schedule exceeds (weak duality), Wh.
func (s *state) bound() (sum float64) {
	s.sumPrices()
	for i, y := range s.price {
		sum += y * s.room[i] * s.hours[i%s.slots]
	}
	for t, room := range s.cap {
		sum += s.power[t] * room * s.hours[t]
	}
	type piece struct{ gain, amps float64 }
	for i := range s.cars {
		c := &s.cars[i]
		var pieces []piece
		for t, gain := range s.gains(c) {
			if gain > 0 {
				w := s.hours[t] * c.fill[t]
				pieces = append(pieces, piece{gain / c.fill[t], w * c.max})
			}
		}
		slices.SortFunc(pieces, func(a, b piece) int {
			switch {
			case a.gain > b.gain:
				return -1
			case a.gain < b.gain:
				return 1
			}
			return 0
		})
		left := c.amps
		for _, p := range pieces {
			take := min(left, p.amps)
			sum += p.gain * take
			left -= take
		}
	}
	return sum * s.volts
}
