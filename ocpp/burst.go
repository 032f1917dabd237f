package ocpp

import (
	"maps"
	"sync"
	"time"
)

// burstWindow is for how long equal faults are counted instead of told.
const burstWindow = time.Minute

// maxBursts bounds the kinds of fault that are remembered at a time.
const maxBursts = 512

// bursts thins out what is told of faults: the first of a kind is told at once, the
// others within burstWindow are counted, and their number goes with the next one that
// is told. It may be used by any number of goroutines; the zero value is ready.
type bursts struct {
	mu   sync.Mutex
	seen map[string]*burst
}

type burst struct {
	told     time.Time
	withheld int
}

// tell reports whether a fault of this kind is to be told now, and how many of its
// like were withheld before it.
func (b *bursts) tell(kind string, now time.Time) (withheld int, yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.seen[kind]; known != nil {
		if now.Sub(known.told) < burstWindow {
			known.withheld++
			return 0, false
		}
		withheld = known.withheld
		*known = burst{told: now}
		return withheld, true
	}
	if len(b.seen) >= maxBursts {
		b.forget(now)
	}
	if len(b.seen) >= maxBursts {
		kind = "" // a flood of different ones is one kind
		if known := b.seen[kind]; known != nil && now.Sub(known.told) < burstWindow {
			known.withheld++
			return 0, false
		}
	}
	if b.seen == nil {
		b.seen = map[string]*burst{}
	}
	b.seen[kind] = &burst{told: now}
	return 0, true
}

func (b *bursts) forget(now time.Time) {
	maps.DeleteFunc(b.seen, func(_ string, k *burst) bool { return now.Sub(k.told) >= burstWindow })
}
