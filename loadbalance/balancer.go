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
	lines []line // three for each node, then those of power and imbalance
	index map[NodeID]int32
	shown []int32 // nodes in the order of the configuration
	slots map[int]*slot
	// What the passes over nodes need, by node.
	parents         []int32 // -1: none
	powered, skewed bool    // there are lines of power, of imbalance

	now       time.Time
	pass      uint64
	tallies   []tally   // by node
	sums      []columns // by node
	mosts     []columns // by node
	marks     []bool    // by node
	paths     []path    // by node
	capped    int       // connectors with a bound on what they leave over
	asleep    int       // connectors whose car sleeps
	rogues    int       // that don't obey
	waiting   bool      // somebody waits for a place
	reduced   int       // connectors that come down
	keys      []key     // the connectors by slot
	known     []known
	outside   int32 // place of the next connector of no node
	works     []work
	ranks     []rank  // of works
	order     []int32 // takers by rank
	donors    []donor
	filler    filler
	rotatedAt time.Time
	victims   []int32
	probed    time.Time // last offer to a car that left something over
	plan      Plan
}

// known is what was found out about one place of the input in the last pass.
type known struct {
	slot int
	node NodeID
	at   int32
	s    *slot
}

// key finds a connector in the input and in the pass.
type key struct {
	slot  int
	node  int32
	input int32
	work  int32
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
	b := &Balancer{cfg: cfg, nodes: nodes, lines: makeLines(nodes), index: map[NodeID]int32{}, slots: map[int]*slot{}}
	meters := make([]meter, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		n.meter = &meters[i]
		b.index[n.cfg.ID] = n.number
		n.meter.lost = true // until enough readings have come
		for p := L1; p <= L3; p++ {
			n.meter.stress[p] = NewStress(n.cfg.Breaker, n.cfg.Limit[p])
		}
	}
	for _, n := range cfg.Nodes {
		b.shown = append(b.shown, b.index[n.ID])
	}
	b.makeScratch()
	b.victims = make([]int32, 0, mostVictims)
	b.plan.Nodes = make([]NodeState, len(nodes))
	return b, nil
}

// makeScratch makes what each pass writes anew for each node.
func (b *Balancer) makeScratch() {
	n := len(b.nodes)
	b.tallies, b.sums, b.mosts = make([]tally, n), make([]columns, n), make([]columns, n)
	b.marks, b.paths = make([]bool, n), make([]path, n)
	for i := range b.nodes {
		up := int32(-1)
		if path := b.nodes[i].path; len(path) > 1 {
			up = path[1]
		}
		b.parents = append(b.parents, up)
		b.powered, b.skewed = b.powered || b.nodes[i].power >= 0, b.skewed || b.nodes[i].skew >= 0
	}
}

func withDefaults(cfg Config) Config {
	cfg.StaleAfter = cmp.Or(cfg.StaleAfter, 3*time.Second)
	cfg.FailsafeWhen = cmp.Or(cfg.FailsafeWhen, 8*time.Second)
	cfg.FrozenAfter = cmp.Or(cfg.FrozenAfter, 30*time.Second)
	cfg.Step = cmp.Or(cfg.Step, 100)
	cfg.LeaseDefault = cmp.Or(cfg.LeaseDefault, 120*time.Second)
	cfg.Down = cmp.Or(cfg.Down, 5*time.Second)
	cfg.Up = cmp.Or(cfg.Up, 10*time.Second)
	cfg.Settle = cmp.Or(cfg.Settle, 12*time.Second)
	cfg.Tuning = cfg.Tuning.withDefaults()
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
	b.setLimits(in.Caps, in.Supplies)
	b.judgeLines()
	b.probeOne()
	b.restrict()
	b.admit()
	b.rotate()
	b.share()
	b.reduce()
	b.raise()
	b.renew()
	b.report()
	return b.plan
}

// loadAll takes the connectors into the pass in an order of its own: by node in tree
// order, then by slot.
func (b *Balancer) loadAll(connectors []Connector) {
	same := len(connectors) == len(b.keys)
	for i := range connectors {
		same = b.find(&connectors[i], i) && same
	}
	b.known = b.known[:len(connectors)]
	if !same {
		b.place(connectors)
	}
	clear(b.tallies)
	b.capped, b.asleep, b.rogues = 0, 0, 0
	for i := range b.keys {
		k := &b.keys[i]
		b.load(k.work, &connectors[k.input], b.known[k.input].s, k.node)
	}
	if len(b.slots) > len(b.works) {
		for number, s := range b.slots {
			if s.pass != b.pass {
				delete(b.slots, number)
			}
		}
	}
}

// find looks up a connector's node and memory. Usually the input has the same order
// as last time, then both are at hand.
func (b *Balancer) find(c *Connector, i int) (same bool) {
	if i == len(b.known) {
		b.known = append(b.known, known{})
	}
	k := &b.known[i]
	if k.s != nil && k.slot == c.Slot && k.node == c.Node {
		return true
	}
	at, ok := b.index[c.Node]
	if !ok {
		at = -1
	}
	s := b.slots[c.Slot]
	if s == nil {
		s = &slot{}
		b.slots[c.Slot] = s
	}
	*k = known{slot: c.Slot, node: c.Node, at: at, s: s}
	return false
}

// place finds the connectors' places in the pass.
func (b *Balancer) place(connectors []Connector) {
	b.keys = b.keys[:0]
	for i := range connectors {
		b.keys = append(b.keys, key{slot: connectors[i].Slot, node: b.known[i].at, input: int32(i)})
	}
	slices.SortStableFunc(b.keys, func(x, y key) int { return cmp.Compare(x.slot, y.slot) })
	b.placeNodes()
	b.works = slices.Grow(b.works[:0], len(connectors))[:len(connectors)]
	b.ranks = slices.Grow(b.ranks[:0], len(connectors))[:len(connectors)]
	for i := range b.keys {
		k := &b.keys[i]
		place := &b.outside
		if k.node >= 0 {
			place = &b.nodes[k.node].last
		}
		k.work = *place
		*place++
	}
	for i := range b.nodes {
		if end := b.nodes[i].end; int(end) < len(b.nodes) {
			b.nodes[i].last = b.nodes[end].first
		} else {
			b.nodes[i].last = int32(len(b.works))
		}
	}
}

// placeNodes reserves the places of each node's own connectors: first, and for now
// last, is where they begin. Connectors of no node come before all.
func (b *Balancer) placeNodes() {
	for i := range b.nodes {
		b.nodes[i].last = 0
	}
	at := int32(0)
	for i := range b.keys {
		if k := b.keys[i].node; k >= 0 {
			b.nodes[k].last++
		} else {
			at++
		}
	}
	b.outside = 0
	for i := range b.nodes {
		n := &b.nodes[i]
		own := n.last
		n.first, n.last = at, at
		at += own
	}
}

// worst is what the connector may draw once its lease has ended.
func (w *work) worst(l *line) int64 {
	return max(l.of(w, &w.booked), int64(w.c.failsafe())*l.times(w))
}
