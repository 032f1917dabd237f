package record

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"hash/fnv"
	"io"
	"strconv"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/internal/plain"
)

// How much is kept: segments of SegmentLength, or less where much changes, for Reach at
// most, and not more than mostPacked bytes in them.
const (
	SegmentLength = 2 * time.Minute
	Reach         = 10 * time.Minute
	mostSegment   = 512 << 10 // packing it takes some milliseconds
	mostPacked    = 4 << 20
)

// Recorder remembers the last minutes of a Balancer.
type Recorder struct {
	cfg      loadbalance.Config
	base     time.Time
	packed   []packed // finished segments, oldest first
	size     int      // of packed
	segment  []byte
	began    time.Time
	previous loadbalance.Input
	decided  decision
}

type packed struct {
	data []byte
	end  time.Time
}

// New makes a Recorder for a Balancer made from cfg. Times are measured from base, which
// should be taken from the same clock.
func New(cfg loadbalance.Config, base time.Time) *Recorder {
	return &Recorder{cfg: cfg, base: base}
}

// Before is called before a pass with the Balancer and the pass's time. It opens a new
// segment where one is due.
func (r *Recorder) Before(b *loadbalance.Balancer, now time.Time) {
	if r.segment != nil && now.Sub(r.began) < SegmentLength && len(r.segment) < mostSegment {
		return
	}
	if r.segment != nil {
		p := packed{data: pack(r.segment), end: now}
		r.packed = append(r.packed, p)
		r.size += len(p.data)
		for r.size > mostPacked || now.Sub(r.packed[0].end) > Reach {
			r.size -= len(r.packed[0].data)
			r.packed = r.packed[1:]
		}
	}
	r.segment = append(append([]byte(`{"checkpoint":`), b.Checkpoint(r.base)...), "}\n"...)
	r.began, r.previous, r.decided = now, loadbalance.Input{}, decision{}
}

// After is called after a pass with what it was given and what it decided.
func (r *Recorder) After(now time.Time, in loadbalance.Input, plan loadbalance.Plan) {
	out := append(r.segment, `{"pass":`...)
	out = strconv.AppendInt(out, int64(now.Sub(r.base)), 10)
	out = appendChanges(out, "connectors", r.previous.Connectors, in.Connectors, r.base)
	out = appendChanges(out, "readings", r.previous.Readings, in.Readings, r.base)
	out = appendChanges(out, "caps", r.previous.Caps, in.Caps, r.base)
	out = appendChanges(out, "supplies", r.previous.Supplies, in.Supplies, r.base)
	out = append(out, `,"did":[`...)
	first := true
	for i := range plan.Setpoints {
		if plan.Setpoints[i].Action == loadbalance.Keep {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = plain.Append(out, &plan.Setpoints[i], r.base)
	}
	out = append(out, `],"sum":"`...)
	out = append(out, r.decided.sum(plan, r.base)...)
	r.segment = append(out, "\"}\n"...)
	r.previous.Connectors = append(r.previous.Connectors[:0], in.Connectors...)
	r.previous.Readings = append(r.previous.Readings[:0], in.Readings...)
	r.previous.Caps = append(r.previous.Caps[:0], in.Caps...)
	r.previous.Supplies = append(r.previous.Supplies[:0], in.Supplies...)
}

// appendChanges writes how long a list is, and its items that differ from those at the
// same place before.
func appendChanges[T comparable](out []byte, name string, was, is []T, base time.Time) []byte {
	if len(was) != len(is) {
		out = append(out, `,"`...)
		out = append(out, name...)
		out = append(out, `_n":`...)
		out = strconv.AppendInt(out, int64(len(is)), 10)
	}
	first := true
	for i := range is {
		if i < len(was) && was[i] == is[i] {
			continue
		}
		if first {
			out = append(out, `,"`...)
			out = append(out, name...)
			out = append(out, `":{`...)
		} else {
			out = append(out, ',')
		}
		first = false
		out = append(out, '"')
		out = strconv.AppendInt(out, int64(i), 10)
		out = append(out, '"', ':')
		var none T
		before := &none
		if i < len(was) {
			before = &was[i]
		}
		out = plain.AppendChanged(out, before, &is[i], base)
	}
	if !first {
		out = append(out, '}')
	}
	return out
}

// decision is what was decided by the pass before; the zero value is that of none.
type decision struct {
	plan    loadbalance.Plan // a copy
	scratch []byte
}

// sum is a fingerprint of what a pass decided otherwise than the one before. A replay that
// has decided the same in all passes of a segment arrives at the same one.
func (d *decision) sum(plan loadbalance.Plan, base time.Time) string {
	out := appendAll(d.scratch[:0], d.plan.Setpoints, plan.Setpoints, base)
	out = appendAll(out, d.plan.Nodes, plan.Nodes, base)
	out = appendAll(out, d.plan.Alarms, plan.Alarms, base)
	out = strconv.AppendInt(out, int64(plan.Wake.Sub(base)), 10)
	d.scratch = out
	d.plan.Setpoints = append(d.plan.Setpoints[:0], plan.Setpoints...)
	d.plan.Nodes = append(d.plan.Nodes[:0], plan.Nodes...)
	d.plan.Alarms = append(d.plan.Alarms[:0], plan.Alarms...)
	h := fnv.New64a()
	h.Write(out)
	return hex.EncodeToString(h.Sum(nil))
}

// appendAll writes the items that differ from those at the same place before, whole.
func appendAll[T comparable](out []byte, was, is []T, base time.Time) []byte {
	out = strconv.AppendInt(out, int64(len(is)), 10)
	for i := range is {
		if i >= len(was) || was[i] != is[i] {
			out = strconv.AppendInt(append(out, ' '), int64(i), 10)
			out = plain.Append(out, &is[i], base)
		}
	}
	return out
}

// Magic is what the file of a Recording begins with.
const Magic = `{"recording":1`

// Recording is what a Recorder held at one moment. It may be used by any goroutine.
type Recording struct {
	head    []byte
	packed  []packed
	segment []byte
}

// Recording takes what is remembered now; it costs little.
func (r *Recorder) Recording() Recording {
	head := []byte(Magic + `,"base":` + strconv.Quote(r.base.UTC().Format(time.RFC3339Nano)) + `,"config":`)
	head = append(plain.Append(head, &r.cfg, r.base), "}\n"...)
	return Recording{head: head, packed: r.packed[:len(r.packed):len(r.packed)], segment: r.segment[:len(r.segment):len(r.segment)]}
}

// Write writes the recording in the form that Replay reads.
func (r Recording) Write(w io.Writer) error {
	if _, err := w.Write(r.head); err != nil {
		return err
	}
	for _, p := range r.packed {
		if _, err := io.Copy(w, flate.NewReader(bytes.NewReader(p.data))); err != nil {
			return err
		}
	}
	_, err := w.Write(r.segment)
	return err
}

func pack(segment []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed) // the level is valid
	w.Write(segment)                               // into memory: can't fail
	w.Close()
	return out.Bytes()
}
