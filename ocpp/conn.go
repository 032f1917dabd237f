package ocpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

// Conn is one OCPP-J connection, of either end. Its goroutines (reader, writer, and one
// more while a CALL is slow) have ended when Done is closed.
type Conn struct {
	ws         *websocket.Conn
	opt        Options
	identity   string
	protocol   Protocol
	remote     string
	credential string // of the handshake; compared when a second socket comes
	generation uint64

	// life ends with the first cause. It is kept here because the connection is the
	// only owner of this lifetime.
	life   context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}

	faults  *bursts // thins out the log
	known   answers // of who handles CALLs
	garbage int     // of who reads: unreadable messages in a row
	over    func()
	shared  *shared
	place   int           // in shared.watch
	wake    chan struct{} // 1: the writer has something to look at

	mu       sync.Mutex
	running  int        // goroutines
	handling bool       // a CALL is being handled
	relieved bool       // and that by a goroutine that no longer reads
	inbound  []*Request // wait for it
	urgent   []*pending // waiting CALLs that go first
	waiting  []*pending
	writing  bool     // somebody writes a frame: the writer, or who handles a CALL its answer
	open     *pending // the one CALL whose answer is due
	answers  []answer // go before CALLs
	sends    []*outSend
	last     struct{ id, action string } // of the answer written last
	control  []control
	closing  *control  // the close frame, once closing has begun
	heardAt  time.Time // of the newest message, ping or pong
	ponged   bool
	probes   []chan struct{} // closed at the next sign of life
}

// pending is an outbound CALL from Call's entry to its end.
type pending struct {
	call     Call
	deadline time.Time // once written
	written  time.Time // zero until the frame has left
	early    *outcome  // an answer that came before the write returned
	result   chan outcome
}

type outcome struct {
	payload json.RawMessage
	err     error
}

// answer is an outbound answer; written is told whether it left.
type answer struct {
	frame    Frame
	action   string
	received time.Time
	written  chan bool
}

type control struct {
	kind int // websocket.PingMessage, PongMessage, CloseMessage
	data []byte
}

func newConn(ws *websocket.Conn, opt Options, s *shared) *Conn {
	life, cancel := context.WithCancelCause(context.Background())
	return &Conn{
		ws: ws, opt: opt, remote: ws.RemoteAddr().String(),
		life: life, cancel: cancel, faults: &bursts{}, done: make(chan struct{}),
		wake: make(chan struct{}, 1), shared: s,
	}
}

// start has the connection work. over is called when it has ended and all its goroutines
// with it; nil allowed.
func (c *Conn) start(over func()) {
	c.over, c.running = over, 2
	c.prepareReading()
	go func() {
		defer c.leave()
		c.readLoop()
	}()
	go func() {
		defer c.leave()
		c.writeLoop()
	}()
}

// leave ends one of the connection's goroutines. The last one ends the connection.
func (c *Conn) leave() {
	c.mu.Lock()
	c.running--
	last := c.running == 0
	c.mu.Unlock()
	if !last {
		return
	}
	_ = c.ws.Close()
	close(c.done)
	if c.over != nil {
		c.over()
	}
}

// Identity is the charging station's identity, from the URL.
func (c *Conn) Identity() string { return c.identity }

// Protocol is the version this connection speaks.
func (c *Conn) Protocol() Protocol { return c.protocol }

// Remote is the peer's network address.
func (c *Conn) Remote() string { return c.remote }

// Generation grows with each connection of one Server; a client's is the one its
// owner gave it.
func (c *Conn) Generation() uint64 { return c.generation }

// Pongs tells whether the peer has ever answered a ping of ours. One that never does
// ("no_ping") is judged by its messages alone, see Options.MaxSilence.
func (c *Conn) Pongs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ponged
}

// Done is closed when the connection has ended and its goroutines with it.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended; nil before Done.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return context.Cause(c.life)
	default:
		return nil
	}
}

// Close ends the connection with a close frame and returns at once; Done tells when
// it is over.
func (c *Conn) Close(code int, reason string) {
	c.end(code, reason, fmt.Errorf("closed here: %d %s", code, reason))
}

// end begins the close, once: all CALLs fail at once, then the writer says goodbye.
// code 0 sends no close frame.
func (c *Conn) end(code int, reason string, cause error) {
	c.mu.Lock()
	if c.closing != nil {
		c.mu.Unlock()
		return
	}
	c.closing = &control{kind: websocket.CloseMessage}
	if code != 0 {
		c.closing.data = websocket.FormatCloseMessage(code, clip(reason, 100))
	}
	unsent := slices.Concat(c.urgent, c.waiting)
	open, answers, sends := c.open, c.answers, c.sends
	c.urgent, c.waiting, c.open, c.answers, c.sends = nil, nil, nil, nil, nil
	c.mu.Unlock()

	c.cancel(cause)
	for _, p := range unsent {
		p.result <- outcome{err: fmt.Errorf("%w: %w: %w", ErrClosed, ErrNotSent, cause)}
	}
	if open != nil {
		open.result <- outcome{err: fmt.Errorf("%w: %w", ErrClosed, cause)}
	}
	for _, a := range answers {
		a.done(false)
	}
	for _, s := range sends {
		s.written <- fmt.Errorf("%w: %w: %w", ErrClosed, ErrNotSent, cause)
	}
	// A write that waits for a peer that no longer reads is cut short.
	_ = c.ws.NetConn().SetWriteDeadline(time.Now().Add(closeGrace))
	c.stir()
}

// closeGrace is how long the goodbye may take in either direction.
const closeGrace = time.Second

func (a *answer) done(written bool) {
	if a.written != nil {
		a.written <- written
	}
}

// stir makes the writer look at what there is to do.
func (c *Conn) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Call sends a CALL when its turn comes and waits for the answer.
//
// Errors: *Error is the peer's CALLERROR; ErrCongested, the queue is full;
// ErrTimeout, written but not answered; ErrUnusable, answered with what is no answer;
// ErrClosed, wrapped with the cause; the
// error of ctx. errors.Is(err, ErrNotSent) tells that the frame certainly never
// left. A ctx that ends before the frame is written takes the call out of the
// queue; after that its late answer is dropped, and the next CALL still waits for
// it or for the time-out.
func (c *Conn) Call(ctx context.Context, call Call) (json.RawMessage, error) {
	if call.ID == "" {
		call.ID = uuid.NewString()
	}
	if err := checkID(call.ID); err != nil {
		return nil, err
	}
	if call.Timeout == 0 {
		call.Timeout = c.opt.CallTimeout
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrNotSent)
	}
	p := &pending{call: call, result: make(chan outcome, 1)}
	if err := c.enqueue(p); err != nil {
		return nil, err
	}
	select {
	case r := <-p.result:
		return r.payload, r.err
	case <-ctx.Done():
	}
	if c.withdraw(p) {
		return nil, fmt.Errorf("%w: %w", ctx.Err(), ErrNotSent)
	}
	select {
	case r := <-p.result: // it came just now
		return r.payload, r.err
	default:
		return nil, ctx.Err()
	}
}

func (c *Conn) enqueue(p *pending) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return fmt.Errorf("%w: %w: %w", ErrClosed, ErrNotSent, context.Cause(c.life))
	}
	queue := &c.waiting
	if p.call.Urgent {
		queue = &c.urgent
	}
	if len(*queue) >= c.opt.MaxQueued {
		return ErrCongested
	}
	*queue = append(*queue, p)
	c.stir()
	return nil
}

// withdraw takes p out of the queue; false if it is no longer there.
func (c *Conn) withdraw(p *pending) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, queue := range []*[]*pending{&c.urgent, &c.waiting} {
		if i := slices.Index(*queue, p); i >= 0 {
			*queue = slices.Delete(*queue, i, i+1)
			return true
		}
	}
	return false
}

// alive pings the peer and tells whether it gave any sign of life within wait.
func (c *Conn) alive(ctx context.Context, wait time.Duration) bool {
	sign := make(chan struct{})
	c.mu.Lock()
	if c.closing != nil {
		c.mu.Unlock()
		return false
	}
	c.probes = append(c.probes, sign)
	c.control = append(c.control, control{kind: websocket.PingMessage})
	c.mu.Unlock()
	c.stir()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-sign:
		return true
	case <-timer.C:
	case <-ctx.Done():
	case <-c.life.Done():
	}
	return false
}

// hear notes a sign of life.
func (c *Conn) hear(now time.Time, pong bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heardAt = now
	c.ponged = c.ponged || pong
	for _, sign := range c.probes {
		close(sign)
	}
	c.probes = nil
}

// ioCause words an error of the socket.
func ioCause(doing string, err error) error {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		if closed.Code == websocket.CloseAbnormalClosure {
			return errors.New("the peer closed the socket without saying goodbye")
		}
		return fmt.Errorf("the peer closed: %d %s", closed.Code, closed.Text)
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return fmt.Errorf("cannot %s: the peer is too slow", doing)
	}
	return fmt.Errorf("cannot %s: %w", doing, err)
}
