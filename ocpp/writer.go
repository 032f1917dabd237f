package ocpp

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// maxMisses is how many pings in a row may stay without any sign of life.
const maxMisses = 2

// maxAnswers bounds the answers that wait for the writer. Who handles CALLs waits for each
// of its answers, so that more can only be refusals of garbage.
const maxAnswers = 16

func (c *Conn) enqueueAnswer(a answer) bool {
	c.mu.Lock()
	full := len(c.answers) >= maxAnswers
	ok := c.closing == nil && !full
	if ok {
		c.answers = append(c.answers, a)
	}
	c.mu.Unlock()
	if full {
		c.end(websocket.ClosePolicyViolation, "answers are not read", errors.New("the peer does not read our answers"))
	}
	c.stir()
	return ok
}

// writeLoop writes what others don't write themselves: control frames first, then answers,
// then SENDs, then the next CALL if none is open. It also keeps the time: of the open CALL's
// answer and of the pings.
func (c *Conn) writeLoop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	beat := heartbeat{due: time.Now()}
	if c.opt.PingInterval < 0 {
		beat.due = time.Time{}
	}
	for {
		for c.life.Err() == nil && c.writeNext() {
		}
		if c.life.Err() != nil {
			c.sayGoodbye()
			return
		}
		now := time.Now()
		c.expire(now)
		c.beat(&beat, now)
		if c.hasWork() {
			continue
		}
		next := c.nextWake(beat)
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case <-c.life.Done():
		}
	}
}

// heartbeat is the writer's memory of the pings.
type heartbeat struct {
	due    time.Time // zero: off
	since  time.Time // the peer was last heard when it was pinged first, of those without an answer
	misses int
	pinged bool
}

// beat sends a ping when the peer has been silent for an interval, and gives up on one
// that stays silent. A peer that speaks needs none but the first, which tells whether
// it answers pings at all.
func (c *Conn) beat(b *heartbeat, now time.Time) {
	if b.due.IsZero() || now.Before(b.due) {
		return
	}
	c.mu.Lock()
	heardAt, ponged := c.heardAt, c.ponged
	c.mu.Unlock()
	if next := heardAt.Add(c.opt.PingInterval); now.Before(next) && b.pinged {
		b.due, b.misses = next, 0
		return
	}
	if b.misses == 0 || heardAt.After(b.since) {
		b.since, b.misses = heardAt, 0
		if heardAt.IsZero() { // since it came
			b.since = now
		}
	}
	if ponged && b.misses >= maxMisses || !ponged && now.Sub(b.since) >= c.opt.MaxSilence {
		c.end(0, "", fmt.Errorf("the peer gave no sign of life for %v", now.Sub(b.since)))
		return
	}
	b.misses++
	b.pinged = true
	b.due = now.Add(c.opt.PingInterval)
	_ = c.enqueueControl(control{kind: websocket.PingMessage})
}

// expire fails the open CALL when its time is over.
func (c *Conn) expire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.open; p != nil && !now.Before(p.deadline) {
		c.open = nil
		p.result <- outcome{err: fmt.Errorf("%w (%s, %v)", ErrTimeout, p.call.Action, p.call.Timeout)}
	}
}

// writeFirst lets an answer be written by its maker, which then calls wrote; false if
// somebody writes already, or something else goes first.
func (c *Conn) writeFirst() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing || c.closing != nil || len(c.control) > 0 || len(c.answers) > 0 {
		return false
	}
	c.writing = true
	return true
}

// wrote ends what writeFirst began.
func (c *Conn) wrote() {
	c.mu.Lock()
	c.writing = false
	more := c.due()
	c.mu.Unlock()
	if more {
		c.stir()
	}
}

func (c *Conn) hasWork() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.writing && c.due()
}

// due tells whether a frame can be written; mu is held.
func (c *Conn) due() bool {
	return len(c.control) > 0 || len(c.answers) > 0 || len(c.sends) > 0 || c.open == nil && len(c.urgent)+len(c.waiting) > 0
}

func (c *Conn) nextWake(b heartbeat) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := b.due
	if c.open != nil && (next.IsZero() || c.open.deadline.Before(next)) {
		next = c.open.deadline
	}
	return next
}

// writeNext writes one frame; false if there was none to write.
func (c *Conn) writeNext() bool {
	write := c.next()
	if write == nil {
		return false
	}
	write()
	c.mu.Lock()
	c.writing = false
	c.mu.Unlock()
	return true
}

// next takes what is to be written next, and the right to write.
func (c *Conn) next() (write func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing || c.closing != nil || !c.due() {
		return nil
	}
	c.writing = true
	switch {
	case len(c.control) > 0:
		ctl := c.control[0]
		c.control = c.control[1:]
		return func() { c.write(ctl.kind, ctl.data) }
	case len(c.answers) > 0:
		a := c.answers[0]
		c.answers = c.answers[1:]
		return func() { a.done(c.writeAnswer(a)) }
	case len(c.sends) > 0:
		s := c.sends[0]
		c.sends = c.sends[1:]
		return func() { c.writeSend(s) }
	case len(c.urgent) > 0:
		c.open, c.urgent = c.urgent[0], c.urgent[1:]
	default:
		c.open, c.waiting = c.waiting[0], c.waiting[1:]
	}
	p := c.open
	return func() { c.writeCall(p) }
}

func (c *Conn) writeAnswer(a answer) (ok bool) {
	c.tap(a.frame, a.action)
	if !c.writeFrame(a.frame) {
		return false
	}
	now := time.Now()
	c.mu.Lock()
	c.last.id, c.last.action = a.frame.ID, a.action
	c.mu.Unlock()
	c.opt.Trace(TraceEntry{At: now, Out: true, Frame: a.frame, Action: a.action, Latency: now.Sub(a.received)})
	return true
}

// writeCall writes p, the open CALL. The answer may come before the write returns; Sent
// is told first all the same.
func (c *Conn) writeCall(p *pending) {
	f := Frame{Type: TypeCall, ID: p.call.ID, Action: p.call.Action, Payload: p.call.Payload}
	c.tap(f, f.Action)
	if !c.writeFrame(f) {
		return
	}
	now := time.Now()
	if p.call.Sent != nil {
		p.call.Sent(now)
	}
	c.opt.Trace(TraceEntry{At: now, Out: true, Frame: f, Action: f.Action})
	c.mu.Lock()
	defer c.mu.Unlock()
	p.written, p.deadline = now, now.Add(p.call.Timeout)
	if p.early != nil && c.open == p {
		c.open = nil
		p.result <- *p.early
	}
}

// writeFrame writes f within the time it may take; failing ends the connection.
func (c *Conn) writeFrame(f Frame) bool {
	buf := c.shared.buffers.take()
	defer c.shared.buffers.give(buf)
	buf.bytes = f.Append(buf.bytes)
	return c.write(websocket.TextMessage, buf.bytes)
}

// write writes one message within the time it may take; failing ends the connection.
func (c *Conn) write(kind int, data []byte) bool {
	deadline := time.Now().Add(c.opt.WriteTimeout)
	var err error
	if kind == websocket.TextMessage {
		_ = c.ws.SetWriteDeadline(deadline)
		c.ws.EnableWriteCompression(len(data) >= minDeflate && deflates(c.protocol))
		err = c.ws.WriteMessage(kind, data)
	} else {
		err = c.ws.WriteControl(kind, data, deadline)
	}
	if err != nil {
		c.end(0, "", ioCause("write", err))
	}
	return err == nil
}

// sayGoodbye writes the close frame and gives the peer a moment to answer it; the
// reader then ends, at the latest when that moment is over.
func (c *Conn) sayGoodbye() {
	c.mu.Lock()
	goodbye := c.closing.data
	c.mu.Unlock()
	deadline := time.Now().Add(closeGrace)
	if len(goodbye) > 0 && c.ws.WriteControl(websocket.CloseMessage, goodbye, deadline) == nil {
		_ = c.ws.SetReadDeadline(deadline)
		return
	}
	_ = c.ws.Close()
}
