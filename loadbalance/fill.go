package loadbalance

import (
	"cmp"
	"math"
	"slices"
)

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

const levelBits = 10

const never = math.MaxInt64

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
	x      int64 // scaled outcome
	line   int32 // that stopped it, -1: its maximum did
}

// turn is the start or the end of a connector's rise in one tier.
type turn struct {
	level int64
	work  int32
	to    MilliAmp // what it has at the end
	end   bool
}

// tier is the range of levels of one tier: more than any current by weight and any
// time to spare needs.
const tier = int64(1) << 50

// mostClasses is how many classes of priority fill one after the other; lower ones
// fill together with the last.
const mostClasses = 1 << 10

// filler is the memory of the fill, kept to allocate nothing.
type filler struct {
	turns []turn
	heap  []int32 // lines by fullAt
}

// share gives each admitted connector its target.
func (b *Balancer) share() {
	b.prepareFill()
	f := &b.filler
	next := 0
	for {
		level := int64(never)
		if next < len(f.turns) {
			level = f.turns[next].level
		}
		if len(f.heap) > 0 && b.lines[f.heap[0]].fill.fullAt < level {
			b.fillUp(f.heap[0])
			continue
		}
		if next == len(f.turns) {
			break
		}
		b.turn(f.turns[next])
		next++
	}
	b.roundShares()
}

func (b *Balancer) prepareFill() {
	f := &b.filler
	f.turns, f.heap = f.turns[:0], f.heap[:0]
	for i := range b.lines {
		b.lines[i].fill = filling{load: b.lines[i].fixed << levelBits, fullAt: never}
		b.lines[i].planned = b.lines[i].fixed
	}
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
		b.addTurns(i)
		for _, k := range w.lines {
			l := &b.lines[k]
			l.fill.load += int64(w.min) * l.times(w) << levelBits
			l.planned += int64(w.max) * l.times(w)
		}
	}
	for i := range b.lines {
		if l := &b.lines[i]; l.planned > l.room {
			l.fill.tight, l.fill.place = true, int32(len(f.heap))
			f.heap = append(f.heap, int32(i))
		}
	}
	slices.SortFunc(f.turns, func(x, y turn) int {
		return cmp.Or(cmp.Compare(x.level, y.level), compareBool(y.end, x.end), cmp.Compare(x.work, y.work))
	})
}

// addTurns lists when the connector rises and stops rising.
func (b *Balancer) addTurns(i int32) {
	w := &b.works[i]
	f := &b.filler
	wish := b.wish(w)
	from := w.min
	if wish > from {
		f.turns = append(f.turns, turn{w.level(from), i, 0, false}, turn{w.level(wish), i, wish, true})
		from = wish
	}
	if from < w.max || wish <= w.min {
		f.turns = append(f.turns, turn{w.level(from) + tier, i, 0, false}, turn{w.level(w.max) + tier, i, w.max, true})
	}
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
	case t.end:
		b.rest(w, t.level)
		w.fill.x = int64(t.to) << levelBits
		w.fill.done = t.to == w.max
	default:
		w.fill.rising, w.fill.start = true, t.level
		b.tilt(w, t.level, w.slope)
	}
}

// rest ends the rise of a connector at level, for this tier.
func (b *Balancer) rest(w *work, level int64) {
	if !w.fill.rising {
		return
	}
	w.fill.x += (level - w.fill.start) * w.slope
	w.fill.rising = false
	b.tilt(w, level, -w.slope)
}

// tilt changes the slope of all lines above a connector.
func (b *Balancer) tilt(w *work, level, by int64) {
	for _, k := range w.lines {
		l := &b.lines[k]
		f := &l.fill
		if !f.tight {
			continue
		}
		f.load += (level - f.at) * f.slope
		f.at = level
		f.slope += by * l.times(w)
		f.fullAt = never
		if f.slope > 0 {
			f.fullAt = level + max(0, (l.room<<levelBits)-f.load)/f.slope
		}
		b.filler.fix(b.lines, f.place)
	}
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
		b.rest(w, level)
		w.fill.done = true
		w.fill.line = k
	}
	l.fill.fullAt = never
	b.filler.fix(b.lines, l.fill.place)
}

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

// fix restores the order of the heap around place.
func (f *filler) fix(lines []line, place int32) {
	i := int(place)
	for i > 0 && f.less(lines, i, (i-1)/2) {
		f.swap(lines, i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(f.heap); c++ {
			if f.less(lines, c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		f.swap(lines, i, least)
		i = least
	}
}

func (f *filler) less(lines []line, i, j int) bool {
	x, y := f.heap[i], f.heap[j]
	if fx, fy := lines[x].fill.fullAt, lines[y].fill.fullAt; fx != fy {
		return fx < fy
	}
	return x < y
}

func (f *filler) swap(lines []line, i, j int) {
	f.heap[i], f.heap[j] = f.heap[j], f.heap[i]
	lines[f.heap[i]].fill.place, lines[f.heap[j]].fill.place = int32(i), int32(j)
}
