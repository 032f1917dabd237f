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
	b.judgePaths()
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
	shorten := age >= shortenAfter && length-age > 3*b.lease(w)
	if !shorten && length/3-age >= longestPause {
		return // due when the next passes have long been
	}
	due := c.HeldAt.Add(length / 3)
	if shorten {
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
	if !w.valid(b) {
		return false
	}
	if w.final < w.c.failsafe() || w.final <= w.floor() {
		return true
	}
	return b.paths[w.node].over&w.way.counts == 0
}

// judgePaths finds for each node how long leases below it may be, and where a line
// above them is overloaded.
func (b *Balancer) judgePaths() {
	for i := range b.paths {
		p := &b.paths[i]
		p.over, p.lease = 0, [3]time.Duration{longestLease, longestLease, longestLease}
		if up := b.parents[i]; up >= 0 {
			p.over, p.lease = b.paths[up].over, b.paths[up].lease
		}
		for c := range p.lease {
			p.lease[c] = min(p.lease[c], b.lines[3*i+c].lease)
		}
		for _, k := range b.nodes[i].own {
			if l := &b.lines[k]; l.over {
				p.over |= 1 << l.column()
			}
		}
	}
}

// valid reports whether what the connector is entitled to can be a setpoint.
func (w *work) valid(b *Balancer) bool {
	return w.final == 0 && w.floor() == 0 || w.final >= w.min && w.final <= max(b.roundDown(bounded(w.c.Max)), w.floor())
}

// lease is how long a setpoint of w may last without the box: long where the fuses
// above it would carry the worst that can follow, short where the standard lets them
// open.
func (b *Balancer) lease(w *work) time.Duration {
	shortest := longestLease
	for p, lease := range b.paths[w.node].lease {
		if w.set.Has(Phase(p)) {
			shortest = min(shortest, lease)
		}
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
	base := int64(n.now.base[l.phase])
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
