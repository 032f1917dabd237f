package loadbalance

import "math"

// The admitted connectors are filled progressively: all rise together from their
// minimum, each by its weight, until one line is full. Who is below that line stops
// there; the others rise on. The outcome is the weighted max-min fair one: whoever
// has less than its maximum sits below a full line where nobody above his own
// minimum has a higher level.
//
// A connector rises in up to two tiers: to what a planner wants for it, then to its
// maximum. Each tier of each class of priority has its own range of levels, so that a
// tier begins to rise only when the ones before it are done. PolicyLaxity shifts a
// connector's levels by its time to spare.
//
// Levels are mA per weight, currents mA, both scaled by 1<<levelBits so that the
// division by a slope loses nothing that matters.
//
// What happens at one level happens at once: the changes of slope are added up for each
// node and then made at the lines above it, and lines move in the heap once for a level.
// Whoever has no line above that can be full is given its maximum without rising.

const levelBits = 10

const never = math.MaxInt64

// unlimited is a limit that nothing reaches, mA.
const unlimited = 1 << 50

// filling is the state of one line while it fills.
type filling struct {
	tight  bool  // can be full at all
	load   int64 // at level at, scaled
	slope  int64 // sum of the weights that rise
	at     int64
	fullAt int64 // level at which it is full, never if it won't be
	place  int32 // in the heap
}

// share is the state of one connector while it fills.
type share struct {
	start  int64 // level at which its rise began
	shift  int64 // by its time to spare
	floor  int64 // level where its class begins
	rising bool
	done   bool
	due    uint8 // the kinds of turn that are to be listed, a bit for each
	x      int64 // scaled outcome
	line   int32 // that stopped it, -1: its maximum did
}

// tier is the range of levels of one tier: more than any current by weight and any
// time to spare needs.
const tier = int64(1) << 50

// mostClasses is how many classes of priority fill one after the other; lower ones
// fill together with the last.
const mostClasses = 1 << 10

// filler is the memory of the fill, kept to allocate nothing and to sort little.
type filler struct {
	turns   []turn // of the last pass, sorted
	heap    []full // lines by the level at which they are full
	lean    columns
	leanAt  int32   // the node that lean is of, -1: none
	stirred []int32 // lines whose slope changed at this level
	lost    []remainder
}

// share gives each admitted connector its target.
func (b *Balancer) share() {
	b.prepareFill()
	b.listTurns()
	f := &b.filler
	for next := 0; ; {
		level := int64(never)
		if next < len(f.turns) {
			level = f.turns[next].level()
		}
		if len(f.heap) > 0 && f.heap[0].level < level {
			b.fillUp(f.heap[0].line)
			continue
		}
		if next == len(f.turns) {
			break
		}
		for ; next < len(f.turns) && f.turns[next].level() == level; next++ {
			b.turn(f.turns[next])
		}
		b.settle(level)
	}
	b.roundShares()
}

// prepareFill starts everybody admitted at its minimum and finds the lines that can be
// full.
func (b *Balancer) prepareFill() {
	f := &b.filler
	f.heap, f.leanAt = f.heap[:0], -1
	clear(b.sums)
	clear(b.mosts)
	class, priority := int64(0), 0
	for n, i := range b.order {
		w := &b.works[i]
		if n > 0 && w.c.Priority != priority && class < mostClasses {
			class++
		}
		priority = w.c.Priority
		w.fill = share{line: -1, floor: 2 * class * tier, shift: w.shift()}
		if !w.admitted {
			w.fill.done = true
			continue
		}
		w.fill.x = int64(w.min) << levelBits
		b.sums[w.node].add(w.way, int64(w.min))
		b.mosts[w.node].add(w.way, int64(w.max))
	}
	b.addUp(b.sums)
	b.addUp(b.mosts)
	clear(b.marks)
	for i := range b.lines {
		l := &b.lines[i]
		c := l.column()
		l.fill = filling{load: (l.fixed + b.sums[l.node][c]) << levelBits, fullAt: never}
		if l.fixed+b.mosts[l.node][c] > l.room {
			l.fill.tight, l.fill.place = true, int32(len(f.heap))
			f.heap = append(f.heap, full{level: never, line: int32(i)})
			b.marks[l.node] = true
		}
	}
	b.spread(b.marks)
}

// level is where in its class the connector has a.
func (w *work) level(a MilliAmp) int64 {
	return w.fill.floor + w.fill.shift + int64(a)<<levelBits/w.slope
}

// turn starts or ends the rise of one connector.
func (b *Balancer) turn(t turn) {
	w := &b.works[t.work]
	switch {
	case w.fill.done:
	case t.kind == riseToWish || t.kind == riseToMax:
		w.fill.rising, w.fill.start = true, t.level()
		b.tilt(w, t.level(), w.slope)
	default:
		if w.fill.rising {
			w.fill.rising = false
			b.tilt(w, t.level(), -w.slope)
		}
		to := w.max
		if t.kind == restAtWish {
			to = w.wish
		}
		w.fill.x = int64(to) << levelBits
		w.fill.done = to == w.max
	}
}

// tilt notes a change of slope for the lines above a connector; it is made when the next
// node has its turn, or by settle.
func (b *Balancer) tilt(w *work, level, by int64) {
	f := &b.filler
	if f.leanAt != w.node {
		b.lean(level)
		f.leanAt = w.node
	}
	f.lean.add(w.way, by)
}

// lean makes the changes that tilt has noted.
func (b *Balancer) lean(level int64) {
	f := &b.filler
	if f.leanAt < 0 {
		return
	}
	for _, k := range b.nodes[f.leanAt].all {
		l := &b.lines[k]
		by := f.lean[l.column()]
		if by == 0 || !l.fill.tight {
			continue
		}
		l.fill.load += (level - l.fill.at) * l.fill.slope
		l.fill.at = level
		l.fill.slope += by
		f.stirred = append(f.stirred, k)
	}
	f.lean, f.leanAt = columns{}, -1
}

// settle makes the changes of one level and reckons when the lines will be full now.
func (b *Balancer) settle(level int64) {
	b.lean(level)
	f := &b.filler
	moved := f.stirred[:0]
	for _, k := range f.stirred {
		l := &b.lines[k]
		at := int64(never)
		if l.fill.slope > 0 {
			at = level + max(0, (l.room<<levelBits)-l.fill.load)/l.fill.slope
		}
		if at != l.fill.fullAt {
			l.fill.fullAt = at
			moved = append(moved, k)
		}
	}
	f.order(b.lines, moved)
	f.stirred = f.stirred[:0]
}

// fillUp stops everybody below a line that is full.
func (b *Balancer) fillUp(k int32) {
	l := &b.lines[k]
	n := &b.nodes[l.node]
	level := l.fill.fullAt
	for i := n.first; i < n.last; i++ {
		w := &b.works[i]
		if w.fill.done || w.role != taker || !l.carries(w) {
			continue
		}
		if w.fill.rising {
			w.fill.x += (level - w.fill.start) * w.slope
			w.fill.rising = false
			b.tilt(w, level, -w.slope)
		}
		w.fill.done = true
		w.fill.line = k
	}
	b.settle(level)
}
