package loadbalance

import "time"

// relaxed is the laxity of who has no known departure or need.
const relaxed = 24 * time.Hour

// stays is how much less laxity a newcomer must have than one who charges to take its
// place.
const stays = stint

// nominal is the voltage between line and neutral that energy is reckoned with, V.
const nominal = 230

// laxity is the time to spare: until the departure, less what the car needs at its
// highest current. Negative: can't be finished in time.
func (w *work) laxity(now time.Time) time.Duration {
	c := w.c
	if c.Departure.IsZero() || c.Needs <= 0 || w.max == 0 {
		return relaxed
	}
	watts := int64(w.max) * nominal / int64(Amp) * int64(w.set.Count())
	needs := min(c.Needs, 1_000_000)
	busy := time.Duration(needs*3600/max(watts, 1)) * time.Second
	left := min(max(c.Departure.Sub(now), 0), relaxed)
	return min(max(left-busy, -relaxed), relaxed-time.Second)
}

// shift moves the connector's levels by its time to spare, never below zero.
func (w *work) shift() int64 {
	if !w.laxly {
		return 0
	}
	return int64((w.lax+relaxed)/time.Second) * shiftSecond
}

// shiftSecond is what a second to spare is worth in levels: who has an hour less is
// filled to its maximum before the other rises. Weights don't count there, currents
// do: rises go by the maximum.
const shiftSecond = int64(1) << (levelBits + slopeBits) / 3600

// slopeBits is by what the maximum is scaled down to make a slope.
const slopeBits = 6

// urgency is what PolicyLaxity ranks by: who charges keeps its place until another is
// clearly more pressed.
func (w *work) urgency() time.Duration {
	if w.lax < relaxed && w.s.seat.on {
		return w.lax - stays
	}
	return w.lax
}
