package upstream

import (
	"time"

	"busbar/controller"
)

// Retry rules (decision 7): a failure counts against a lane only if another lane has
// succeeded since the one before. When everything fails a breaker pauses all.
const (
	attempts     = 3
	retryAfter   = time.Minute
	breakerAfter = 3 // failures without any success between them
	breakerMin   = 10 * time.Second
	breakerMax   = 5 * time.Minute
	idleLook     = time.Minute
)

// lanes chooses the next message. The pump's goroutine owns it.
type lanes struct {
	tried     map[controller.TxID]*lane
	successes int
	streak    int // failures since the last success
	closedTo  time.Time
	newest    bool // take the newest next: live traffic does not wait for the backlog
}

type lane struct {
	failures  int // that count
	notBefore time.Time
	mark      int // successes of all lanes at its last failure
	everSince bool
}

func newLanes() *lanes { return &lanes{tried: map[controller.TxID]*lane{}} }

// pick takes the oldest and the newest head in turn; of two it prefers those that are
// no meter values.
func (l *lanes) pick(heads []controller.OutboxItem, now time.Time) (controller.OutboxItem, bool) {
	if now.Before(l.closedTo) {
		return controller.OutboxItem{}, false
	}
	var ready []controller.OutboxItem
	frame := false
	for _, h := range heads {
		if t := l.tried[h.Tx]; t != nil && now.Before(t.notBefore) {
			continue
		}
		if h.Kind != controller.OutboxMeter && !frame {
			frame, ready = true, ready[:0]
		}
		if frame == (h.Kind != controller.OutboxMeter) {
			ready = append(ready, h)
		}
	}
	if len(ready) == 0 {
		return controller.OutboxItem{}, false
	}
	l.newest = !l.newest
	if l.newest {
		return ready[0], true
	}
	return ready[len(ready)-1], true
}

// pause is how long there is surely nothing to do but for new rows.
func (l *lanes) pause(now time.Time) time.Duration {
	wait := idleLook
	if d := l.closedTo.Sub(now); d > 0 {
		return d
	}
	for _, t := range l.tried {
		if d := t.notBefore.Sub(now); d > 0 {
			wait = min(wait, d)
		}
	}
	return wait
}

// failed notes an attempt without usable answer; true when the lane is to be parked.
func (l *lanes) failed(tx controller.TxID, now time.Time) bool {
	t := l.tried[tx]
	if t == nil {
		t = &lane{}
		l.tried[tx] = t
	}
	if !t.everSince || l.successes > t.mark {
		t.failures++
	}
	t.everSince, t.mark = true, l.successes
	t.notBefore = now.Add(retryAfter * time.Duration(t.failures))
	l.streak++
	if l.streak >= breakerAfter {
		pause := breakerMin << min(l.streak-breakerAfter, 5)
		l.closedTo = now.Add(min(pause, breakerMax))
		t.notBefore = l.closedTo
	}
	return t.failures >= attempts && l.streak < breakerAfter
}

func (l *lanes) succeeded(tx controller.TxID) {
	delete(l.tried, tx)
	l.successes++
	l.streak = 0
	l.closedTo = time.Time{}
}

func (l *lanes) forget(tx controller.TxID) { delete(l.tried, tx) }
