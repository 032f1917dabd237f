package ocppsim

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ghostLife is how long the CSMS may believe in a connection that nobody serves.
const ghostLife = 10 * time.Minute

// gate is a charger's end of a network connection that can be frozen: from then on
// nothing passes either way and the other end is not even told of the close, as after
// a power cut or behind a router that forgot the connection.
type gate struct {
	net.Conn
	frozen atomic.Bool
	mute   bool // pongs don't leave
}

func (g *gate) Read(p []byte) (int, error) {
	for {
		n, err := g.Conn.Read(p)
		if err != nil || !g.frozen.Load() {
			return n, err
		}
	}
}

func (g *gate) Write(p []byte) (int, error) {
	if g.frozen.Load() || g.mute && len(p) > 0 && p[0] == pongFrame {
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// pongFrame is the first byte of a pong (RFC 6455 5.2); a frame is written at once.
const pongFrame = 0x8a

// Close ends this side; of a frozen connection the other side hears nothing.
func (g *gate) Close() error {
	if g.frozen.Load() {
		return g.SetDeadline(time.Unix(1, 0)) // ends a waiting Read
	}
	return g.Conn.Close()
}

// gates are the connections of one charger.
type gates struct {
	mute   bool // of all its connections
	mu     sync.Mutex
	last   *gate
	ghosts []*gate
}

// dial opens a connection through a gate.
func (g *gates) dial(ctx context.Context, open func(context.Context, string, string) (net.Conn, error), network, addr string) (net.Conn, error) {
	if open == nil {
		open = new(net.Dialer).DialContext
	}
	conn, err := open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = &gate{Conn: conn, mute: g.mute}
	return g.last, nil
}

func (g *gates) freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	ghost := g.last
	if ghost == nil || ghost.frozen.Swap(true) {
		return
	}
	g.ghosts = append(g.ghosts, ghost)
	time.AfterFunc(ghostLife, func() { _ = ghost.Conn.Close() })
}

// end closes what is left; the charger has stopped.
func (g *gates) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ghost := range g.ghosts {
		_ = ghost.Conn.Close()
	}
	g.ghosts = nil
}

// Freeze makes the present connection half open: nothing passes any more and the CSMS
// is told nothing. The charger finds out by its own pings and dials again. Freeze and
// then Kill is a power cut as the CSMS sees one.
func (c *Charger) Freeze() { c.gates.freeze() }
