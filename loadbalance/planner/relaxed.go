package planner

import (
	"cmp"
	"math"
	"slices"
)

// relaxed makes plans of the programme feasible; currents may take any value from 0.
type relaxed struct {
	m     *model
	ratio []float64 // by row: what must be given up
	left  []float64 // by row
	y     []float64 // prices that order the cars and say what a soft limit costs
	order []int     // cars, those that gain most by an early start first
	least []float64
}

// repair makes x keep all limits: first it scales down what is too much, then it gives
// away what is left over, early slots first; what is above soft limits is paid for.
func (r *relaxed) repair(m *model, x, y []float64) {
	r.m = m
	r.ratio, r.left = sized(r.ratio, len(m.limit)), sized(r.left, len(m.limit))
	for i, limit := range m.limit {
		r.ratio[i] = 1
		if m.keyOf[i] == softRow {
			continue
		}
		if used := m.used(i, x); used > limit {
			r.ratio[i] = limit / used
		}
	}
	for j := range m.carOf {
		worst := 1.0
		for k := m.colFrom[j]; k < m.colFrom[j+1]; k++ {
			worst = min(worst, r.ratio[m.row[k]])
		}
		x[j] = min(max(x[j]*worst, 0), m.top[j])
	}
	r.sortCars(y)
	r.fill(x, 0)
	r.pay(x)
}

// pay sets the columns of soft limits to what x makes of them.
func (r *relaxed) pay(x []float64) {
	m := r.m
	for z := len(m.carOf); z < len(x); z++ {
		x[z] = 0
		high := 0.0
		for k := m.colFrom[z]; k < m.colFrom[z+1]; k++ {
			i := m.row[k]
			high = max(high, (m.used(int(i), x)-m.limit[i])/-m.colVal[k])
		}
		x[z] = min(high, m.top[z])
	}
}

// gain is the worth of a unit of column j above what soft limits cost.
func (r *relaxed) gain(j int32) float64 {
	m := r.m
	sum := m.cost[j]
	for k := m.colFrom[j]; k < m.colFrom[j+1]; k++ {
		if m.keyOf[m.row[k]] == softRow {
			sum -= m.colVal[k] * r.y[m.row[k]]
		}
	}
	return sum
}

// fill gives away what x leaves over from slot t on.
func (r *relaxed) fill(x []float64, t int) {
	m, cars := r.m, len(r.m.site.cars)
	for i, limit := range m.limit {
		r.left[i] = limit - m.used(i, x)
	}
	for ; t < len(m.site.hours); t++ {
		for _, i := range r.order {
			j := m.column[t*cars+i]
			if j < 0 {
				continue
			}
			more := m.top[j] - x[j]
			for k := m.colFrom[j]; k < m.colFrom[j+1] && more > 1e-9; k++ {
				if m.keyOf[m.row[k]] != softRow {
					more = min(more, r.left[m.row[k]]/m.colVal[k])
				}
			}
			if more <= 1e-9 || r.gain(j) <= 0 {
				continue
			}
			x[j] += more
			for k := m.colFrom[j]; k < m.colFrom[j+1]; k++ {
				r.left[m.row[k]] -= more * m.colVal[k]
			}
		}
	}
}

// sortCars orders the cars: higher class, then the lower price of its energy (it would
// not get it later), then number.
func (r *relaxed) sortCars(y []float64) {
	m := r.m
	cars := m.site.cars
	r.y = y
	r.least = sized(r.least, len(cars))
	r.order = r.order[:0]
	for i := range cars {
		r.least[i] = 0
		r.order = append(r.order, i)
	}
	for i, k := range m.keyOf {
		if car, ok := ofEnergy(k); ok {
			r.least[car] = y[i]
		}
	}
	slices.SortStableFunc(r.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(cars[b].class, cars[a].class), cmp.Compare(r.least[a], r.least[b]))
	})
}

// fixNow puts the currents of the present slot into x and makes the rest follow: what a
// car gets more now it gets less at the end, what it gets less now it gets later.
func (r *relaxed) fixNow(m *model, x, now []float64) {
	s := m.site
	for i := range s.cars {
		if j := m.column[i]; j >= 0 {
			x[j] = min(now[i]*s.share(&s.cars[i], 0), m.top[j])
		}
		c := &s.cars[i]
		if math.IsInf(c.wants, 1) {
			continue
		}
		over := -c.wants
		for t := range s.hours {
			if j := m.column[t*len(s.cars)+i]; j >= 0 {
				over += x[j] * c.power * s.hours[t]
			}
		}
		for t := len(s.hours) - 1; t > 0 && over > 0; t-- {
			j := m.column[t*len(s.cars)+i]
			if j < 0 {
				continue
			}
			cut := min(x[j], over/(c.power*s.hours[t]))
			x[j] -= cut
			over -= cut * c.power * s.hours[t]
		}
	}
	r.fill(x, 1)
}
