package ocpp

import (
	"context"
	"encoding/json"
	"fmt"
)

// Role is who sends an action.
type Role uint8

// The roles.
const (
	ChargingStation Role = 1
	CSMS            Role = 2
	Both            Role = 3
)

// Action names a message pair with its types. From is who sends the request, Since the
// first version that has it; "" is every version of its package.
type Action[Req, Resp any] struct {
	Name  string
	From  Role
	Since Protocol
}

// Notice names a message that has no response (SEND, 2.1).
type Notice[Msg any] struct {
	Name  string
	From  Role
	Since Protocol
}

// Send writes msg and waits for nothing but that. One that breaks the rules of its type
// is not sent; the error is then its *Violation and ErrNotSent. Otherwise the errors
// are those of Conn.Send.
func (n Notice[Msg]) Send(ctx context.Context, c *Conn, msg Msg) error {
	if err := validate(&msg, c.Protocol()); err != nil {
		return fmt.Errorf("cannot send %s: %w: %w", n.Name, err, ErrNotSent)
	}
	raw, err := json.Marshal(msg)
	if err != nil {
		return fmt.Errorf("cannot send %s: %w: %w", n.Name, err, ErrNotSent)
	}
	return c.Send(ctx, Call{Action: n.Name, Payload: raw})
}

// validate checks a generated message by the rules of version p; types of one version
// know only theirs.
func validate(v any, p Protocol) error {
	switch v := v.(type) {
	case interface{ ValidateFor(p Protocol) error }:
		return v.ValidateFor(p)
	case interface{ Validate() error }:
		return v.Validate()
	}
	return nil
}

// spoken is the version that c speaks, if it tells: a *Conn does. Otherwise messages
// are taken by the rules of the newest.
func spoken(c Caller) Protocol {
	if c, ok := c.(interface{ Protocol() Protocol }); ok {
		return c.Protocol()
	}
	return V21
}

// Call sends req and waits for its answer. A request that breaks the rules of its
// type is not sent; the error is then its *Violation and ErrNotSent. The answer is
// read leniently: what can't be read of it stays zero, and it is not validated.
// Otherwise the errors are those of Conn.Call.
func (a Action[Req, Resp]) Call(ctx context.Context, c Caller, req Req, opts ...func(*Call)) (Resp, error) {
	var resp Resp
	if err := validate(&req, spoken(c)); err != nil {
		return resp, fmt.Errorf("cannot send %s: %w: %w", a.Name, err, ErrNotSent)
	}
	raw, err := json.Marshal(req)
	if err != nil {
		return resp, fmt.Errorf("cannot send %s: %w: %w", a.Name, err, ErrNotSent)
	}
	call := Call{Action: a.Name, Payload: raw}
	for _, opt := range opts {
		opt(&call)
	}
	answer, err := c.Call(ctx, call)
	if err != nil {
		return resp, err
	}
	if _, err = DecodeLenient(answer, &resp); err != nil {
		return resp, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return resp, nil
}

// Lenience is how a Mux reads requests.
type Lenience uint8

// The ways to read.
const (
	// Strict refuses what its type does not allow; on 2.x also unknown members.
	Strict Lenience = iota
	// Lenient, for chargers, takes what can be read (DecodeLenient) and does not
	// validate: the handler decides what it can do with it.
	Lenient
)

// Mux is a Handler that routes by action. Routes are added before it serves; after
// that it may be used by any number of connections.
type Mux struct {
	// Lenience is how requests are read.
	Lenience Lenience
	// Problems is told what a lenient reading had to leave out; it must return at once.
	// nil allowed.
	Problems func(c *Conn, r *Request, problems []string)

	known  func(action string) (Role, bool)
	routes map[string]HandlerFunc
}

var _ Handler = (*Mux)(nil)

// NewMux makes an empty Mux. known is the version's list of actions: one that it
// does not have is answered NotImplemented, one without a route NotSupported.
func NewMux(known func(action string) (Role, bool)) *Mux {
	return &Mux{known: known, routes: map[string]HandlerFunc{}}
}

// Raw routes an action to a handler that reads the payload itself.
func (m *Mux) Raw(action string, f HandlerFunc) { m.routes[action] = f }

// HandleCall implements Handler.
func (m *Mux) HandleCall(ctx context.Context, c *Conn, r *Request) (json.RawMessage, error) {
	if f := m.routes[r.Action]; f != nil {
		return f(ctx, c, r)
	}
	if _, ok := m.known(r.Action); ok {
		return nil, Errorf(CodeNotSupported, "%s is not supported here", r.Action)
	}
	return nil, Errorf(CodeNotImplemented, "%s is not known", r.Action)
}

// Handle routes an action to a typed handler. Its answer is validated before it is
// sent; one that breaks its type's rules becomes InternalError.
func Handle[Req, Resp any](m *Mux, a Action[Req, Resp], f func(ctx context.Context, c *Conn, req Req, r *Request) (Resp, error)) {
	m.routes[a.Name] = func(ctx context.Context, c *Conn, r *Request) (json.RawMessage, error) {
		if c.Protocol() < a.Since {
			return nil, Errorf(CodeNotImplemented, "%s is not known to %s", a.Name, c.Protocol())
		}
		var req Req
		if err := m.read(c, r, &req); err != nil {
			return nil, err
		}
		resp, err := f(ctx, c, req, r)
		if err != nil {
			return nil, err
		}
		if err := validate(&resp, c.Protocol()); err != nil {
			return nil, fmt.Errorf("cannot answer %s: %s", a.Name, err.Error())
		}
		return json.Marshal(resp)
	}
}

// HandleNotice routes a message without a response to a typed handler.
func HandleNotice[Msg any](m *Mux, n Notice[Msg], f func(ctx context.Context, c *Conn, msg Msg, r *Request) error) {
	a := Action[Msg, struct{}](n)
	Handle(m, a, func(ctx context.Context, c *Conn, msg Msg, r *Request) (struct{}, error) {
		return struct{}{}, f(ctx, c, msg, r)
	})
}

func (m *Mux) read(c *Conn, r *Request, req any) error {
	if m.Lenience == Lenient {
		problems, err := r.DecodeLenient(req)
		if len(problems) > 0 && m.Problems != nil {
			m.Problems(c, r, problems)
		}
		return err
	}
	if err := DecodeStrict(r.Payload, req, c.Protocol() != V16); err != nil {
		return err
	}
	return validate(req, c.Protocol())
}
