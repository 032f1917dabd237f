package planner

import (
	"cmp"
	"math"
	"slices"
)

// present chooses the currents of the present slot: each car 0 or min..max in whole
// steps. What a current is worth to a car is what it delivers now plus what the rest of
// its wish is worth later at the prices of the plan; so who can catch up later waits.
type present struct {
	m     *model
	x     []float64 // the relaxed plan
	cars  []candidate
	peak  float64   // W, what the plan's peak leaves for the present slot
	left  []float64 // room by key, A
	trial []float64
	from  []float64 // what each candidate begins with, A; 0: it is let in last or not at all
	other []float64 // a change of from that is tried
	total float64   // what from is worth
	gains []float64
}

// candidate is a car that may charge now.
type candidate struct {
	car   int
	later []piece // worth of energy delivered later, best first
	cap   float64 // highest useful current, A, a multiple of step
	low   float64 // lowest, A, a multiple of step
	stay  float64 // what it has now, if that is possible, else low
	unit  float64 // Wh of an ampere in the present slot
	each  float64 // worth of a Wh now, less its price
	fair  float64 // most of unknown energy that counts in full, Wh
	soft  float64 // of an ampere for soft limits
	cost  float64 // of an ampere at the prices of the limits
	net   float64 // gain of the lowest current above its cost
}

// piece is energy that can be delivered later at one net worth.
type piece struct{ worth, energy float64 }

// choose returns the currents in A by car in now, and the cars in the order of admission.
// x and y are the relaxed plan and its prices.
func (n *present) choose(m *model, x, y, now []float64) []int {
	n.m, n.x, n.peak = m, x, m.peakPower(x)
	n.prepare(y)
	slices.SortStableFunc(n.cars, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.net, a.net), cmp.Compare(m.site.cars[a.car].stay, m.site.cars[b.car].stay))
	})
	n.start()
	n.improve()
	n.share(n.from)
	clear(now)
	var ranks []int
	for pass := range 2 {
		for i := range n.cars {
			if (n.from[i] > 0) == (pass == 0) {
				ranks = append(ranks, n.cars[i].car)
				now[n.cars[i].car] = n.trial[i]
			}
		}
	}
	return ranks
}

// start chooses what everybody begins with: those that the relaxed plan lets in, all at
// their lowest current, all as they are now or all as it plans, whatever is worth most.
func (n *present) start() {
	n.from, n.other = sized(n.from, len(n.cars)), sized(n.other, len(n.cars))
	n.total = math.Inf(-1)
	for _, begin := range []func(k *candidate) float64{
		func(k *candidate) float64 { return k.low },
		func(k *candidate) float64 { return k.stay },
		func(k *candidate) float64 { return k.whole(n.planned(k), n.m.site.step) },
	} {
		for i := range n.cars {
			n.other[i] = 0
			if k := &n.cars[i]; n.planned(k) >= k.low*startAbove {
				n.other[i] = begin(k)
			}
		}
		if sum := n.share(n.other); sum > n.total {
			n.from, n.other, n.total = n.other, n.from, sum
		}
	}
}

// whole is the highest possible current of k that a is enough for, else its lowest one.
func (k *candidate) whole(a, step float64) float64 {
	return min(max(math.Floor(a/step+1e-9)*step, k.low), k.cap)
}

// planned is what the relaxed plan gives k now, in A.
func (n *present) planned(k *candidate) float64 {
	if j := n.m.column[k.car]; j >= 0 {
		return n.x[j]
	}
	return 0
}

// prepare makes the candidates.
func (n *present) prepare(y []float64) {
	m, s := n.m, n.m.site
	n.cars = n.cars[:0]
	for i := range s.cars {
		c, j := &s.cars[i], m.column[i]
		if j < 0 {
			continue
		}
		k := candidate{car: i, unit: c.power * s.hours[0] * s.share(c, 0), each: m.cost[j] / (c.power * s.hours[0])}
		k.low = max(math.Ceil(c.min/s.step-1e-9), 1) * s.step
		k.cap = math.Floor(c.max/s.step+1e-9) * s.step
		if c.known {
			k.cap = min(k.cap, max(k.low, math.Ceil(c.wants/k.unit/s.step-1e-9)*s.step))
		} else {
			k.fair = m.top[j] * c.power * s.hours[0]
		}
		if k.cap < k.low {
			continue
		}
		k.stay = k.whole(c.held, s.step)
		for e := m.colFrom[j]; e < m.colFrom[j+1]; e++ {
			switch row := m.row[e]; {
			case m.keyOf[row] >= 0:
				k.cost += m.colVal[e] * y[row]
			case m.keyOf[row] == softRow:
				k.soft += m.colVal[e] * y[row]
			}
		}
		k.later = m.later(i, y, nil)
		k.net = n.worth(&k, k.low) - n.worth(&k, 0) - k.cost*k.low
		n.cars = append(n.cars, k)
	}
}

// later lists what energy can still be delivered to car i after the present slot.
func (m *model) later(i int, y []float64, out []piece) []piece {
	s := m.site
	c := &s.cars[i]
	if !c.known {
		return out
	}
	for t := 1; t < len(s.hours); t++ {
		j := m.column[t*len(s.cars)+i]
		if j < 0 {
			continue
		}
		price := 0.0
		for k := m.colFrom[j]; k < m.colFrom[j+1]; k++ {
			if _, energy := ofEnergy(m.keyOf[m.row[k]]); !energy {
				price += m.colVal[k] * y[m.row[k]]
			}
		}
		if gain := m.cost[j] - price; gain > 0 {
			e := c.power * s.hours[t]
			out = append(out, piece{gain / e, m.top[j] * e})
		}
	}
	slices.SortStableFunc(out, func(a, b piece) int { return cmp.Compare(b.worth, a.worth) })
	return out
}

// worth is what current a now is worth to k, with the best use of the rest later.
func (n *present) worth(k *candidate, a float64) float64 {
	c := &n.m.site.cars[k.car]
	got := min(a*k.unit, c.wants)
	sum := got*k.each - a*k.soft
	if !c.known {
		sum = (min(got, k.fair)+extraWorth*max(got-k.fair, 0))*k.each - a*k.soft
	}
	rest := c.wants - got
	for _, p := range k.later {
		e := min(p.energy, rest)
		sum += e * p.worth
		if rest -= e; rest <= 0 {
			break
		}
	}
	if c.held >= c.min && a >= k.low {
		sum += keepWorth * max(k.each, 0) * k.low * k.unit
	}
	return sum
}

// open resets the rooms of the present slot.
func (n *present) open() {
	s := n.m.site
	n.left = append(n.left[:0], s.rooms[:s.width]...)
	n.left[s.width-1] = min(n.left[s.width-1], n.peak/s.volts)
	n.trial = sized(n.trial, len(n.cars))
	clear(n.trial)
}

// take gives a more to candidate i if it fits.
func (n *present) take(i int, a float64) bool {
	c := &n.m.site.cars[n.cars[i].car]
	if !c.fits(n.left, a-1e-9) {
		return false
	}
	c.load(n.left, -a)
	n.trial[i] += a
	return true
}

// admit gives everybody what they begin with, in order, or their lowest current, or
// nothing, as far as it fits.
func (n *present) admit(from []float64) {
	n.open()
	for i, a := range from {
		if a > 0 && !n.take(i, a) {
			from[i] = 0
			if low := n.cars[i].low; n.take(i, low) {
				from[i] = low
			}
		}
	}
}

// gain is what a step more is worth to candidate i that has a; the first step is the
// lowest current.
func (n *present) gain(i int, a float64) float64 {
	k := &n.cars[i]
	next := max(a+n.m.site.step, k.low)
	return n.worth(k, next) - n.worth(k, a)
}

// share gives those chosen what they begin with and then steps, lets in whoever fits
// into what is left over, and returns what all have together is worth.
func (n *present) share(from []float64) float64 {
	n.admit(from)
	n.raise()
	late := false
	for i := range n.cars {
		if n.trial[i] == 0 && n.gain(i, 0) > 0 && n.take(i, n.cars[i].low) {
			late = true
		}
	}
	if late {
		n.raise()
	}
	sum := 0.0
	for i := range n.cars {
		k := &n.cars[i]
		sum += n.worth(k, n.trial[i]) - n.worth(k, 0)
		if n.trial[i] == n.m.site.cars[k.car].held {
			sum += sameWorth * max(k.each, 0) * k.unit
		}
	}
	return sum
}

// raise gives steps to those who have a current, the highest net gain first, equal gains
// to whoever has least.
func (n *present) raise() {
	step := n.m.site.step
	n.gains = sized(n.gains, len(n.cars))
	for i := range n.cars {
		n.gains[i] = math.Inf(-1)
		if n.trial[i] > 0 {
			n.gains[i] = n.gain(i, n.trial[i])
		}
	}
	for {
		pick, most := -1, math.Inf(-1)
		for i := range n.cars {
			k := &n.cars[i]
			if n.trial[i]+step > k.cap+1e-9 || n.gains[i] <= 1e-9 {
				continue
			}
			net := n.gains[i] - k.cost*step
			if pick < 0 || net > most+1e-6 || net > most-1e-6 && n.trial[i] < n.trial[pick] {
				pick, most = i, max(net, most)
			}
		}
		if pick < 0 {
			return
		}
		if n.take(pick, step) {
			n.gains[pick] = n.gain(pick, n.trial[pick])
		} else {
			n.gains[pick] = math.Inf(-1)
		}
	}
}

// maxTries bounds the work of improve.
const maxTries = 100

// improve lets one more in, sends one out, exchanges two or lets one begin differently,
// as long as that gains.
func (n *present) improve() {
	tries := 0
	better := func(a int, start float64, b int, other float64) bool {
		if tries++; tries > maxTries {
			return false
		}
		copy(n.other, n.from)
		n.other[a], n.other[b] = start, other
		sum := n.share(n.other)
		if sum <= n.total+1e-3 {
			return false
		}
		n.from, n.other, n.total = n.other, n.from, sum
		return true
	}
	for again := true; again && tries <= maxTries; {
		again = false
		for a := range n.cars {
			for _, start := range [...]float64{0, n.cars[a].low, n.cars[a].stay} {
				if start != n.from[a] {
					again = better(a, start, a, start) || again
				}
			}
			for b := range n.cars {
				if n.from[a] > 0 && n.from[b] == 0 && n.meet(a, b) {
					again = better(a, 0, b, n.cars[b].stay) || again
				}
			}
		}
	}
}

// meet reports whether two candidates share a node and phase, or a vector.
func (n *present) meet(a, b int) bool {
	ca, cb := &n.m.site.cars[n.cars[a].car], &n.m.site.cars[n.cars[b].car]
	for _, k := range ca.keys {
		if slices.ContainsFunc(cb.keys, func(other load) bool { return k.key == other.key }) {
			return true
		}
	}
	return false
}
