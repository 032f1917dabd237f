package loadbalance

import "time"

const (
	shortestLease = 30 * time.Second
	longestLease  = 30 * time.Minute
	// retryRenew is the least time between two renewals of one lease.
	retryRenew = 5 * time.Second
	// shortenAfter is the least time between a lease and a shorter one.
	shortenAfter = 60 * time.Second
)

// renew prolongs the leases that are needed: above the fail-safe current a setpoint
// lasts only as long as its lease, and below it too.
func (b *Balancer) renew() {
	for i := range b.works {
		w := &b.works[i]
		switch {
		case w.action != Keep || !w.leased || !w.c.Online:
		case w.role == fixed && !w.s.rogue || w.final == w.c.failsafe():
			w.action = Release
		case w.role == taker || w.role == fixed:
			b.renewOne(w)
		}
	}
}

func (b *Balancer) renewOne(w *work) {
	c := w.c
	if c.SentOpen || !w.renewable(b) {
		return
	}
	length, age := c.LeaseUntil.Sub(c.HeldAt), b.now.Sub(c.HeldAt)
	due := c.HeldAt.Add(length / 3)
	if need := b.lease(w); age >= shortenAfter && length-age > 3*need {
		due = b.now
	}
	due = later(due, w.s.renewedAt.Add(retryRenew))
	if b.now.Before(due) {
		b.wake(due)
		return
	}
	w.action, w.s.renewedAt = Renew, b.now
}

// renewable reports whether the setpoint may be sent again as it is: it must be a
// current a car can have, and no fuse above it may be spoken for twice.
func (w *work) renewable(b *Balancer) bool {
	if w.final != 0 && (w.final < w.min || w.final > b.roundDown(bounded(w.c.Max))) {
		return false
	}
	if w.final < w.c.failsafe() {
		return true
	}
	for _, k := range w.lines {
		if b.lines[k].over {
			return false
		}
	}
	return true
}

// lease is how long a setpoint of w may last without the box: as long as the fuses
// above it would stand the worst that can follow from it.
func (b *Balancer) lease(w *work) time.Duration {
	shortest := longestLease
	for _, k := range w.lines {
		l := &b.lines[k]
		n := &b.nodes[l.node]
		worst := int64(n.cfg.WorstBase[l.phase])
		if n.cfg.Metered && worst == 0 {
			shortest = min(shortest, b.cfg.LeaseDefault) // nobody said how much
		}
		stands := n.cfg.Breaker.model().stands(float64(worst+l.worst) / float64(l.rated))
		shortest = min(shortest, max(shortestLease, stands))
	}
	return shortest.Truncate(time.Second)
}
