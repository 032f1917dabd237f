package loadbalance

import "time"

const (
	// lasting is how long an overload up to atOnce may last before it is cut, so that
	// a lift or a compressor that starts costs nothing.
	lasting = 4 * time.Second
	// hot is the share of the breaker's opening state above which even a small
	// overload is cut at once.
	hot = 0.85
	// explained is how long cars on their way down may explain an overload.
	explained = 6 * time.Second
)

// readMeters takes the new readings and judges all meters.
func (b *Balancer) readMeters(readings []Reading) {
	for i := range readings {
		r := &readings[i]
		at, ok := b.index[r.Node]
		if !ok || !b.nodes[at].cfg.Metered {
			continue
		}
		if m := b.nodes[at].meter; m.better(r, b.now) {
			lo, hi := b.drawn(at)
			m.take(r, lo, hi, &b.cfg.Tuning)
		}
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		if !n.cfg.Metered {
			continue
		}
		n.meter.noteMovement(b.drawn(int32(i)))
		n.meter.judge(b.now, &b.cfg)
	}
}

func (b *Balancer) drawn(at int32) (lo, hi [3]int64) {
	for p := range lo {
		lo[p], hi[p] = b.lines[int(at)*3+p].lo, b.lines[int(at)*3+p].hi
	}
	return lo, hi
}

// distrust takes a small overload that lasts although it should have vanished for the
// building's: cars that are on their way down hide a base load that has grown.
func (b *Balancer) distrust(l *line, m *meter) {
	over := int64(m.current[l.phase]) - l.rated
	if over <= 0 || over > l.rated/20 || b.now.Sub(later(l.hotSince, l.blamedAt)) < explained || l.final+l.base > l.limit {
		return
	}
	l.blamedAt = b.now
	m.base[l.phase] = min(m.base[l.phase]+min(over, l.rated/50), int64(bounded(m.current[l.phase]))-l.lo)
	l.base = max(l.base, m.base[l.phase])
	l.slow = max(l.slow, l.base)
}

// dangerous reports whether the fuse itself is overloaded so far or so long that a
// cut must not wait.
func (b *Balancer) dangerous(l *line, m *meter) bool {
	final, measured := l.final+l.base, int64(m.current[l.phase])
	switch {
	case min(final, measured)*4 > l.rated*5:
		return true
	case min(final, measured)*20 > l.rated*21 && m.stress[l.phase].near(hot):
		return true
	}
	return min(final, measured) > l.rated && b.now.Sub(l.hotSince) >= lasting
}
