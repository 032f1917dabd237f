package ocpp

import (
	"sync"
	"time"
)

// reliefAfter is how long the goroutine that reads may be kept from it by a CALL, at
// least; at most it is two times as long.
const reliefAfter = 25 * time.Millisecond

// watch looks after the CALLs that are handled on the goroutines that have read them
// (takeCall), of all connections of a Server. It ticks while any are: a timer for each
// CALL would wake the poller of the network each time.
type watch struct {
	mu    sync.Mutex
	tick  int
	timer *time.Timer
	runs  bool
	busy  []*Conn
	since []int // the tick at which busy's began
	came  bool  // a CALL began since the last tick
}

// enter notes that c handles a CALL; it holds no lock that relieve takes.
func (w *watch) enter(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.place = len(w.busy)
	w.busy, w.since, w.came = append(w.busy, c), append(w.since, w.tick), true
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(reliefAfter, w.look)
	case !w.runs:
		w.timer.Reset(reliefAfter)
	}
	w.runs = true
}

// leave notes that it is handled.
func (w *watch) leave(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(c)
}

// remove takes c out, if it is still there; mu is held.
func (w *watch) remove(c *Conn) {
	last := len(w.busy) - 1
	if c.place > last || w.busy[c.place] != c {
		return
	}
	w.busy[c.place], w.since[c.place] = w.busy[last], w.since[last]
	w.busy[c.place].place = c.place
	w.busy[last] = nil
	w.busy, w.since = w.busy[:last], w.since[:last]
}

// look relieves those that were there at the last look, and looks again if anything
// happens.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.busy) - 1; i >= 0; i-- {
		if w.since[i] < w.tick {
			go w.busy[i].relieve() // joined by its Conn
			w.remove(w.busy[i])
		}
	}
	w.tick++
	if w.runs = w.came || len(w.busy) > 0; w.runs {
		w.timer.Reset(reliefAfter)
	}
	w.came = false
}
