package ocpp

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gorilla/websocket"
)

// workLoop handles the inbound CALLs in their order.
func (c *Conn) workLoop() {
	for r := range c.inbound {
		if c.life.Err() != nil {
			continue // the reader closes inbound; nobody can be answered any more
		}
		c.work(r)
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
