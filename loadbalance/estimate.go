package loadbalance

import "time"

// estimate says between what and what the connector draws now. Low is safe: what
// isn't the car's is the building's.
func (w *work) estimate(b *Balancer) {
	s, now := w.s, b.now
	if w.role == idle || w.node < 0 {
		if !s.endedAt.IsZero() && now.Sub(s.endedAt) < stopping {
			w.hi = s.lastHi
		}
		return
	}
	for p := L1; p <= L3; p++ {
		if w.set.Has(p) {
			w.lo[p], w.hi[p] = w.interval(b, p)
		}
	}
	s.lastHi = w.hi
}

func (w *work) interval(b *Balancer, p Phase) (lo, hi MilliAmp) {
	c, s, now := w.c, w.s, b.now
	upper := w.booked[p]
	if w.draws < 0 {
		if w.present < s.before && now.Sub(s.changedAt) >= proven { // booked still, but no explanation any more
			upper = min(upper, max(w.present, w.final))
		}
		return 0, upper
	}
	m := max(0, bounded(c.Measured[p]))
	switch {
	case s.rogue || w.stuck:
		return min(m, upper), min(m, upper)
	case !c.Online:
		return min(m, upper), upper
	}
	low := min(m, w.present)
	switch {
	case !s.excessSince.IsZero():
		return low, max(low, min(m, upper)) // disobedient, or not for long
	case !c.SentOpen && w.settled:
		return low, low
	}
	if c.SentOpen {
		return min(low, w.final), max(low, c.sent(), w.coming(now, m))
	}
	if w.present >= s.before {
		return low, max(low, w.present)
	}
	return low, max(low, w.coming(now, m))
}

// comesDown is how long a car may explain a load that should have vanished. The slowest
// that the standards allow have followed by then; for what one still takes the others
// make room.
const comesDown = 12 * time.Second

// coming is the most a car may still draw that drew m when its setpoint fell: all of
// it, until it should have come down or a reading shows that it did.
func (w *work) coming(now time.Time, m MilliAmp) MilliAmp {
	if m <= w.present || now.Sub(w.s.changedAt) >= comesDown {
		return min(m, w.present)
	}
	return m
}
