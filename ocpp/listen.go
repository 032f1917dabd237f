package ocpp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// tlsHandshakeTime is how long the TLS handshake may take; small chargers need
// seconds for their side of it.
const tlsHandshakeTime = 15 * time.Second

// maxHandshakes bounds the TLS handshakes under way on one port.
const maxHandshakes = 512

// profileKey is where a request says the security profile of its port.
type profileKey struct{}

// Port is the handler of the port of one security profile (A00.FR.001): 1 for plain
// ws (with or without a password, profiles 0 and 1), 2 for TLS, 3 for TLS with client
// certificates. Handshake.Profile tells it to Admit.
func (s *Server) Port(profile int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), profileKey{}, profile)))
	})
}

// profileOf is the profile of the port on which r came, or what its TLS looks like on
// a port that does not say.
func profileOf(r *http.Request) int {
	if profile, ok := r.Context().Value(profileKey{}).(int); ok {
		return profile
	}
	switch {
	case r.TLS == nil:
		return 1
	case len(r.TLS.VerifiedChains) == 0:
		return 2
	}
	return 3
}

// Listen puts TLS upon l: its connections have done their TLS handshake when a
// http.Server gets them, and those that fail become Refusals that say what an
// installer can do, at most one a minute for each address and reason. With config nil
// it is a plain port, on which a charger that tries TLS is told of in the same way.
// The returned listener owns l; its Close waits for the handshakes under way.
func (s *Server) Listen(l net.Listener, config *tls.Config) net.Listener {
	if config == nil {
		return &plainListener{Listener: l, srv: s}
	}
	t := &tlsListener{
		Listener: l, srv: s, config: config,
		ready: make(chan net.Conn), slots: make(chan struct{}, maxHandshakes), over: make(chan struct{}),
	}
	// The listener is the only owner of this lifetime.
	t.life, t.cancel = context.WithCancel(context.Background())
	t.running.Go(t.acceptAll)
	return t
}

// tlsListener does the handshakes beside one another, each in its own goroutine.
type tlsListener struct {
	net.Listener
	srv     *Server
	config  *tls.Config
	ready   chan net.Conn
	slots   chan struct{}
	over    chan struct{} // closed when nothing more is accepted, for cause
	cause   error
	life    context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (t *tlsListener) Accept() (net.Conn, error) {
	select {
	case c := <-t.ready:
		return c, nil
	case <-t.over:
		return nil, t.cause
	}
}

func (t *tlsListener) Close() error {
	t.cancel()
	err := t.Listener.Close()
	t.running.Wait()
	return err
}

func (t *tlsListener) acceptAll() {
	defer close(t.over)
	for pause := time.Duration(0); ; {
		conn, err := t.Listener.Accept()
		if err == nil {
			pause = 0
			t.begin(conn)
			continue
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ECONNABORTED) {
			t.cause = err
			return
		}
		// Out of descriptors is over when some are given back.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		t.srv.cfg.Logger.Warn("cannot accept a connection", "err", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-t.life.Done():
		}
	}
}

func (t *tlsListener) begin(conn net.Conn) {
	select {
	case t.slots <- struct{}{}:
	case <-t.life.Done():
		_ = conn.Close()
		return
	}
	t.running.Go(func() {
		defer func() { <-t.slots }()
		t.handshake(conn)
	})
}

func (t *tlsListener) handshake(conn net.Conn) {
	ctx, cancel := context.WithTimeout(t.life, tlsHandshakeTime)
	defer cancel()
	heard := &heardConn{Conn: conn}
	secure := tls.Server(heard, t.config)
	if err := secure.HandshakeContext(ctx); err != nil {
		t.fail(heard, err)
		return
	}
	select {
	case t.ready <- secure:
	case <-t.life.Done():
		_ = conn.Close()
	}
}

// fail says goodbye to a client that could not do our TLS, and tells why. One that
// never said a word is a probe of the port, no charger.
func (t *tlsListener) fail(conn *heardConn, err error) {
	defer conn.Close()
	if t.life.Err() != nil || !conn.heard {
		return
	}
	reason, remedy := tlsFault(err)
	t.srv.reportEarly(conn.RemoteAddr().String(), reason, remedy)
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks TLS only: use wss:// in the address.\n"))
	}
}

// heardConn remembers whether the peer ever said anything. It is used by one
// goroutine until its handshake is over.
type heardConn struct {
	net.Conn
	heard bool
}

func (c *heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.heard = c.heard || n > 0
	return n, err
}

// plainListener notices clients that try TLS and those whose request is none.
type plainListener struct {
	net.Listener
	srv *Server
}

func (p *plainListener) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &plainConn{Conn: conn, srv: p.srv}, nil
}

// plainConn looks at the first byte its peer says and at the first answer.
type plainConn struct {
	net.Conn
	srv          *Server
	first, reply sync.Once
	tls          bool // set by first
}

// recordHandshake is how a TLS connection begins.
const recordHandshake = 22

func (c *plainConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.first.Do(func() {
			if c.tls = b[0] == recordHandshake; c.tls {
				c.srv.reportEarly(c.RemoteAddr().String(), "the charger tries TLS on the port without TLS",
					"Set the charger's backend URL to the port for wss://, or to ws:// if it is to use this one.")
			}
		})
	}
	return n, err
}

// badRequest is what net/http writes by itself to a request that it can't read; no
// handler sees such a one.
const badRequest = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"

func (c *plainConn) Write(b []byte) (int, error) {
	c.reply.Do(func() {
		if bytes.HasPrefix(b, []byte(badRequest)) && !c.tls {
			c.srv.reportEarly(c.RemoteAddr().String(), "the charger's HTTP request can't be read: "+string(b[len(badRequest):]),
				"Look for blanks, % and other special characters in the charger's backend URL and identity; an identity of letters, digits, - and _ always works.")
		}
	})
	return c.Conn.Write(b)
}
