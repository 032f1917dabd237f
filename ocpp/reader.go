package ocpp

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// maxGarbage is how many messages in a row may be unreadable.
const maxGarbage = 5

// maxControl bounds the pongs that wait for a peer that pings but does not read.
const maxControl = 16

var errTooBig = errors.New("the message is too big")

// prepareReading says what becomes of control frames.
func (c *Conn) prepareReading() {
	c.ws.SetReadLimit(c.opt.MaxMessage)
	c.ws.SetPongHandler(func(string) error { c.hear(time.Now(), true); return nil })
	c.ws.SetPingHandler(func(data string) error {
		c.hear(time.Now(), false)
		return c.enqueueControl(control{kind: websocket.PongMessage, data: []byte(data)})
	})
	c.ws.SetCloseHandler(func(code int, text string) error {
		echo := code
		if code == websocket.CloseNoStatusReceived {
			echo = websocket.CloseNormalClosure
		}
		c.end(echo, "", fmt.Errorf("the peer closed: %d %s", code, text))
		return nil
	})
}

// readLoop reads until the connection ends or another goroutine does it (takeCall).
// Answers go to the CALL that waits for them, control frames to the writer.
func (c *Conn) readLoop() {
	for on := true; on; {
		f, now, err := c.readFrame()
		garbled, ok := errors.AsType[*FrameError](err)
		if err != nil && !ok {
			c.endReading(err)
			return
		}
		if c.life.Err() != nil {
			continue // only the peer's goodbye is still of interest
		}
		c.hear(now, false)
		if garbled != nil {
			c.count(c.refuse(garbled, f, now))
			continue
		}
		c.count(true)
		on = c.take(f, now)
	}
}

func (c *Conn) endReading(err error) {
	code := 0
	if errors.Is(err, errTooBig) || errors.Is(err, websocket.ErrReadLimit) {
		code = websocket.CloseMessageTooBig
	}
	c.end(code, "the message is too big", ioCause("read", err))
}

// readFrame reads one message, which came at now. The error is a *FrameError if it is no
// frame, else that of the socket.
func (c *Conn) readFrame() (f Frame, now time.Time, err error) {
	_, r, err := c.ws.NextReader()
	if err != nil {
		return f, now, err
	}
	buf := c.shared.buffers.take()
	defer c.shared.buffers.give(buf)
	if err := buf.fill(r, c.opt.MaxMessage); err != nil {
		return f, now, err
	}
	now = time.Now()
	b := buf.bytes
	if !utf8.Valid(b) {
		// The socket's rules say to close, but it is one byte of Latin-1 in some info
		// text, and the message may be worth money.
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	if c.opt.Repair && !validJSON(b) {
		b = repair(b)
	}
	f, err = ParseFrame(b)
	return f, now, err
}

func (c *Conn) enqueueControl(ctl control) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil && len(c.control) < maxControl {
		c.control = append(c.control, ctl)
		c.stir()
	}
	return nil
}

// take dispatches one frame; on is false when this goroutine is not to read any more.
func (c *Conn) take(f Frame, now time.Time) (on bool) {
	switch f.Type {
	case TypeCall:
		return c.takeCall(&Request{ID: f.ID, Action: f.Action, Payload: f.Payload, Received: now, checked: true}, f)
	case TypeCallResult:
		c.takeAnswer(f, now, outcome{payload: f.Payload})
	case TypeCallError:
		c.takeAnswer(f, now, outcome{err: &Error{Code: f.Code.Canonical(), Description: f.Description, Details: f.Details}})
	case TypeSend:
		if c.protocol == V21 {
			return c.takeCall(&Request{ID: f.ID, Action: f.Action, Payload: f.Payload, Received: now, checked: true, send: true}, f)
		}
		fallthrough
	case TypeCallResultError:
		if c.protocol == V21 {
			c.takeResultError(f, now)
			break
		}
		c.refuse(&FrameError{ID: f.ID, Code: CodeMessageTypeNotSupported, Problem: fmt.Sprintf("message type %d is not known", f.Type)}, f, now)
	}
	return true
}

// count ends a connection of which too many messages in a row are garbage: not even
// their ids could be read.
func (c *Conn) count(readable bool) {
	if readable {
		c.garbage = 0
		return
	}
	if c.garbage++; c.garbage >= maxGarbage {
		c.end(websocket.ClosePolicyViolation, "too many unreadable messages", errors.New("too many unreadable messages"))
	}
}

// refuse answers what is no frame, as far as the version allows; false if it is
// garbage.
func (c *Conn) refuse(err *FrameError, f Frame, now time.Time) bool {
	if withheld, yes := c.tell("dropped " + err.Error()); yes {
		c.opt.Logger.Warn("message dropped", "station", c.identity, "err", err, "withheld", withheld)
	}
	if err.Type == TypeCallResult && err.ID != "" { // the open CALL need not wait any longer
		c.takeAnswer(f, now, outcome{err: fmt.Errorf("%w: %w", ErrUnusable, err)})
	} else {
		c.opt.Trace(TraceEntry{At: now, Frame: f, Action: f.Action, Err: err.Error()})
	}
	if reply, ok := err.Answer(c.protocol); ok {
		c.enqueueAnswer(answer{frame: reply, action: f.Action, received: now})
	}
	return err.ID != ""
}

// takeResultError notes that the peer could not use an answer of ours. There is
// nothing to repeat: for the peer its CALL has failed.
func (c *Conn) takeResultError(f Frame, now time.Time) {
	action := ""
	c.mu.Lock()
	if c.last.id == f.ID {
		action = c.last.action
	}
	c.mu.Unlock()
	c.opt.Trace(TraceEntry{At: now, Frame: f, Action: action, Err: "the peer could not use an answer of ours"})
	if withheld, yes := c.tell("result error " + action); yes {
		c.opt.Logger.Warn("the peer could not use an answer", "station", c.identity, "action", action, "code", f.Code, "description", f.Description, "withheld", withheld)
	}
}

// tell thins out the log: of one kind of fault of one station at most a line a minute.
func (c *Conn) tell(kind string) (withheld int, yes bool) {
	return c.faults.tell(c.identity+" "+kind, time.Now())
}

// takeAnswer hands an answer to the open CALL. One for which nobody waits any more
// is dropped.
func (c *Conn) takeAnswer(f Frame, now time.Time, result outcome) {
	c.mu.Lock()
	p := c.open
	if p == nil || p.call.ID != f.ID {
		c.mu.Unlock()
		c.opt.Trace(TraceEntry{At: now, Frame: f, Err: "no call waits for this answer"})
		if withheld, yes := c.tell("late"); yes {
			c.opt.Logger.Warn("late answer dropped", "station", c.identity, "msg_id", f.ID, "withheld", withheld)
		}
		return
	}
	entry := TraceEntry{At: now, Frame: f, Action: p.call.Action}
	if errors.Is(result.err, ErrUnusable) {
		entry.Err = result.err.Error()
	}
	if p.written.IsZero() {
		if p.early == nil {
			p.early = &result // the writer hands it over after telling Sent
		}
	} else {
		entry.Latency = now.Sub(p.written)
		c.open = nil
		p.result <- result
	}
	c.mu.Unlock()
	c.opt.Trace(entry)
	c.stir()
}

// repair puts null where a value is missing between a colon and the next separator.
// What is still not JSON after that is returned as it came.
func repair(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	quoted := false
	for i := 0; i < len(b); i++ {
		ch := b[i]
		out = append(out, ch)
		switch {
		case quoted && ch == '\\' && i+1 < len(b):
			i++
			out = append(out, b[i])
		case ch == '"':
			quoted = !quoted
		case ch == ':' && !quoted:
			if next := skipSpace(b, i+1); next < len(b) && (b[next] == ',' || b[next] == '}') {
				out = append(out, "null"...)
			}
		}
	}
	if validJSON(out) {
		return out
	}
	return b
}
