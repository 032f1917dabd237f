package appliance

import (
	"slices"
	"sync"
	"time"

	"busbar/controller"
)

// reactions measures how long the box takes from a decoded meter sample to the last
// reduction frame that answers it. Memory is bounded: the newest samples count.
type reactions struct {
	mu    sync.Mutex
	sent  map[controller.Seq]time.Time // reading of a reduction that is on its way
	worst map[time.Time]time.Duration  // by reading
	order []time.Time                  // readings, oldest first
}

// reactionsKept bounds the readings remembered.
const reactionsKept = 4096

func newReactions() *reactions {
	return &reactions{sent: map[controller.Seq]time.Time{}, worst: map[time.Time]time.Duration{}}
}

// ordered notes that a reduction was decided.
func (r *reactions) ordered(e controller.SetLimit) {
	if !e.Reduction || e.Reading.IsZero() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sent) > reactionsKept { // never written: superseded, or the socket went
		clear(r.sent)
	}
	r.sent[e.Seq] = e.Reading
}

// written notes that the frame of a setpoint left the box.
func (r *reactions) written(seq controller.Seq, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reading, ok := r.sent[seq]
	if !ok {
		return
	}
	delete(r.sent, seq)
	d := at.Sub(reading)
	before, known := r.worst[reading]
	if !known {
		r.order = append(r.order, reading)
		if len(r.order) > reactionsKept {
			delete(r.worst, r.order[0])
			r.order = r.order[1:]
		}
	}
	r.worst[reading] = max(before, d)
}

// p99 is in milliseconds; nil while nothing was measured.
func (r *reactions) p99() *float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.worst) == 0 {
		return nil
	}
	all := make([]time.Duration, 0, len(r.worst))
	for _, d := range r.worst {
		all = append(all, d)
	}
	slices.Sort(all)
	ms := float64(all[(len(all)-1)*99/100].Microseconds()) / 1000
	return &ms
}

// count is how many readings the figure rests on.
func (r *reactions) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.worst)
}

// Reactions is on how many readings of meters, of the newest, ReactionMsP99 rests.
func (b *Box) Reactions() int { return b.reactions.count() }
