package web

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"busbar/controller"
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
	// Token is what writes (and, without Demo, reads) must carry; "" refuses them all.
	Token string
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
	cfg    Config
	mux    *http.ServeMux
	routes []route
	guard  *http.CrossOriginProtection
	token  [sha256.Size]byte
	assets map[string]asset
	scrape http.Handler
	viewer chan struct{} // one place per open stream

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
	s.closed, s.closeOnce = context.WithCancel(context.Background())
	s.routes = s.table()
	for _, r := range s.routes {
		s.mux.Handle(r.method+" "+r.path, s.authorized(r.access, r.serve))
	}
	return s
}

// Close ends all streams and refuses new ones, so that http.Server.Shutdown does not
// wait for viewers. It returns at once and may be called again.
func (s *Server) Close() { s.closeOnce() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if err := s.guard.Check(r); err != nil {
		fail(w, r, http.StatusForbidden, "The request comes from another web site.", "Open the box's own page and try again there.")
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		// No route: who may not read shall not learn which routes there are.
		s.authorized(accessRead, s.mux.ServeHTTP).ServeHTTP(w, r)
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
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
