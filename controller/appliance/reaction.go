package appliance

import (
	"slices"
	"sync"
	"time"

	"busbar/controller"
)

// reactions measures how long the box takes from a decoded meter sample to the last
// reduction frame that answers it. A reduction that a newer setpoint replaced before it
// left counts until that one was written. Memory is bounded: the newest samples count.
type reactions struct {
	mu    sync.Mutex
	slots map[controller.Seq]controller.Slot // of the setpoints under way
	under map[controller.Slot][]underWay     // oldest first
	worst map[time.Time]Reaction             // by reading
	order []time.Time                        // readings, oldest first
}

// Reaction is what the box did about one reading of a meter.
type Reaction struct {
	Reading time.Time     // when its last byte had come
	Took    time.Duration // until the last frame that lowers was written to its socket
	Frames  int           // that lower
}

// underWay is a setpoint that was not written yet.
type underWay struct {
	seq     controller.Seq
	reading time.Time // that it answers to by lowering; zero: none
}

// reactionsKept bounds the readings remembered.
const reactionsKept = 4096

func newReactions() *reactions {
	return &reactions{slots: map[controller.Seq]controller.Slot{}, under: map[controller.Slot][]underWay{}, worst: map[time.Time]Reaction{}}
}

// ordered notes that a setpoint was decided.
func (r *reactions) ordered(e controller.SetLimit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.slots) > reactionsKept { // never written: the sockets went
		clear(r.slots)
		clear(r.under)
	}
	u := underWay{seq: e.Seq}
	if e.Reduction {
		u.reading = e.Reading
	}
	r.slots[e.Seq] = e.Slot
	r.under[e.Slot] = append(r.under[e.Slot], u)
}

// written notes that the frame of a setpoint left the box.
func (r *reactions) written(seq controller.Seq, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot, ok := r.slots[seq]
	if !ok {
		return
	}
	all := r.under[slot]
	i := slices.IndexFunc(all, func(u underWay) bool { return u.seq == seq })
	for _, u := range all[:i+1] { // those before it were replaced
		delete(r.slots, u.seq)
		if !u.reading.IsZero() {
			r.count(u.reading, at.Sub(u.reading))
		}
	}
	if r.under[slot] = all[i+1:]; len(r.under[slot]) == 0 {
		delete(r.under, slot)
	}
}

func (r *reactions) count(reading time.Time, took time.Duration) {
	so, known := r.worst[reading]
	if !known {
		r.order = append(r.order, reading)
		if len(r.order) > reactionsKept {
			delete(r.worst, r.order[0])
			r.order = r.order[1:]
		}
	}
	r.worst[reading] = Reaction{Reading: reading, Took: max(so.Took, took), Frames: so.Frames + 1}
}

// p99 is in milliseconds; nil while nothing was measured.
func (r *reactions) p99() *float64 {
	all := r.all()
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b Reaction) int { return int(a.Took - b.Took) })
	ms := float64(all[(len(all)-1)*99/100].Took.Microseconds()) / 1000
	return &ms
}

// all is oldest first.
func (r *reactions) all() []Reaction {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Reaction, 0, len(r.order))
	for _, reading := range r.order {
		out = append(out, r.worst[reading])
	}
	return out
}

// Reactions is what the box did about the readings of meters that made it lower
// something, the newest 4096, oldest first. ReactionMsP99 rests on them.
func (b *Box) Reactions() []Reaction { return b.reactions.all() }
