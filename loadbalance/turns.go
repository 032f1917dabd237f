package loadbalance

// turn is the start or the end of a connector's rise in one tier. Those of one level come
// in the order of works, the ends first.
type turn struct {
	key  int64 // twice the level, and one more at a start
	work int32
	kind turnKind
}

type turnKind uint8

const (
	riseToWish turnKind = iota
	restAtWish
	riseToMax
	restAtMax
)

func (t turn) level() int64 { return t.key >> 1 }

// turnsDue are the kinds of turn of a connector, a bit for each.
func (w *work) turnsDue() (due uint8) {
	if w.wish > w.min {
		due |= 1<<riseToWish | 1<<restAtWish
	}
	if max(w.min, w.wish) < w.max || w.wish <= w.min {
		due |= 1<<riseToMax | 1<<restAtMax
	}
	return due
}

// turnOf is one turn of a connector.
func (b *Balancer) turnOf(i int32, kind turnKind) turn {
	w := &b.works[i]
	at := int64(0)
	switch kind {
	case riseToWish:
		at = w.level(w.min)<<1 + 1
	case restAtWish:
		at = w.level(w.wish) << 1
	case riseToMax:
		at = (w.level(max(w.min, w.wish))+tier)<<1 + 1
	case restAtMax:
		at = (w.level(w.max) + tier) << 1
	}
	return turn{at, i, kind}
}

// listTurns lists when connectors rise and stop rising, from the order of the last pass.
func (b *Balancer) listTurns() {
	f := &b.filler
	for _, i := range b.order {
		w := &b.works[i]
		switch {
		case !w.admitted:
		case b.marks[w.node]:
			w.fill.due = w.turnsDue()
		default:
			w.fill.x, w.fill.done = int64(w.max)<<levelBits, true
		}
	}
	n := 0
	for _, t := range f.turns {
		if int(t.work) >= len(b.works) {
			continue
		}
		if due := &b.works[t.work].fill.due; *due>>t.kind&1 != 0 {
			*due &^= 1 << t.kind
			f.turns[n] = b.turnOf(t.work, t.kind)
			n++
		}
	}
	f.turns = f.turns[:n]
	for _, i := range b.order {
		due := b.works[i].fill.due
		for kind := turnKind(0); due>>kind != 0; kind++ {
			if due>>kind&1 != 0 {
				f.turns = append(f.turns, b.turnOf(i, kind))
			}
		}
	}
	sortAgain(f.turns, func(x, y turn) bool { return x.key < y.key || x.key == y.key && x.work < y.work })
}

// full is the level at which a line is full.
type full struct {
	level int64
	line  int32
}

// order restores the order of the heap for lines that are full at other levels now: one
// after the other, or all at once where that is less.
func (f *filler) order(lines []line, moved []int32) {
	if len(moved) > len(f.heap)/4 {
		for _, k := range moved {
			f.heap[lines[k].fill.place].level = lines[k].fill.fullAt
		}
		for i := len(f.heap)/2 - 1; i >= 0; i-- {
			f.sink(lines, i)
		}
		return
	}
	for _, k := range moved {
		i := int(lines[k].fill.place)
		f.heap[i].level = lines[k].fill.fullAt
		for ; i > 0 && f.less(i, (i-1)/2); i = (i - 1) / 2 {
			f.swap(lines, i, (i-1)/2)
		}
		f.sink(lines, i)
	}
}

func (f *filler) sink(lines []line, i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(f.heap); c++ {
			if f.less(c, least) {
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

func (f *filler) less(i, j int) bool {
	x, y := f.heap[i], f.heap[j]
	return x.level < y.level || x.level == y.level && x.line < y.line
}

func (f *filler) swap(lines []line, i, j int) {
	f.heap[i], f.heap[j] = f.heap[j], f.heap[i]
	lines[f.heap[i].line].fill.place, lines[f.heap[j].line].fill.place = int32(i), int32(j)
}
