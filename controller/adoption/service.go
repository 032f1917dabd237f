package adoption

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"busbar/controller/pki"
	"busbar/ocpp"
)

// Authority is the site CA.
type Authority interface {
	Operator() string
	Roots() []pki.Root
	Check(pki.Request) error
	Sign(context.Context, pki.Request) (pki.Issued, error)
	// Verify tells whether a charger's certificate counts at this moment.
	Verify(*x509.Certificate) error
	Certificates(context.Context) ([]pki.Certificate, error)
	// Revoke ends one certificate; it fails if there is none.
	Revoke(ctx context.Context, serial, reason string) error
	// RevokeStation ends all certificates of a charger and says how many.
	RevokeStation(ctx context.Context, station, reason string) (int, error)
}

var _ Authority = (*pki.Authority)(nil)

// Entry is something done about a charger's access, for the log. It has no secrets.
type Entry struct {
	By      string // who; "box" for the box itself, "" for what nobody did
	Station string // "" for the site as a whole
	Code    string // stable, such as "adoption.approved"
	Text    string
}

// Config is what a Service is made of.
type Config struct {
	Vault Vault
	// Authority signs the chargers' certificates; nil where no port has TLS.
	Authority Authority
	Chargers  []Charger
	// Onboarding is "approve", "closed" or "open" (decision 25).
	Onboarding string
	// Isolated: somebody vouches that no stranger reaches the chargers' network, so keys
	// may be sent without TLS at any time. Plain: the port without TLS is always open.
	Isolated, Plain bool
	// OpenPlain opens the port without TLS while chargers are let in; nil where that is
	// not possible.
	OpenPlain func() (io.Closer, error)
	// URL is the address of the port of a security profile, without the identity; ""
	// where it is closed.
	URL func(profile int) string
	// Known tells whether the Site has this charger; Decide tells the Site that an
	// unknown charger is let in or turned away.
	Known  func(station string) bool
	Decide func(ctx context.Context, station string, approve bool) error
	// Audit writes down what is about to be done; nothing is done when it fails.
	Audit  func(context.Context, Entry) error
	Logger *slog.Logger
}

// Refusal is why a command is not carried out; Remedy says what to do about it.
type Refusal struct{ Reason, Remedy string }

func (r *Refusal) Error() string { return "cannot do it: " + r.Reason }

// Service is the adoption of chargers. New makes it, Run keeps its times.
type Service struct {
	cfg    Config
	log    *slog.Logger
	listed map[string]Charger
	stale  map[string]bool // records whose Basis is not what the configuration says
	jobs   chan job
	stir   chan struct{} // Run looks again

	saving sync.Mutex // one record is written at a time; taken before mu

	mu       sync.Mutex
	records  map[string]Credential
	unsaved  map[string]Entry   // changed by what chargers did; Run writes them down
	arrivals map[string]arrival // by remote address: admitted, not connected yet
	links    map[string]*link   // the newest connection of each charger
	turned   map[string]time.Time
	busy     map[string]bool // a command is being carried out
	until    time.Time       // of the pairing window
	plain    io.Closer       // the port that is open while pairing

	refused   []*Refused // the one that came last is the last
	unwritten []Entry    // about them, for the log
	telling   time.Time  // since when lines are counted
	lines     int
}

// New reads the credentials.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		cfg: cfg, log: cfg.Logger, listed: map[string]Charger{}, stale: map[string]bool{},
		jobs: make(chan job, maxJobs), stir: make(chan struct{}, 1),
		records: map[string]Credential{}, unsaved: map[string]Entry{}, arrivals: map[string]arrival{}, links: map[string]*link{},
		turned: map[string]time.Time{}, busy: map[string]bool{},
	}
	for _, c := range cfg.Chargers {
		s.listed[c.ID] = c
	}
	records, err := cfg.Vault.Credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the chargers' credentials: %w", err)
	}
	for _, c := range records {
		s.records[c.Station] = c
		if listed, ok := s.listed[c.Station]; ok && !c.Basis.holds(listed) {
			s.stale[c.Station] = true
			s.log.Info("the configuration of a charger's access has changed; it counts again", "station", c.Station)
		}
	}
	return s, nil
}

// holds tells whether the configuration still is what a record was made upon.
func (b Basis) holds(c Charger) bool {
	if b.Profile != c.Profile || (b.Password == "") != (c.Password == "") {
		return false
	}
	if b.Password == "" {
		return true
	}
	fits, err := secret{KeyText, []byte(c.Password)}.fits(b.Password)
	return fits && err == nil
}

func basisOf(c Charger) Basis {
	b := Basis{Profile: c.Profile}
	if c.Password != "" {
		b.Password = secret{KeyText, []byte(c.Password)}.hash()
	}
	return b
}

// standing is what holds for a charger: its record, or what the configuration says.
func (s *Service) standing(station string) (c Credential, listed Charger, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standingLocked(station)
}

func (s *Service) standingLocked(station string) (c Credential, listed Charger, known bool) {
	listed, inList := s.listed[station]
	c, recorded := s.records[station]
	if recorded && s.stale[station] {
		c, recorded = Credential{Station: station, Profile: listed.Profile, Serial: c.Serial}, false
	} else if !recorded {
		c = Credential{Station: station, Profile: listed.Profile}
	}
	return c, listed, inList || recorded
}

// change applies f to a charger's record, on the disk first. f may be called twice.
func (s *Service) change(ctx context.Context, station string, f func(*Credential)) (Credential, error) {
	s.saving.Lock()
	defer s.saving.Unlock()
	next, listed, _ := s.standing(station)
	basis := Basis{}
	if listed.ID != "" {
		if basis = next.Basis; !basis.holds(listed) {
			basis = basisOf(listed)
		}
	}
	f(&next)
	next.Basis = basis
	if err := s.cfg.Vault.SaveCredential(ctx, next); err != nil {
		return Credential{}, fmt.Errorf("cannot keep the credential of %s: %w", station, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next, _, _ = s.standingLocked(station) // what the charger did meanwhile counts
	f(&next)
	next.Basis = basis
	s.records[station] = next
	delete(s.stale, station)
	return next, nil
}

// begin starts a command for a charger; only one runs at a time.
func (s *Service) begin(station string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[station] {
		return nil, &Refusal{"another command for this charger is still running", "Wait until it has ended."}
	}
	s.busy[station] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, station)
	}, nil
}

// audit writes down what is about to be done.
func (s *Service) audit(ctx context.Context, by, station, code, text string) error {
	if err := s.cfg.Audit(ctx, Entry{By: by, Station: station, Code: code, Text: text}); err != nil {
		return fmt.Errorf("cannot write the log, so nothing is done: %w", err)
	}
	return nil
}

// note is audit for what the box does, or finds, by itself.
func (s *Service) note(ctx context.Context, station, code, text string) {
	if err := s.audit(ctx, "box", station, code, text); err != nil {
		s.log.Warn("what happened to a charger's access is not in the log", "station", station, "text", text, "err", err)
	}
}

func (s *Service) poke() {
	select {
	case s.stir <- struct{}{}:
	default:
	}
}

// link is a charger's connection. Its fields belong to Service.mu.
type link struct {
	conn *ocpp.Conn
	arrival
	model, vendor, firmware, serial string
	since                           time.Time
	csr                             chan string // for a raise that waits for a request; nil: none
	askedAt                         time.Time   // for a new certificate
}

// alive tells whether the connection is still there.
func (l *link) alive() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.conn.Done():
		return false
	default:
		return true
	}
}

// link is the live connection of a charger; a *Refusal if there is none.
func (s *Service) link(station string) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[station]
	if !l.alive() {
		return nil, &Refusal{"the charger is not connected", "Wait until it is, or switch it off and on."}
	}
	return l, nil
}

// uncertain tells whether a call may have been carried out although it failed.
func uncertain(err error) bool { return err != nil && !errors.Is(err, ocpp.ErrNotSent) }
