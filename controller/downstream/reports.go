package downstream

import (
	"errors"
	"sync"
	"time"

	"busbar/controller"
)

// reports is the queue of events that must reach the loop although it may be full
// just now. It is bounded by what the Site has open: at most four setpoints per
// connector, one fall-back and the commands of each charger, and one pair of
// connection events per socket.
type reports struct {
	loop Loop

	mu    sync.Mutex
	queue []controller.Event
	idle  chan struct{} // closed when the goroutine that delivers has nothing left; nil: none runs
}

func newReports(loop Loop) *reports { return &reports{loop: loop} }

// add returns at once and may be called from the loop's own goroutine, which must not
// wait for itself.
func (r *reports) add(ev controller.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, ev)
	if r.idle == nil {
		r.idle = make(chan struct{})
		go r.drain() // joined by wait
	}
}

// retryAfter is the pause before a congested loop is tried again.
const retryAfter = 20 * time.Millisecond

// drain delivers in order until the queue is empty or the loop has stopped.
func (r *reports) drain() {
	for {
		r.mu.Lock()
		if len(r.queue) == 0 {
			close(r.idle)
			r.idle = nil
			r.mu.Unlock()
			return
		}
		next := r.queue[0]
		r.mu.Unlock()
		err := r.loop.Post(next)
		if errors.Is(err, controller.ErrCongested) {
			time.Sleep(retryAfter)
			continue
		}
		// Any other error: the loop has stopped, nobody needs these any more.
		r.mu.Lock()
		r.queue = r.queue[1:]
		r.mu.Unlock()
	}
}

// wait returns when everything was delivered.
func (r *reports) wait() {
	r.mu.Lock()
	idle := r.idle
	r.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
