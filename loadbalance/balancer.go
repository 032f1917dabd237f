package loadbalance

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Balancer holds what must be remembered between two passes. One goroutine owns it.
type Balancer struct {
	cfg   Config
	nodes []node // in tree order
	lines []line // three for each node
	index map[NodeID]int32
	shown []int32 // nodes in the order of the configuration
	slots map[int]*slot

	now    time.Time
	pass   uint64
	works  []work
	order  []int32 // takers by rank
	donors []int32
	filler filler
	probed time.Time // last offer to a car that left something over
	plan   Plan
}

// NewBalancer checks the tree (ids unique, parents known, no cycle, limits positive)
// and makes a Balancer that has seen no reading yet: its first passes are fail-safe.
func NewBalancer(cfg Config) (*Balancer, error) {
	cfg = withDefaults(cfg)
	if cfg.Step < 1 || cfg.Step > Amp {
		return nil, fmt.Errorf("cannot use a step of %v: it must be positive and at most 1 A", cfg.Step)
	}
	nodes, err := buildTree(cfg.Nodes)
	if err != nil {
		return nil, err
	}
	b := &Balancer{cfg: cfg, nodes: nodes, lines: make([]line, 3*len(nodes)), index: map[NodeID]int32{}, slots: map[int]*slot{}}
	for i := range nodes {
		n := &nodes[i]
		b.index[n.cfg.ID] = n.number
		n.meter.lost = true // until enough readings have come
		for p := L1; p <= L3; p++ {
			b.lines[i*3+int(p)] = line{node: n.number, phase: p, rated: int64(n.cfg.Limit[p]), margin: n.cfg.margin(p)}
			n.meter.stress[p] = NewStress(n.cfg.Breaker, n.cfg.Limit[p])
		}
	}
	for _, n := range cfg.Nodes {
		b.shown = append(b.shown, b.index[n.ID])
	}
	b.plan.Nodes = make([]NodeState, len(nodes))
	return b, nil
}

func withDefaults(cfg Config) Config {
	cfg.StaleAfter = cmp.Or(cfg.StaleAfter, 3*time.Second)
	cfg.FailsafeWhen = cmp.Or(cfg.FailsafeWhen, 10*time.Second)
	cfg.FrozenAfter = cmp.Or(cfg.FrozenAfter, 30*time.Second)
	cfg.Step = cmp.Or(cfg.Step, 100)
	cfg.LeaseDefault = cmp.Or(cfg.LeaseDefault, 120*time.Second)
	cfg.Down = cmp.Or(cfg.Down, 5*time.Second)
	cfg.Up = cmp.Or(cfg.Up, 10*time.Second)
	cfg.Settle = cmp.Or(cfg.Settle, 12*time.Second)
	cfg.Nodes = slices.Clone(cfg.Nodes)
	return cfg
}

// Step is one control pass: from everything known at now to what each connector may
// hold. It never fails, whatever the input; what it doesn't know it takes from the
// safe side. now must not go back between passes. The Plan is valid until the next
// call.
func (b *Balancer) Step(now time.Time, in Input) Plan {
	b.now = now
	b.pass++
	b.plan.Wake = now.Add(longestPause)
	b.loadAll(in.Connectors)
	b.sum()
	b.readMeters(in.Readings)
	b.setLimits(in.Caps)
	b.judgeLines()
	b.watchUnused()
	b.restrict()
	b.admit()
	b.share()
	b.reduce()
	b.raise()
	b.renew()
	b.report()
	return b.plan
}

// loadAll takes the connectors into the pass in an order of its own.
func (b *Balancer) loadAll(connectors []Connector) {
	clear(b.works) // no pointers into an older input
	b.works = b.works[:0]
	for i := range connectors {
		b.load(&connectors[i])
	}
	if len(b.slots) > len(b.works) {
		for number, s := range b.slots {
			if s.pass != b.pass {
				delete(b.slots, number)
			}
		}
	}
	slices.SortFunc(b.works, func(x, y work) int {
		return cmp.Or(cmp.Compare(x.node, y.node), cmp.Compare(x.c.Slot, y.c.Slot))
	})
	at := 0
	for at < len(b.works) && b.works[at].node < 0 {
		at++
	}
	for i := range b.nodes {
		b.nodes[i].first = int32(at)
		for at < len(b.works) && b.works[at].node == int32(i) {
			at++
		}
	}
	for i := range b.nodes {
		if end := b.nodes[i].end; int(end) < len(b.nodes) {
			b.nodes[i].last = b.nodes[end].first
		} else {
			b.nodes[i].last = int32(len(b.works))
		}
	}
}

// sum adds up the connectors for each line.
func (b *Balancer) sum() {
	for i := range b.lines {
		l := &b.lines[i]
		l.lo, l.hi, l.committed, l.final, l.kept, l.fixed, l.worst = 0, 0, 0, 0, 0, 0, 0
	}
	for i := range b.works {
		w := &b.works[i]
		for _, k := range w.lines {
			l := &b.lines[k]
			p := l.phase
			l.lo += int64(w.lo[p])
			l.hi += int64(w.hi[p])
			l.committed += int64(w.booked[p])
			l.final += int64(w.ends[p])
			l.worst += int64(w.worst(p))
			switch {
			case w.role != taker:
				l.fixed += int64(w.ends[p])
				l.kept += int64(w.ends[p])
			case w.leased || w.c.SentOpen:
				l.kept += int64(w.ends[p])
			}
		}
	}
}

// worst is what the connector may draw once its lease has ended.
func (w *work) worst(p Phase) MilliAmp {
	if w.role == idle {
		return 0
	}
	return max(w.booked[p], w.c.failsafe())
}
