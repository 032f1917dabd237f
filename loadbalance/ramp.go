package loadbalance

import "time"

// When a limit is lifted or a lost meter is back, what is free then is given away little
// by little: the grid and the building must not see all cars come back at once, nor a
// limit that comes and goes cars that do the same.

// rampFor is how long it takes.
const rampFor = 75 * time.Second

// follow notes how the line's limit has moved since the last pass.
func (b *Balancer) follow(l *line, n *node) {
	was := l.was
	l.was = l.limit
	if l.kind == skew || b.pass == 1 {
		return
	}
	step := max(int64(Amp), l.rated/50)
	switch {
	case n.cfg.Metered && n.meter.backAt.Equal(b.now):
		l.roofFrom, l.roofAt = l.committed+l.slow, b.now
	case l.limit-was >= step && l.limit < unlimited:
		l.roofFrom, l.roofAt = max(l.committed+l.slow, min(was, l.under(was, b.now))), b.now
	case was-l.limit >= step:
		l.fell = true
	}
}

// roof is up to what connectors may be raised now.
func (l *line) roof(now time.Time) int64 { return l.under(l.limit, now) }

func (l *line) under(limit int64, now time.Time) int64 {
	if l.roofAt.IsZero() || limit <= l.roofFrom {
		return limit
	}
	gone := max(0, now.Sub(l.roofAt))
	if gone >= rampFor {
		return limit
	}
	return l.roofFrom + (limit-l.roofFrom)*int64(gone/time.Millisecond)/int64(rampFor/time.Millisecond)
}
