package loadbalance

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSaturation holds the certificate of weighted max-min fairness on 10,000 random
// trees.
func TestSaturation(t *testing.T) {
	const trees = 10_000
	stopped := 0
	for seed := range uint64(trees) {
		rng := rand.New(rand.NewPCG(seed, 9))
		p := newPhasors(t, seed)
		for i := range p.conns {
			p.conns[i].Weight, p.takes[i] = 1+rng.IntN(3), 64*Amp
		}
		for range 4 {
			p.pass()
		}
		n, wrong := p.b.certify()
		if wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
		stopped += n
	}
	t.Logf("%d trees, %d connectors stopped by a full line", trees, stopped)
}

// certify holds the certificate of fairness of a pass: whoever has less than its maximum
// sits below a full line where nobody above his own minimum has a higher level, and no
// line has more than its room. It counts who was stopped by a line and words the first
// fault.
func (b *Balancer) certify() (stopped int, wrong string) {
	step := b.cfg.Step
	for _, i := range b.order {
		w := &b.works[i]
		if !w.admitted || w.target == w.max {
			continue
		}
		if w.fill.line < 0 {
			return stopped, fmt.Sprintf("slot %d has %v of %v and nothing stops it", w.c.Slot, w.target, w.max)
		}
		stopped++
		l := &b.lines[w.fill.line]
		for _, j := range b.order {
			u := &b.works[j]
			if !u.admitted || u.target <= u.min+step || !l.carries(u) || !b.nodes[l.node].holds(u.node) {
				continue
			}
			if b.reached(u, u.target-2*step) > b.reached(w, w.target+2*step) {
				return stopped, fmt.Sprintf("slot %d has %v by slope %d, but slot %d %v by slope %d", w.c.Slot, w.target, w.slope, u.c.Slot, u.target, u.slope)
			}
		}
		if !b.full(w) {
			return stopped, fmt.Sprintf("slot %d could have more than %v", w.c.Slot, w.target)
		}
	}
	for k := range b.lines {
		// Newcomers are let in by the reserve, which may be less than the room's margins.
		l := &b.lines[k]
		minima := min(b.minima(l), l.limit-l.reserve)
		if b.given(l, 0) > max(l.room, l.fixed, minima) {
			return stopped, fmt.Sprintf("targets exceed the room of %v on %v", b.nodes[l.node].cfg.ID, l.phase)
		}
	}
	return stopped, ""
}

// reached is the level at which the connector has a.
func (b *Balancer) reached(w *work, a MilliAmp) int64 {
	if a > w.wish {
		return w.level(a) + tier
	}
	return w.level(a)
}

// given is what a line's connectors are to have, and more of each.
func (b *Balancer) given(l *line, more MilliAmp) int64 {
	sum := l.fixed
	for _, i := range b.order {
		if u := &b.works[i]; l.carries(u) && b.nodes[l.node].holds(u.node) {
			sum += int64(u.target+more) * l.times(u)
		}
	}
	return sum
}

// minima is given where everybody who is admitted has the minimum.
func (b *Balancer) minima(l *line) int64 {
	sum := l.fixed
	for _, i := range b.order {
		if u := &b.works[i]; u.admitted && l.carries(u) && b.nodes[l.node].holds(u.node) {
			sum += int64(u.min) * l.times(u)
		}
	}
	return sum
}

// full reports whether some line of w has no room but for what rounding leaves, which
// is less than a step of each.
func (b *Balancer) full(w *work) bool {
	for _, k := range w.lines {
		l := &b.lines[k]
		if b.given(l, b.cfg.Step)+int64(b.cfg.Step)*l.times(w) > l.room {
			return true
		}
	}
	return false
}
