package loadbalance

import (
	"cmp"
	"slices"
	"time"
)

// When not everybody fits, places go round: who has waited for a stint takes the place
// of who charges for a stint and has got the most beyond its fair share. Waiting is
// first come, first served, so that with n cars and k places nobody waits longer
// than (ceil(n/k)-1) stints and the time to change over.
const (
	stint = 15 * time.Minute
	// leastOn is how long a place is kept when a newcomer asks for it, leastOff how
	// long one who gave its place away stays off.
	leastOn  = 10 * time.Minute
	leastOff = 5 * time.Minute
	// swapEvery is the least time between two swaps below one board; boards where more
	// than ten charge swap more often, or the turns would become longer.
	swapEvery = time.Minute
	// changeover is how long a swap may take before both sides are as before.
	changeover = 3 * time.Minute
	// swapsAtOnce bounds the work of one pass.
	swapsAtOnce = 4
	// mostVictims bounds how many give way for one.
	mostVictims = 6
	// mostCredit bounds what a connector is owed or owes: two hours of 32 A, in mA ms.
	mostCredit = int64(2*time.Hour/time.Millisecond) * int64(32*Amp)
)

// seat is what is remembered of a connector's turns within one transaction.
type seat struct {
	on      bool
	since   time.Time // of on
	ever    bool      // has charged in this transaction
	credit  int64     // what it is owed by its weight, mA ms; negative: has got more
	claim   time.Time // a place was made free for it at
	yield   time.Time // it is to give its place away since
	triedAt time.Time // no place could be found for it at
	pinned  bool      // failed to resume after a pause: not paused again for others
	resumed time.Time // was raised after a pause at, while it isn't known to draw
}

// claims and yields report whether a swap under way still counts.
func (t *seat) claims(now time.Time) bool { return !t.claim.IsZero() && now.Sub(t.claim) < changeover }
func (t *seat) yields(now time.Time) bool { return !t.yield.IsZero() && now.Sub(t.yield) < changeover }

// sit follows who charges. A place taken ends a claim, one given away a yield.
func (t *seat) sit(w *work, now time.Time) {
	if on := w.charging(); on != t.on || t.since.IsZero() {
		t.on, t.since = on, now
		if on {
			if t.ever {
				t.resumed = now
			}
			t.ever, t.claim = true, time.Time{}
		} else {
			t.yield, t.resumed = time.Time{}, time.Time{}
		}
	}
	switch {
	case t.resumed.IsZero():
	case w.draws >= asleepBelow && w.c.MeasuredAt.After(t.resumed):
		t.resumed = time.Time{}
	case w.draws >= 0 && w.c.MeasuredAt.Sub(t.resumed) >= resumes:
		t.pinned, t.resumed = true, time.Time{}
	}
}

// resumes is how long a car may take to draw again after a pause before it counts as
// one that should not be paused.
const resumes = 90 * time.Second

// rotates reports whether the connector takes part in rotation: the planner's and
// the laxity's orders are their own.
func (b *Balancer) rotates(w *work) bool {
	return w.role == taker && w.c.Rank == 0 && (b.cfg.Policy == PolicyFair || w.lax == relaxed)
}

// rotate decides the swaps that the next passes carry out.
func (b *Balancer) rotate() {
	dt := min(b.now.Sub(b.rotatedAt), maxPeriod)
	b.rotatedAt = b.now
	if !b.waiting {
		return
	}
	b.addCredits(dt)
	left := swapsAtOnce
	for _, i := range b.order {
		if w := &b.works[i]; left > 0 && b.mayAsk(w) {
			left--
			b.swapIn(w)
		}
	}
}

// mayAsk reports whether it is the connector's turn to take somebody's place.
func (b *Balancer) mayAsk(w *work) bool {
	t := &w.s.seat
	if !w.waits || w.behind || !b.rotates(w) || t.claims(b.now) || b.now.Sub(t.triedAt) < swapEvery/6 || !b.overdue(w) {
		return false
	}
	n := &b.nodes[w.node]
	every := swapEvery
	if n.seated > 10 {
		every = leastOn / time.Duration(n.seated)
	}
	return b.now.Sub(n.swappedAt) >= every
}

// overdue reports whether a waiting connector may take somebody's place: at once if
// it hasn't charged in this transaction, else after a stint.
func (b *Balancer) overdue(w *work) bool {
	t := &w.s.seat
	return !t.ever || b.now.Sub(t.since) >= stint
}

// addCredits books for everybody below a fuse with a queue what it got and what its
// fair share was.
func (b *Balancer) addCredits(dt time.Duration) {
	for i := range b.lines {
		l := &b.lines[i]
		l.queue, l.got, l.heads = false, 0, 0
	}
	for i := range b.nodes {
		b.nodes[i].seated = 0
	}
	for _, i := range b.order {
		w := &b.works[i]
		if w.waits {
			b.lines[w.stopped].queue = true
		}
		if w.max == 0 || w.asleep {
			continue
		}
		if w.s.seat.on {
			b.nodes[w.node].seated++
		}
		for _, k := range w.lines {
			b.lines[k].got += w.received() * b.lines[k].times(w)
			b.lines[k].heads += w.weight * b.lines[k].times(w)
		}
	}
	ms := int64(dt / time.Millisecond)
	for _, i := range b.order {
		w := &b.works[i]
		if w.max == 0 || w.asleep {
			continue
		}
		fair := int64(never)
		for _, k := range w.lines {
			if l := &b.lines[k]; l.queue {
				fair = min(fair, l.got/l.heads)
			}
		}
		if fair < never {
			c := w.s.seat.credit + ms*(fair-w.received()/w.weight)
			w.s.seat.credit = min(max(c, -mostCredit), mostCredit)
		}
	}
}

// received is what the connector gets now, mA.
func (w *work) received() int64 {
	switch {
	case !w.charging():
		return 0
	case w.draws >= 0:
		return int64(min(w.draws, w.final))
	}
	return int64(w.final)
}

// swapIn finds whose places make room for w, and lets them change.
func (b *Balancer) swapIn(w *work) {
	victims := b.victims[:0]
	for {
		k := b.lacks(w, victims)
		if k < 0 {
			break
		}
		v := b.mostServed(w, k, victims)
		if v < 0 || len(victims) == cap(victims) {
			w.s.seat.triedAt = b.now
			return
		}
		victims = append(victims, v)
	}
	for _, i := range victims {
		b.works[i].s.seat.yield = b.now
	}
	w.s.seat.claim = b.now
	b.nodes[w.node].swappedAt = b.now
}

// lacks is a line where w doesn't fit although the victims are gone, or -1. Like all
// newcomers it must fit above the regulation reserve, unless as many were let in before.
func (b *Balancer) lacks(w *work, victims []int32) int32 {
	for _, k := range w.lines {
		l := &b.lines[k]
		planned := l.planned + int64(w.min)*l.times(w)
		for _, i := range victims {
			if v := &b.works[i]; l.carries(v) && b.nodes[l.node].holds(v.node) {
				planned -= int64(v.min) * l.times(v)
			}
		}
		if planned > min(l.room, max(l.limit-l.reserve, l.planned)) {
			return k
		}
	}
	return -1
}

// holds reports whether node number at is n or below it.
func (n *node) holds(at int32) bool { return n.number <= at && at < n.end }

// mostServed is who below line k has the least claim to its place, or -1.
func (b *Balancer) mostServed(w *work, k int32, taken []int32) int32 {
	l := &b.lines[k]
	n := &b.nodes[l.node]
	best := int32(-1)
	stay := stint
	if !w.s.seat.ever {
		stay = leastOn
	}
	for i := n.first; i < n.last; i++ {
		v := &b.works[i]
		t := &v.s.seat
		if !v.admitted || v.steadfast || !t.on || t.pinned || !l.carries(v) || v.c.Priority != w.c.Priority || !b.rotates(v) ||
			b.now.Sub(t.since) < stay || t.yields(b.now) || slices.Contains(taken, i) {
			continue
		}
		if best < 0 || compareServed(v, &b.works[best]) < 0 {
			best = i
		}
	}
	return best
}

func compareServed(x, y *work) int {
	return cmp.Or(
		cmp.Compare(x.s.seat.credit, y.s.seat.credit),
		x.s.seat.since.Compare(y.s.seat.since),
		cmp.Compare(x.c.Slot, y.c.Slot),
	)
}
