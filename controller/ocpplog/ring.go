package ocpplog

import (
	"encoding/binary"
	"encoding/json"
	"sync"
	"time"

	"busbar/ocpp"
)

// ring keeps the newest entries of one charger, bounded by their count and bytes. They
// lie in one piece of memory without pointers, which grows as they come: thousands of
// small ones would cost several times as much, most of it with each collection of
// garbage.
type ring struct {
	most int

	mu    sync.Mutex
	bytes int    // bound of len(buf)
	buf   []byte // circular
	head  int    // where the oldest entry begins
	used  int
	count int
	last  time.Time // of the newest entry
}

// firstBytes is what a ring begins with, and the least bound it is given.
const firstBytes = 2 << 10

// An entry is its length (4 bytes), its kind, its time and latency, the lengths of its
// texts, and the texts.
const (
	lengthBytes = 4
	headBytes   = lengthBytes + 1 + 8 + (1+texts)*binary.MaxVarintLen64
	texts       = 8

	kindOut  = 0x80
	kindType = 0x0f
)

// appendHead writes what goes before the texts of e, of these lengths.
func appendHead(b []byte, e *ocpp.TraceEntry, lengths [texts]int) []byte {
	kind := byte(e.Frame.Type) & kindType
	if e.Out {
		kind |= kindOut
	}
	total := 0
	b = append(b, 0, 0, 0, 0, kind)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.At.UnixNano()))
	b = binary.AppendUvarint(b, uint64(max(0, e.Latency)))
	for _, n := range lengths {
		b = binary.AppendUvarint(b, uint64(n))
		total += n
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)+total))
	return b
}

// entryOf reads what is written by add; it keeps parts of b.
func entryOf(b []byte) (e ocpp.TraceEntry) {
	kind, at := b[lengthBytes], lengthBytes+1
	e.Frame.Type, e.Out = ocpp.MessageType(kind&kindType), kind&kindOut != 0
	e.At = time.Unix(0, int64(binary.LittleEndian.Uint64(b[at:])))
	at += 8
	number := func() int {
		n, size := binary.Uvarint(b[at:])
		at += size
		return int(n)
	}
	e.Latency = time.Duration(number())
	var lengths [texts]int
	for i := range lengths {
		lengths[i] = number()
	}
	var parts [texts][]byte
	for i, n := range lengths {
		parts[i] = b[at : at+n : at+n]
		at += n
	}
	f := &e.Frame
	f.ID, f.Action, e.Action, e.Err = string(parts[0]), string(parts[1]), string(parts[2]), string(parts[3])
	f.Code, f.Description = ocpp.ErrorCode(parts[4]), string(parts[5])
	if len(parts[6]) > 0 {
		f.Details = parts[6]
	}
	if len(parts[7]) > 0 {
		f.Payload = parts[7]
	}
	return e
}

// add puts a copy of e behind the others and lets the oldest go. An entry that is too
// big by itself is kept without its payload, so that the call still shows.
func (r *ring) add(e ocpp.TraceEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &e.Frame
	if len(f.Payload)+len(f.Details)+len(f.Description)+len(e.Err) > r.bytes-firstBytes/2 {
		f.Payload, f.Details = nil, nil
		f.Description, e.Err = clip(f.Description, 256), clip(e.Err, 256)
		if e.Err == "" {
			e.Err = "too big to be kept in the log"
		}
	}
	lengths := [texts]int{len(f.ID), len(f.Action), len(e.Action), len(e.Err), len(f.Code), len(f.Description), len(f.Details), len(f.Payload)}
	var room [headBytes]byte
	head := appendHead(room[:0], &e, lengths)
	size := int(binary.LittleEndian.Uint32(head))
	for r.count > 0 && (r.count == r.most || r.used+size > r.bytes) {
		r.drop()
	}
	if r.used+size > r.bytes {
		return
	}
	if r.used+size > len(r.buf) {
		r.move(min(r.bytes, max(firstBytes, 2*len(r.buf), r.used+size)))
	}
	put(r, head)
	for _, text := range [...]string{f.ID, f.Action, e.Action, e.Err, string(f.Code), f.Description} {
		put(r, text)
	}
	put(r, f.Details)
	put(r, f.Payload)
	r.count++
	r.last = e.At
}

// put writes behind what is used; there is room.
func put[T string | []byte | json.RawMessage](r *ring, text T) {
	if len(text) == 0 {
		return
	}
	at := (r.head + r.used) % len(r.buf)
	n := copy(r.buf[at:], text)
	copy(r.buf, text[n:])
	r.used += len(text)
}

func (r *ring) drop() {
	var length [lengthBytes]byte
	n := copy(length[:], r.buf[r.head:])
	copy(length[n:], r.buf)
	size := int(binary.LittleEndian.Uint32(length[:]))
	r.head = (r.head + size) % len(r.buf)
	r.used -= size
	r.count--
}

// move takes the entries to another piece of memory, of size bytes.
func (r *ring) move(size int) {
	r.buf, r.head = r.linear(make([]byte, 0, size))[:size], 0
}

// linear appends the entries to b.
func (r *ring) linear(b []byte) []byte {
	end := r.head + r.used
	if end <= len(r.buf) {
		return append(b, r.buf[r.head:end]...)
	}
	return append(append(b, r.buf[r.head:]...), r.buf[:end-len(r.buf)]...)
}

// bound sets how many bytes the ring may have.
func (r *ring) bound(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes = bytes
	for r.used > bytes {
		r.drop()
	}
	if len(r.buf) > bytes {
		r.move(bytes)
	}
}

// all is the entries, oldest first, copied.
func (r *ring) all() []ocpp.TraceEntry {
	r.mu.Lock()
	text, count := r.linear(make([]byte, 0, r.used)), r.count
	r.mu.Unlock()
	out := make([]ocpp.TraceEntry, 0, count)
	for len(text) > 0 {
		size := binary.LittleEndian.Uint32(text)
		out = append(out, entryOf(text[:size]))
		text = text[size:]
	}
	return out
}

// newest is when the newest entry was; zero if there is none.
func (r *ring) newest() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
