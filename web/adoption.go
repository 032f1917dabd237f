package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
)

// Adoption is how chargers are let in, and what they come in with. by is who orders it,
// for the log. Its methods may be called from any goroutine; orders fail with
// *RefusedError where the charger or the state of the network is at fault.
type Adoption interface {
	// Doors is how the chargers' network stands. It must return at once.
	Doors() Doors
	// Access is what each known charger comes in with.
	Access() []Access
	// OpenPairing lets unknown chargers come for d; 0 is the usual time.
	OpenPairing(ctx context.Context, by string, d time.Duration) error
	ClosePairing(ctx context.Context, by string) error
	// Approve lets a waiting charger in with a key of its own. profile is the security
	// profile it is to use in the end, 0 that of the port it came by.
	Approve(ctx context.Context, by, charger string, profile int, withoutKey bool) error
	Reject(ctx context.Context, by, charger string) error
	Forget(ctx context.Context, by, charger string) error
	RotateKey(ctx context.Context, by, charger string) error
	BreakGlass(ctx context.Context, by, charger string) error
	// StartRaise begins to raise a charger's security profile; the log has the rest.
	StartRaise(by, charger string, profile int) error
}

// RefusedError is why an order can't be carried out; Remedy says what to do.
type RefusedError struct{ Reason, Remedy string }

func (e *RefusedError) Error() string { return e.Reason }

type (
	// Doors is how the chargers' network stands. Times are null where there is none.
	Doors struct {
		// Security is "tls", "isolated" (somebody vouched that no stranger reaches the
		// network) or "plain" (open without TLS, and nobody vouched).
		Security   string           `json:"security"`
		IsolatedBy string           `json:"isolated_by"`
		IsolatedOn string           `json:"isolated_on"` // day
		Pairing    *time.Time       `json:"pairing_until"`
		Lingers    bool             `json:"plain_until_raised"` // open for chargers on their way to TLS
		Pending    []PendingCharger `json:"pending"`
		Refused    []RefusedCharger `json:"refused"`
	}
	// PendingCharger is an unknown charger that waits to be let in.
	PendingCharger struct {
		Charger  string    `json:"charger"`
		Remote   string    `json:"remote"`
		Profile  int       `json:"security_profile"` // of the port it came by
		Protocol string    `json:"protocol"`
		Vendor   string    `json:"vendor"` // "" before its boot, as the next three
		Model    string    `json:"model"`
		Serial   string    `json:"serial"`
		Firmware string    `json:"firmware"`
		Since    time.Time `json:"since"`
	}
	// RefusedCharger is one that was not let in, as often as it came with that fault.
	RefusedCharger struct {
		Charger string    `json:"charger"` // "" if it failed before it said who it is (TLS)
		Remote  string    `json:"remote"`
		Reason  string    `json:"reason"`
		Remedy  string    `json:"remedy"`
		First   time.Time `json:"first"`
		Last    time.Time `json:"last"`
		Times   int       `json:"times"`
	}
	// Access is what a known charger comes in with.
	Access struct {
		Charger    string     `json:"charger"`
		Listed     bool       `json:"in_configuration"`
		Profile    int        `json:"security_profile"`
		Target     int        `json:"target_profile"` // it was told to use it; 0: none
		HasKey     bool       `json:"own_key"`
		KeyAt      *time.Time `json:"key_at"`
		Proven     bool       `json:"key_proven"`  // it came in with it
		BreakGlass bool       `json:"break_glass"` // what was before the key is valid again
		Former     bool       `json:"former_left"` // break-glass is possible
		Serial     string     `json:"serial"`      // its certificate names it
		ApprovedBy string     `json:"approved_by"`
		ApprovedAt *time.Time `json:"approved_at"`
	}
	adoptionDTO struct {
		Doors  Doors    `json:"doors"`
		Access []Access `json:"access"`
	}
)

// The bodies of orders.
type (
	approveOrder struct {
		Approve *bool `json:"approve"` // no default: neither happens by mistake
		// Profile is the security profile that it is to use in the end; 0: that of its port.
		Profile int `json:"profile,omitempty"`
		// WithoutKey lets it in without a password, in an isolated network only.
		WithoutKey bool `json:"without_key,omitempty"`
	}
	pairingOrder struct {
		Open *bool `json:"open"`
		// For is a duration such as "15m", 1 minute to 2 hours; empty: 15 minutes.
		For string `json:"for,omitempty"`
	}
	profileOrder struct {
		Profile int `json:"profile"` // 2 or 3
	}
)

// hasAdoption answers where there are no doors.
func (s *Server) hasAdoption(w http.ResponseWriter, r *http.Request) bool {
	return offered(w, r, s.cfg.Adoption != nil, "This box lets no chargers in by itself.", "")
}

// adoption is GET /api/v1/adoption.
func (s *Server) adoption(w http.ResponseWriter, r *http.Request) {
	if s.hasAdoption(w, r) {
		reply(w, adoptionDTO{Doors: s.cfg.Adoption.Doors(), Access: each(s.cfg.Adoption.Access(), func(a Access) Access { return a })})
	}
}

// pairing is POST /api/v1/adoption/pairing.
func (s *Server) pairing(w http.ResponseWriter, r *http.Request) {
	if !s.hasAdoption(w, r) {
		return
	}
	var o pairingOrder
	span := time.Duration(0)
	err := readOrder(w, r, &o)
	switch {
	case err == nil && o.Open == nil:
		err = errors.New("open is missing")
	case err == nil && o.For != "":
		span, err = time.ParseDuration(o.For)
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error()+".", `Send {"open":true,"for":"15m"} to let unknown chargers come for a while, {"open":false} to end that.`)
		return
	}
	s.adopt(w, r, func(ctx context.Context, by string) error {
		if *o.Open {
			return s.cfg.Adoption.OpenPairing(ctx, by, span)
		}
		return s.cfg.Adoption.ClosePairing(ctx, by)
	})
}

// approve is POST /api/v1/chargers/{id}/approve: the unknown charger at the door is
// let in with a key of its own, or turned away.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) {
	if !s.hasAdoption(w, r) {
		return
	}
	var o approveOrder
	err := readOrder(w, r, &o)
	if err == nil && o.Approve == nil {
		err = errors.New("approve is missing")
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error()+".", `Send {"approve":true} to let the charger in, {"approve":false} to turn it away.`)
		return
	}
	s.adopt(w, r, func(ctx context.Context, by string) error {
		if *o.Approve {
			return s.cfg.Adoption.Approve(ctx, by, r.PathValue("id"), o.Profile, o.WithoutKey)
		}
		return s.cfg.Adoption.Reject(ctx, by, r.PathValue("id"))
	})
}

// accessOrder makes the handler of an order that names a charger and nothing else.
func (s *Server) accessOrder(do func(ctx context.Context, by, charger string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.hasAdoption(w, r) {
			return
		}
		if err := readOrder(w, r, new(emptyOrder{})); err != nil {
			fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error()+".", "Send {} or nothing.")
			return
		}
		s.adopt(w, r, func(ctx context.Context, by string) error { return do(ctx, by, r.PathValue("id")) })
	}
}

func (s *Server) forget(ctx context.Context, by, charger string) error {
	return s.cfg.Adoption.Forget(ctx, by, charger)
}

func (s *Server) rotateKey(ctx context.Context, by, charger string) error {
	return s.cfg.Adoption.RotateKey(ctx, by, charger)
}

func (s *Server) breakGlass(ctx context.Context, by, charger string) error {
	return s.cfg.Adoption.BreakGlass(ctx, by, charger)
}

// raise is POST /api/v1/chargers/{id}/security-profile.
func (s *Server) raise(w http.ResponseWriter, r *http.Request) {
	if !s.hasAdoption(w, r) {
		return
	}
	var o profileOrder
	if err := readOrder(w, r, &o); err != nil || o.Profile != 2 && o.Profile != 3 {
		fail(w, r, http.StatusBadRequest, "The security profile can't be read.", `Send {"profile":2} for TLS with a key, {"profile":3} for TLS with a certificate.`)
		return
	}
	s.adopt(w, r, func(_ context.Context, by string) error {
		return s.cfg.Adoption.StartRaise(by, r.PathValue("id"), o.Profile)
	})
}

// adopt carries out an order and answers with what became of it. It is not given up
// when the client leaves: half of it may have reached the charger.
func (s *Server) adopt(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, by string) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	err := do(ctx, callerOf(r).String())
	refused, isRefused := errors.AsType[*RefusedError](err)
	switch {
	case err == nil && isForm(r):
		http.Redirect(w, r, "/#waiting", http.StatusSeeOther)
	case err == nil:
		reply(w, commandDTO{Status: "Accepted"})
	case isRefused:
		fail(w, r, http.StatusConflict, refused.Reason+".", refused.Remedy)
	case errors.Is(err, context.DeadlineExceeded):
		fail(w, r, http.StatusGatewayTimeout, "The charger did not answer in time.", "It may still do what was asked: look at its state, then try again.")
	case errors.Is(err, controller.ErrCongested), errors.Is(err, controller.ErrStopped):
		w.Header().Set("Retry-After", "1")
		fail(w, r, http.StatusServiceUnavailable, "The box can't take the command now.", "Try again in a moment.")
	default:
		s.cfg.Logger.Warn("an order about a charger's access failed", "err", err)
		fail(w, r, http.StatusBadGateway, err.Error()+".", "Try again; the program's log says why.")
	}
}

// isForm tells whether a browser sent the request from a form of the page.
func isForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// readOrder reads a body: JSON, or the fields of a form of the page.
func readOrder(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := readBody(w, r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
	}
	if isForm(r) {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return err
		}
		if body, err = formJSON(values); err != nil {
			return err
		}
	}
	return strictJSON(body, into)
}

// formJSON is a form as JSON: its fields are texts, and what reads as a number or as
// true or false is that.
func formJSON(values url.Values) ([]byte, error) {
	fields := map[string]any{}
	for name := range values {
		text := values.Get(name)
		n, err := strconv.Atoi(text)
		switch {
		case err == nil:
			fields[name] = n
		case text == "true", text == "false":
			fields[name] = text == "true"
		default:
			fields[name] = text
		}
	}
	return json.Marshal(fields)
}

// refusalsOnPage bounds the page; the API has all.
const refusalsOnPage = 12

func (v view) refusedShown() []RefusedCharger {
	return v.doors.Refused[:min(len(v.doors.Refused), refusalsOnPage)]
}

// left is the rest of a window for people, in minutes, so that the page stays calm.
func left(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute left"
	}
	return strconv.Itoa(int(d.Minutes())) + " min left"
}

// what is what a waiting charger says that it is.
func (p PendingCharger) what() string {
	parts := []string{strings.TrimSpace(p.Vendor + " " + p.Model)}
	if p.Serial != "" {
		parts = append(parts, "serial number "+p.Serial)
	}
	if p.Firmware != "" {
		parts = append(parts, "firmware "+p.Firmware)
	}
	return joined(parts)
}

// refusedName is the name of a charger that was refused, as far as it has told one.
func (l language) refusedName(r RefusedCharger) string {
	if r.Charger == "" {
		return l.text("access.nameless")
	}
	return r.Charger
}

// access is what a charger comes in with, in words.
func (l language) access(a Access) string {
	var parts []string
	add := func(m message) { parts = append(parts, l.text(m, "{n}", strconv.Itoa(a.Target))) }
	switch {
	case a.Profile == 3:
		add("access.certificate")
	case a.HasKey && a.Proven:
		add("access.key")
	case a.HasKey:
		add("access.key.unproven")
	case a.Profile == 0:
		add("access.none")
	default:
		add("access.configuration")
	}
	if a.Profile < 2 {
		add("access.plain")
	}
	if a.Target > a.Profile {
		add("access.target")
	}
	if a.BreakGlass {
		add("access.glass")
	}
	return strings.Join(parts, ", ")
}

// above are the security profiles that a charger may be told to use; none without TLS.
func (v view) above(a Access) []int {
	var out []int
	if len(v.roots) == 0 {
		return nil
	}
	for profile := max(a.Profile, a.Target, 1) + 1; profile <= 3; profile++ {
		if profile == 3 || a.HasKey || a.Profile == 1 { // profile 2 needs a key
			out = append(out, profile)
		}
	}
	return out
}

// raise names the way up to a profile.
func (l language) raise(profile int) string {
	return l.text(message("raise." + strconv.Itoa(profile)))
}
