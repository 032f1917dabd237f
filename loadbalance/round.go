package loadbalance

// remainder is what rounding took from one connector that is below its maximum.
type remainder struct {
	work int32
	line int32 // that stopped it, -1: none
	lost MilliAmp
}

// roundShares rounds down to whole steps and hands back what that leaves over.
func (b *Balancer) roundShares() {
	f := &b.filler
	clear(b.sums)
	f.lost = f.lost[:0]
	for _, i := range b.order {
		w := &b.works[i]
		if !w.admitted {
			w.target = 0
			continue
		}
		share := MilliAmp(w.fill.x >> levelBits)
		w.target = max(w.min, b.roundDown(share))
		w.reason = Reason{Rule: w.c.CeilingRule}
		if w.fill.line >= 0 {
			w.reason = b.lineReason(w.fill.line)
		}
		b.sums[w.node].add(w.way, int64(w.target))
		if w.target < w.max {
			f.lost = append(f.lost, remainder{i, w.fill.line, share - w.target})
		}
	}
	b.planSums()
	// Largest remainders first, in three classes.
	for _, least := range [...]MilliAmp{b.cfg.Step - 1, b.cfg.Step / 2, 0} {
		b.handBack(least)
	}
	if b.asleep == 0 {
		return
	}
	for _, i := range b.order {
		b.shareLeftOver(&b.works[i])
	}
}

// shareLeftOver lets a car that doesn't charge keep its minimum if nobody else wants
// the current: some cars don't wake up from 0 A.
func (b *Balancer) shareLeftOver(w *work) {
	if !w.asleep || w.admitted || w.max == 0 || w.final < w.min || !b.fits(w, int64(w.min)) {
		return
	}
	w.target = w.min
	for _, k := range w.lines {
		b.lines[k].planned += int64(w.min) * b.lines[k].times(w)
	}
}

// handBack gives one step more to those whose rounding lost at least least, where it
// fits. The line that stopped a connector is asked first.
func (b *Balancer) handBack(least MilliAmp) {
	step := int64(b.cfg.Step)
	for i := range b.filler.lost {
		r := &b.filler.lost[i]
		if r.lost < least {
			continue
		}
		if r.line >= 0 {
			if l := &b.lines[r.line]; l.planned+step > l.room {
				continue
			}
		}
		w := &b.works[r.work]
		if !b.fits(w, step) {
			continue
		}
		w.target += b.cfg.Step
		r.lost = -1
		for _, k := range w.lines {
			b.lines[k].planned += step * b.lines[k].times(w)
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
