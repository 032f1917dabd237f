package loadbalance

import "time"

const (
	shortestLease = 30 * time.Second
	shortLease    = 60 * time.Second
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

// lease is how long a setpoint of w may last without the box: long where the fuses
// above it would carry the worst that can follow, short where the standard lets them
// open.
func (b *Balancer) lease(w *work) time.Duration {
	shortest := longestLease
	for _, k := range w.lines {
		shortest = min(shortest, b.lines[k].lease)
	}
	return shortest
}

// needLease finds how long leases below the line may be, from the worst
// uncontrolled load and the most the connectors may draw.
func (b *Balancer) needLease(l *line) time.Duration {
	n := &b.nodes[l.node]
	if l.kind != conductor {
		return longestLease // no fuse opens
	}
	base := int64(n.cfg.WorstBase[l.phase])
	never, must := n.cfg.Breaker.conventional()
	switch worst := (base + l.worst) * 100; {
	case worst <= l.rated*never && (base > 0 || !n.cfg.Metered):
		return longestLease
	case worst <= l.rated*must:
		return b.cfg.LeaseDefault // also where nobody said how much load there is
	case worst <= l.rated*200:
		return min(shortLease, b.cfg.LeaseDefault)
	}
	return min(shortestLease, b.cfg.LeaseDefault)
}
