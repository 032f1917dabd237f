package ocpp

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// Call is an outbound CALL.
type Call struct {
	ID      string // messageId; "" = a fresh UUIDv4. Whoever repeats a stored call repeats its id
	Action  string
	Payload json.RawMessage // nil = {}
	// Urgent goes before all waiting calls that are not urgent.
	Urgent bool
	// Timeout of the answer, counted from the moment the frame was written; 0 =
	// Options.CallTimeout.
	Timeout time.Duration
	// Sent is told when the frame was written, from the connection's writer and always
	// before Call returns; it must return at once. nil allowed.
	Sent func(time.Time)
}

// Caller sends CALLs. *Conn implements it.
type Caller interface {
	Call(ctx context.Context, c Call) (json.RawMessage, error)
}

// Request is an inbound CALL (or, on 2.1, a SEND, whose answer is dropped).
type Request struct {
	ID, Action string
	Payload    json.RawMessage
	Received   time.Time

	send    bool // nobody waits for an answer
	checked bool // Payload is known to be JSON
	after   []func()
}

// After registers f to run after the answer was written, where the CALL was handled,
// and before the next CALL is handled. It does not run for a repeated CALL that is
// answered from the cache, nor if the answer could not be written.
func (r *Request) After(f func()) { r.after = append(r.after, f) }

// Handler answers inbound CALLs, one after the other per connection, in the order of
// arrival, on a goroutine of the connection. A returned *Error becomes that CALLERROR, a
// *Violation its own one, any other error InternalError. ctx ends with the
// connection.
type Handler interface {
	HandleCall(ctx context.Context, c *Conn, r *Request) (json.RawMessage, error)
}

// HandlerFunc is a Handler.
type HandlerFunc func(ctx context.Context, c *Conn, r *Request) (json.RawMessage, error)

// HandleCall calls f.
func (f HandlerFunc) HandleCall(ctx context.Context, c *Conn, r *Request) (json.RawMessage, error) {
	return f(ctx, c, r)
}

// Options of a connection. The zero value is usable: each field names its default.
type Options struct {
	// Handler answers inbound CALLs; nil: all are answered NotSupported.
	Handler Handler
	// CallTimeout is how long the answer of a CALL may take: 30 s.
	CallTimeout time.Duration
	// PingInterval: 30 s, < 0 off. Two misses end the connection; a peer that never
	// answered any ping but sends messages is given MaxSilence.
	PingInterval time.Duration
	// MaxSilence ends a connection whose peer has never answered a ping when nothing at
	// all came for so long: 20 ping intervals.
	MaxSilence time.Duration
	// WriteTimeout is how long one frame may take to leave: 10 s.
	WriteTimeout time.Duration
	// MaxMessage bounds an inbound message after inflating, in bytes: 1 MiB on the
	// server's side, 4 MiB on the client's.
	MaxMessage int64
	// MaxQueued bounds the outbound CALLs that may wait: 64, and as many urgent ones.
	MaxQueued int
	// MaxPipelined bounds the inbound CALLs that may wait: 32; more close the connection.
	MaxPipelined int
	// Repair reads a frame that is not JSON because values are missing
	// ("transactionId":,) as if they were null. Some chargers do that.
	Repair bool
	// Loose marks a connection that may send what no schema allows: of tests, and of
	// simulators that misbehave. The tap (tap.go) leaves it alone.
	Loose bool
	// Trace sees every message both ways; it must return at once. nil allowed.
	Trace  func(TraceEntry)
	Logger *slog.Logger
}

// TraceEntry is one message of a connection.
type TraceEntry struct {
	At    time.Time
	Out   bool
	Frame Frame
	// Action is that of the CALL; an answer has the action it belongs to.
	Action string
	// Latency of an answer, counted from its CALL.
	Latency time.Duration
	Err     string // why the message was dropped, or not read
}

func (o Options) withDefaults(maxMessage int64) Options {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&o.CallTimeout, 30*time.Second)
	def(&o.PingInterval, 30*time.Second)
	def(&o.MaxSilence, 20*o.PingInterval)
	def(&o.WriteTimeout, 10*time.Second)
	if o.MaxMessage == 0 {
		o.MaxMessage = maxMessage
	}
	if o.MaxQueued == 0 {
		o.MaxQueued = 64
	}
	if o.MaxPipelined == 0 {
		o.MaxPipelined = 32
	}
	if o.Handler == nil {
		o.Handler = HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			return nil, Errorf(CodeNotSupported, "%s is not supported here", r.Action)
		})
	}
	if o.Trace == nil {
		o.Trace = func(TraceEntry) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
