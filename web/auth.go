package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// access is who may use a route.
type access uint8

const (
	accessOpen  access = iota // everybody, under any name: tells nothing of the site
	accessRead                // everybody in a demo, else the token
	accessWrite               // the token
	accessDemo                // as accessRead; the handler answers 404 without Demo
)

// authorized lets a request through that may use the route. What needs no token is
// open only under the box's own names; who has the token is no browser led astray.
func (s *Server) authorized(a access, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a == accessOpen:
		case a == accessWrite || s.cfg.Demo == nil:
			if !s.admit(w, r) {
				return
			}
		case !s.ownHost(r):
			if token, ok := bearerOf(r); !ok || !s.right(token) {
				fail(w, r, http.StatusMisdirectedRequest, "This box does not go by the name "+strconv.Quote(r.Host)+".",
					"Open the page by the box's address, by its own name or as localhost.")
				return
			}
		}
		next(w, r)
	})
}

// bearerOf is the token that a request carries.
func bearerOf(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// right compares in a time that tells nothing of the box's token.
func (s *Server) right(token string) bool {
	sum := sha256.Sum256([]byte(token)) // same length for the comparison, whatever is sent
	return s.cfg.Token != "" && subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

// admit checks the bearer token; if it does not fit, it answers.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	token, ok := bearerOf(r)
	switch {
	case !ok:
		w.Header().Set("WWW-Authenticate", `Bearer realm="busbar"`)
		fail(w, r, http.StatusUnauthorized, "This needs the box's access token.",
			"Send the header \"Authorization: Bearer TOKEN\" with the token that the box was started with.")
	case s.cfg.Token == "":
		fail(w, r, http.StatusForbidden, "No access token is configured, so this is refused to everybody.",
			"Start the box with a token and send it as \"Authorization: Bearer TOKEN\".")
	case !s.right(token):
		fail(w, r, http.StatusForbidden, "The access token is not the box's.", "Check the token that the box was started with.")
	default:
		return true
	}
	return false
}

// problem is an error answer (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// fail answers with an error: a plain page for browsers, a problem for programs.
func fail(w http.ResponseWriter, r *http.Request, status int, detail, remedy string) {
	p := problem{Title: http.StatusText(status), Status: status, Detail: detail, Remedy: remedy}
	if !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_ = failPage(p).Render(r.Context(), w) // a viewer that left gets no answer
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}
