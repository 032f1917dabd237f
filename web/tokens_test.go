package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

// keyring keeps tokens in memory; one of each role is there from the start, by the name
// of its role, and one that is over.
type keyring struct {
	mu  sync.Mutex
	all map[string]controller.AccessToken // by the token itself
	err error
}

func newKeyring() *keyring {
	k := &keyring{all: map[string]controller.AccessToken{}}
	for _, role := range controller.Roles() {
		k.all[string(role)] = controller.AccessToken{ID: "id-" + string(role), Name: "the " + string(role), Role: role, CreatedAt: t0, ExpiresAt: time.Now().Add(time.Hour)}
	}
	k.all["over"] = controller.AccessToken{ID: "17", Name: "of last year", Role: controller.RoleAdmin, ExpiresAt: time.Now().Add(-time.Second)}
	return k
}

func (k *keyring) Find(token string) (controller.AccessToken, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.all[token]
	return t, ok
}

func (k *keyring) List() []controller.AccessToken {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []controller.AccessToken
	for _, t := range k.all {
		out = append(out, t)
	}
	return out
}

func (k *keyring) Create(_ context.Context, t controller.AccessToken) (string, controller.AccessToken, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t.ID = "fresh"
	k.all["fresh-token"] = t
	return "fresh-token", t, k.err
}

func (k *keyring) Revoke(_ context.Context, id string) (controller.AccessToken, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for token, t := range k.all {
		if t.ID == id {
			delete(k.all, token)
			return t, true, k.err
		}
	}
	return controller.AccessToken{}, false, k.err
}

var _ Tokens = (*keyring)(nil)

// TestEachRoleMayUseItsRoutes is the table of roles and routes: who is not named may not.
func TestEachRoleMayUseItsRoutes(t *testing.T) {
	const viewer, operator, installer, admin = controller.RoleViewer, controller.RoleOperator, controller.RoleInstaller, controller.RoleAdmin
	table := map[string]controller.Role{ // the least
		"GET /{$}": viewer, "GET /metrics": viewer, "GET /api/v1/openapi.json": viewer, "GET /api/v1/stream": viewer,
		"GET /api/v1/status": viewer, "GET /api/v1/site": viewer, "GET /api/v1/circuits": viewer, "GET /api/v1/meters": viewer,
		"GET /api/v1/chargers": viewer, "GET /api/v1/connectors": viewer, "GET /api/v1/transactions": viewer, "GET /api/v1/outbox": viewer,
		"GET /api/v1/events": viewer, "GET /api/v1/demo/faults": viewer, "POST /api/v1/demo/faults": viewer, // 404 in service
		"POST /api/v1/connectors/{n}/start": operator, "POST /api/v1/connectors/{n}/stop": operator,
		"POST /api/v1/connectors/{n}/unlock": operator, "POST /api/v1/connectors/{n}/limit": operator,
		"POST /api/v1/connectors/{n}/departure": operator,
		"POST /api/v1/outbox/{id}/resend":       operator, "POST /api/v1/supplies/{id}/state": operator,
		"GET /api/v1/certificates": viewer, "GET /api/v1/site-ca/{algorithm}": viewer, "POST /api/v1/certificates/{serial}/revoke": installer,
		"GET /api/v1/adoption": viewer, "POST /api/v1/adoption/pairing": installer, "POST /api/v1/chargers/{id}/forget": installer,
		"POST /api/v1/chargers/{id}/rotate-key": installer, "POST /api/v1/chargers/{id}/break-glass": installer, "POST /api/v1/chargers/{id}/security-profile": installer,
		"POST /api/v1/chargers/{id}/approve": installer, "GET /api/v1/config": installer,
		"POST /api/v1/chargers/{id}/call/{action}": admin, "GET /api/v1/ocpp-log": admin,
		"GET /api/v1/tokens": admin, "POST /api/v1/tokens": admin, "DELETE /api/v1/tokens/{id}": admin,
	}
	for name := range serviceBodies() {
		table["POST /api/v1/chargers/{id}/service/"+name] = installer
	}
	open := map[string]bool{"GET /assets/{name}": true, "GET /healthz": true, "GET /readyz": true}
	b := newBox(picture(t0))
	b.answer = accepting
	s := rig(b, whole)
	for _, r := range s.routes {
		name := r.method + " " + r.path
		if strings.HasPrefix(r.path, "/sign-") {
			continue // TestSignIn
		}
		least, listed := table[name]
		if !listed && !open[name] {
			t.Errorf("%s: say in this table which role may use it", name)
			continue
		}
		delete(table, name)
		method := r.method
		if strings.HasSuffix(r.path, "/stream") {
			method = http.MethodHead // it would not end
		}
		for _, role := range controller.Roles() {
			s.cfg.Tokens = newKeyring() // what another one deleted is there again
			got := ask(s, method, r.target(), goodBody(r), "Authorization: Bearer "+string(role), "Content-Type: application/json")
			may := open[name] || role.Includes(least)
			if may == (got.Code == 403) || may && got.Code >= 400 && r.access != accessDemo {
				t.Errorf("%s as %s: got %d", name, role, got.Code)
			}
			if !may && strings.HasPrefix(r.path, "/api/") {
				checkProblem(t, got.Code, got.Header().Get("Content-Type"), got.Body.Bytes())
				if !strings.Contains(got.Body.String(), "role "+string(least)) {
					t.Errorf("%s as %s: does not say which role is needed: %s", name, role, got.Body)
				}
			}
		}
		for _, other := range []string{"over", "never-made", "ADMIN"} {
			if got := ask(s, method, r.target(), goodBody(r), "Authorization: Bearer "+other); !open[name] && got.Code != 403 {
				t.Errorf("%s with %s: got %d", name, other, got.Code)
			}
		}
	}
	for name := range table {
		t.Errorf("there is no route %s", name)
	}
}

func TestTokensOverTheAPI(t *testing.T) {
	b := newBox(picture(t0))
	var audited []controller.Audited
	b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
		if a := ev.(controller.Audited); a.Code != "audit.refused" {
			audited = append(audited, a)
		}
		return controller.Done{}, nil
	}
	k := newKeyring()
	s := rig(b, func(c *Config) { c.Tokens = k })
	w := ask(s, "POST", "/api/v1/tokens", `{"name":" Anna's laptop ","role":"installer","expires_in":"48h"}`, "Authorization: Bearer admin")
	var made newTokenDTO
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 200 || made.Token != "fresh-token" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if i := made.Info; i.Name != "Anna's laptop" || i.Role != "installer" || i.CreatedBy != "the admin" || time.Until(i.ExpiresAt) < 47*time.Hour || time.Until(i.ExpiresAt) > 48*time.Hour {
		t.Errorf("got %+v", made.Info)
	}
	w = ask(s, "GET", "/api/v1/tokens", "", "Authorization: Bearer admin")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"id":"fresh"`) || strings.Contains(w.Body.String(), "fresh-token") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/api/v1/config", "", "Authorization: Bearer fresh-token"); w.Code == 403 {
		t.Errorf("the new token is of no use: %d %s", w.Code, w.Body)
	}
	if w := ask(s, "DELETE", "/api/v1/tokens/fresh", "", bearer); w.Code != 200 || !strings.Contains(w.Body.String(), "Anna") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/api/v1/status", "", "Authorization: Bearer fresh-token"); w.Code != 403 {
		t.Errorf("a revoked token is of use: %d", w.Code)
	}
	if w := ask(s, "DELETE", "/api/v1/tokens/fresh", "", bearer); w.Code != 404 {
		t.Errorf("deleted twice: %d", w.Code)
	}
	if len(audited) != 3 || audited[0].Code != "audit.token-made" || !strings.Contains(audited[0].By, "the admin (admin)") || audited[1].Code != "audit.token-revoked" || !strings.Contains(audited[1].By, "own token") {
		t.Errorf("written down: %+v", audited)
	}
	for _, body := range []string{``, `{}`, `{"name":"","role":"viewer","expires_in":"1h"}`, `{"name":"x","role":"root","expires_in":"1h"}`, `{"name":"x","role":"viewer"}`,
		`{"name":"x","role":"viewer","expires_in":"0s"}`, `{"name":"x","role":"viewer","expires_in":"-1h"}`, `{"name":"x","role":"viewer","expires_in":"999999h"}`,
		`{"name":"` + strings.Repeat("x", 65) + `","role":"viewer","expires_in":"1h"}`, `{"name":"x","role":"viewer","expires_in":"1h","x":1}`} {
		w := ask(s, "POST", "/api/v1/tokens", body, bearer)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "expires_in") {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
	k.err = errors.New("S3cret of the disk")
	for _, c := range [][3]string{{"POST", "/api/v1/tokens", `{"name":"x","role":"viewer","expires_in":"1h"}`}, {"DELETE", "/api/v1/tokens/17", ""}} {
		if w := ask(s, c[0], c[1], c[2], bearer); w.Code != 503 || strings.Contains(w.Body.String(), "S3cret") {
			t.Errorf("%s: got %d %s", c[0], w.Code, w.Body)
		}
	}
}

func TestStreamEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		b.answer = func(controller.Event) (controller.AnswerBody, error) { return controller.Done{}, nil }
		s := rig(b, func(c *Config) { c.Tokens = newKeyring() }) // tokens last an hour
		open := func(token string) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/stream", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			s.ServeHTTP(newScreen(), r)
		}
		var wg sync.WaitGroup
		for _, token := range []string{"viewer", "operator", "s3cret"} {
			wg.Go(func() { open(token) })
		}
		time.Sleep(10 * time.Second)
		if n := len(s.viewer); n != 3 {
			t.Fatalf("%d viewers", n)
		}
		if w := ask(s, "DELETE", "/api/v1/tokens/id-viewer", "", bearer); w.Code != 200 {
			t.Fatalf("revoke: %d", w.Code)
		}
		time.Sleep(time.Second)
		if n := len(s.viewer); n != 2 {
			t.Errorf("after a revocation %d watch, want 2", n)
		}
		time.Sleep(time.Hour)
		if n := len(s.viewer); n != 1 {
			t.Errorf("after the end of a token's time %d watch, want 1", n)
		}
		s.Close()
		wg.Wait()
	})
}

func TestRefusalsAreWrittenDownOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		var lines []string
		b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
			a := ev.(controller.Audited)
			lines = append(lines, a.Code+" "+a.Text)
			return controller.Done{}, nil
		}
		s := rig(b, func(c *Config) { c.Tokens = newKeyring() })
		for range 5 {
			ask(s, "GET", "/api/v1/status", "", "Authorization: Bearer guess-of-a-stranger")
		}
		ask(s, "GET", "/api/v1/status", "") // a browser without a token is nobody's attempt
		time.Sleep(2 * time.Minute)
		ask(s, "GET", "/api/v1/tokens", "", "Authorization: Bearer viewer")
		want := []string{"audit.refused GET /api/v1/status was refused to an unknown token",
			"audit.refused GET /api/v1/tokens was refused to the token of the viewer (viewer), and 4 requests before it"}
		if !slices.Equal(lines, want) {
			t.Errorf("got %q", lines)
		}
	})
}
