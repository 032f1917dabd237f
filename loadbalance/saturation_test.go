package loadbalance

import (
	"math/rand/v2"
	"testing"
)

// TestSaturation holds the certificate of weighted max-min fairness on 10,000 random
// trees: whoever has less than its maximum sits below a full line where nobody above
// his own minimum has a higher level.
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
		stopped += certify(t, seed, p.b)
	}
	t.Logf("%d trees, %d connectors stopped by a full line", trees, stopped)
}

func certify(t *testing.T, seed uint64, b *Balancer) (stopped int) {
	step := int64(b.cfg.Step)
	for _, i := range b.order {
		w := &b.works[i]
		if !w.admitted || w.target == w.max {
			continue
		}
		if w.fill.line < 0 {
			t.Fatalf("seed %d: slot %d has %v of %v and nothing stops it", seed, w.c.Slot, w.target, w.max)
		}
		stopped++
		l := &b.lines[w.fill.line]
		for _, j := range b.order {
			u := &b.works[j]
			if !u.admitted || u.target <= u.min+b.cfg.Step || !l.carries(u) || !b.nodes[l.node].holds(u.node) {
				continue
			}
			if (int64(u.target)-2*step)*w.weight > (int64(w.target)+2*step)*u.weight {
				t.Fatalf("seed %d: slot %d has %v by weight %d, but slot %d %v by weight %d", seed, w.c.Slot, w.target, w.weight, u.c.Slot, u.target, u.weight)
			}
		}
		if !b.full(w) {
			t.Fatalf("seed %d: slot %d could have more than %v", seed, w.c.Slot, w.target)
		}
	}
	return stopped
}

// full reports whether some line of w has no room but for what rounding leaves.
func (b *Balancer) full(w *work) bool {
	for _, k := range w.lines {
		l := &b.lines[k]
		sum := l.fixed + int64(b.cfg.Step)*l.times(w) // rounding leaves less than a step of each
		for _, i := range b.order {
			if u := &b.works[i]; l.carries(u) && b.nodes[l.node].holds(u.node) {
				sum += int64(u.target+b.cfg.Step) * l.times(u)
			}
		}
		if sum > l.room {
			return true
		}
	}
	return false
}
