package ocpp

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gorilla/websocket"
)

// cacheSize is how many answers are kept for repeated CALLs.
const cacheSize = 64

// answered is what is remembered of a CALL: the same id with the same content gets
// the same answer again and is not carried out twice.
type answered struct {
	id, action string
	hash       [sha256.Size]byte
	payload    json.RawMessage
}

// workLoop handles the inbound CALLs in their order.
func (c *Conn) workLoop() {
	var cache []answered
	for r := range c.inbound {
		if c.life.Err() != nil {
			continue // the reader closes inbound; nobody can be answered any more
		}
		c.work(r, &cache)
	}
}

// work handles one CALL and answers it.
func (c *Conn) work(r *Request, cache *[]answered) {
	hash := sha256.Sum256(r.Payload)
	for _, known := range *cache {
		if known.id == r.ID && known.action == r.Action && known.hash == hash {
			c.reply(r, Frame{Type: TypeCallResult, ID: r.ID, Payload: known.payload})
			return
		}
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
		if len(*cache) == cacheSize {
			*cache = append((*cache)[:0], (*cache)[1:]...)
		}
		*cache = append(*cache, answered{id: r.ID, action: r.Action, hash: hash, payload: payload})
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

// remember tells whether a repeated CALL is to be answered from memory. One without
// content carries nothing that could be carried out twice; it is a question (as
// Heartbeat), and some chargers use one id for all of those.
func remember(payload json.RawMessage) bool {
	return len(bytes.TrimSpace(payload[1:len(payload)-1])) > 0
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
