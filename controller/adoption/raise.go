package adoption

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/controller/pki"
	"busbar/ocpp"
)

// requestWithin is how long a charger may take to make a key and a certificate
// request; RSA takes small ones a minute.
const requestWithin = 3 * time.Minute

// Raise moves a charger up to security profile 2 or 3: root certificate, certificate of its
// own for 3, then the order to use it (A05). It returns when the charger has agreed; both
// profiles count until it came back on the higher one, only that from then on.
func (s *Service) Raise(ctx context.Context, by, station string, profile int) error {
	end, err := s.begin(station)
	if err != nil {
		return err
	}
	defer end()
	l, err := s.mayRaise(station, profile)
	if err != nil {
		return err
	}
	if err := s.audit(ctx, by, station, "adoption.raise", fmt.Sprintf("the charger is told to use security profile %d", profile)); err != nil {
		return err
	}
	if err := s.giveRoots(ctx, l); err != nil {
		return err
	}
	if profile == 3 {
		if err := s.obtainCertificate(ctx, station, l); err != nil {
			return err
		}
	}
	return s.order(ctx, station, l, profile)
}

// mayRaise is the connection of a charger that can be told to use a profile.
func (s *Service) mayRaise(station string, profile int) (*link, error) {
	c, listed, known := s.standing(station)
	if !known {
		return nil, &Refusal{"the charger is unknown", "Approve it first."}
	}
	l, err := s.link(station)
	switch {
	case err != nil:
		return nil, err
	case profile <= c.Profile || profile < 2 || profile > 3:
		return nil, &Refusal{fmt.Sprintf("the charger has profile %d, and %d is not above it", c.Profile, profile), "A charger goes up only; set it back by hand to go down."}
	case s.cfg.Authority == nil || s.cfg.URL(profile) == "":
		return nil, &Refusal{fmt.Sprintf("the port of profile %d is closed", profile), "Set listen.wss and listen.mtls."}
	case profile == 2 && c.Key == "" && listed.Password == "":
		return nil, &Refusal{"the charger has no key yet", "Give it one (rotate its key) first."}
	}
	return l, nil
}

// StartRaise is Raise for somebody who does not wait: chargers take minutes to make
// keys. What became of it is in the log. An error means that it was not begun.
func (s *Service) StartRaise(by, station string, profile int) error {
	if _, err := s.mayRaise(station, profile); err != nil {
		return err
	}
	return s.enqueue(func(ctx context.Context) { s.raiseAlone(ctx, by, station, profile) })
}

// raiseAlone raises a charger and leaves what became of it in the log.
func (s *Service) raiseAlone(ctx context.Context, by, station string, profile int) {
	if err := s.Raise(ctx, by, station, profile); err != nil {
		s.log.Warn("a charger could not be raised", "station", station, "profile", profile, "err", err)
		s.note(ctx, station, "adoption.raise", "could not be raised: "+err.Error())
	}
}

// order tells the charger to use a profile. The record is written first: it may come
// back at once.
func (s *Service) order(ctx context.Context, station string, l *link, profile int) error {
	if _, err := s.change(ctx, station, func(c *Credential) { c.Target, c.Wanted = profile, 0 }); err != nil {
		return err
	}
	a, err := dialectOf(l.conn).raise(ctx, profile, s.cfg.URL(profile))
	if uncertain(err) {
		return fmt.Errorf("cannot tell whether the charger changes its security profile; both count until it came back: %w", err)
	}
	if err == nil && a.taken {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.change(ctx, station, func(c *Credential) { c.Target = 0 }); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("cannot tell the charger its security profile: %w", err)
	}
	return &Refusal{fmt.Sprintf("the charger did not take security profile %d (it answered %q)", profile, a.status), "Update its firmware, or set the profile in the charger by hand."}
}

// giveRoots installs the site's roots; one that is taken is enough. A charger that
// knows no such message may have got them by hand.
func (s *Service) giveRoots(ctx context.Context, l *link) error {
	d, last := dialectOf(l.conn), answer{}
	for _, root := range s.cfg.Authority.Roots() {
		a, err := d.installRoot(ctx, root.PEM)
		if err != nil {
			return fmt.Errorf("cannot install the root certificate: %w", err)
		}
		if a.taken || a.absent {
			return nil
		}
		last = a
	}
	if l.profile >= 2 {
		return nil // it is here by TLS, so it has one
	}
	return &Refusal{fmt.Sprintf("the charger did not take the root certificate (it answered %q)", last.status), "Install the site's root certificate by hand; it is on the page, under Letting chargers in."}
}

// obtainCertificate has the charger ask for a certificate, and gives it one (A02).
func (s *Service) obtainCertificate(ctx context.Context, station string, l *link) error {
	d := dialectOf(l.conn)
	if _, err := d.set(ctx, settingOperator, s.cfg.Authority.Operator()); err != nil {
		return fmt.Errorf("cannot tell the charger its operator: %w", err)
	}
	requests := make(chan string, 1)
	s.mu.Lock()
	l.csr = requests
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		l.csr = nil
		s.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	a, err := d.askForRequest(ctx)
	if err != nil {
		return fmt.Errorf("cannot ask the charger for a certificate request: %w", err)
	}
	if !a.taken {
		return &Refusal{fmt.Sprintf("the charger makes no certificate request (it answered %q)", a.status), "Update its firmware, or stay with profile 2."}
	}
	select {
	case csr := <-requests:
		return s.sign(ctx, station, l, csr)
	case <-l.conn.Done():
		return &Refusal{"the connection was lost before the charger asked for its certificate", "Try again when it is back."}
	case <-ctx.Done():
		return &Refusal{"the charger did not ask for its certificate in time", "Try again; some chargers need a moment for their first key."}
	}
}

// sign answers a certificate request with a certificate.
func (s *Service) sign(ctx context.Context, station string, l *link, csr string) error {
	issued, err := s.cfg.Authority.Sign(ctx, s.request(station, l, csr))
	if err != nil {
		return err
	}
	a, err := dialectOf(l.conn).giveCertificate(ctx, issued.Chain)
	if err != nil {
		return fmt.Errorf("cannot give the charger its certificate: %w", err)
	}
	if !a.taken {
		return &Refusal{fmt.Sprintf("the charger did not take its certificate (it answered %q)", a.status), "Check the charger's clock and that it has the site's root certificate."}
	}
	s.note(ctx, station, "adoption.certificate", fmt.Sprintf("got the certificate %s for %q, valid until %s", issued.Serial, issued.Name, issued.NotAfter.UTC().Format(time.DateOnly)))
	return nil
}

func (s *Service) request(station string, l *link, csr string) pki.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	serial := l.serial
	if serial == "" {
		serial = s.records[station].Serial
	}
	return pki.Request{Station: station, Serial: serial, CSR: csr}
}

// SignCertificate takes a charger's certificate request: one that was asked for, or a
// renewal by its own wish.
func (s *Service) SignCertificate(c *ocpp.Conn, csr string) error {
	station := c.Identity()
	s.mu.Lock()
	l := s.links[station]
	s.mu.Unlock()
	_, _, known := s.standing(station)
	if l == nil || l.conn != c || !known || s.cfg.Authority == nil {
		return errors.New("cannot sign the certificate request: this site gives the charger none")
	}
	if err := s.cfg.Authority.Check(s.request(station, l, csr)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.csr != nil {
		select {
		case l.csr <- csr:
		default: // one is there already
		}
		return nil
	}
	if l.profile < 2 && !s.cfg.Isolated {
		return errors.New("cannot sign the certificate request: the charger's connection has no TLS")
	}
	return s.enqueue(func(ctx context.Context) {
		if err := s.sign(ctx, station, l, csr); err != nil {
			s.log.Warn("a charger got no certificate", "station", station, "err", err)
		}
	})
}
