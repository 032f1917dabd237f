package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"busbar/controller"
	"busbar/controller/config"
)

// Site is the control loop as pages and API see it.
type Site interface {
	// Snapshot is the newest published state, immutable, never nil.
	Snapshot() *controller.Snapshot
	// Ask posts the event that ask makes and waits for its answer.
	Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error)
}

var _ Site = (*controller.Loop)(nil)

// Config is what a Server is made of. Site, Status and Ready are required.
type Config struct {
	Site Site
	// Status makes the report of GET /api/v1/status and the numbers of /metrics.
	Status func() controller.Status
	// Outbox gives the counts of the outbox, which a snapshot does not carry. It must
	// return at once. nil: the snapshot's own.
	Outbox func() controller.OutboxCounts
	// Transactions gives the n newest transactions, newest first. nil: there are none.
	Transactions func(ctx context.Context, n int) ([]controller.TxRow, error)
	// Demo has the faults that a visitor may switch; nil in normal service.
	Demo Demo
	// Events gives the n newest lines of the event log, newest last. nil: those of the
	// snapshot.
	Events func(ctx context.Context, n int) ([]controller.LogEntry, error)
	// Hosts are the names, beside localhost and all addresses, under which the page may
	// be asked without a token. nil: the machine's name, also with ".local".
	Hosts []string
	// Token is an admin's that needs no entry in Tokens; "" is none.
	Token string
	// Tokens are the access tokens that admins made. nil: there are none.
	Tokens Tokens
	// Call sends an OCPP call to a charger and waits for its answer. The payload is
	// checked against the action's type unless unchecked. It fails with *CallError,
	// *PayloadError, ErrOffline, ErrTimeout or ErrTooMany. nil: it can't be done.
	Call func(ctx context.Context, charger controller.StationID, action string, payload json.RawMessage, unchecked bool) (json.RawMessage, error)
	// OCPPLog lists OCPP calls, newest last. nil: there are none.
	OCPPLog func(LogFilter) []LoggedCall
	// Parked lists the oldest n transactions whose messages wait for a person. nil: none.
	Parked func(ctx context.Context, n int) ([]controller.ParkedLane, error)
	// Resend sends the parked messages of a transaction again and says how many wait. It
	// fails with ErrCannotResend. nil: it can't be done.
	Resend func(ctx context.Context, tx controller.TxID) (int, error)
	// Adoption lets chargers in. nil: it can't be done here.
	Adoption Adoption
	// Certificates are the site CA's. nil: there are none.
	Certificates Certificates
	// Configuration is the running one. nil: there is none.
	Configuration func() *config.Config
	// ShowTokens shows idTokens to admins in full in the OCPP log.
	ShowTokens bool
	// Ready says whether the control loop runs and the database can be written.
	Ready func() error
	// Metrics collects what others measure; nil makes an own one.
	Metrics *Metrics
	// Version of the program, for the page's foot and openapi.json.
	Version string
	Logger  *slog.Logger
	// Location is the site's time zone on the page; nil means time.Local.
	Location *time.Location
}

// Server is the page and the API on one handler. It may be used from any goroutine.
type Server struct {
	cfg      Config
	mux      *http.ServeMux
	routes   []route
	guard    *http.CrossOriginProtection
	token    [sha256.Size]byte
	refusals refusals
	assets   map[string]asset
	build    string // etags of the assets
	scrape   http.Handler
	viewer   chan struct{} // one place per open stream

	closed    context.Context // ends with Close
	closeOnce context.CancelFunc

	liveMu sync.Mutex
	live   rendering // the newest one, shared by all streams
}

// New makes a Server. It panics if Site, Status or Ready is missing.
func New(cfg Config) *Server {
	if cfg.Site == nil || cfg.Status == nil || cfg.Ready == nil {
		panic("web: Config needs Site, Status and Ready")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics()
	}
	if cfg.Hosts == nil {
		cfg.Hosts = machineNames()
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	s := &Server{
		cfg:    cfg,
		mux:    http.NewServeMux(),
		guard:  http.NewCrossOriginProtection(),
		token:  sha256.Sum256([]byte(cfg.Token)),
		assets: loadAssets(),
		scrape: cfg.Metrics.handler(cfg.Status),
		viewer: make(chan struct{}, maxViewers),
	}
	for _, name := range slices.Sorted(maps.Keys(s.assets)) {
		s.build += s.assets[name].etag
	}
	s.closed, s.closeOnce = context.WithCancel(context.Background())
	s.routes = s.table()
	for _, r := range s.routes {
		s.mux.Handle(r.method+" "+r.path, s.authorized(r.access, r.least(), r.serve))
	}
	return s
}

// Close ends all streams and refuses new ones, so that http.Server.Shutdown does not
// wait for viewers. It returns at once and may be called again.
func (s *Server) Close() { s.closeOnce() }

// answerTaken is how long a client may take to take its answer, the longest wait for a
// charger included. A stream sets its own.
const answerTaken = answerWithin + 20*time.Second

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	// Where the writer knows no deadline (in tests) a stuck client ends with its request.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTaken))
	if err := s.guard.Check(r); err != nil {
		fail(w, r, http.StatusForbidden, "The request comes from another web site.", "Open the box's own page and try again there.")
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		// No route: who may not read shall not learn which routes there are.
		s.authorized(accessRead, controller.RoleViewer, s.mux.ServeHTTP).ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// snapshot is the site's newest state with the outbox filled in.
func (s *Server) snapshot() *controller.Snapshot {
	snap := s.cfg.Site.Snapshot()
	if s.cfg.Outbox == nil {
		return snap
	}
	whole := *snap // the slices are shared and never written
	whole.Outbox = s.cfg.Outbox()
	return &whole
}

// policy allows what the page needs and nothing else: own script, style, pictures
// and requests. Nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=(), serial=(), payment=()")
	h.Set("Cache-Control", "no-store")
}
