package loadbalance

import (
	"cmp"
	"slices"
	"time"
)

// rank is what orders connectors for admission: by priority, then the planner's rank,
// then laxity, then who charges or has been given a place, then who was served least or
// waited longest.
type rank struct {
	priority int
	planned  uint // 0, none, comes last
	urgency  time.Duration
	standing int
	since    time.Time
	slot     int
	work     int32
	taker    bool
	listed   bool
}

// of takes a taker at its place.
func (x *rank) of(w *work, now time.Time, at int32) {
	x.priority, x.planned, x.urgency, x.standing = w.c.Priority, uint(w.c.Rank)-1, w.urgency(), w.standing(now)
	x.since, x.slot, x.work, x.taker, x.listed = w.waitingSince(), w.c.Slot, at, true, false
}

func (x *rank) before(y *rank) bool {
	switch {
	case x.priority != y.priority:
		return x.priority > y.priority
	case x.planned != y.planned:
		return x.planned < y.planned
	case x.urgency != y.urgency:
		return x.urgency < y.urgency
	case x.standing != y.standing:
		return x.standing < y.standing
	}
	return cmp.Or(x.since.Compare(y.since), cmp.Compare(x.slot, y.slot), cmp.Compare(x.work, y.work)) < 0
}

// rankTakers orders the takers of this pass, from the order of the last one.
func (b *Balancer) rankTakers() {
	n := 0
	for _, i := range b.order {
		if int(i) < len(b.ranks) && b.ranks[i].taker && !b.ranks[i].listed {
			b.ranks[i].listed = true
			b.order[n] = i
			n++
		}
	}
	b.order = b.order[:n]
	for i := range b.ranks {
		if r := &b.ranks[i]; r.taker && !r.listed {
			b.order = append(b.order, int32(i))
		}
	}
	sortAgain(b.order, func(x, y int32) bool { return b.ranks[x].before(&b.ranks[y]) })
}

// sortAgain sorts what is nearly in order already: each pass finds almost the order of
// the last one. before must not take two items for equal.
func sortAgain[T any](items []T, before func(x, y T) bool) {
	moves := 4 * len(items)
	for i := 1; i < len(items); i++ {
		item := items[i]
		k := i
		for ; k > 0 && before(item, items[k-1]); k-- {
			items[k] = items[k-1]
		}
		items[k] = item
		if moves -= i - k; moves >= 0 {
			continue
		}
		slices.SortFunc(items, func(x, y T) int {
			switch {
			case before(x, y):
				return -1
			case before(y, x):
				return 1
			}
			return 0
		})
		return
	}
}
