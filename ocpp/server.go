package ocpp

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// Handshake is a charging station's wish to connect.
type Handshake struct {
	Identity string // last non-empty path segment, percent-decoded once
	// Offered are the subprotocols in the client's order, unknown ones too.
	Offered            []Protocol
	Username, Password string // Basic auth, raw bytes
	HasAuth            bool   // whether there was any
	// Profile is the security profile of the port on which it came: 1 (plain, for 0
	// and 1), 2 (TLS) or 3 (TLS with client certificates).
	Profile int
	Request *http.Request
}

// Admission decides a handshake before the upgrade. Status 0 or 101 admits.
type Admission struct {
	Status int    // 401, 403, 404, 429, 503 refuse
	Reason string // for people: what was wrong
	Remedy string // what to do about it
	// Protocols are permitted; the client's first permitted one is taken.
	Protocols []Protocol
	// Assume is used when the client offers no subprotocol at all; "" = complete the
	// handshake and close.
	Assume  Protocol
	Options Options
}

// Refusal is a handshake that led to no connection.
type Refusal struct {
	At               time.Time
	Identity, Remote string
	// Status of HTTP; 101: refused by closing after the handshake; 400 without an
	// Identity: the connection ended before it said who it is (TLS).
	Status         int
	Reason, Remedy string
	// Withheld counts the equal ones from this address before it that were not told.
	Withheld int
}

// ServerConfig is what a Server is made of.
type ServerConfig struct {
	// Admit decides; it may take its time (password hashing), others don't wait.
	Admit func(*Handshake) Admission
	// Opened is called once per connection after its registration and before its first
	// message is read; it must return at once. nil allowed.
	Opened func(*Conn)
	// Serve is called once per connection in its own goroutine, after registration. It
	// returns when it likes, but no later than Conn.Done plus a moment. nil allowed.
	Serve func(*Conn)
	// Refused is told every refusal with its reason and remedy; nil allowed.
	Refused func(Refusal)
	Logger  *slog.Logger
}

// serverMaxMessage is the default of Options.MaxMessage on this side.
const serverMaxMessage = 1 << 20

// Server accepts charging stations. It is an http.Handler for any path; don't put it
// behind a http.ServeMux, which answers an untidy path ("//") with a redirect that
// stations don't follow.
type Server struct {
	cfg    ServerConfig
	bursts bursts
	shared shared

	mu         sync.Mutex
	conns      map[string]*Conn
	swaps      map[string]*takeovers
	generation uint64
	closed     bool
	running    sync.WaitGroup
}

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, conns: map[string]*Conn{}, swaps: map[string]*takeovers{}}
}

// Conn is the live connection of identity, nil if there is none.
func (s *Server) Conn(identity string) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[identity]
}

// Close refuses new connections, closes all (1001) and waits until they have ended
// or ctx does. A connection ends within WriteTimeout plus two seconds.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	live := slices.Collect(maps.Values(s.conns))
	s.mu.Unlock()
	for _, c := range live {
		c.Close(websocket.CloseGoingAway, "the server is shutting down")
	}
	ended := make(chan struct{})
	go func() { // ends with the last connection, also if ctx ended before
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot close all connections in time: %w", ctx.Err())
	}
}

// ServeHTTP carries out one handshake; the connection then has goroutines of its own,
// and what it needs no longer (the request) is given up. Any path prefix is accepted.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		s.refuse(w, r, &Handshake{Request: r}, Admission{Status: http.StatusServiceUnavailable, Reason: "the server is shutting down",
			Remedy: "Wait: the charger tries again by itself."})
		return
	}
	defer s.running.Done()
	hs, refusal := readHandshake(r)
	if refusal.Status != 0 {
		s.refuse(w, r, hs, refusal)
		return
	}
	adm := s.cfg.Admit(hs)
	if adm.Status != 0 && adm.Status != http.StatusSwitchingProtocols {
		s.refuse(w, r, hs, adm)
		return
	}
	if refusal := s.checkTakeover(r.Context(), hs); refusal.Status != 0 {
		s.refuse(w, r, hs, refusal)
		return
	}
	s.upgrade(w, r, hs, adm)
}

// enter counts a handshake in, so that Close waits for it.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

func readHandshake(r *http.Request) (*Handshake, Admission) {
	hs := &Handshake{Request: r, Profile: profileOf(r)}
	hs.Username, hs.Password, hs.HasAuth = r.BasicAuth()
	for _, p := range websocket.Subprotocols(r) {
		hs.Offered = append(hs.Offered, Protocol(p))
	}
	identity, problem := identityOf(r.URL)
	hs.Identity = identity
	switch {
	case problem != "":
		return hs, Admission{Status: http.StatusNotFound, Reason: problem,
			Remedy: "Set the charger's backend URL to end with its identity, as ws://box:port/ocpp/CHARGER1."}
	case !websocket.IsWebSocketUpgrade(r):
		return hs, Admission{Status: http.StatusUpgradeRequired, Reason: "this address speaks OCPP over WebSocket only",
			Remedy: "Open the box's page at its own address; this one is for chargers."}
	case hs.HasAuth && hs.Username != hs.Identity:
		return hs, Admission{Status: http.StatusUnauthorized, Reason: "the user name is not the identity of the URL",
			Remedy: "Set the charger's user name to its identity, in the same spelling."}
	}
	return hs, Admission{}
}

// maxIdentity is that of 2.0.1's identifierString, held for 1.6 too.
const maxIdentity = 48

// identityOf finds the station's identity: the last path segment that is not empty.
func identityOf(u *url.URL) (identity, problem string) {
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if segment == "" {
			continue
		}
		text, err := url.PathUnescape(segment)
		if err != nil {
			return "", "the identity in the URL is not readable"
		}
		identity = text
	}
	switch {
	case identity == "":
		return "", "the URL has no identity"
	case utf8.RuneCountInString(identity) > maxIdentity:
		return clip(identity, maxIdentity), fmt.Sprintf("the identity in the URL is longer than %d characters", maxIdentity)
	case !utf8.ValidString(identity) || strings.ContainsFunc(identity, func(r rune) bool {
		return r == ':' || r == '/' || unicode.IsControl(r)
	}):
		return strings.ToValidUTF8(identity, "\uFFFD"), "the identity in the URL has a character that is not allowed"
	}
	return identity, ""
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, hs *Handshake, adm Admission) {
	if adm.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="OCPP"`)
	}
	http.Error(w, adm.Reason, adm.Status)
	s.report(r, hs, adm)
}

func (s *Server) report(r *http.Request, hs *Handshake, adm Admission) {
	now := time.Now()
	if withheld, yes := s.bursts.tell(hs.Identity+" "+host(r.RemoteAddr)+" "+adm.Reason, now); yes {
		s.cfg.Logger.Warn("charger refused", "station", hs.Identity, "remote", r.RemoteAddr, "status", adm.Status, "reason", adm.Reason, "withheld", withheld)
	}
	if s.cfg.Refused != nil {
		s.cfg.Refused(Refusal{At: now, Identity: hs.Identity, Remote: r.RemoteAddr, Status: adm.Status, Reason: adm.Reason, Remedy: adm.Remedy})
	}
}

// upgrade completes the handshake and runs the connection.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, hs *Handshake, adm Admission) {
	protocol := hs.Choose(adm.Protocols, adm.Assume)
	header := http.Header{}
	if protocol != "" && len(hs.Offered) > 0 {
		header.Set("Sec-WebSocket-Protocol", string(protocol))
	}
	up := websocket.Upgrader{
		HandshakeTimeout: 10 * time.Second,
		ReadBufferSize:   readBuffer,
		WriteBufferPool:  &s.shared.frames,
		// The version is known by now, so that this is decided for each handshake.
		EnableCompression: deflates(protocol) && acceptable(r.Header),
		// Stations are no browsers; some send any Origin.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	ws, err := up.Upgrade(w, r, header)
	if err != nil {
		s.report(r, hs, Admission{Status: http.StatusBadRequest, Reason: "the WebSocket handshake failed: " + err.Error(),
			Remedy: "Check the charger's firmware and any proxy between it and the box."})
		return
	}
	if protocol == "" {
		// The handshake is completed without a protocol, then closed (J16 §3.1.2).
		s.closeUnserved(ws)
		s.report(r, hs, Admission{Status: http.StatusSwitchingProtocols,
			Reason: fmt.Sprintf("no common OCPP version: the charger offers %v, permitted are %v", hs.Offered, adm.Protocols),
			Remedy: "Set the charger to a permitted OCPP version, or permit the one it offers."})
		return
	}
	c := newConn(ws, adm.Options.withDefaults(serverMaxMessage), &s.shared)
	c.identity, c.protocol, c.remote, c.credential = hs.Identity, protocol, r.RemoteAddr, credential(r, hs)
	c.faults = &s.bursts
	s.serve(c)
}

func (s *Server) closeUnserved(ws *websocket.Conn) {
	deadline := time.Now().Add(closeGrace)
	msg := websocket.FormatCloseMessage(websocket.CloseProtocolError, "no common OCPP version")
	if ws.WriteControl(websocket.CloseMessage, msg, deadline) == nil {
		_ = ws.SetReadDeadline(deadline)
		_, _, _ = ws.NextReader() // the peer's goodbye, or whatever it says instead
	}
	_ = ws.Close()
}

// serve registers the connection in the place of an older one and has it run.
func (s *Server) serve(c *Conn) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.closeUnserved(c.ws)
		return
	}
	s.generation++
	c.generation = s.generation
	old := s.conns[c.identity]
	s.conns[c.identity] = c
	if old != nil {
		s.countTakeover(c.identity, host(old.remote), host(c.remote))
	}
	s.mu.Unlock()
	if old != nil {
		old.end(websocket.ClosePolicyViolation, "replaced by a newer connection", fmt.Errorf("replaced by a newer connection from %s", c.remote))
	}
	if s.cfg.Opened != nil {
		s.cfg.Opened(c)
	}
	if s.cfg.Serve != nil {
		s.running.Go(func() { s.cfg.Serve(c) })
	}
	s.running.Add(1) // the handshake still counts
	c.start(func() {
		defer s.running.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conns[c.identity] == c {
			delete(s.conns, c.identity)
		}
	})
}

// host is an address without its port.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
