package adoption

import (
	"context"
	"fmt"
	"slices"

	"busbar/controller/pki"
)

// Roots are the site's root certificates, for chargers that take them by hand; none
// where no port has TLS.
func (s *Service) Roots() []pki.Root {
	if s.cfg.Authority == nil {
		return nil
	}
	return s.cfg.Authority.Roots()
}

// Certificates are those that chargers were given, the newest first.
func (s *Service) Certificates(ctx context.Context) ([]pki.Certificate, error) {
	if s.cfg.Authority == nil {
		return nil, nil
	}
	return s.cfg.Authority.Certificates(ctx)
}

// RevokeCertificate ends a charger's certificate for good, and the connection that was
// made with it; a *Refusal if this site made no such certificate.
func (s *Service) RevokeCertificate(ctx context.Context, by, serial, reason string) error {
	given, err := s.Certificates(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(given, func(c pki.Certificate) bool { return c.Serial == serial }) {
		return &Refusal{fmt.Sprintf("this site made no certificate %s", serial), "Take the serial number from the list of certificates."}
	}
	if err := s.audit(ctx, by, "", "adoption.revoked", fmt.Sprintf("the certificate %s is revoked (%s)", serial, reason)); err != nil {
		return err
	}
	err = s.cfg.Authority.Revoke(ctx, serial, reason)
	s.mu.Lock() // also when the disk refused: it does not count any more
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l.certificate == serial && l.alive() {
			l.conn.Close(closePolicy, "the charger's certificate is revoked")
		}
	}
	return err
}
