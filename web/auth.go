package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"busbar/controller"
)

// access is when a route needs a token. Which role the token must have is the route's
// least.
type access uint8

const (
	accessOpen  access = iota // never, under any name: tells nothing of the site
	accessRead                // not in a demo
	accessWrite               // always
	accessDemo                // as accessRead; the handler answers 404 without Demo
)

// caller is who makes a request. Without a token (in a demo) it has no role.
type caller struct {
	name string
	role controller.Role
}

// String is how the audit log names a caller.
func (c caller) String() string {
	if c.role == "" {
		return "somebody without a token"
	}
	return c.name + " (" + string(c.role) + ")"
}

type callerKey struct{}

// callerOf is who makes a request that was let through.
func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// authorized lets a request through that may use the route. What needs no token is
// open only under the box's own names; who has a token is no browser led astray.
func (s *Server) authorized(a access, least controller.Role, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := s.whose(r)
		switch {
		case a == accessOpen:
		case a == accessWrite || s.cfg.Demo == nil:
			if !s.admit(w, r, who, known, least) {
				return
			}
		case !known && !s.ownHost(r):
			fail(w, r, http.StatusMisdirectedRequest, "This box does not go by the name "+strconv.Quote(r.Host)+".",
				"Open the page by the box's address, by its own name or as localhost.")
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	})
}

// bearerOf is the token that a request carries: in its header, or for a browser that
// has signed in, in its cookie.
func bearerOf(r *http.Request) (token string, ok bool) {
	if r.Header.Get("Authorization") == "" {
		return cookieOf(r)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// whose finds the holder of the request's token.
func (s *Server) whose(r *http.Request) (who caller, known bool) {
	token, ok := bearerOf(r)
	if !ok {
		return caller{}, false
	}
	return s.holder(token)
}

// holder finds whose token it is.
func (s *Server) holder(token string) (who caller, known bool) {
	switch {
	case s.right(token):
		return caller{name: "the box's own token", role: controller.RoleAdmin}, true
	case s.cfg.Tokens == nil:
		return caller{}, false
	}
	t, ok := s.cfg.Tokens.Find(token)
	if !ok || !t.Valid(time.Now()) {
		return caller{}, false
	}
	return caller{name: t.Name, role: t.Role}, true
}

// still tells whether the token that a request was let in with is good yet: a stream
// outlasts the request's beginning, and tokens end.
func (s *Server) still(r *http.Request) bool {
	if callerOf(r).role == "" {
		return true // let in without one
	}
	_, known := s.whose(r)
	return known
}

// right compares in a time that tells nothing of the box's token.
func (s *Server) right(token string) bool {
	sum := sha256.Sum256([]byte(token)) // same length for the comparison, whatever is sent
	return s.cfg.Token != "" && subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

// admit checks the caller; if it may not, it answers.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, who caller, known bool, least controller.Role) bool {
	_, given := bearerOf(r)
	switch {
	case !given:
		w.Header().Set("WWW-Authenticate", `Bearer realm="busbar"`)
		fail(w, r, http.StatusUnauthorized, "This needs an access token of the box.",
			"Send the header \"Authorization: Bearer TOKEN\" with the token that the box was started with, or one that an admin made.")
	case !known && s.cfg.Token == "" && s.cfg.Tokens == nil:
		fail(w, r, http.StatusForbidden, "No access token is configured, so this is refused to everybody.",
			"Start the box with a token and send it as \"Authorization: Bearer TOKEN\".")
	case !known:
		s.refusals.note(s, r, "an unknown token")
		fail(w, r, http.StatusForbidden, "The access token is none of the box's, or its time is over.", "Check the token, or have an admin make a new one.")
	case !who.role.Includes(least):
		s.refusals.note(s, r, "the token of "+who.String())
		fail(w, r, http.StatusForbidden, "This needs the role "+string(least)+"; the token has the role "+string(who.role)+".",
			"Use a token with that role, or have an admin make one.")
	default:
		return true
	}
	return false
}

// auditWithin is how long the disk may take to remember who does what.
const auditWithin = 5 * time.Second

// audit writes down what the caller is about to do; if that is impossible it answers,
// and it must not be done.
func (s *Server) audit(w http.ResponseWriter, r *http.Request, code, subject, text string) bool {
	ctx, cancel := context.WithTimeout(r.Context(), auditWithin)
	defer cancel()
	_, err := s.cfg.Site.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.Audited{Reply: id, By: callerOf(r).String(), Code: "audit." + code, Subject: subject, Text: text}
	})
	if err != nil {
		s.cfg.Logger.Warn("cannot write the audit log", "err", err)
		w.Header().Set("Retry-After", "1")
		fail(w, r, http.StatusServiceUnavailable, "The box can't write down who does this, so it was not done.", "Try again in a moment.")
		return false
	}
	return true
}

// refusals puts attempts to get in into the event log, one line a minute at most: who
// tries often shall not fill the disk.
type refusals struct {
	mu     sync.Mutex
	noted  time.Time
	unsaid int
}

const (
	refusalsEvery = time.Minute
	longestPath   = 80 // bytes of a path that are written down
)

func (l *refusals) note(s *Server, r *http.Request, with string) {
	s.cfg.Logger.Warn("access refused", "remote", r.RemoteAddr, "path", r.URL.Path, "with", with)
	more, due := l.due(time.Now())
	if !due {
		return
	}
	path := r.URL.Path
	if len(path) > longestPath {
		path = strings.ToValidUTF8(path[:longestPath], "") + "…"
	}
	text := fmt.Sprintf("%s %s was refused to %s", r.Method, path, with)
	if more > 0 {
		text += fmt.Sprintf(", and %d requests before it", more)
	}
	ctx, cancel := context.WithTimeout(r.Context(), auditWithin)
	defer cancel()
	_, err := s.cfg.Site.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.Audited{Reply: id, By: r.RemoteAddr, Code: "audit.refused", Subject: "api", Text: text}
	})
	if err != nil {
		s.cfg.Logger.Warn("cannot write the audit log", "err", err)
	}
}

// due counts an attempt; when it is to be told, more is how many were not.
func (l *refusals) due(now time.Time) (more int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.noted.IsZero() && now.Sub(l.noted) < refusalsEvery {
		l.unsaid++
		return 0, false
	}
	more, l.unsaid, l.noted = l.unsaid, 0, now
	return more, true
}

// problem is an error answer (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// offered answers where the box does not have what a route is about.
func offered(w http.ResponseWriter, r *http.Request, has bool, detail, remedy string) bool {
	if !has {
		fail(w, r, http.StatusNotFound, detail, remedy)
	}
	return has
}

// fail answers with an error: a plain page for browsers, a problem for programs.
func fail(w http.ResponseWriter, r *http.Request, status int, detail, remedy string) {
	p := problem{Title: http.StatusText(status), Status: status, Detail: detail, Remedy: remedy}
	if isForm(r) || !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_ = failPage(p).Render(r.Context(), w) // a viewer that left gets no answer
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}
