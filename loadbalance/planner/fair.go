package planner

import "math"

// anyUnknown reports whether a car asks for an unknown amount.
func (s *site) anyUnknown() bool {
	for i := range s.cars {
		if !s.cars[i].known && s.cars[i].able {
			return true
		}
	}
	return false
}

// fairShare is each car's weighted max-min fair current in slot t, in A: all rise
// together until a limit is reached, then those below it stay.
func (s *site) fairShare(t int, out []float64) []float64 {
	out = sized(out, len(s.cars))
	left := append([]float64(nil), s.rooms[t*s.width:(t+1)*s.width]...)
	weights := make([]float64, s.width)
	rising := make([]int, 0, len(s.cars))
	for i := range s.cars {
		out[i] = 0
		if c := &s.cars[i]; c.able && s.share(c, t) > 0 {
			rising = append(rising, i)
		}
	}
	for len(rising) > 0 {
		clear(weights)
		for _, i := range rising {
			s.cars[i].load(weights, s.cars[i].weight)
		}
		rise := math.Inf(1)
		for k, w := range weights {
			if w > 0 {
				rise = min(rise, max(left[k], 0)/w)
			}
		}
		for _, i := range rising {
			rise = min(rise, (s.cars[i].max-out[i])/s.cars[i].weight)
		}
		for _, i := range rising {
			out[i] += rise * s.cars[i].weight
			s.cars[i].load(left, -rise*s.cars[i].weight)
		}
		kept := rising[:0]
		for _, i := range rising {
			if out[i] < s.cars[i].max-1e-9 && s.cars[i].fits(left, 1e-9) {
				kept = append(kept, i)
			}
		}
		rising = kept
	}
	return out
}

// load adds a on each phase to all keys of a slot that the car loads.
func (c *car) load(slot []float64, a float64) {
	for _, k := range c.keys {
		slot[k.key] += a * k.per
	}
	slot[len(slot)-1] += a * float64(len(c.phases))
}

// fits reports whether a on each phase is left at all keys that the car loads.
func (c *car) fits(left []float64, a float64) bool {
	for _, k := range c.keys {
		if left[k.key] < a*k.per {
			return false
		}
	}
	return left[len(left)-1] >= a*float64(len(c.phases))
}
