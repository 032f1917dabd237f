package loadbalance

import (
	"cmp"
	"time"
)

// Tuning is how quietly the balancer follows the building, at equal safety: the fuse
// is guarded by rules that don't depend on it. Zero values mean the defaults in
// parentheses, which are the best point of the trade-off measured by
// BenchmarkTradeOff: more use of the headroom costs more changes of setpoints.
// LeastRaise, Spare, Unfair and Patience are for fuses of 125 A and more, and less at smaller ones.
type Tuning struct {
	// Release is the time whose largest base load increases are judged by, 10 to 60 s
	// (10 s). Longer: fewer changes, less use.
	Release time.Duration
	// LeastRaise is the smallest increase sent without a Rest before it (4 A), and
	// LeastChange the smallest worth a command at all (1 A).
	LeastRaise, LeastChange MilliAmp
	// Rest is how long a connector keeps its current before a small increase (4 min).
	Rest time.Duration
	// Spare is what a reduction because of an overload takes more than needed (2 A), so
	// that the next small rise of the building costs none.
	Spare MilliAmp
	// Unfair is how much less than its fair share a connector must have before others
	// are reduced for it at once (6 A); Patience is how long it waits for less (10 min).
	Unfair   MilliAmp
	Patience time.Duration
	// Reserve is the share of the last ReserveOver's base loads, in percent, that a
	// car which doesn't charge yet must fit above (90, 10 min): the regulation reserve.
	// Higher: fewer pauses, less use.
	Reserve     int
	ReserveOver time.Duration
	// Lockout is the least time at 0 A after a shed for safety, 60 to 300 s (60 s). It
	// doubles with each shed in a row.
	Lockout time.Duration
}

func (t Tuning) withDefaults() Tuning {
	t.Release = min(max(cmp.Or(t.Release, 10*time.Second), 10*time.Second), window*time.Second)
	t.LeastRaise = cmp.Or(t.LeastRaise, 4*Amp)
	t.LeastChange = cmp.Or(t.LeastChange, Amp)
	t.Rest = cmp.Or(t.Rest, 4*time.Minute)
	t.Spare = cmp.Or(t.Spare, 2*Amp)
	t.Unfair = cmp.Or(t.Unfair, 6*Amp)
	t.Patience = cmp.Or(t.Patience, 10*time.Minute)
	t.Reserve = min(max(cmp.Or(t.Reserve, 90), 1), 100)
	t.ReserveOver = cmp.Or(t.ReserveOver, 10*time.Minute)
	t.Lockout = min(max(cmp.Or(t.Lockout, time.Minute), time.Minute), longestLockout)
	return t
}

// longestLockout bounds what sheds in a row make of Tuning.Lockout.
const longestLockout = 5 * time.Minute
