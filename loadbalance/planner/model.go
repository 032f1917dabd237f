package planner

import "math"

// model is the programme of a site and what its columns and rows mean. Columns of cars
// come first, slot by slot; what they pay for softly exceeded limits follows.
type model struct {
	program
	site   *site
	first  []int32 // first column of each slot, one more than slots
	carOf  []int32 // car of each car column
	slotOf []int32
	column []int32 // by slot*cars+car, -1 for none
	keyOf  []int32 // by row: index of rooms, or energyRow(car), or softRow
	fair   []float64
	tally  []tally
	level  float64 // W, what a quarter hour may reach before Peak.Price is due
	above  int32   // column of what the highest one exceeds it by, A of all phases; -1: none
}

// softRow marks a row that may be exceeded at a price.
const softRow = math.MinInt32

// energyRow marks the row of what car i wants.
func energyRow(i int) int32 { return int32(-1 - i) }

// ofEnergy is the car of an energy row.
func ofEnergy(key int32) (car int, ok bool) { return int(-1 - key), key < 0 && key != softRow }

// tally is what one key carries in a slot.
type tally struct {
	load  float64
	count int32
	mark  uint64 // the set of columns below, as a sum of their marks
	next  int32  // where the next entry of its row goes, -1: no row
}

// build makes the programme of s.
func (m *model) build(s *site) {
	m.site = s
	m.reset()
	m.carOf, m.slotOf, m.keyOf = m.carOf[:0], m.slotOf[:0], m.keyOf[:0]
	m.first = append(m.first[:0], 0)
	m.column = sized(m.column, len(s.hours)*len(s.cars))
	for t := range s.hours {
		m.addSlot(t)
	}
	for t := range s.hours {
		m.addTree(t)
	}
	for i := range s.cars {
		m.addEnergy(i)
	}
	m.addSun()
	m.addPeak()
	m.seal()
}

// worth is what a Wh delivered to c in slot t is worth, less its price.
func (m *model) worth(c *car, t int) float64 {
	s := m.site
	late := min((s.begin[t]+s.hours[t]/2)/max(s.span, 1e-9), 1)
	if !s.money.any() {
		return c.class * (1 - early*late)
	}
	worth := c.class * (1 - earlyPriced*late)
	if s.money.sun == nil {
		worth -= s.money.energy[t]
	}
	return worth
}

// addSlot adds the columns of slot t: one for each car that is there and has room.
func (m *model) addSlot(t int) {
	s := m.site
	if s.anyUnknown() {
		m.fair = s.fairShare(t, m.fair)
	}
	for i := range s.cars {
		c := &s.cars[i]
		m.column[t*len(s.cars)+i] = -1
		if !c.able {
			continue
		}
		top := c.max
		if !c.known {
			top = min(top, m.fair[i])
		}
		top = min(top, s.roomFor(c, t)) * s.share(c, t)
		if top <= 1e-6 {
			continue
		}
		m.column[t*len(s.cars)+i] = m.addColumn(m.worth(c, t)*c.power*s.hours[t], top)
		m.carOf, m.slotOf = append(m.carOf, int32(i)), append(m.slotOf, int32(t))
	}
	m.first = append(m.first, int32(len(m.cost)))
}

// addTree adds the rows of slot t that can become tight, each set of cars once.
func (m *model) addTree(t int) {
	s := m.site
	m.count(t)
	rooms := s.rooms[t*s.width : (t+1)*s.width]
	size := int32(len(m.col))
	for k := range m.tally {
		n := &m.tally[k]
		n.next = -1
		if n.load > rooms[k]+1e-9 && !m.covered(rooms, k) {
			n.next = size
			size += n.count
			m.limit = append(m.limit, rooms[k])
			m.keyOf = append(m.keyOf, int32(t*s.width+k))
			m.from = append(m.from, size)
		}
	}
	m.col, m.val = extended(m.col, int(size)), extended(m.val, int(size))
	put := func(k int, j int32, val float64) {
		if n := &m.tally[k]; n.next >= 0 {
			m.col[n.next], m.val[n.next] = j, val
			n.next++
		}
	}
	for j := m.first[t]; j < m.first[t+1]; j++ {
		c := &s.cars[m.carOf[j]]
		for _, k := range c.keys {
			put(k.key, j, k.per)
		}
		put(s.width-1, j, float64(len(c.phases)))
	}
}

// count fills the tally of slot t.
func (m *model) count(t int) {
	s := m.site
	m.tally = sized(m.tally, s.width)
	clear(m.tally)
	for j := m.first[t]; j < m.first[t+1]; j++ {
		c, mark := &s.cars[m.carOf[j]], scatter(uint64(j))
		for _, k := range c.keys {
			n := &m.tally[k.key]
			n.load += m.top[j] * k.per
			n.count++
			n.mark += mark
		}
		all := &m.tally[s.width-1]
		all.load += m.top[j] * float64(len(c.phases))
		all.count++
	}
}

// covered reports whether another row of the same cars is at least as tight: another
// phase of the node, or a node below it.
func (m *model) covered(rooms []float64, k int) bool {
	if k >= 3*len(m.site.parent) {
		return false
	}
	n := &m.tally[k]
	same := func(other int) bool {
		return m.tally[other].mark == n.mark && m.tally[other].count == n.count
	}
	v, ph := k/3, k%3
	for other := v * 3; other < v*3+3; other++ {
		if other != k && same(other) && (rooms[other] < rooms[k] || rooms[other] == rooms[k] && other < k) {
			return true
		}
	}
	for child, up := range m.site.parent {
		if up == v && same(child*3+ph) && rooms[child*3+ph] <= rooms[k] {
			return true
		}
	}
	return false
}

// addEnergy adds a row for car i if it could get more than it asks for.
func (m *model) addEnergy(i int) {
	s := m.site
	c := &s.cars[i]
	if !c.known || !c.able {
		return
	}
	most := 0.0
	for t := range s.hours {
		if j := m.column[t*len(s.cars)+i]; j >= 0 {
			most += m.top[j] * c.power * s.hours[t]
		}
	}
	if most <= c.wants {
		return
	}
	for t := range s.hours {
		if j := m.column[t*len(s.cars)+i]; j >= 0 {
			m.entry(j, c.power*s.hours[t])
		}
	}
	m.endRow(c.wants)
	m.keyOf = append(m.keyOf, energyRow(i))
}

// addSun adds what is bought in each slot beyond the surplus.
func (m *model) addSun() {
	s := m.site
	for t, free := range s.money.sun {
		most := 0.0
		for j := m.first[t]; j < m.first[t+1]; j++ {
			most += m.top[j] * float64(len(s.cars[m.carOf[j]].phases))
		}
		if most <= free || s.money.energy[t] == 0 {
			continue
		}
		for j := m.first[t]; j < m.first[t+1]; j++ {
			m.entry(j, float64(len(s.cars[m.carOf[j]].phases)))
		}
		m.entry(m.addColumn(-s.money.energy[t]*s.volts*s.hours[t], most-free), -1)
		m.endRow(free)
		m.keyOf = append(m.keyOf, softRow)
	}
}

// addPeak adds what the highest quarter hour exceeds Peak.Set by.
func (m *model) addPeak() {
	s := m.site
	m.level, m.above = math.Inf(1), -1
	if s.money.peak <= 0 {
		return
	}
	quarters := s.quarter(len(s.hours)-1) + 1
	base := make([]float64, quarters) // Wh of other load, later what is left for cars
	most := make([]float64, quarters) // A·h of all phases that cars could take
	for t := range s.hours {
		q := s.quarter(t)
		base[q] += s.base(t) * s.hours[t]
		for j := m.first[t]; j < m.first[t+1]; j++ {
			most[q] += m.top[j] * float64(len(s.cars[m.carOf[j]].phases)) * s.hours[t]
		}
	}
	m.level = s.problem.Peak.Set
	for q := range quarters { // what others reach anyway costs nothing more
		used, _ := s.ofQuarter(q, 0)
		m.level = max(m.level, (base[q]-used)/0.25)
	}
	above := 0.0
	for q := range quarters {
		left, _ := s.ofQuarter(q, m.level)
		base[q] = max(0, left-base[q]) / s.volts
		above = max(above, (most[q]-base[q])/0.25)
	}
	if above <= 0 {
		return
	}
	m.above = m.addColumn(-s.money.peak*s.volts, above)
	for q := range quarters {
		if most[q] <= base[q] {
			continue
		}
		for t := range s.hours {
			for j := m.first[t]; j < m.first[t+1] && s.quarter(t) == q; j++ {
				m.entry(j, float64(len(s.cars[m.carOf[j]].phases))*s.hours[t])
			}
		}
		m.entry(m.above, -0.25)
		m.endRow(base[q])
		m.keyOf = append(m.keyOf, softRow)
	}
}

// peakPower is the power in W that cars may take in the present slot without a higher peak
// than plan x has: what that leaves of the quarter hour spread evenly, or what x takes
// now if that is more, as of a car that is about to leave.
func (m *model) peakPower(x []float64) float64 {
	s := m.site
	level := m.level
	if m.above >= 0 {
		level += x[m.above] * s.volts
	}
	planned := 0.0
	for j := range m.first[1] {
		c := &s.cars[m.carOf[j]]
		planned += x[j] / s.share(c, 0) * c.power
	}
	return max(s.underPeak(0, level), planned)
}

// scatter spreads the bits of x, so that sums of different sets differ.
func scatter(x uint64) uint64 {
	x = (x + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	x ^= x >> 29
	return x * 0x94d049bb133111eb
}
