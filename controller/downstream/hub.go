package downstream

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// Loop is what the Hub needs of the controller.
type Loop interface {
	Post(ev controller.Event) error
	Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error)
}

var _ Loop = (*controller.Loop)(nil)

// Charger is a configured charger's access.
type Charger struct {
	ID       string
	Password string // Basic auth; "" where none is asked for (profiles 0 and 3)
}

// Config is what a Hub is made of.
type Config struct {
	Loop     Loop
	Chargers []Charger
	// Onboarding is "approve", "closed" or "open" (decision 25).
	Onboarding string
	// Known tells whether the Site knows a charger that is not among Chargers: one that
	// was let in at the door. nil: none.
	Known func(id string) bool
	// MeterInterval is how often chargers are asked to meter (10 s).
	MeterInterval time.Duration
	// OnLimitSent is told when the frame of a setpoint was written; nil allowed.
	OnLimitSent func(seq controller.Seq, at time.Time)
	// Trace sees every message of every charger; nil allowed.
	Trace   func(station string, e ocpp.TraceEntry)
	Refused func(ocpp.Refusal) // every refused handshake; nil allowed
	Logger  *slog.Logger
}

// Hub is the chargers' side of the box: an http.Handler for their WebSockets and the
// controller.Adapter of their effects.
type Hub struct {
	cfg      Config
	chargers map[string]Charger
	server   *ocpp.Server

	mu       sync.Mutex
	sessions map[controller.StationID]*session
	unknown  int // sockets of unknown chargers
	closed   bool
	reports  sync.WaitGroup
}

var (
	_ controller.Adapter = (*Hub)(nil)
	_ http.Handler       = (*Hub)(nil)
)

// maxUnknown bounds the sockets of chargers that wait to be let in.
const maxUnknown = 32

// New makes a Hub.
func New(cfg Config) *Hub {
	if cfg.MeterInterval == 0 {
		cfg.MeterInterval = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{cfg: cfg, chargers: map[string]Charger{}, sessions: map[controller.StationID]*session{}}
	for _, c := range cfg.Chargers {
		h.chargers[c.ID] = c
	}
	h.server = ocpp.NewServer(ocpp.ServerConfig{Admit: h.admit, Opened: h.opened, Serve: h.serve, Refused: h.refused, Logger: cfg.Logger})
	return h
}

// ServeHTTP takes chargers' connections; any path prefix is accepted.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.server.ServeHTTP(w, r) }

// Close ends all connections and waits for them.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	err := h.server.Close(ctx)
	h.reports.Wait()
	return err
}

func (h *Hub) refused(r ocpp.Refusal) {
	h.cfg.Logger.Warn("charger refused", "station", r.Identity, "remote", r.Remote, "status", r.Status, "reason", r.Reason)
	if h.cfg.Refused != nil {
		h.cfg.Refused(r)
	}
}

// admit decides a handshake. An identity that is known needs its credentials; one
// that is not waits at the door, or is told to go away.
func (h *Hub) admit(hs *ocpp.Handshake) ocpp.Admission {
	adm := ocpp.Admission{Protocols: []ocpp.Protocol{ocpp.V16}, Assume: ocpp.V16, Options: ocpp.Options{Handler: h.handler(), Trace: h.trace(hs.Identity), Logger: h.cfg.Logger}}
	c, configured := h.chargers[hs.Identity]
	switch {
	case configured && c.Password != "" && !hs.HasAuth:
		return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "no credentials", Remedy: "Set the charger's AuthorizationKey to the password in its record."}
	case configured && c.Password != "" && (hs.Username != hs.Identity || !keyMatches(c.Password, hs.Password)):
		return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "wrong credentials", Remedy: "Compare the charger's user name and AuthorizationKey with its record."}
	case configured, h.known(hs.Identity):
		return adm
	case h.cfg.Onboarding == "closed":
		return ocpp.Admission{Status: http.StatusNotFound, Reason: "unknown charger", Remedy: "Add a charger with this identity to the configuration, or set onboarding to approve."}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unknown >= maxUnknown {
		return ocpp.Admission{Status: http.StatusServiceUnavailable, Reason: "too many unknown chargers wait", Remedy: "Approve or turn away those that wait."}
	}
	return adm
}

func (h *Hub) known(id string) bool { return h.cfg.Known != nil && h.cfg.Known(id) }

// keyMatches compares a Basic auth key in all its forms: as text, as the bytes that
// its hex digits mean, and as hex digits of its bytes.
func keyMatches(want, got string) bool {
	forms := []string{want, strings.ToLower(hex.EncodeToString([]byte(want))), strings.ToUpper(hex.EncodeToString([]byte(want)))}
	if raw, err := hex.DecodeString(want); err == nil {
		forms = append(forms, string(raw), strings.ToLower(want), strings.ToUpper(want))
	}
	ok := 0
	for _, f := range forms {
		ok |= subtle.ConstantTimeCompare([]byte(f), []byte(got))
	}
	return ok == 1
}

func (h *Hub) trace(id string) func(ocpp.TraceEntry) {
	if h.cfg.Trace == nil {
		return nil
	}
	return func(e ocpp.TraceEntry) { h.cfg.Trace(id, e) }
}

// opened tells the Site before the first message is read.
func (h *Hub) opened(c *ocpp.Conn) {
	_, configured := h.chargers[c.Identity()]
	s := newSession(h, c, configured || h.known(c.Identity()))
	h.mu.Lock()
	h.sessions[s.id] = s
	if !s.accepted.Load() {
		h.unknown++
		s.counted = true
	}
	h.mu.Unlock()
	err := h.cfg.Loop.Post(controller.ChargerConnected{Station: s.id, Generation: c.Generation(), Protocol: string(c.Protocol()), Remote: c.Remote()})
	if err != nil {
		c.Close(1013, "try again later")
	}
}

// serve runs a connection's own goroutines until it ends.
func (h *Hub) serve(c *ocpp.Conn) {
	h.mu.Lock()
	s := h.sessions[controller.StationID(c.Identity())]
	h.mu.Unlock()
	if s == nil || s.conn != c { // replaced already
		<-c.Done()
		h.tell(controller.ChargerGone{Station: controller.StationID(c.Identity()), Generation: c.Generation(), Cause: "replaced by a newer connection"})
		return
	}
	s.run()
	h.mu.Lock()
	if h.sessions[s.id] == s {
		delete(h.sessions, s.id)
	}
	if s.counted {
		h.unknown--
	}
	h.mu.Unlock()
	cause := "closed"
	if err := c.Err(); err != nil {
		cause = err.Error()
	}
	h.tell(controller.ChargerGone{Station: s.id, Generation: c.Generation(), Cause: cause})
}

// tell posts a fact that must not be lost: a full queue is waited for.
func (h *Hub) tell(ev controller.Event) {
	for errors.Is(h.cfg.Loop.Post(ev), controller.ErrCongested) {
		time.Sleep(20 * time.Millisecond)
	}
}

// report tells from the Loop's own goroutine, which must not wait.
func (h *Hub) report(ev controller.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.reports.Go(func() { h.tell(ev) })
	}
}

// Do carries out an effect; it returns at once.
func (h *Hub) Do(e controller.Effect) {
	switch e := e.(type) {
	case controller.SetLimit:
		if s := h.session(e.Station); s == nil || !s.setLimit(e) {
			h.report(controller.LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Err: "the charger is not connected"})
		}
	case controller.InstallFailsafe:
		if s := h.session(e.Station); s == nil || !s.prepare(func(ctx context.Context) { s.installFailsafe(ctx, e) }) {
			h.report(controller.FailsafeAnswered{Station: e.Station, Err: "the charger is not connected"})
		}
	case controller.PushBaseline:
		if s := h.session(e.Station); s != nil {
			s.prepare(s.pushBaseline)
		}
	case controller.Command:
		if s := h.session(e.Station); s == nil || !s.command(e) {
			h.report(controller.CommandAnswered{Op: e.Op, Err: "the charger is not connected"})
		}
	case controller.Disconnect:
		if s := h.session(e.Station); s != nil {
			s.conn.Close(1008, e.Reason)
		}
	default:
		panic("downstream: an effect that is not for chargers")
	}
}

func (h *Hub) session(id controller.StationID) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}
