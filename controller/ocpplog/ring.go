package ocpplog

import (
	"sync"

	"busbar/ocpp"
)

// ring keeps the newest entries of one charger, bounded by their count and bytes.
type ring struct {
	most, bytes int

	mu      sync.Mutex
	entries []ocpp.TraceEntry // circular; grows up to most
	oldest  int
	count   int
	size    int
}

// overhead is what an entry takes beside its texts.
const overhead = 200

func sizeOf(e ocpp.TraceEntry) int {
	f := e.Frame
	return overhead + len(f.ID) + len(f.Action) + len(f.Payload) + len(f.Description) + len(f.Details) + len(e.Err)
}

// add puts e behind the others and lets the oldest go. An entry that is too big by
// itself is kept without its payload, so that the call still shows.
func (r *ring) add(e ocpp.TraceEntry) {
	size := sizeOf(e)
	if size > r.bytes {
		e.Frame.Payload, e.Frame.Details = nil, nil
		e.Frame.Description = clip(e.Frame.Description, 256)
		if e.Err == "" {
			e.Err = "too big to be kept in the log"
		}
		size = sizeOf(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.count > 0 && (r.count == r.most || r.size+size > r.bytes) {
		r.drop()
	}
	if r.count == len(r.entries) {
		r.grow()
	}
	r.entries[(r.oldest+r.count)%len(r.entries)] = e
	r.count++
	r.size += size
}

func (r *ring) drop() {
	e := &r.entries[r.oldest]
	r.size -= sizeOf(*e)
	*e = ocpp.TraceEntry{} // gives its payload up
	r.oldest = (r.oldest + 1) % len(r.entries)
	r.count--
}

func (r *ring) grow() {
	bigger := make([]ocpp.TraceEntry, min(r.most, max(16, 2*len(r.entries))))
	copy(bigger[copy(bigger, r.entries[r.oldest:]):], r.entries[:r.oldest])
	r.entries, r.oldest = bigger, 0
}

// all is a copy of the entries, oldest first; payloads are shared and never written.
func (r *ring) all() []ocpp.TraceEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]ocpp.TraceEntry, 0, r.count)
	for i := range r.count {
		out = append(out, r.entries[(r.oldest+i)%len(r.entries)])
	}
	return out
}

// newest is the entry added last.
func (r *ring) newest() (e ocpp.TraceEntry, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		return e, false
	}
	return r.entries[(r.oldest+r.count-1)%len(r.entries)], true
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
