package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
)

// access is who may use a route.
type access uint8

const (
	accessOpen  access = iota // everybody
	accessRead                // everybody in a demo, else the token
	accessWrite               // the token
	accessDemo                // as accessRead; the handler answers 404 without Demo
)

// authorized lets a request through that may use the route.
func (s *Server) authorized(a access, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := a == accessOpen || a != accessWrite && s.cfg.Demo != nil
		if !open && !s.admit(w, r) {
			return
		}
		next(w, r)
	})
}

// admit checks the bearer token; if it does not fit, it answers.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="busbar"`)
		fail(w, r, http.StatusUnauthorized, "This needs the box's access token.",
			"Send the header \"Authorization: Bearer TOKEN\" with the token that the box was started with.")
		return false
	}
	sum := sha256.Sum256([]byte(token)) // same length for the comparison, whatever is sent
	if s.cfg.Token == "" {
		fail(w, r, http.StatusForbidden, "No access token is configured, so this is refused to everybody.",
			"Start the box with a token and send it as \"Authorization: Bearer TOKEN\".")
		return false
	}
	if subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
		fail(w, r, http.StatusForbidden, "The access token is not the box's.", "Check the token that the box was started with.")
		return false
	}
	return true
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
