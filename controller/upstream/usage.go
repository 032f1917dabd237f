package upstream

import (
	"sync"
	"time"
)

// usage measures how busy the uplink is, over the last minute in slices of 5 s. There
// is one open CALL at a time.
type usage struct {
	mu     sync.Mutex
	opened time.Time // when the newest CALL began
	since  time.Time // up to when it is booked; zero: none is open
	slices [12]struct {
		at   int64 // number of the slice since 1970
		busy time.Duration
	}
}

const usageSlice = 5 * time.Second

func (u *usage) begin(at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.account(at)
	u.opened, u.since = at, at
}

// end closes the CALL that began at began, unless the next one has begun already.
func (u *usage) end(began, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.opened.Equal(began) {
		u.account(now)
		u.since = time.Time{}
	}
}

// account books the open CALL up to now.
func (u *usage) account(now time.Time) {
	if u.since.IsZero() {
		return
	}
	for u.since.Before(now) {
		n := u.since.UnixNano() / int64(usageSlice)
		end := time.Unix(0, (n+1)*int64(usageSlice))
		if now.Before(end) {
			end = now
		}
		sl := &u.slices[n%int64(len(u.slices))]
		if sl.at != n {
			sl.at, sl.busy = n, 0
		}
		sl.busy += end.Sub(u.since)
		u.since = end
	}
}

func (u *usage) share(now time.Time) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.account(now)
	n := now.UnixNano() / int64(usageSlice)
	var busy time.Duration
	for _, sl := range u.slices {
		if n-sl.at < int64(len(u.slices)) {
			busy += sl.busy
		}
	}
	return min(1, busy.Seconds()/(usageSlice*time.Duration(len(u.slices))).Seconds())
}
