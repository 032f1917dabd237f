package ocppload

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// station is one connection. Whoever holds mu may write; the reader answers the
// server's CALLs, takes the answers, and at full speed sends what comes next.
type station struct {
	fleet    *Fleet
	third    int
	ws       *websocket.Conn
	charging bool // has a transaction of its own while the load is not billing
	done     chan struct{}

	mu       sync.Mutex
	frames   [kinds]frame
	lastID   int64
	waiting  bool // for the answer to lastID
	kind     Kind
	sentAt   time.Time
	answered chan []byte // of a call that somebody waits for; nil otherwise
	next     [mixes]int  // in each mix
	register int64       // Wh
	tx       int64
	status   string
	current  int64 // drawn on each phase, 0.1 A
	limit    int64 // last given to the transaction, 0.1 A
	refused  error // the answer to a call was a CALLERROR
	err      error // the connection ended
}

// send writes the next frame of kind k; mu is held.
func (s *station) send(k Kind, now time.Time) error {
	f := &s.frames[k]
	switch k {
	case Start, Meter, BilledMeter, Stop:
		s.register++
	case Status:
		f.put(f.status, s.status)
	}
	s.lastID++
	fill(f.bytes, f.id, len(holeID), '0', s.lastID)
	fill(f.bytes, f.register, len(holeRegister), ' ', s.register)
	fill(f.bytes, f.tx, len(holeTx), ' ', s.tx)
	for _, i := range f.current {
		text := f.bytes[i : i+len(holeCurrent)]
		text[0], text[1], text[3] = '0'+byte(s.current/100%10), '0'+byte(s.current/10%10), '0'+byte(s.current%10)
	}
	f.stamp(now)
	return s.write(k, f.bytes, now)
}

func (s *station) write(k Kind, b []byte, now time.Time) error {
	s.waiting, s.kind, s.sentAt = true, k, now
	if err := s.ws.WriteMessage(websocket.TextMessage, b); err != nil {
		return s.fail(fmt.Errorf("cannot send: %w", err))
	}
	return nil
}

// fail remembers the first error; mu is held.
func (s *station) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return err
}

// step sends the next of the mix, unless an answer is still due; mu is held.
func (s *station) step(now time.Time) (sent bool) {
	if s.waiting || s.err != nil {
		return false
	}
	mix := s.fleet.mix
	k := mix.kind(s.next[mix])
	s.next[mix]++
	switch {
	case s.charging && (k == Start || k == Stop):
		k = BilledMeter
	case !s.charging && k == Status && s.status == statusAvailable:
		s.status = statusReserved
	case !s.charging && k == Status:
		s.status = statusAvailable
	}
	return s.send(k, now) == nil
}

// read takes what comes until the connection ends.
func (s *station) read() {
	defer close(s.done)
	var buf bytes.Buffer
	for {
		_, r, err := s.ws.NextReader()
		if err == nil {
			buf.Reset()
			_, err = io.Copy(&buf, r)
		}
		if err == nil {
			err = s.take(buf.Bytes())
		}
		if err != nil {
			s.mu.Lock()
			_ = s.fail(fmt.Errorf("the connection of a simulated charger ended: %w", err))
			s.waiting = false
			s.mu.Unlock()
			return
		}
	}
}

// take reads one message as far as needed.
func (s *station) take(b []byte) error {
	now := time.Now()
	kind, id, rest, ok := split(b)
	if !ok {
		return fmt.Errorf("not a frame: %.100q", b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == '2' {
		return s.answer(id, rest, now)
	}
	if n, err := strconv.ParseInt(string(id), 10, 64); err != nil || n != s.lastID || !s.waiting {
		s.fleet.strange.Add(1)
		return nil
	}
	s.waiting = false
	if s.answered != nil {
		if kind == '4' {
			s.refused = fmt.Errorf("%s was refused: %.200s", s.kind, rest)
		}
		s.answered <- bytes.Clone(rest)
		s.answered = nil
		return nil
	}
	s.account(kind, rest, now)
	if s.fleet.chasing.Load() {
		s.step(time.Now())
	}
	return nil
}

// account counts an answer of the load; mu is held.
func (s *station) account(kind byte, payload []byte, now time.Time) {
	if kind == '4' {
		s.fleet.refused.Add(1)
	}
	s.learn(payload)
	s.fleet.count(s.kind, now.Sub(s.sentAt))
}

// learn takes what the answer changes for the frames to come; mu is held.
func (s *station) learn(payload []byte) {
	switch s.kind {
	case Start:
		s.tx = txOf(payload)
	case Stop:
		s.tx = 0
	}
}

// split finds the type, the message id and what follows in a frame.
func split(b []byte) (kind byte, id, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, " [\t\r\n")
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	kind = b[0]
	_, b, ok = bytes.Cut(b, []byte(`"`))
	if !ok {
		return 0, nil, nil, false
	}
	id, rest, ok = bytes.Cut(b, []byte(`"`))
	return kind, id, bytes.TrimLeft(rest, ", "), ok
}

// number finds the digits behind a member's name in a payload; nil if there are none.
func number(payload []byte, member string) (text []byte) {
	_, after, ok := bytes.Cut(payload, []byte(`"`+member+`":`))
	if !ok {
		return nil
	}
	end := 0
	for end < len(after) && (after[end] == '.' || after[end] >= '0' && after[end] <= '9') {
		end++
	}
	return after[:end]
}

// txOf is the transaction's number in an answer to Start; 1 from an echo.
func txOf(payload []byte) int64 {
	n, err := strconv.ParseInt(string(number(payload, "transactionId")), 10, 64)
	if err != nil {
		return 1
	}
	return n
}

// answer does what the server asks, as any station would; mu is held.
func (s *station) answer(id, rest []byte, at time.Time) error {
	result := `{"status":"Accepted"}`
	switch {
	case bytes.HasPrefix(rest, []byte(`"GetConfiguration"`)):
		result = `{"configurationKey":[],"unknownKey":[]}`
	case bytes.HasPrefix(rest, []byte(`"TriggerMessage"`)):
		result = `{"status":"Rejected"}`
	case bytes.HasPrefix(rest, []byte(`"SetChargingProfile"`)):
		s.fleet.setpoints.Add(1)
		if bytes.Contains(rest, []byte(`"TxProfile"`)) {
			s.obey(number(rest, "limit"), at)
		}
	}
	return s.ws.WriteMessage(websocket.TextMessage, []byte(`[3,"`+string(id)+`",`+result+`]`))
}

// obey draws what it may, as far as the car takes it; mu is held.
func (s *station) obey(limit []byte, at time.Time) {
	amps, err := strconv.ParseFloat(string(limit), 64)
	if err != nil || !s.charging {
		return
	}
	lowered := int64(amps*10) < s.limit
	s.limit = int64(amps * 10)
	if s.fleet.onLimit != nil {
		s.fleet.onLimit(lowered, at)
	}
	s.draw(min(s.limit, s.fleet.cars.Wants))
}

func (s *station) draw(current int64) {
	s.fleet.drawn[s.third].Add(current - s.current)
	s.current = current
}
