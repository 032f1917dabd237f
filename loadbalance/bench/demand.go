package bench

import (
	"time"

	"busbar/loadbalance/planner"
)

// quarterSlots are the slots of a quarter hour, which is what the demand charge counts.
const quarterSlots = 3

// worthOfCharging is what a kWh that a car leaves without costs the site, $.
const worthOfCharging = .30

// billedDays is the length of the month.
const billedDays = 31

// month is scenario T1: the ACN sessions on the European tree, billed by a tariff with a
// price of the highest quarter hour, perhaps beside an office and a field of panels.
type month struct {
	w      *Workload
	tariff Tariff
	other  []float64 // kW of the office less the panels, each half hour; empty: none
	level  float64   // kW that no quarter hour is to exceed, as far as others leave it; 0: none
	cars   []float64 // kWh by quarter hour
	booked float64   // kWh
	last   int       // slot to which what is delivered next belongs
}

// otherAt is the load beside the cars in a slot, kW.
func (m *month) otherAt(t int) float64 {
	if len(m.other) == 0 {
		return 0
	}
	return m.other[min(t*SlotSeconds/1800, len(m.other)-1)]
}

// book puts what was delivered since slot last into its quarter hour.
func (m *month) book(delivered float64, t int) {
	for len(m.cars) <= max(m.last, t)/quarterSlots {
		m.cars = append(m.cars, 0)
	}
	m.cars[m.last/quarterSlots] += delivered - m.booked
	m.booked, m.last = delivered, t
}

// mean is the power of a quarter hour, kW, if it ends with slot end-1.
func (m *month) mean(q int) float64 {
	sum := 4 * m.cars[q]
	for t := q * quarterSlots; t < (q+1)*quarterSlots; t++ {
		sum += m.otherAt(t) / quarterSlots
	}
	return sum
}

// highest is the largest power of the quarter hours before one, kW.
func (m *month) highest(before int) float64 {
	out := 0.
	for q := range min(before, len(m.cars)) {
		out = max(out, m.mean(q))
	}
	return out
}

// run lets a policy decide each slot of the month.
func (m *month) run(name, departures string, decide func(s *slotted, t int, active []int)) Result {
	r := runSlots(m.w, name, departures, func(s *slotted, t int, active []int) {
		got := 0.
		for k := range m.w.Sessions {
			got += s.tally.got(k)
		}
		m.book(got, t)
		decide(s, t, active)
	})
	m.book(r.DeliveredKWh, m.last)
	return r
}

// uncontrolled gives every car what it can take, whatever the fuses say.
func uncontrolled(s *slotted, _ int, active []int) {
	for _, k := range active {
		if x := &s.w.Sessions[k]; s.tally.left(k) > hungry {
			s.amps[k] = x.Imax
		}
	}
}

// bill is what the tariff makes of the month. Energy counts as far as the panels don't
// cover it, and only that of the cars.
func (m *month) bill(r *Result, optimum float64) {
	peak := m.highest(len(m.cars))
	energy := 0.
	for q, kWh := range m.cars {
		other := (m.mean(q) - 4*kWh) / 4
		energy += m.tariff.Price(epoch().Add(time.Duration(q)*15*time.Minute)) * (max(0, other+kWh) - max(0, other))
	}
	r.Metrics = []Metric{
		{ID: "T1.delivered", Value: r.Percent()}, {ID: "T1.peak_kw", Value: peak}, {ID: "T1.demand_charge", Value: peak * m.tariff.PerPeak(epoch())},
		{ID: "T1.demand_ratio", Value: peak / optimum}, {ID: "T1.energy_cost", Value: energy}}
}

// slots are the present one and then quarter hours by the clock.
func (m *month) slots(now, end time.Time) []time.Duration {
	const quarter = quarterSlots * SlotSeconds * time.Second
	var out []time.Duration
	for at := now; at.Before(end) && at.Sub(now) < 24*time.Hour; at = at.Add(out[len(out)-1]) {
		length := quarter
		if at.Truncate(quarter) != at || at.Equal(now) {
			length = SlotSeconds * time.Second
		}
		out = append(out, length)
	}
	return out
}

// money tells the planner what is known in the slot that begins at second now: prices, the
// other load, and the peak so far. A higher peak serves all days until the bill, so that
// each of them bears its part of the price.
func (m *month) money(p *planner.Problem, now int) {
	t := now / SlotSeconds
	q := t / quarterSlots
	reached := m.highest(q)
	p.Worth = worthOfCharging
	p.Peak = planner.Peak{Set: 1000 * reached, Price: m.tariff.PerPeak(p.Now) / max(1, float64(billedDays-now/86400)), Used: 1000 * m.cars[q], Base: p.Peak.Base[:0]}
	if m.level > 0 {
		p.Worth, p.Peak.Set, p.Peak.Limit = 0, 1000*m.level, 1000*m.level
	}
	for at := q * quarterSlots; at < t; at++ {
		p.Peak.Used += 1000 * m.otherAt(at) * SlotSeconds / 3600
	}
	p.Prices, p.Surplus = p.Prices[:0], p.Surplus[:0]
	at := p.Now
	for _, length := range p.Slots {
		other := m.forecast(t, int(at.Add(length/2).Sub(epoch())/time.Second)/SlotSeconds)
		p.Peak.Base = append(p.Peak.Base, 1000*other)
		p.Prices = append(p.Prices, m.tariff.Price(at))
		if len(m.other) > 0 {
			p.Surplus = append(p.Surplus, 1000*max(0, -other))
		}
		at = at.Add(length)
	}
}

// forecast is what a controller can know in slot now of the other load of a later one:
// the present load for the present hour, then that of a day before.
func (m *month) forecast(now, at int) float64 {
	const hour, day = 3600 / SlotSeconds, 86400 / SlotSeconds
	if at-now < hour {
		return m.otherAt(now)
	}
	for at > now {
		at -= day
	}
	if at < 0 {
		return m.otherAt(now)
	}
	return m.otherAt(at)
}
