package loadbalance

import (
	"slices"
	"time"
)

// The regulation reserve keeps cars from being let in at a lull of the building and
// sent away at its next peak: who doesn't charge yet must fit above the base load
// that the last minutes rarely exceeded, while setpoints follow the base load of now.

// spells is the number of spells the past is kept in; each is a part of
// Tuning.ReserveOver.
const spells = 60

// reserve is the base load of the last minutes at one meter.
type reserve struct {
	peak  [spells][3]int64 // largest base load of each spell
	at    [spells]int64    // number of the spell since 1970, 0: empty
	level [3]int64         // the wanted percentile
	known bool
}

// note takes the base load at a time into its spell. The percentile is reckoned anew
// when a spell is over.
func (r *reserve) note(at time.Time, base [3]int64, t *Tuning) {
	length := int64(max(t.ReserveOver/spells, time.Second) / time.Millisecond)
	number := at.UnixMilli() / length
	i := int(uint64(number) % spells)
	if r.at[i] == number {
		for p := range base {
			r.peak[i][p] = max(r.peak[i][p], base[p])
		}
		return
	}
	r.at[i], r.peak[i] = number, base
	r.rank(number, t.Reserve)
}

func (r *reserve) rank(now int64, percent int) {
	var sorted [spells]int64
	for p := range r.level {
		n := 0
		for i, at := range r.at {
			if at > now-spells && at <= now {
				sorted[n] = r.peak[i][p]
				n++
			}
		}
		slices.Sort(sorted[:n])
		r.level[p] = sorted[min(n-1, n*percent/100)]
	}
	r.known = true
}

// forget drops the past, after the meter was lost.
func (r *reserve) forget() { *r = reserve{} }
