package ocpp

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gorilla/websocket"
)

// takeCall handles a CALL on the goroutine that has read it: most are answered sooner
// than another goroutine is woken. One that takes longer than reliefAfter has another
// goroutine read on, which queues the CALLs that follow for this one. on is false when
// that happened: this goroutine is not to read any more.
func (c *Conn) takeCall(r *Request, f Frame) (on bool) {
	c.opt.Trace(TraceEntry{At: r.Received, Frame: f, Action: f.Action})
	if c.queue(r) {
		return true
	}
	c.work(r)
	for {
		next, on := c.nextCall()
		if next == nil {
			return on
		}
		c.work(next)
	}
}

// queue puts a CALL behind the one being handled; false if there is none: r is now the
// one.
func (c *Conn) queue(r *Request) bool {
	c.mu.Lock()
	handling, full := c.handling, len(c.inbound) >= c.opt.MaxPipelined
	switch {
	case !handling:
		c.handling = true
	case !full && c.closing == nil:
		c.inbound = append(c.inbound, r)
	}
	c.mu.Unlock()
	if !handling {
		c.shared.watch.enter(c)
	}
	if handling && full {
		c.end(websocket.ClosePolicyViolation, "too many calls at once",
			fmt.Errorf("more than %d calls wait for their answer", c.opt.MaxPipelined))
	}
	return handling
}

// nextCall is what the goroutine that handles CALLs is to do next; nil: none waits, and
// it may read on unless another does.
func (c *Conn) nextCall() (next *Request, on bool) {
	c.shared.watch.leave(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.inbound) > 0 && c.closing == nil {
		next, c.inbound = c.inbound[0], c.inbound[1:]
		return next, false
	}
	on = !c.relieved
	c.inbound, c.handling, c.relieved = nil, false, false
	return nil, on
}

// relieve goes on reading in the place of a goroutine that is still handling a CALL.
func (c *Conn) relieve() {
	c.mu.Lock()
	late := c.handling && !c.relieved
	if late {
		c.relieved = true
		c.running++
	}
	c.mu.Unlock()
	if late {
		defer c.leave()
		c.readLoop()
	}
}

// work handles one CALL and answers it.
func (c *Conn) work(r *Request) {
	sum := c.known.sum(r)
	if payload, ok := c.known.find(r.ID, sum); ok {
		c.reply(r, Frame{Type: TypeCallResult, ID: r.ID, Payload: payload})
		return
	}
	payload, err, ok := c.handle(r)
	if !ok {
		return
	}
	if r.send {
		c.runAfter(r)
		return
	}
	f := Frame{Type: TypeCallResult, ID: r.ID, Payload: payload}
	if err != nil {
		f = c.errorFrame(r, err)
	} else if remember(r.Payload) {
		c.known.add(r.ID, sum, payload)
	}
	if c.reply(r, f) {
		c.runAfter(r)
	}
}

// handle has the handler answer; false: it panicked.
func (c *Conn) handle(r *Request) (payload json.RawMessage, err error, ok bool) {
	defer c.survive(r)
	payload, err = c.opt.Handler.HandleCall(c.life, c, r)
	return payload, err, true
}

func (c *Conn) runAfter(r *Request) {
	defer c.survive(r)
	for _, f := range r.after {
		f()
	}
}

// survive has a panic of what belongs to a CALL end this connection and no other.
func (c *Conn) survive(r *Request) {
	p := recover()
	if p == nil {
		return
	}
	if withheld, yes := c.tell("panic " + r.Action); yes {
		c.opt.Logger.Error("handler panicked", "station", c.identity, "action", r.Action, "panic", p, "stack", string(debug.Stack()), "withheld", withheld)
	}
	c.end(websocket.CloseInternalServerErr, "internal error", fmt.Errorf("the handler of %s panicked: %v", r.Action, p))
}

func (c *Conn) errorFrame(r *Request, err error) Frame {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		if v, is := errors.AsType[*Violation](err); is {
			e = v.CallError()
		} else {
			if withheld, yes := c.tell("cannot answer " + r.Action); yes {
				c.opt.Logger.Error("cannot answer", "station", c.identity, "action", r.Action, "msg_id", r.ID, "err", err, "withheld", withheld)
			}
			e = Errorf(CodeInternalError, "%s", "the call could not be handled")
		}
	}
	return Frame{Type: TypeCallError, ID: r.ID, Code: e.Code.For(c.protocol), Description: e.Description, Details: e.Details}
}

// reply returns when the answer was written, or can't be any more. It writes by itself
// when nothing goes before the answer: to wake the writer for it and to be woken in turn
// costs more than the write.
func (c *Conn) reply(r *Request, f Frame) bool {
	a := answer{frame: f, action: r.Action, received: r.Received}
	if c.writeFirst() {
		ok := c.writeAnswer(a)
		c.wrote()
		return ok
	}
	a.written = make(chan bool, 1)
	if !c.enqueueAnswer(a) {
		return false
	}
	return <-a.written
}
