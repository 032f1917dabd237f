package upstream

import (
	"sync"
	"time"
)

// usage measures how busy the uplink is, over the last minute in slices of 5 s.
type usage struct {
	mu     sync.Mutex
	slices [12]struct {
		at   int64 // number of the slice since 1970
		busy time.Duration
	}
}

const usageSlice = 5 * time.Second

func (u *usage) add(from, to time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for from.Before(to) {
		n := from.UnixNano() / int64(usageSlice)
		end := time.Unix(0, (n+1)*int64(usageSlice))
		if to.Before(end) {
			end = to
		}
		sl := &u.slices[n%int64(len(u.slices))]
		if sl.at != n {
			sl.at, sl.busy = n, 0
		}
		sl.busy += end.Sub(from)
		from = end
	}
}

func (u *usage) share(now time.Time) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := now.UnixNano() / int64(usageSlice)
	var busy time.Duration
	for _, sl := range u.slices {
		if n-sl.at < int64(len(u.slices)) {
			busy += sl.busy
		}
	}
	return min(1, busy.Seconds()/(usageSlice*time.Duration(len(u.slices))).Seconds())
}
