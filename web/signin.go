package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The cookie of a browser that has signed in holds its access token. No script reads it,
// no other web site's request carries it, and unsafe requests of others are refused.
const (
	tokenCookie  = "busbar_token"
	signedInFor  = 12 * time.Hour // a working day; the token may end before
	longestGiven = 512
)

// signInOrder is the body of POST /sign-in, as JSON or as a form.
type signInOrder struct {
	Token string `json:"token"`
}

// readSignIn takes the token of a sign-in; "" is none.
func readSignIn(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := readBody(w, r)
	if err != nil {
		return "", err
	}
	if isForm(r) {
		values, err := url.ParseQuery(string(body))
		return strings.TrimSpace(values.Get("token")), err
	}
	var o signInOrder
	err = strictJSON(body, &o)
	return strings.TrimSpace(o.Token), err
}

// cookieOf is the token of a browser that has signed in.
func cookieOf(r *http.Request) (token string, ok bool) {
	c, err := r.Cookie(tokenCookie)
	if err != nil || c.Value == "" {
		return "", false
	}
	return c.Value, true
}

func setCookie(w http.ResponseWriter, r *http.Request, token string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: tokenCookie, Value: token, Path: "/", MaxAge: int(age.Seconds()), Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// signInPage is GET /sign-in.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = signInPage().Render(r.Context(), w) // a viewer that left gets no answer
}

// signIn is POST /sign-in: it works under the box's own names only, so that no other web
// site plants a token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	token, err := readSignIn(w, r)
	switch {
	case err != nil || token == "" || len(token) > longestGiven || strings.ContainsAny(token, " \t\r\n\";,\\"):
		fail(w, r, http.StatusBadRequest, "The access token can't be read.", "Paste the token as it was shown when it was made.")
		return
	case !s.ownHost(r):
		fail(w, r, http.StatusMisdirectedRequest, "This box does not go by that name.", "Open the page by the box's address or by its own name.")
		return
	}
	if _, known := s.holder(token); !known {
		s.refusals.note(s, r, "an unknown token")
		fail(w, r, http.StatusForbidden, "The access token is none of the box's, or its time is over.", "Check the token, or have an admin make a new one.")
		return
	}
	setCookie(w, r, token, signedInFor)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signOut is POST /sign-out.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	setCookie(w, r, "", -time.Second)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
