package pki

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Names are how chargers reach the box.
type Names struct {
	// DNS are its host names. Chargers compare the common name with the one in their
	// URL, so the first one is that; the others are alternatives.
	DNS []string
	IPs []net.IP // alternatives only
}

const (
	serverDays  = 397            // the longest that strict clients take
	renewBefore = 30 * day       // one month before the end
	lookEvery   = time.Minute    // for new addresses, and for a clock that jumped
	retryAfter  = 10 * lookEvery // after a failure
)

// Server is the box's own certificates on the charger ports: ECDSA and RSA, always
// valid, for the names and addresses the box has now (A00.FR.318). Run renews them
// without a restart.
type Server struct {
	ca    *Authority
	names func() Names
	log   *slog.Logger

	mu      sync.Mutex // one renewal at a time
	held    map[Algorithm]authorityKey
	configs atomic.Pointer[configs]
}

// configs are made anew with each certificate, and kept meanwhile so that clients can
// resume their TLS sessions.
type configs struct{ password, certificate *tls.Config }

// NewServer makes a Server with valid certificates. names is asked again and again; it
// must be quick.
func NewServer(ca *Authority, names func() Names, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{ca: ca, names: names, log: log, held: map[Algorithm]authorityKey{}}
	for _, alg := range algorithms() {
		cert, key, err := load(ca.cfg.Keys, serverName(alg))
		if err == nil && cert.CheckSignatureFrom(ca.roots[alg].cert) == nil {
			s.held[alg] = authorityKey{cert, key}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("the server certificate is made anew", "err", err) // nobody depends on the old one
		}
	}
	return s, s.Renew()
}

func serverName(alg Algorithm) string { return "server-" + string(alg) }

// Run renews the certificates one month before they end, and when the box has other
// names, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		if err := s.Renew(); err != nil {
			s.log.Error("cannot renew the server certificate of the charger ports", "err", err)
			look.Reset(retryAfter)
			continue
		}
		look.Reset(lookEvery)
	}
}

// Renew makes new certificates where that is due. Open connections are not touched.
func (s *Server) Renew() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, names := time.Now(), s.names()
	if len(names.DNS) == 0 {
		return errors.New("cannot make a server certificate: the box has no name")
	}
	changed := s.configs.Load() == nil
	for _, alg := range algorithms() {
		held := s.held[alg]
		why := s.due(held.cert, names, now)
		if why == "" {
			continue
		}
		key := held.key
		// Only other names: the key may stay, which spares a small box the work.
		if key == nil || why != otherNames {
			var err error
			if key, err = newKey(alg); err != nil {
				return err
			}
		}
		cert, err := s.issue(alg, key, names, now)
		if err != nil {
			return err
		}
		s.held[alg], changed = authorityKey{cert, key}, true
		s.log.Info("new server certificate for the charger ports", "algorithm", alg, "name", names.DNS[0], "until", cert.NotAfter, "why", why)
	}
	if changed {
		s.configs.Store(s.configsOf())
	}
	return nil
}

const otherNames = "the box has other names or addresses"

// due is why a certificate must be made anew, "" if it is good.
func (s *Server) due(cert *x509.Certificate, names Names, now time.Time) string {
	switch {
	case cert == nil:
		return "there was none"
	case !slices.Equal(cert.Subject.Organization, []string{s.ca.Operator()}):
		return "the operator has another name"
	case now.Before(cert.NotBefore):
		return "it was made while the clock was ahead"
	case now.After(cert.NotAfter.Add(-renewBefore)):
		return "it ends"
	case cert.Subject.CommonName != clip(names.DNS[0], 64) || !slices.Equal(cert.DNSNames, names.DNS) || !slices.EqualFunc(cert.IPAddresses, sorted(names.IPs), net.IP.Equal):
		return otherNames
	}
	return ""
}

// sorted is a copy without doubles, so that the order of interfaces does not count.
func sorted(ips []net.IP) []net.IP {
	out := slices.Clone(ips)
	for i, ip := range out {
		if four := ip.To4(); four != nil {
			out[i] = four
		}
	}
	slices.SortFunc(out, func(a, b net.IP) int { return slices.Compare(a, b) })
	return slices.CompactFunc(out, net.IP.Equal)
}

func (s *Server) issue(alg Algorithm, key crypto.Signer, names Names, now time.Time) (*x509.Certificate, error) {
	root := s.ca.roots[alg]
	usage := x509.KeyUsageDigitalSignature
	if alg == RSA {
		usage |= x509.KeyUsageKeyEncipherment // the suites without ECDHE
	}
	cert, err := sign(&x509.Certificate{
		Subject:               s.ca.subject(names.DNS[0]),
		NotBefore:             now.Add(-day), // a charger's clock may be behind
		NotAfter:              earlier(now.Add(serverDays*day), root.cert.NotAfter),
		KeyUsage:              usage,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names.DNS,
		IPAddresses:           sorted(names.IPs),
	}, root.cert, key.Public(), root.key)
	if err != nil {
		return nil, err
	}
	return cert, save(s.ca.cfg.Keys, serverName(alg), cert, key)
}

// Shown are the certificates in use, for the page.
func (s *Server) Shown() []Root {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Root
	for _, alg := range algorithms() {
		cert := s.held[alg].cert
		out = append(out, Root{Algorithm: alg, Name: cert.Subject.CommonName, PEM: string(encode(cert)), Fingerprint: Fingerprint(cert), NotAfter: cert.NotAfter})
	}
	return out
}
