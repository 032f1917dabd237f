package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"busbar/controller"
)

// Tokens are the access tokens of the box.
type Tokens interface {
	// Find looks a token up, valid or not; it must return at once.
	Find(token string) (controller.AccessToken, bool)
	// List is all tokens.
	List() []controller.AccessToken
	// Create makes a token from Name, Role, CreatedBy and ExpiresAt.
	Create(ctx context.Context, t controller.AccessToken) (token string, made controller.AccessToken, err error)
	// Revoke ends a token; false if there is none of that id.
	Revoke(ctx context.Context, id string) (controller.AccessToken, bool, error)
}

type (
	tokenDTO struct {
		ID        string     `json:"id"`
		Name      string     `json:"name"`
		Role      string     `json:"role"`
		CreatedAt time.Time  `json:"created_at"`
		CreatedBy string     `json:"created_by"`
		ExpiresAt time.Time  `json:"expires_at"`
		LastUsed  *time.Time `json:"last_used"` // null: never
	}
	// newTokenDTO shows the token itself, the only time.
	newTokenDTO struct {
		Token string   `json:"token"`
		Info  tokenDTO `json:"info"`
	}
	tokenOrder struct {
		// Name says whose or what for, 1 to 64 characters.
		Name string `json:"name"`
		// Role is viewer, operator, installer or admin.
		Role string `json:"role"`
		// ExpiresIn is how long it may be used, such as "720h"; ten years at most.
		ExpiresIn string `json:"expires_in"`
	}
)

const (
	longestName  = 64
	longestGrant = 10 * 366 * 24 * time.Hour
)

func newTokenInfo(t controller.AccessToken) tokenDTO {
	return tokenDTO{ID: t.ID, Name: t.Name, Role: string(t.Role), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy, ExpiresAt: t.ExpiresAt, LastUsed: known(t.LastUsed)}
}

// hasTokens answers where the box keeps none.
func (s *Server) hasTokens(w http.ResponseWriter, r *http.Request) bool {
	return offered(w, r, s.cfg.Tokens != nil, "This box keeps no access tokens.", "Use the token that it was started with.")
}

func (s *Server) tokens(w http.ResponseWriter, r *http.Request) {
	if s.hasTokens(w, r) {
		reply(w, each(s.cfg.Tokens.List(), newTokenInfo))
	}
}

func (s *Server) createToken(w http.ResponseWriter, r *http.Request) {
	if !s.hasTokens(w, r) {
		return
	}
	spec, err := readToken(w, r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be used: "+err.Error()+".",
			`Send {"name":"Anna's laptop","role":"operator","expires_in":"720h"}; roles are viewer, operator, installer and admin.`)
		return
	}
	spec.CreatedBy = callerOf(r).name
	if !s.audit(w, r, "token-made", spec.Name, "an access token with the role "+string(spec.Role)+" is made, valid until "+spec.ExpiresAt.UTC().Format(time.RFC3339)) {
		return
	}
	token, made, err := s.cfg.Tokens.Create(r.Context(), spec)
	if err != nil {
		s.cfg.Logger.Error("cannot make an access token", "err", err)
		fail(w, r, http.StatusServiceUnavailable, "The token can't be made.", "Revoke tokens that are not needed, if there are very many; else the program's log says why.")
		return
	}
	reply(w, newTokenDTO{Token: token, Info: newTokenInfo(made)})
}

func readToken(w http.ResponseWriter, r *http.Request) (controller.AccessToken, error) {
	var o tokenOrder
	body, err := readBody(w, r)
	if err == nil {
		err = strictJSON(body, &o)
	}
	if err != nil {
		return controller.AccessToken{}, err
	}
	t := controller.AccessToken{Name: strings.TrimSpace(o.Name), Role: controller.Role(o.Role)}
	if n := utf8.RuneCountInString(t.Name); n == 0 || n > longestName {
		return t, errors.New("the name is not 1 to 64 characters long")
	}
	if !t.Role.Known() {
		return t, errors.New("the role " + strconv.Quote(o.Role) + " is not known")
	}
	span, err := time.ParseDuration(o.ExpiresIn)
	if err != nil || span < time.Minute || span > longestGrant {
		return t, errors.New("expires_in is no time between a minute and ten years")
	}
	t.ExpiresAt = time.Now().Add(span)
	return t, nil
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	if !s.hasTokens(w, r) {
		return
	}
	id := r.PathValue("id")
	if !s.audit(w, r, "token-revoked", id, "an access token is revoked") {
		return
	}
	revoked, ok, err := s.cfg.Tokens.Revoke(r.Context(), id)
	switch {
	case err != nil:
		s.cfg.Logger.Error("cannot revoke an access token", "err", err)
		fail(w, r, http.StatusServiceUnavailable, "The token is of no use now, but the disk did not take that: it would come back with the next start.", "Try again; the program's log says why.")
	case !ok:
		fail(w, r, http.StatusNotFound, "There is no access token "+strconv.Quote(id)+".", "The ids are listed at GET /api/v1/tokens.")
	default:
		reply(w, newTokenInfo(revoked))
	}
}
