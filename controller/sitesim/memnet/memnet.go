// Package memnet is a network inside one process: listeners and buffered,
// full-duplex connections that honour deadlines. The whole box and all its
// simulators run over it in virtual time (testing/synctest), where a wait for a
// real socket would stop the clock.
//
// A connection keeps up to bufferSize bytes per direction, as a kernel's socket
// buffers do; without that, two peers that write at the same moment would wait
// for each other for ever. All methods may be called from any goroutine. The
// package knows nothing of OCPP, Modbus or a site.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// bufferSize is what one direction of a connection holds before Write waits.
const bufferSize = 256 << 10

// Network is a set of listeners by address. The zero value is not usable.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	cut       map[string]bool
	conns     map[*conn]string // dialled side and the address it went to
}

// New returns an empty network.
func New() *Network {
	return &Network{listeners: map[string]*listener{}, cut: map[string]bool{}, conns: map[*conn]string{}}
}

// Listen opens addr ("host:port", compared as text). It fails when addr is taken.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Err: syscall.EADDRINUSE}
	}
	l := &listener{net: n, addr: address(addr), backlog: make(chan net.Conn, 128), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// DialContext connects to addr; its signature fits net/http, gorilla and our
// own dialers. An address without listener, or one that is cut, refuses at once.
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l, cut := n.listeners[addr], n.cut[addr]
	n.mu.Unlock()
	if l == nil || cut {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: address(addr), Err: syscall.ECONNREFUSED}
	}
	near, far := pair(address("dialler"), address(addr))
	near.forget = func() {
		n.mu.Lock()
		delete(n.conns, near)
		n.mu.Unlock()
	}
	select {
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: address(addr), Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	case l.backlog <- far:
	}
	n.mu.Lock()
	n.conns[near] = addr
	n.mu.Unlock()
	return near, nil
}

// Host is one machine's attachment: what it listens on and dials, so that it can be
// taken off the network as a whole.
type Host struct {
	net *Network

	mu        sync.Mutex
	gone      bool
	listeners []net.Listener
	conns     []*conn
}

// Host returns a new machine.
func (n *Network) Host() *Host { return &Host{net: n} }

// Listen opens addr for the host.
func (h *Host) Listen(addr string) (net.Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return nil, net.ErrClosed
	}
	l, err := h.net.Listen(addr)
	if err == nil {
		l = &hosted{Listener: l, host: h}
		h.listeners = append(h.listeners, l)
	}
	return l, err
}

// DialContext connects from the host.
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := h.net.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return h.keep(c)
}

func (h *Host) keep(c net.Conn) (net.Conn, error) {
	own, ok := c.(*conn)
	if !ok {
		return c, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		own.reset()
		return nil, net.ErrClosed
	}
	h.conns = append(h.conns, own)
	return c, nil
}

// Unplug takes the host off the network for ever: its connections break on both
// sides, its addresses are free for another host.
func (h *Host) Unplug() {
	h.mu.Lock()
	h.gone = true
	conns, listeners := h.conns, h.listeners
	h.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, c := range conns {
		c.reset()
	}
}

// hosted is a listener whose connections belong to a host.
type hosted struct {
	net.Listener
	host *Host
}

// Accept keeps what it accepts.
func (l *hosted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.host.keep(c)
}

// Cut breaks every connection to addr and refuses new ones until Mend.
func (n *Network) Cut(addr string) {
	n.mu.Lock()
	n.cut[addr] = true
	var broken []*conn
	for c, to := range n.conns {
		if to == addr {
			broken = append(broken, c)
		}
	}
	n.mu.Unlock()
	for _, c := range broken {
		c.reset()
	}
}

// Mend lets new connections to addr through again.
func (n *Network) Mend(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cut, addr)
}

type address string

func (a address) Network() string { return "mem" }
func (a address) String() string  { return string(a) }

type listener struct {
	net     *Network
	addr    address
	backlog chan net.Conn
	once    sync.Once
	done    chan struct{}
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.net.mu.Lock()
		if l.net.listeners[string(l.addr)] == l {
			delete(l.net.listeners, string(l.addr))
		}
		l.net.mu.Unlock()
		for {
			select {
			case c := <-l.backlog:
				_ = c.Close()
			default:
				return
			}
		}
	})
	return nil
}

// ErrReset is what both ends of a broken connection read and write.
var ErrReset = fmt.Errorf("memnet: %w", syscall.ECONNRESET)

var errWriteClosed = errors.New("memnet: write on closed connection")
