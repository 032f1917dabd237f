package adoption

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"busbar/controller"
	"busbar/controller/pki"
	"busbar/ocpp"
)

// arrival is what is known of a handshake that was admitted.
type arrival struct {
	at          time.Time
	profile     int // of the port
	stranger    bool
	name        string    // common name of its certificate
	certificate string    // serial number of its certificate, as in pki.Certificate
	certEnd     time.Time // of its certificate
}

const (
	maxStrangers  = 32 // decision 25
	maxArrivals   = 1024
	arrivalForget = time.Minute // by then a handshake has become a connection, or failed
)

// Admit decides a handshake: by its port, its key or certificate, and for an unknown
// charger by the onboarding. stranger: it may come in, and waits for approval.
func (s *Service) Admit(hs *ocpp.Handshake) (refused ocpp.Admission, stranger bool) {
	c, listed, known := s.standing(hs.Identity)
	if known {
		refused = s.admitKnown(hs, c, listed)
	} else {
		refused, stranger = s.admitStranger(hs)
	}
	if refused.Status == 0 {
		s.expect(hs, stranger)
	}
	return refused, stranger
}

func (s *Service) admitKnown(hs *ocpp.Handshake, c Credential, listed Charger) ocpp.Admission {
	raised := c.Target != 0 && hs.Profile == c.Target
	if refused := hs.CheckProfile(c.Profile); refused.Status != 0 && !raised {
		return refused
	}
	switch {
	case hs.Profile == 3:
		return s.checkCertificate(hs, c)
	case hs.Profile == 1 && c.Profile == 0 && !raised:
		return ocpp.Admission{}
	case s.openOnce(hs, c):
		return ocpp.Admission{}
	}
	return hs.CheckPassword(func(given string) bool { return s.fits(c, listed, given, protocolOf(hs)) })
}

// checkCertificate asks the site CA again: the certificate may have been revoked after
// the TLS connection began.
func (s *Service) checkCertificate(hs *ocpp.Handshake, c Credential) ocpp.Admission {
	if refused := hs.CheckCertificate(c.Serial, c.Station); refused.Status != 0 {
		return refused
	}
	if err := s.cfg.Authority.Verify(hs.Request.TLS.PeerCertificates[0]); err != nil {
		return ocpp.Admission{Status: http.StatusForbidden, Reason: "the client certificate counts no more",
			Remedy: "Forget the charger and approve it again, so that it gets another certificate."}
	}
	return ocpp.Admission{}
}

// protocolOf is the version by which a password is read. A charger that names none is
// taken for 1.6.
func protocolOf(hs *ocpp.Handshake) ocpp.Protocol {
	return hs.Choose([]ocpp.Protocol{ocpp.V16, ocpp.V201, ocpp.V21}, ocpp.V16)
}

// formerCounts tells whether what was valid before the key is valid still: while
// nobody knows whether the charger stored the key, or when an operator said so.
func (c Credential) formerCounts(now time.Time) bool {
	return (c.Unconfirmed || c.BreakGlass) && now.Before(c.PreviousUntil)
}

// openOnce lets a charger in that had no password before and may not have its key yet.
func (s *Service) openOnce(hs *ocpp.Handshake, c Credential) bool {
	if hs.HasAuth || c.Key == "" || c.Previous.Kind != FormerOpen || !c.formerCounts(time.Now()) {
		return false
	}
	s.mark(c.Station, func(*Credential) {}, "adoption.former", "came in without its key, as it did before")
	return true
}

// fits compares a password with all that is valid for the charger now.
func (s *Service) fits(c Credential, listed Charger, given string, p ocpp.Protocol) bool {
	if c.Key == "" {
		return listed.Password != "" && ocpp.BasicKey(listed.Password).Fits(given, p)
	}
	if s.keyFits(c.Station, c.KeyKind, c.Key, given) {
		if !c.Proven || c.Unconfirmed || c.BreakGlass {
			s.mark(c.Station, func(c *Credential) { c.Proven, c.Unconfirmed, c.BreakGlass = true, false, false }, "adoption.proven", "came in with its key")
		}
		return true
	}
	if !c.formerCounts(time.Now()) {
		return false
	}
	fits := false
	switch c.Previous.Kind {
	case FormerKey:
		fits = s.keyFits(c.Station, c.Previous.Form, c.Previous.Key, given)
	case FormerConfiguration:
		fits = listed.Password != "" && ocpp.BasicKey(listed.Password).Fits(given, p)
	}
	if fits {
		s.mark(c.Station, func(*Credential) {}, "adoption.former", "came in with the key it had before")
	}
	return fits
}

func (s *Service) keyFits(station string, kind KeyKind, stored, given string) bool {
	key, ok := readKey(kind, given)
	if !ok {
		return false
	}
	fits, err := key.fits(stored)
	if err != nil {
		s.log.Error("a charger can't come in by its key", "station", station, "err", err)
	}
	return fits
}

// admitStranger decides about a charger that is in neither the configuration nor the
// records.
func (s *Service) admitStranger(hs *ocpp.Handshake) (refused ocpp.Admission, stranger bool) {
	if s.cfg.Onboarding == "open" {
		return ocpp.Admission{}, false
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	window := now.Before(s.until)
	if !window && (s.cfg.Onboarding != "approve" || hs.Profile == 1 && !s.cfg.Plain) {
		refused = hs.Unknown(slices.Sorted(maps.Keys(s.listed)))
		refused.Remedy = "Open a pairing window on the page, under Letting chargers in, or: " + refused.Remedy
		return refused, false
	}
	if until := s.turned[hs.Identity]; now.Before(until) {
		return ocpp.Admission{Status: http.StatusForbidden, Reason: "this charger was turned away",
			Remedy: "Open a new pairing window if it was turned away by mistake."}, false
	}
	if l := s.links[hs.Identity]; l.alive() && hostOf(l.conn.Remote()) != hostOf(hs.Request.RemoteAddr) {
		return ocpp.Admission{Status: http.StatusForbidden, Reason: "another unknown charger with this identity is connected already, from " + hostOf(l.conn.Remote()),
			Remedy: "Look for a charger with a copied configuration and give each its own identity."}, false
	}
	if s.strangersLocked(hs.Identity) >= maxStrangers {
		return ocpp.Admission{Status: http.StatusServiceUnavailable, Reason: "too many unknown chargers wait for approval",
			Remedy: "Approve or turn away the waiting chargers on the page, under Letting chargers in."}, false
	}
	return ocpp.Admission{}, true
}

// strangersLocked counts the unknown chargers other than station that are connected
// or about to be.
func (s *Service) strangersLocked(station string) int {
	n := 0
	for other, l := range s.links {
		if other != station && l.stranger && l.alive() {
			n++
		}
	}
	return n
}

func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// expect remembers a handshake until its connection is there.
func (s *Service) expect(hs *ocpp.Handshake, stranger bool) {
	a := arrival{at: time.Now(), profile: hs.Profile, stranger: stranger}
	if hs.Request.TLS != nil && len(hs.Request.TLS.PeerCertificates) > 0 {
		cert := hs.Request.TLS.PeerCertificates[0]
		a.name, a.certificate, a.certEnd = cert.Subject.CommonName, pki.SerialOf(cert), cert.NotAfter
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.arrivals) >= maxArrivals {
		maps.DeleteFunc(s.arrivals, func(_ string, old arrival) bool { return a.at.Sub(old.at) > arrivalForget })
	}
	s.arrivals[hs.Request.RemoteAddr] = a
}

// Opened is told of each connection before its first message, and says whether it is a
// stranger's.
func (s *Service) Opened(c *ocpp.Conn) (stranger bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.links, func(_ string, l *link) bool { return l.stranger && !l.alive() })
	l := &link{conn: c, arrival: s.arrivals[c.Remote()], since: now}
	delete(s.arrivals, c.Remote())
	s.links[c.Identity()] = l
	rec, _, _ := s.standingLocked(c.Identity())
	if rec.Target != 0 && l.profile == rec.Target {
		s.markLocked(c.Identity(), func(c *Credential) { c.Profile, c.Target = max(c.Profile, c.Target), 0 },
			"adoption.raised", fmt.Sprintf("came back on security profile %d; lower ones are refused from now on", l.profile))
	}
	return l.stranger
}

// Booted compares what the charger says of itself with its certificate (B01.FR.11).
func (s *Service) Booted(c *ocpp.Conn, info controller.ChargerInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[c.Identity()]
	if l == nil || l.conn != c {
		return nil // replaced meanwhile
	}
	if l.profile == 3 && l.name != c.Identity() && l.name != info.Serial {
		return fmt.Errorf("cannot trust the boot of %s: its serial number is %q, its certificate is made out to %q", c.Identity(), info.Serial, l.name)
	}
	if rec := s.records[c.Identity()]; rec.Wanted > rec.Profile && rec.Target == 0 && s.cfg.Known(c.Identity()) {
		s.wish(c.Identity(), rec.Wanted)
	}
	l.vendor, l.model, l.firmware, l.serial = info.Vendor, info.Model, info.Firmware, info.Serial
	if rec, ok := s.records[c.Identity()]; ok && info.Serial != "" && rec.Serial != info.Serial && l.profile < 3 {
		s.markLocked(c.Identity(), func(c *Credential) { c.Serial = info.Serial }, "adoption.serial", fmt.Sprintf("has the serial number %s, before it was %q", info.Serial, rec.Serial))
	}
	return nil
}

// mark changes a record by what a charger did. Run writes it down.
func (s *Service) mark(station string, f func(*Credential), code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.markLocked(station, f, code, text)
}

func (s *Service) markLocked(station string, f func(*Credential), code, text string) {
	rec, ok := s.records[station]
	if !ok || s.stale[station] {
		return
	}
	f(&rec)
	s.records[station] = rec
	s.unsaved[station] = Entry{By: "box", Station: station, Code: code, Text: text}
	s.poke()
}
