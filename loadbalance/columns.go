package loadbalance

// columns is one sum for each kind of line that a node may have: its conductors, its
// power, and its imbalance by conductor.
type columns [columnCount]int64

const (
	powerColumn = 3
	skewColumn  = 4
	columnCount = 7
)

// way is how a connector on some set of phases loads the lines above it.
type way struct {
	lines []int32 // itself first, the root's last
	times columns // how much one ampere counts in each column
	// counts are the columns it counts in, a bit for each.
	counts uint8
	beside bool // there are lines beside those of conductors
}

func (g Grid) way(set PhaseSet) (y way) {
	y.times = g.times(set)
	for c, n := range y.times {
		if n != 0 {
			y.counts |= 1 << c
		}
	}
	return y
}

// times is how much one ampere in each line of set counts in each column.
func (g Grid) times(set PhaseSet) (t columns) {
	for p := L1; p <= L3; p++ {
		if !set.Has(p) {
			continue
		}
		t[p] = 1
		if set.Count() < 3 {
			t[skewColumn+p] = 1
		}
	}
	if set != 0 {
		t[powerColumn] = g.heft(set)
	}
	return t
}

// add counts a in each line of a connector on the way.
func (s *columns) add(y *way, a int64) {
	s[L1] += a * y.times[L1]
	s[L2] += a * y.times[L2]
	s[L3] += a * y.times[L3]
	for c := powerColumn; c < columnCount && y.beside; c++ {
		s[c] += a * y.times[c]
	}
}

// tally is what the connectors directly at a node, then all below it, come to.
type tally struct {
	lo, hi, committed, final, kept, fixed, worst columns
	failsafe                                     failsafeColumns
}

// count adds a connector to what hangs at its node.
func (b *Balancer) count(w *work) {
	t := &b.tallies[w.node]
	failsafe := w.c.failsafe()
	var few int // columns of imbalance follow those of conductors
	if b.skewed && w.set.Count() < 3 {
		few = skewColumn
	}
	for p := L1; p <= L3; p++ {
		if !w.set.Has(p) {
			continue
		}
		t.failsafe[p] += int64(failsafe)
		f := flow{w.lo[p], w.hi[p], w.booked[p], w.ends[p]}
		t.add(w, int(p), f, failsafe, 1)
		if few > 0 {
			t.add(w, few+int(p), f, failsafe, 1)
		}
	}
	if b.powered {
		t.failsafe[powerColumn] += int64(failsafe) * w.way.times[powerColumn]
		t.add(w, powerColumn, flow{w.lo.most(), w.hi.most(), w.booked.most(), w.ends.most()}, failsafe, w.way.times[powerColumn])
	}
}

// flow is what of a connector counts in one column.
type flow struct{ lo, hi, booked, ends MilliAmp }

func (t *tally) add(w *work, c int, f flow, failsafe MilliAmp, times int64) {
	t.lo[c] += int64(f.lo) * times
	t.hi[c] += int64(f.hi) * times
	t.committed[c] += int64(f.booked) * times
	t.final[c] += int64(f.ends) * times
	t.worst[c] += int64(max(f.booked, failsafe)) * times // without the box even idle ones need not ask
	switch {
	case w.role != taker:
		t.fixed[c] += int64(f.ends) * times
		t.kept[c] += int64(f.ends) * times
	case w.leased || w.c.SentOpen:
		t.kept[c] += int64(f.ends) * times
	}
}

// sum makes of the tallies of what hangs at each node those of what hangs below it, and
// puts them into the lines.
func (b *Balancer) sum() {
	for i := len(b.tallies) - 1; i > 0; i-- {
		if up := b.parents[i]; up >= 0 {
			b.tallies[up].take(&b.tallies[i])
		}
	}
	for i := range b.lines {
		l := &b.lines[i]
		t, c := &b.tallies[l.node], l.column()
		l.lo, l.hi, l.committed, l.final = t.lo[c], t.hi[c], t.committed[c], t.final[c]
		l.kept, l.fixed, l.worst = t.kept[c], t.fixed[c], t.worst[c]
	}
}

func (t *tally) take(of *tally) {
	for c := range t.lo {
		t.lo[c] += of.lo[c]
		t.hi[c] += of.hi[c]
		t.committed[c] += of.committed[c]
		t.final[c] += of.final[c]
		t.kept[c] += of.kept[c]
		t.fixed[c] += of.fixed[c]
		t.worst[c] += of.worst[c]
	}
	for p := range t.failsafe {
		t.failsafe[p] += of.failsafe[p]
	}
}

// addUp makes of the sums at each node those below it.
func (b *Balancer) addUp(sums []columns) {
	for i := len(sums) - 1; i > 0; i-- {
		if up := b.parents[i]; up >= 0 {
			for c, a := range sums[i] {
				sums[up][c] += a
			}
		}
	}
}

// planSums takes what b.sums holds for each node as what the lines will carry beside what
// can't be commanded.
func (b *Balancer) planSums() {
	b.addUp(b.sums)
	for i := range b.lines {
		l := &b.lines[i]
		l.planned = l.fixed + b.sums[l.node][l.column()]
	}
}

// spread marks every node below a marked one.
func (b *Balancer) spread(marks []bool) {
	for i, up := range b.parents {
		if up >= 0 && marks[up] {
			marks[i] = true
		}
	}
}
