package upstream

import (
	"time"

	"busbar/controller"
)

// Retry rules (decision 7). A failure counts against a lane only if another lane has
// succeeded since its failure before. When several lanes fail and none succeeds, a
// breaker pauses all of them. A lane that was never tried is let through now and then
// all the same: a car that comes now doesn't wait long for those that are refused.
const (
	breakerAfter = 3 // failures, of two lanes or more, without any success between them
	breakerMin   = 10 * time.Second
	breakerMax   = 5 * time.Minute
	longestRetry = 5 * time.Minute
	suspectAfter = 2 // losses of the connection over the same message
)

// lanes chooses the next message. The pump's goroutine owns it; it outlives
// connections.
type lanes struct {
	tried     map[controller.TxID]*lane
	owed      map[controller.TxID]*debt
	successes int
	streak    map[controller.TxID]int // failures since the last success
	opened    int                     // times the breaker opened since the last success
	closedTo  time.Time               // no lane that failed is tried before,
	freshFrom time.Time               // and none at all
	newest    bool                    // take the newest next: live traffic does not wait for the backlog
}

type lane struct {
	tries     int // failures in all
	counted   int // failures that count
	mark      int // successes of all lanes at its last failure
	losses    int // connections lost over its head, in a row
	notBefore time.Time
}

// debt is an acknowledgement that is not on the disk yet.
type debt struct {
	settlement controller.Settlement
	ev         controller.Delivered
	notBefore  time.Time
}

func newLanes() *lanes {
	return &lanes{tried: map[controller.TxID]*lane{}, owed: map[controller.TxID]*debt{}, streak: map[controller.TxID]int{}}
}

func (l *lanes) of(tx controller.TxID) *lane {
	t := l.tried[tx]
	if t == nil {
		t = &lane{}
		l.tried[tx] = t
	}
	return t
}

// The order of messages: those that broke connections go last, starts and stops go
// before meter values.
const (
	rankSuspect = iota + 1
	rankMeter
	rankFrame
)

func (l *lanes) rank(h controller.OutboxItem) int {
	switch t := l.tried[h.Tx]; {
	case t != nil && t.losses >= suspectAfter:
		return rankSuspect
	case h.Kind == controller.OutboxMeter:
		return rankMeter
	}
	return rankFrame
}

// pick chooses among heads, which are oldest first: of the best rank the oldest and
// the newest in turn. After the breaker opened, a lane that failed least is the probe.
func (l *lanes) pick(heads []controller.OutboxItem, now time.Time) (item controller.OutboxItem, ok bool) {
	closed := now.Before(l.closedTo)
	if closed && now.Before(l.freshFrom) {
		return item, false
	}
	best, least := 0, 0
	for _, h := range heads {
		t := l.tried[h.Tx]
		if t != nil && (closed || now.Before(t.notBefore)) || l.owed[h.Tx] != nil {
			continue
		}
		tries := 0
		if t != nil && l.opened > 0 {
			tries = t.tries
		}
		r := l.rank(h)
		if best == 0 || tries < least || tries == least && (r > best || r == best && l.newest) {
			best, least, item = r, tries, h
		}
	}
	return item, best > 0
}

// turn changes the end that pick takes from.
func (l *lanes) turn() { l.newest = !l.newest }

// pause is how long there is surely nothing to do but for new rows, at most idleLook.
func (l *lanes) pause(now time.Time) time.Duration {
	wait := idleLook
	at := func(t time.Time) {
		if d := t.Sub(now); d > 0 {
			wait = min(wait, d)
		}
	}
	at(l.closedTo)
	at(l.freshFrom)
	for _, t := range l.tried {
		at(t.notBefore)
	}
	for _, d := range l.owed {
		at(d.notBefore)
	}
	return wait
}

// policy is the cloud's wish how to repeat (16§9.1.27, 28).
type policy struct {
	attempts int
	interval time.Duration
}

// failed notes an attempt without usable answer; true when the lane is to be parked.
func (l *lanes) failed(tx controller.TxID, now time.Time, p policy) (park bool) {
	t := l.of(tx)
	if t.tries == 0 || l.successes > t.mark {
		t.counted++
	}
	t.tries++
	t.mark, t.losses = l.successes, 0
	t.notBefore = now.Add(min(p.interval*time.Duration(t.tries), max(p.interval, longestRetry)))
	l.streak[tx]++
	failures := 0
	for _, n := range l.streak {
		failures += n
	}
	if len(l.streak) >= 2 && failures >= breakerAfter {
		l.closedTo = now.Add(min(breakerMin<<min(l.opened, 10), breakerMax))
		l.freshFrom = now.Add(breakerMin)
		l.opened++
		t.notBefore = l.closedTo
		return false
	}
	return t.counted >= p.attempts
}

// lost notes that the connection went while a message of tx was under way: no failed
// attempt, but a message that does it again and again must not stop the others.
func (l *lanes) lost(tx controller.TxID) { l.of(tx).losses++ }

func (l *lanes) succeeded(tx controller.TxID) {
	delete(l.tried, tx)
	clear(l.streak)
	l.successes++
	l.opened = 0
	l.closedTo, l.freshFrom = time.Time{}, time.Time{}
}

func (l *lanes) forget(tx controller.TxID) {
	delete(l.tried, tx)
	delete(l.streak, tx)
}

// debtDue is an acknowledgement that shall be written now, if there is one.
func (l *lanes) debtDue(now time.Time) *debt {
	for _, d := range l.owed {
		if !now.Before(d.notBefore) {
			return d
		}
	}
	return nil
}
