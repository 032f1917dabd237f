package downstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// Loop is what the Hub needs of controller.Loop.
type Loop interface {
	Post(controller.Event) error
	Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error)
}

// The ways of onboarding: what becomes of a charger that is not in the list (decision 25).
const (
	onboardApprove = "approve" // admitted, but Pending until an operator approves
	onboardOpen    = "open"    // taken at once; for tests and demo
)

// Charger is a charger of the list.
type Charger struct {
	ID string // OCPP identity
	// Password is asked for over Basic auth if it is not empty: text, or the hexadecimal
	// digits of the key's bytes.
	Password string
	// SecurityProfile 2 insists on TLS, 3 on a client certificate whose common name is
	// the identity or Serial. 0 and 1 don't insist on anything but Password.
	SecurityProfile int
	Serial          string
	// Protocols are permitted; nil = all the Hub speaks.
	Protocols []ocpp.Protocol
	// StopData is the list of measurands for StopTxnSampledData. Empty unless signed
	// values are needed there: a long session makes that message very large.
	StopData string
	// Abilities replaces what would be learnt of the charger; nil: it is learnt.
	Abilities *controller.Abilities
	// Phases is how many conductors each connector is wired with, by its number; a
	// connector that is not named may have one.
	Phases map[int]int
	// Volts is the nominal voltage of each of them, by connector; none: Config.Voltage. A
	// load between two lines has one of the voltage between them.
	Volts map[int]int
	// Zone is where times without a zone are local; nil is UTC.
	Zone *time.Location
}

// Config is what a Hub is made of.
type Config struct {
	Loop     Loop
	Chargers []Charger
	// Onboarding is "approve", "closed" or "open" (decision 25).
	Onboarding string
	// Known tells whether the Site knows a charger that is not among Chargers: one that
	// was let in at the door. It is called during a handshake. nil: none.
	Known func(id string) bool
	// CheckPassword replaces the comparison with Charger.Password where that is not
	// empty, for hashed ones; nil allowed. It may take its time.
	CheckPassword func(id, password string) bool
	// Guard, if set, decides who comes in.
	Guard Guard
	// MeterInterval is what chargers are asked to meter at (10 s); HeartbeatInterval is
	// given to them as a key (300 s).
	MeterInterval     time.Duration
	HeartbeatInterval time.Duration
	// Abilities is what was learnt of chargers before this start; each change is reported
	// as controller.ChargerLearnt. WriteBudget is how many profiles a charger's memory is
	// made for in a day (500; decision 10), Voltage the least one that a conductor stands for (230 V).
	Abilities   map[controller.StationID]controller.Abilities
	WriteBudget int
	Voltage     int
	// LimitTimeout is how long a charger may take to answer a setpoint (15 s),
	// CallTimeout any other call that has no time of its own (10 s), AnswerTimeout how
	// long a charger waits for the controller's answer (30 s).
	LimitTimeout  time.Duration
	CallTimeout   time.Duration
	AnswerTimeout time.Duration
	PingInterval  time.Duration // as ocpp.Options
	// OnLimitSent is told when a setpoint's frame was written; it must return at once.
	OnLimitSent func(seq controller.Seq, at time.Time)
	// Refused is told of every handshake that was refused, and why. nil allowed.
	Refused func(ocpp.Refusal)
	// Trace sees every message; it must return at once. nil allowed.
	Trace  func(station string, e ocpp.TraceEntry)
	Logger *slog.Logger
}

// Hub is the CSMS of the site's chargers. It carries out the effects of its side and
// serves the chargers' sockets. All methods may be called from any goroutine.
type Hub struct {
	cfg      Config
	server   *ocpp.Server
	chargers map[string]Charger
	reports  *reports
	memory   *memory
	log      *slog.Logger

	mu       sync.Mutex
	sessions map[controller.StationID]*session // the newest of each charger
	byConn   map[*ocpp.Conn]*session           // all, also those being replaced
	adopted  map[string]bool                   // let in since the start
}

var (
	_ controller.Adapter = (*Hub)(nil)
	_ http.Handler       = (*Hub)(nil)
	_ Loop               = (*controller.Loop)(nil)
)

// ErrOffline is returned by Call for a charger without a connection.
var ErrOffline = errors.New("cannot call: the charger is not connected")

// New makes a Hub; a http.Server brings it to life, Close ends it.
func New(cfg Config) *Hub {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&cfg.MeterInterval, 10*time.Second)
	def(&cfg.HeartbeatInterval, 300*time.Second)
	def(&cfg.LimitTimeout, 15*time.Second)
	def(&cfg.CallTimeout, 10*time.Second)
	def(&cfg.AnswerTimeout, 30*time.Second)
	cfg.WriteBudget, cfg.Voltage = cmp.Or(cfg.WriteBudget, 500), cmp.Or(cfg.Voltage, 230)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{
		cfg: cfg, log: cfg.Logger, reports: newReports(cfg.Loop),
		chargers: map[string]Charger{},
		sessions: map[controller.StationID]*session{},
		byConn:   map[*ocpp.Conn]*session{},
		adopted:  map[string]bool{},
	}
	h.memory = newMemory(cfg, h.reports.add)
	for _, c := range cfg.Chargers {
		h.chargers[c.ID] = c
	}
	h.server = ocpp.NewServer(ocpp.ServerConfig{
		Admit: h.admit, Opened: h.opened, Serve: h.serve, Refused: cfg.Refused, Logger: cfg.Logger,
	})
	return h
}

// Close gives chargers that don't fall back by themselves their fall-back, ends all
// connections and waits for them, and until the loop has taken the last reports or has
// stopped.
func (h *Hub) Close(ctx context.Context) error {
	h.part(ctx)
	err := h.server.Close(ctx)
	h.reports.wait()
	return err
}

// ServeHTTP takes a charger's handshake, on any path that ends with its identity.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.server.ServeHTTP(w, r) }

// Listen puts TLS upon l, a port for chargers (nil: none), and Port is the handler of
// such a port of one security profile; see ocpp.Server.
func (h *Hub) Listen(l net.Listener, config *tls.Config) net.Listener {
	return h.server.Listen(l, config)
}

// Port is the handler of a port of security profile 1, 2 or 3.
func (h *Hub) Port(profile int) http.Handler { return h.server.Port(profile) }

// Call sends any CALL to a charger, for support and tests. The errors are ErrOffline
// and those of ocpp.Conn.Call.
func (h *Hub) Call(ctx context.Context, id controller.StationID, action string, payload json.RawMessage) (json.RawMessage, error) {
	s := h.session(id)
	if s == nil {
		return nil, ErrOffline
	}
	if err := s.mayBeCalled(action, payload); err != nil {
		return nil, err
	}
	if d, ok := s.dialect.(pager); ok {
		return d.callPaged(ctx, action, payload)
	}
	return s.conn.Call(ctx, ocpp.Call{Action: action, Payload: payload})
}

// Learn adds to what is known of a charger, as its answers would; what somebody
// configured stays. change must replace slices, not write into them.
func (h *Hub) Learn(id controller.StationID, change func(*controller.Abilities)) {
	h.memory.learn(id, change)
}

func (h *Hub) session(id controller.StationID) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}

// sessionOf is the session of a connection; nil if the loop could not take it.
func (h *Hub) sessionOf(c *ocpp.Conn) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byConn[c]
}

// Do implements controller.Adapter. What can't be sent at all is reported at once.
func (h *Hub) Do(e controller.Effect) {
	switch e := e.(type) {
	case controller.SetLimit:
		if s := h.session(e.Station); s == nil || !s.setLimit(e) {
			h.reports.add(unsentLimit(e, "the charger is not connected"))
		}
	case controller.InstallFailsafe:
		// Without a connection there is no answer: the Site offers it again when the
		// charger is back, and an alarm would accuse the charger wrongly.
		if s := h.session(e.Station); s != nil {
			s.installFailsafe(e)
		}
	case controller.PushBaseline:
		if s := h.session(e.Station); s != nil {
			s.pushBaseline()
		}
	case controller.Command:
		s := h.session(e.Station)
		if s == nil {
			h.reports.add(controller.CommandAnswered{Op: e.Op, Err: "the charger is not connected"})
		} else if why := s.command(e); why != "" {
			h.reports.add(controller.CommandAnswered{Op: e.Op, Err: why})
		}
	case controller.Disconnect:
		if s := h.session(e.Station); s != nil {
			s.conn.Close(closePolicy, e.Reason)
		}
	default:
		panic("downstream: effect of another side")
	}
}

// closePolicy and closeBusy are WebSocket close codes (RFC 6455 §7.4.1).
const (
	closePolicy = 1008
	closeBusy   = 1013
)

func unsentLimit(e controller.SetLimit, why string) controller.LimitAnswered {
	return controller.LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Err: why}
}
