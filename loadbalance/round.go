package loadbalance

// roundShares rounds down to whole steps and hands back what that leaves over.
func (b *Balancer) roundShares() {
	for i := range b.lines {
		b.lines[i].planned = b.lines[i].fixed
	}
	for _, i := range b.order {
		w := &b.works[i]
		if !w.admitted {
			w.target = 0
			continue
		}
		w.target = max(w.min, b.roundDown(MilliAmp(w.fill.x>>levelBits)))
		w.reason = Reason{Rule: w.c.CeilingRule}
		if w.fill.line >= 0 {
			w.reason = b.lineReason(w.fill.line)
		}
		for _, k := range w.lines {
			b.lines[k].planned += int64(w.target) * b.lines[k].times(w)
		}
	}
	// Largest remainders first, in three classes.
	for _, least := range [...]MilliAmp{b.cfg.Step - 1, b.cfg.Step / 2, 0} {
		b.handBack(least)
	}
	for _, i := range b.order {
		b.shareLeftOver(&b.works[i])
	}
}

// shareLeftOver lets a car that doesn't charge keep its minimum if nobody else wants
// the current: some cars don't wake up from 0 A.
func (b *Balancer) shareLeftOver(w *work) {
	if !w.s.unused.asleep || w.max == 0 || w.final < w.min || !b.fits(w, int64(w.min)) {
		return
	}
	w.target = w.min
	for _, k := range w.lines {
		b.lines[k].planned += int64(w.min) * b.lines[k].times(w)
	}
}

// handBack gives one step more to those whose rounding lost at least least, where it
// fits.
func (b *Balancer) handBack(least MilliAmp) {
	for _, i := range b.order {
		w := &b.works[i]
		lost := MilliAmp(w.fill.x>>levelBits) - w.target
		if !w.admitted || lost < least || w.target >= w.max || !b.fits(w, int64(b.cfg.Step)) {
			continue
		}
		w.target += b.cfg.Step
		for _, k := range w.lines {
			b.lines[k].planned += int64(b.cfg.Step) * b.lines[k].times(w)
		}
	}
}

// fits reports whether more planned current fits below all fuses of w.
func (b *Balancer) fits(w *work, more int64) bool {
	for _, k := range w.lines {
		if l := &b.lines[k]; l.planned+more*l.times(w) > l.room {
			return false
		}
	}
	return true
}

func (b *Balancer) lineReason(k int32) Reason {
	l := &b.lines[k]
	return Reason{Rule: l.rule, Node: b.nodes[l.node].cfg.ID, Phase: l.phase}
}
