package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// desk lets chargers in, in memory, and keeps what was ordered.
type desk struct {
	mu     sync.Mutex
	doors  Doors
	orders []string
	err    error // of the next orders
}

func newDesk(at time.Time) *desk {
	return &desk{doors: Doors{Security: "tls",
		Pending: []PendingCharger{{Charger: "NEW 7/a", Remote: "10.0.0.77:40112", Profile: 2, Protocol: "ocpp1.6", Vendor: "Volta", Model: "One", Serial: "V-7", Firmware: "2.1", Since: at.Add(-time.Minute)}},
		Refused: []RefusedCharger{{Charger: "CP9", Remote: "10.0.0.9:4711", Reason: "the charger sent a wrong password", Remedy: "Set the charger's password.", First: at.Add(-time.Hour), Last: at.Add(-time.Minute), Times: 12}}}}
}

func (d *desk) did(format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.orders = append(d.orders, fmt.Sprintf(format, args...))
	}
	return d.err
}

func (d *desk) done() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.orders, "; ")
}

func (d *desk) Doors() Doors {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doors
}

func (d *desk) Access() []Access {
	return []Access{{Charger: "CP1", Profile: 2, HasKey: true, Proven: true, Former: true}, {Charger: "CP2", Listed: true, Profile: 1, Target: 2}}
}

func (d *desk) OpenPairing(_ context.Context, by string, span time.Duration) error {
	return d.did("open %v by %s", span, by)
}
func (d *desk) ClosePairing(_ context.Context, by string) error { return d.did("close by %s", by) }
func (d *desk) Approve(_ context.Context, by, c string, profile int, withoutKey bool) error {
	if err := d.did("approve %s %d %v by %s", c, profile, withoutKey, by); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doors.Pending = nil
	return nil
}
func (d *desk) Reject(_ context.Context, by, c string) error { return d.did("reject %s by %s", c, by) }
func (d *desk) Forget(_ context.Context, by, c string) error { return d.did("forget %s by %s", c, by) }
func (d *desk) RotateKey(_ context.Context, by, c string) error {
	return d.did("rotate %s by %s", c, by)
}
func (d *desk) BreakGlass(_ context.Context, by, c string) error {
	return d.did("glass %s by %s", c, by)
}
func (d *desk) StartRaise(by, c string, profile int) error {
	return d.did("raise %s %d by %s", c, profile, by)
}

const asForm = "Content-Type: application/x-www-form-urlencoded"

// TestOrdersAboutAccess: each route, as JSON; bad bodies say what is good.
func TestOrdersAboutAccess(t *testing.T) {
	const by = " by the box's own token (admin)"
	for _, c := range []struct {
		path, body string
		code       int
		done       string
	}{
		{"adoption/pairing", `{"open":true}`, 200, "open 0s" + by},
		{"adoption/pairing", `{"open":true,"for":"30m"}`, 200, "open 30m0s" + by},
		{"adoption/pairing", `{"open":false}`, 200, "close" + by},
		{"adoption/pairing", `{"for":"30m"}`, 400, ""},
		{"adoption/pairing", `{"open":true,"for":"soon"}`, 400, ""},
		{"chargers/NEW%207%2Fa/approve", `{"approve":true}`, 200, "approve NEW 7/a 0 false" + by},
		{"chargers/N/approve", `{"approve":true,"profile":3}`, 200, "approve N 3 false" + by},
		{"chargers/N/approve", `{"approve":true,"without_key":true}`, 200, "approve N 0 true" + by},
		{"chargers/N/approve", `{"approve":false}`, 200, "reject N" + by},
		{"chargers/N/approve", `{}`, 400, ""},
		{"chargers/N/approve", ``, 400, ""},
		{"chargers/N/approve", `{"approve":"yes"}`, 400, ""},
		{"chargers/N/forget", ``, 200, "forget N" + by},
		{"chargers/N/forget", `{"x":1}`, 400, ""},
		{"chargers/N/rotate-key", `{}`, 200, "rotate N" + by},
		{"chargers/N/break-glass", `{}`, 200, "glass N" + by},
		{"chargers/N/security-profile", `{"profile":3}`, 200, "raise N 3" + by},
		{"chargers/N/security-profile", `{"profile":1}`, 400, ""},
	} {
		d := newDesk(t0)
		w := ask(rig(newBox(picture(t0)), func(c *Config) { c.Adoption = d }), "POST", "/api/v1/"+c.path, c.body, bearer)
		if w.Code != c.code || d.done() != c.done {
			t.Errorf("%s %s: %d %s, did %q", c.path, c.body, w.Code, w.Body, d.done())
		}
		if c.code == 400 && !strings.Contains(w.Body.String(), "remedy") {
			t.Errorf("%s %s: no remedy: %s", c.path, c.body, w.Body)
		}
	}
}

// TestRefusedOrdersSayWhy: with reason and remedy, as a problem and as a page.
func TestRefusedOrdersSayWhy(t *testing.T) {
	d := newDesk(t0)
	d.err = &RefusedError{Reason: "the charger is not connected", Remedy: "Switch it off and on."}
	s := rig(newBox(picture(t0)), func(c *Config) { c.Adoption = d })
	w := ask(s, "POST", "/api/v1/chargers/N/approve", `{"approve":true}`, bearer)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "not connected") || !strings.Contains(w.Body.String(), "off and on") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(s, "POST", "/api/v1/chargers/N/approve", "approve=true", bearer, asForm, "Accept: text/html")
	if w.Code != http.StatusConflict || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Body.String(), "off and on") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestSignIn: a token becomes a cookie that no script reads; orders by forms work with
// it, and without it the page asks for it.
func TestSignIn(t *testing.T) {
	d, b := newDesk(t0), newBox(picture(t0))
	b.answer = accepting
	s := rig(b, func(c *Config) { c.Adoption = d })
	const html = "Accept: text/html"
	if w := ask(s, "GET", "/", "", html); w.Code != 401 || !strings.Contains(w.Body.String(), `action="/sign-in"`) {
		t.Fatalf("no form to sign in: %d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{"", "guess", "a b", strings.Repeat("x", 600)} {
		if w := ask(s, "POST", "/sign-in", url.Values{"token": {wrong}}.Encode(), html, asForm); w.Code != 403 && w.Code != 400 || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%q: %d %s", wrong, w.Code, w.Header().Get("Set-Cookie"))
		}
	}
	led := httptest.NewRequest("POST", "http://box.evil.example/sign-in", strings.NewReader("token=s3cret"))
	led.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	led.Header.Set("Accept", "text/html")
	astray := httptest.NewRecorder()
	s.ServeHTTP(astray, led)
	if astray.Code != 421 || astray.Header().Get("Set-Cookie") != "" {
		t.Errorf("signed in under a foreign name: %d %q", astray.Code, astray.Header().Get("Set-Cookie"))
	}
	w := ask(s, "POST", "/sign-in", "token=s3cret", html, asForm)
	given := w.Header().Get("Set-Cookie")
	if w.Code != 303 || !strings.Contains(given, "HttpOnly") || !strings.Contains(given, "SameSite=Strict") || strings.Contains(given, "Secure") {
		t.Fatalf("%d %q", w.Code, given)
	}
	cookie := "Cookie: " + strings.Split(given, ";")[0]
	if w := ask(s, "GET", "/", "", html, cookie); w.Code != 200 {
		t.Errorf("the page: %d", w.Code)
	}
	if w := ask(s, "POST", "/api/v1/chargers/N/approve", "approve=true", html, asForm, cookie); w.Code != 303 || d.done() != "approve N 0 false by the box's own token (admin)" {
		t.Errorf("approve: %d %s %q", w.Code, w.Body, d.done())
	}
	if w := ask(s, "POST", "/api/v1/chargers/N/approve", "approve=true", html, asForm, cookie, "Origin: https://evil.example"); w.Code != 403 {
		t.Errorf("from another web site: %d", w.Code)
	}
	if w := ask(s, "POST", "/sign-in", `{"token":"s3cret"}`, "Origin: https://evil.example"); w.Code != 403 {
		t.Errorf("signed in by another web site: %d", w.Code)
	}
	if w := ask(s, "POST", "/sign-out", "", html, asForm, cookie); w.Code != 303 || !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("sign out: %d %q", w.Code, w.Header().Get("Set-Cookie"))
	}
}

// TestThePageShowsTheDoors: who waits, who was refused and what to do, what protects the
// network, and how long the window is open.
func TestThePageShowsTheDoors(t *testing.T) {
	d := newDesk(t0)
	s := rig(newBox(picture(t0)), demo, func(c *Config) { c.Adoption, c.Certificates = d, authority{} })
	page := func() string { return ask(s, "GET", "/", "").Body.String() }
	html := page()
	for _, want := range []string{"NEW 7/a", "Volta One", "serial number V-7", "firmware 2.1", "10.0.0.77:40112", "/api/v1/chargers/NEW%207%2Fa/approve",
		"a wrong password", "Set the charger&#39;s password.", "12 times", "Let unknown chargers come", "Chargers come over TLS", "key of its own", "on its way to profile 2",
		`aria-label="Approve with a certificate NEW 7/a"`, `aria-label="Move to a certificate CP1"`, `aria-label="Move to a certificate CP2"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	until := time.Now().Add(9*time.Minute + 30*time.Second)
	d.mu.Lock()
	d.doors.Pairing, d.doors.Security, d.doors.IsolatedBy, d.doors.IsolatedOn = &until, "isolated", "J. Doe", "2026-03-01"
	d.mu.Unlock()
	html = page()
	for _, want := range []string{"9 min left", "Close the pairing window", "isolated network", "J. Doe", "2026-03-01"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// authority has one root and one certificate, in memory.
type authority struct{ d *desk }

func (authority) Roots() []RootCertificate {
	return []RootCertificate{{Algorithm: "ecdsa", Name: "Depot North site CA", Fingerprint: "AB:CD", NotAfter: t0, PEM: "-----BEGIN CERTIFICATE-----\n"}}
}
func (authority) Given(context.Context) ([]ChargerCertificate, error) {
	return []ChargerCertificate{{Serial: "4a", Charger: "CP1", Name: "SN-1", Fingerprint: "EF:01", NotBefore: t0, NotAfter: t0}}, nil
}
func (a authority) Revoke(_ context.Context, by, serial, reason string) error {
	return a.d.did("revoke %s (%s) by %s", serial, reason, by)
}

// TestCertificates: the root is a file to be saved, a revocation needs a reason.
func TestCertificates(t *testing.T) {
	d := newDesk(t0)
	s := rig(newBox(picture(t0)), func(c *Config) { c.Certificates = authority{d} })
	w := ask(s, "GET", "/api/v1/site-ca/ecdsa", "", bearer)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "-----BEGIN CERTIFICATE") || !strings.Contains(w.Header().Get("Content-Disposition"), "site-ca-ecdsa.pem") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for path, want := range map[string]int{"site-ca/dsa": 404, "certificates": 200} {
		if w := ask(s, "GET", "/api/v1/"+path, "", bearer); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, body := range []string{"", "{}", `{"reason":" "}`, `{"reason":"` + strings.Repeat("x", 201) + `"}`} {
		if w := ask(s, "POST", "/api/v1/certificates/4a/revoke", body, bearer); w.Code != 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	if w := ask(s, "POST", "/api/v1/certificates/4a/revoke", `{"reason":"stolen"}`, bearer); w.Code != 200 || d.done() != "revoke 4a (stolen) by the box's own token (admin)" {
		t.Errorf("%d %s %q", w.Code, w.Body, d.done())
	}
}
