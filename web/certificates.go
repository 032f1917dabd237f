package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Certificates are the site CA's. Its methods may be called from any goroutine.
type Certificates interface {
	// Roots are what chargers must trust, the preferred one first.
	Roots() []RootCertificate
	// Given are the certificates of chargers, the newest first.
	Given(ctx context.Context) ([]ChargerCertificate, error)
	// Revoke ends a certificate of a charger; *RefusedError if there is none.
	Revoke(ctx context.Context, by, serial, reason string) error
}

type (
	// RootCertificate is to be installed on chargers; people compare the fingerprint.
	RootCertificate struct {
		Algorithm   string    `json:"algorithm"` // "ecdsa", "rsa"
		Name        string    `json:"name"`
		Fingerprint string    `json:"fingerprint"` // SHA-256, as AB:CD:…
		NotAfter    time.Time `json:"not_after"`
		PEM         string    `json:"pem"`
	}
	// ChargerCertificate is one that a charger was given.
	ChargerCertificate struct {
		Serial      string     `json:"serial"`
		Charger     string     `json:"charger"`
		Name        string     `json:"name"` // its common name
		Fingerprint string     `json:"fingerprint"`
		NotBefore   time.Time  `json:"not_before"`
		NotAfter    time.Time  `json:"not_after"`
		RevokedAt   *time.Time `json:"revoked_at"` // null: it is good
		Reason      string     `json:"reason"`
	}
	certificatesDTO struct {
		Roots    []RootCertificate    `json:"roots"`
		Chargers []ChargerCertificate `json:"chargers"`
	}
	revokeOrder struct {
		Reason string `json:"reason"` // 1 to 200 characters
	}
)

const longestReason = 200

func (s *Server) hasCertificates(w http.ResponseWriter, r *http.Request) bool {
	return offered(w, r, s.cfg.Certificates != nil, "This box has no certificates: no port for chargers has TLS.", "Set listen.wss in the configuration.")
}

// certificates is GET /api/v1/certificates.
func (s *Server) certificates(w http.ResponseWriter, r *http.Request) {
	if !s.hasCertificates(w, r) {
		return
	}
	given, err := s.cfg.Certificates.Given(r.Context())
	if err != nil {
		s.cfg.Logger.Error("cannot list the certificates", "err", err)
		fail(w, r, http.StatusInternalServerError, "The certificates can't be read.", "The log says why.")
		return
	}
	same := func(c ChargerCertificate) ChargerCertificate { return c }
	reply(w, certificatesDTO{Roots: each(s.cfg.Certificates.Roots(), func(c RootCertificate) RootCertificate { return c }), Chargers: each(given, same)})
}

// siteCA is GET /api/v1/site-ca/{algorithm}: a root as a file.
func (s *Server) siteCA(w http.ResponseWriter, r *http.Request) {
	if !s.hasCertificates(w, r) {
		return
	}
	for _, root := range s.cfg.Certificates.Roots() {
		if root.Algorithm == r.PathValue("algorithm") {
			w.Header().Set("Content-Type", "application/x-pem-file")
			w.Header().Set("Content-Disposition", `attachment; filename="site-ca-`+root.Algorithm+`.pem"`)
			_, _ = w.Write([]byte(root.PEM)) // a client that left gets no answer
			return
		}
	}
	fail(w, r, http.StatusNotFound, "There is no root certificate of the kind "+strconv.Quote(r.PathValue("algorithm"))+".", "Ask for ecdsa or rsa.")
}

// revoke is POST /api/v1/certificates/{serial}/revoke.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	if !s.hasCertificates(w, r) {
		return
	}
	var o revokeOrder
	err := readOrder(w, r, &o)
	o.Reason = strings.TrimSpace(o.Reason)
	if n := utf8.RuneCountInString(o.Reason); err == nil && (n == 0 || n > longestReason) {
		err = errors.New("the reason is not 1 to 200 characters long")
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error()+".", `Send {"reason":"the charger was stolen"}.`)
		return
	}
	s.adopt(w, r, func(ctx context.Context, by string) error {
		return s.cfg.Certificates.Revoke(ctx, by, r.PathValue("serial"), o.Reason)
	})
}
