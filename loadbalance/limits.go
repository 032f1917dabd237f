package loadbalance

import "time"

// unfelt is how long what the connectors may draw may exceed a limit by up to a twentieth
// of the fuse if the meter doesn't read it: most cars draw a little less than they may.
const unfelt = 30 * time.Second

// setLimits finds what each line may carry by its fuse, supply, margin and caps.
func (b *Balancer) setLimits(caps []Cap, supplies []SupplyIn) {
	for i := range b.nodes {
		if n := &b.nodes[i]; len(n.cfg.States) > 0 {
			n.enter(n.cfg.supply(supplies))
		}
	}
	for i := range b.lines {
		l := &b.lines[i]
		n := &b.nodes[l.node]
		l.rule = RuleShare
		switch l.kind {
		case skew:
			l.limit = l.rated
			continue
		case power:
			if l.rated = unlimited; n.now.power > 0 {
				l.rated = n.units(n.now.power)
			}
			if n.now.idle() {
				l.rated = 0
			}
			l.limit = l.rated
			continue
		}
		l.rated = int64(n.now.limit[l.phase])
		l.limit = max(0, n.cfg.lasting(n.now.limit[l.phase])-n.cfg.margin(n.now.limit[l.phase]))
	}
	for i := range caps {
		if at, ok := b.index[caps[i].Node]; ok {
			b.cap(&b.nodes[at], &caps[i])
		}
	}
}

// enter has the node go by a state; its breaker is that of the state's limit.
func (n *node) enter(s limitSet) {
	n.now = s
	for p := L1; p <= L3; p++ {
		n.meter.stress[p].rate(s.limit[p])
	}
}

// cap lowers the limits of a node's lines.
func (b *Balancer) cap(n *node, c *Cap) {
	for p := L1; p <= L3; p++ {
		limit := max(0, int64(c.Limit[p]))
		if c.Power > 0 && c.Limit == (PerPhase{}) {
			limit = never // a limit in watts only
		}
		if c.Power > 0 && n.power < 0 {
			limit = min(limit, n.units(c.Power)/int64(n.grid.heft(AllPhases)))
		}
		b.lines[n.number*3+int32(p)].lower(limit, c.Rule)
	}
	if c.Power > 0 && n.power >= 0 {
		b.lines[n.power].lower(n.units(c.Power), c.Rule)
	}
}

func (l *line) lower(limit int64, rule Rule) {
	if limit < l.limit || limit == l.limit && l.rule != RuleShare && rule < l.rule {
		l.limit, l.rule = limit, rule
	}
}

// judgeLines finds for each line the base load, whether it is overloaded once all
// commands on the way have arrived, and the room of this pass.
func (b *Balancer) judgeLines() {
	for i := range b.lines {
		l := &b.lines[i]
		n := &b.nodes[l.node]
		known := n.cfg.Metered && !n.meter.lost
		switch l.kind {
		case power:
			b.basePower(l, n)
		case skew:
			b.baseSkew(l, n, known)
		default:
			b.baseCurrent(l, n, known)
		}
		l.lease = b.needLease(l)
		b.judgeLine(l, n, known)
	}
}

func (b *Balancer) baseCurrent(l *line, n *node, known bool) {
	l.base, l.slow = int64(n.now.base[l.phase]), int64(n.now.base[l.phase])
	if known {
		l.base = max(0, n.meter.base[l.phase])
		l.slow = max(l.base, n.meter.slow(b.now, l.phase, int64(b.cfg.Tuning.Release/time.Second)))
	}
	if known && !l.hotSince.IsZero() {
		b.distrust(l, n.meter)
	}
	l.reserve = l.slow
	if known && n.meter.reserve.known {
		l.reserve = max(l.slow, n.meter.reserve.level[l.phase])
	}
	if !known || int64(n.meter.current[l.phase]) <= l.rated {
		l.hotSince = time.Time{}
	} else if l.hotSince.IsZero() {
		l.hotSince = n.meter.at
	}
}

// basePower adds up the base load of a node's conductors, which come before.
func (b *Balancer) basePower(l *line, n *node) {
	l.base, l.slow, l.reserve = 0, 0, 0
	for p := range int32(3) {
		c := &b.lines[n.number*3+p]
		l.base += c.base
		l.slow += c.slow
		l.reserve += c.reserve
	}
	l.base, l.slow, l.reserve = n.grid.baseUnits(l.base), n.grid.baseUnits(l.slow), n.grid.baseUnits(l.reserve)
}

// baseSkew finds how much more than the least loaded conductor this one may carry of
// loads on one or two conductors; those on three cancel out.
func (b *Balancer) baseSkew(l *line, n *node, known bool) {
	least := int64(never)
	for p := L1; p <= L3; p++ {
		if p == l.phase || !n.grid.Lines().Has(p) {
			continue
		}
		other := b.lines[n.skew+int32(p)].lo
		if known {
			other += n.meter.base[p]
		}
		least = min(least, other)
	}
	l.limit = l.rated + least
	l.base, l.slow = 0, 0
	if known {
		l.base = n.meter.base[l.phase]
		l.slow = max(l.base, n.meter.slow(b.now, l.phase, int64(b.cfg.Tuning.Release/time.Second)))
	}
	l.reserve = l.slow
}

// judgeLine judges overload and room of a line whose base load is known.
func (b *Balancer) judgeLine(l *line, n *node, known bool) {
	guard := int64(0)
	if !l.hotSince.IsZero() && b.now.Sub(l.hotSince) >= lasting {
		guard = l.rated / 100 // not to come to rest just above
	}
	b.follow(l, n)
	l.over = l.final+l.base > l.limit-guard
	l.fell = l.fell && l.over
	if !l.over {
		l.overSince = time.Time{}
	} else if l.overSince.IsZero() {
		l.overSince = b.now
	}
	l.urgent = l.over && (n.cfg.Metered && n.meter.lost || l.kind == conductor && known && b.dangerous(l, n.meter))
	felt := l.over
	if l.kind == conductor && known && int64(n.meter.current[l.phase]) <= l.limit-guard-l.rated/200 {
		felt = l.final+l.base > l.limit-guard+l.rated/20
	}
	if !felt {
		l.feltSince = time.Time{}
	} else if l.feltSince.IsZero() {
		l.feltSince = b.now
	}
	l.ripe = l.over && (!known || l.urgent || l.fell || felt && b.now.Sub(l.feltSince) >= lasting || b.now.Sub(l.overSince) >= unfelt)
	l.room = l.limit - l.slow - guard
	if !l.ripe && known {
		l.room = max(l.room, l.kept)
	}
}
