package planner

import (
	"math"
	"slices"
	"time"
)

// money is what a plan costs, in the unit of the objective: the worth of a Wh.
type money struct {
	energy []float64 // of a Wh in each slot, against the cheapest
	sun    []float64 // A of all phases that cost nothing, in each slot; nil: no surplus
	peak   float64   // of a W above Peak.Set; 0: no price
}

// priced turns the prices of the problem into worths. Without Worth the dearest hour
// costs less than energy not delivered, and a W more of peak less than the energy of a
// quarter hour, so that money never keeps a car waiting until it has to leave.
func (s *site) priced() money {
	p := s.problem
	var out money
	low, high := 0.0, 0.0
	if len(p.Prices) > 0 {
		low, high = slices.Min(p.Prices), slices.Max(p.Prices)
	}
	if len(p.Surplus) > 0 {
		low = min(low, 0)
		if len(p.Prices) == 0 {
			high = 1
		}
	}
	scale := 0.0 // worth of a Wh for each unit of price per kWh
	switch {
	case p.Worth > 0:
		scale = 1 / p.Worth
	case high > low:
		scale = dearest / (high - low)
	}
	out.energy = make([]float64, len(s.hours))
	for t := range s.hours {
		price := high
		if len(p.Prices) > 0 {
			price = entry(p.Prices, t)
		}
		out.energy[t] = (price - low) * scale
		if len(p.Surplus) > 0 {
			out.sun = append(out.sun, max(0, entry(p.Surplus, t))/s.volts)
		}
	}
	const quarter = 0.25 // h, so Wh for each W
	switch {
	case p.Peak.Price <= 0:
	case p.Worth > 0:
		out.peak = p.Peak.Price / p.Worth
	default:
		out.peak = dearest * quarter
	}
	return out
}

// any reports whether money plays a part.
func (m *money) any() bool {
	return m.peak > 0 || m.sun != nil || slices.ContainsFunc(m.energy, func(e float64) bool { return e != m.energy[0] })
}

// quarter is the number of the quarter hour, by the clock, in which the middle of slot t lies;
// 0 is the present one.
func (s *site) quarter(t int) int {
	into := s.problem.Now.Sub(s.problem.Now.Truncate(15 * time.Minute)).Hours()
	return int(math.Floor((into + s.begin[t] + s.hours[t]/2) / 0.25))
}

// ofQuarter is the energy in Wh that level, W, leaves in the present quarter hour or a
// whole one, and the hours it has left.
func (s *site) ofQuarter(quarter int, level float64) (energy, hours float64) {
	if quarter > 0 {
		return level * 0.25, 0.25
	}
	into := s.problem.Now.Sub(s.problem.Now.Truncate(15 * time.Minute)).Hours()
	return level*0.25 - s.problem.Peak.Used, max(0.25-into, 1./3600)
}

// base is the forecast of other load in slot t, W.
func (s *site) base(t int) float64 {
	if len(s.problem.Peak.Base) == 0 {
		return 0
	}
	return entry(s.problem.Peak.Base, t)
}

// underPeak is the power in W that cars may take in slot t so that no quarter hour exceeds
// level, W: what is left of it is spread evenly.
func (s *site) underPeak(t int, level float64) float64 {
	energy, hours := s.ofQuarter(s.quarter(t), level)
	return energy/hours - s.base(t)
}
