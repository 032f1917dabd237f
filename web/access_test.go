package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/controller/config"
)

// target is a route's path with its places filled.
func (r route) target() string {
	if strings.Contains(r.path, "/certificates/") {
		return strings.Replace(r.path, "{serial}", "4a", 1)
	}
	if strings.Contains(r.path, "/tokens/") || strings.Contains(r.path, "/outbox/") {
		return strings.Replace(r.path, "{id}", "17", 1)
	}
	return strings.NewReplacer("{$}", "", "{n}", "1", "{name}", "live.js", "{id}", "CP1", "{action}", "Reset", "{algorithm}", "ecdsa").Replace(r.path)
}

// accepting answers all commands with yes.
func accepting(controller.Event) (controller.AnswerBody, error) {
	return controller.CommandAnswer{Status: "Accepted"}, nil
}

// whole gives a box all that it may have.
func whole(c *Config) {
	c.Tokens, c.Adoption = newKeyring(), newDesk(t0)
	c.Certificates = authority{newDesk(t0)}
	c.Call = func(context.Context, controller.StationID, string, json.RawMessage, bool) (json.RawMessage, error) {
		return json.RawMessage(`{"status":"Accepted"}`), nil
	}
	c.Resend = func(context.Context, controller.TxID) (int, error) { return 2, nil }
	running, err := config.Parse("site.yaml", config.Example(), config.Known{})
	if err != nil {
		panic(err) // the example is the program's own
	}
	c.Configuration = func() *config.Config { return running }
}

func goodBody(r route) string {
	switch {
	case strings.HasSuffix(r.path, "/start"):
		return `{"id_token":"04AB"}`
	case r.method != http.MethodPost:
		return ""
	case strings.Contains(r.path, "/service/"):
		return serviceBodies()[r.path[strings.LastIndex(r.path, "/")+1:]]
	case strings.HasSuffix(r.path, "/revoke"):
		return `{"reason":"stolen"}`
	case strings.HasSuffix(r.path, "/pairing"):
		return `{"open":true}`
	case strings.HasSuffix(r.path, "/security-profile"):
		return `{"profile":3}`
	case strings.HasSuffix(r.path, "/approve"):
		return `{"approve":true}`
	case strings.HasSuffix(r.path, "/supplies/{id}/state"):
		return `{"state":"generator"}`
	case strings.HasSuffix(r.path, "/limit"):
		return `{"limit_a":10}`
	case strings.HasSuffix(r.path, "/faults"):
		return `{"name":"cloud-cut","on":true}`
	case strings.HasSuffix(r.path, "/tokens"):
		return `{"name":"Anna","role":"viewer","expires_in":"1h"}`
	}
	return ""
}

// TestAccess asks every route of both kinds of service without, with a wrong and
// with the right token.
func TestAccess(t *testing.T) {
	const none, wrong = "X-None: 1", "Authorization: Bearer guess"
	type want struct{ none, wrong, right int }
	open, closed, never := want{200, 200, 200}, want{401, 403, 200}, want{401, 403, 403}
	for _, service := range []struct {
		name   string
		change func(*Config)
		want   map[access]want
	}{
		{"demo", demo, map[access]want{accessOpen: open, accessRead: open, accessDemo: open, accessWrite: closed}},
		{"demo without token", func(c *Config) { demo(c); c.Token = "" }, map[access]want{accessOpen: open, accessRead: open, accessDemo: open, accessWrite: never}},
		{"serve", func(*Config) {}, map[access]want{accessOpen: open, accessRead: closed, accessDemo: {401, 403, 404}, accessWrite: closed}},
		{"serve without token", func(c *Config) { c.Token = "" }, map[access]want{accessOpen: open, accessRead: never, accessDemo: never, accessWrite: never}},
	} {
		b := newBox(picture(t0))
		b.answer = accepting
		s := rig(b, service.change, whole)
		for _, r := range s.routes {
			if strings.HasPrefix(r.path, "/sign-") {
				continue // TestSignIn
			}
			method := r.method
			if strings.HasSuffix(r.path, "/stream") {
				method = http.MethodHead // it would not end
			}
			w := service.want[r.access]
			for header, code := range map[string]int{none: w.none, wrong: w.wrong, bearer: w.right} {
				got := ask(s, method, r.target(), goodBody(r), header, "Content-Type: application/json")
				if got.Code != code {
					t.Errorf("%s: %s %s with %s: got %d, want %d", service.name, r.method, r.path, header, got.Code, code)
				}
				if code == 401 && got.Header().Get("WWW-Authenticate") == "" {
					t.Errorf("%s: %s %s: 401 without WWW-Authenticate", service.name, r.method, r.path)
				}
				if got.Header().Get("Content-Security-Policy") != policy || got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("%s: %s %s lacks protecting headers", service.name, r.method, r.path)
				}
			}
		}
	}
}

// TestMethodsThatARouteHasNot: 405 to those who may read, nothing to others.
func TestMethodsThatARouteHasNot(t *testing.T) {
	open, closed := rig(newBox(picture(t0)), demo), rig(newBox(picture(t0)))
	has := map[string]bool{}
	for _, r := range open.routes {
		has[r.method+r.path] = true
	}
	for _, r := range open.routes {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if has[method+r.path] {
				continue
			}
			if got := ask(open, method, r.target(), ""); got.Code != 405 {
				t.Errorf("%s %s: got %d, want 405", method, r.path, got.Code)
			}
			if got := ask(closed, method, r.target(), ""); got.Code != 401 {
				t.Errorf("closed %s %s: got %d, want 401", method, r.path, got.Code)
			}
		}
	}
	if got := ask(open, "GET", "/nothing", ""); got.Code != 404 {
		t.Errorf("unknown path: got %d", got.Code)
	}
	if got := ask(closed, "GET", "/nothing", ""); got.Code != 401 {
		t.Errorf("closed unknown path: got %d", got.Code)
	}
}

func TestBrowserWithoutTokenGetsAPageThatSaysHow(t *testing.T) {
	w := ask(rig(newBox(picture(t0))), "GET", "/", "", "Accept: text/html,*/*")
	if w.Code != 401 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Body.String(), "Authorization: Bearer TOKEN") {
		t.Errorf("got %d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

func TestForeignOriginsAreRefused(t *testing.T) {
	s := rig(newBox(picture(t0)), demo)
	for _, c := range []struct {
		header string
		code   int
	}{{"Origin: https://evil.example", 403}, {"Sec-Fetch-Site: cross-site", 403}, {"Origin: http://example.com", 303}, {"Sec-Fetch-Site: same-origin", 303}} {
		w := ask(s, "POST", "/api/v1/demo/faults", "name=cloud-cut&on=true", "Content-Type: application/x-www-form-urlencoded", c.header)
		if w.Code != c.code {
			t.Errorf("%s: got %d, want %d", c.header, w.Code, c.code)
		}
	}
}

// TestForeignNamesAreRefused: a web site whose name leads to this box (DNS rebinding)
// reads nothing and switches nothing.
func TestForeignNamesAreRefused(t *testing.T) {
	s := rig(newBox(picture(t0)), demo, whole, func(c *Config) { c.Hosts = []string{"busbar-ab12", "busbar-ab12.local"} })
	const own, foreign = 200, 421
	for host, code := range map[string]int{
		"127.0.0.1": own, "127.0.0.1:8080": own, "[::1]:8080": own, "[::1]": own, "10.0.0.5": own, "localhost": own, "LocalHost:8080": own, "page.localhost": own,
		"busbar-ab12.local": own, "BUSBAR-AB12.local.:8080": own, "busbar-ab12": own,
		"evil.example": foreign, "evil.example:8080": foreign, "127.0.0.1.evil.example": foreign, "localhost.evil.example": foreign, "": foreign, "busbar-ab12.local.evil.example": foreign,
	} {
		for _, r := range s.routes {
			if r.access == accessOpen || r.access == accessWrite || strings.HasSuffix(r.path, "/stream") && code == own {
				continue
			}
			for _, token := range []string{"", bearer[len("Authorization: "):]} {
				q := httptest.NewRequest(r.method, r.target(), strings.NewReader(goodBody(r)))
				q.Host = host
				q.Header.Set("Authorization", token)
				if token != "" && strings.HasSuffix(r.path, "/stream") {
					continue // it would not end
				}
				w := httptest.NewRecorder()
				s.ServeHTTP(w, q)
				want := code
				if token != "" {
					want = own // no browser led astray
				}
				if w.Code != want {
					t.Errorf("%s %s at %q, token %q: got %d, want %d", r.method, r.path, host, token, w.Code, want)
				}
			}
		}
	}
}

func TestForeignSitesTakeNoPlaceOfAViewer(t *testing.T) {
	if w := ask(rig(newBox(picture(t0)), demo), "GET", "/api/v1/stream", "", "Sec-Fetch-Site: cross-site"); w.Code != 403 {
		t.Errorf("got %d", w.Code)
	}
}

// TestFaultOrders: JSON under any kind, forms, and neither.
func TestFaultOrders(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		code       int
	}{
		{"application/json", `{"name":"charger-kill","arg":"CP3","on":true}`, 200},
		{"application/x-www-form-urlencoded", `{"name":"charger-kill","arg":"CP3","on":true}`, 200}, // curl -d
		{"", `{"name":"charger-kill","arg":"CP3","on":true}`, 200},
		{"application/x-www-form-urlencoded", "name=charger-kill&arg=CP3&on=true", 303},
		{"application/x-www-form-urlencoded", "name=charger-kill&arg=CP3&on=perhaps", 400},
		{"application/x-www-form-urlencoded", "name=%zz", 400},
		{"application/json", `{"name":"no-such","on":true}`, 400},
		{"application/json", `{"name":"charger-kill","on":"yes"}`, 400},
		{"application/json", ``, 400},
		{"application/json", strings.Repeat(" ", maxBody+1), 400},
	} {
		faults := newSwitches()
		s := rig(newBox(picture(t0)), func(cfg *Config) { cfg.Demo = faults })
		w := ask(s, "POST", "/api/v1/demo/faults", c.body, "Content-Type: "+c.kind)
		if w.Code != c.code || faults.Faults()[2].On != (c.code < 400) {
			t.Errorf("%s %.60q: got %d %s, want %d", c.kind, c.body, w.Code, w.Body, c.code)
		}
	}
}

// TestPageHasNothingInline: the policy forbids it, so it would silently not work.
func TestPageHasNothingInline(t *testing.T) {
	page := ask(rig(newBox(picture(t0)), demo), "GET", "/", "").Body.String()
	if m := regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|javascript:|<script[^>]*>[^<]|https?://`).FindString(page); m != "" {
		t.Errorf("the page has %q", m)
	}
}

func TestAssets(t *testing.T) {
	s := rig(newBox(picture(t0)), demo)
	for name, kind := range map[string]string{"live.js": "text/javascript; charset=utf-8", "busbar.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		w := ask(s, "GET", "/assets/"+name, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != kind {
			t.Errorf("%s: got %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		if again := ask(s, "GET", "/assets/"+name, "", "If-None-Match: "+w.Header().Get("ETag")); again.Code != 304 {
			t.Errorf("%s unchanged: got %d", name, again.Code)
		}
	}
	if w := ask(s, "GET", "/assets/none.js", ""); w.Code != 404 {
		t.Errorf("unknown asset: got %d", w.Code)
	}
}
