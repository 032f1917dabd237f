package ocpp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// errNoSend is why a SEND can't leave on a version without it.
var errNoSend = errors.New("this version of OCPP has no SEND")

// outSend is a SEND that waits for the writer.
type outSend struct {
	frame   Frame
	written chan error // 1
}

// Send writes a SEND (2.1), which is never answered: it does not wait for an open
// CALL and no CALL waits for it. It returns when the frame was written. Urgent,
// Timeout and Sent of call are of no use here. The errors are those of Call, without
// ErrTimeout; on 1.6 and 2.0.1 it fails with ErrNotSent.
func (c *Conn) Send(ctx context.Context, call Call) error {
	if c.protocol != V21 {
		return fmt.Errorf("cannot send %s: %w: %w", call.Action, errNoSend, ErrNotSent)
	}
	if call.ID == "" {
		call.ID = uuid.NewString()
	}
	if err := checkID(call.ID); err != nil {
		return err
	}
	s := &outSend{frame: Frame{Type: TypeSend, ID: call.ID, Action: call.Action, Payload: call.Payload}, written: make(chan error, 1)}
	c.mu.Lock()
	switch {
	case c.closing != nil:
		c.mu.Unlock()
		return fmt.Errorf("%w: %w: %w", ErrClosed, ErrNotSent, context.Cause(c.life))
	case len(c.sends) >= c.opt.MaxQueued:
		c.mu.Unlock()
		return ErrCongested
	}
	c.sends = append(c.sends, s)
	c.mu.Unlock()
	c.stir()
	select {
	case err := <-s.written:
		return err
	case <-ctx.Done(): // it leaves all the same; nothing waits for it
		return ctx.Err()
	}
}

// RejectAnswer tells the peer by a CALLRESULTERROR (2.1) that its answer to our CALL
// of this id could not be used. Other versions have no word for that, there it does
// nothing.
func (c *Conn) RejectAnswer(id string, e *Error) {
	if c.protocol != V21 {
		return
	}
	c.enqueueAnswer(answer{received: time.Now(), frame: Frame{Type: TypeCallResultError, ID: id,
		Code: e.Code.For(c.protocol), Description: e.Description, Details: e.Details}})
}

func (c *Conn) writeSend(s *outSend) {
	if !c.writeFrame(s.frame) {
		s.written <- fmt.Errorf("%w: %w", ErrClosed, context.Cause(c.life))
		return
	}
	c.opt.Trace(TraceEntry{At: time.Now(), Out: true, Frame: s.frame, Action: s.frame.Action})
	s.written <- nil
}

// maxOwnID is the longest message id that a peer has to take (J16 §4.1.4, 2.0.1 Part 4
// §4.1.4).
const maxOwnID = 36

func checkID(id string) error {
	if len(id) > maxOwnID || id == "-1" { // that one answers what has no id
		return fmt.Errorf("cannot send: %q is no message id of 1 to %d characters: %w", clip(id, 2*maxOwnID), maxOwnID, ErrNotSent)
	}
	return nil
}
