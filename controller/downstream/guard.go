package downstream

import (
	"net/http"

	"busbar/controller"
	"busbar/ocpp"
)

// Guard decides who comes in through which port, in the place of Charger.Password,
// Charger.SecurityProfile and Config.Onboarding. Its methods are called from any
// goroutine.
type Guard interface {
	// Admit judges a handshake. stranger: it may come in, and waits for approval. It may
	// take its time.
	Admit(hs *ocpp.Handshake) (refused ocpp.Admission, stranger bool)
	// Opened is told of a connection before its first message is read, and says whether it
	// is a stranger's; it must return at once.
	Opened(c *ocpp.Conn) (stranger bool)
	// Booted is told what a charger says of itself; an error ends the connection.
	Booted(c *ocpp.Conn, info controller.ChargerInfo) error
	// SignCertificate takes a certificate request. It must return soon: the certificate
	// follows in a CALL of its own. An error refuses the request.
	SignCertificate(c *ocpp.Conn, csr string) error
}

// guarded lets the Guard decide; adm is what comes of a yes.
func (h *Hub) guarded(hs *ocpp.Handshake, adm ocpp.Admission) ocpp.Admission {
	refused, stranger := h.cfg.Guard.Admit(hs)
	switch {
	case refused.Status != 0:
		return refused
	case stranger && h.waiting(hs.Identity) >= maxWaiting:
		return tooManyWait()
	}
	return adm
}

func tooManyWait() ocpp.Admission {
	return ocpp.Admission{Status: http.StatusServiceUnavailable, Reason: "too many unknown chargers wait for approval",
		Remedy: "Approve or turn away the waiting chargers on the page, under Letting chargers in."}
}

// vouched asks the Guard whether a charger may be what its Boot says; if not, the
// connection ends (B01.FR.12).
func (s *session) vouched(info controller.ChargerInfo) error {
	if s.hub.cfg.Guard == nil {
		return nil
	}
	if err := s.hub.cfg.Guard.Booted(s.conn, info); err != nil {
		s.hub.log.Warn("charger turned away after its boot", "station", s.id, "err", err)
		s.conn.Close(closePolicy, "the boot notification does not fit the certificate")
		return ocpp.Errorf(ocpp.CodeSecurityError, "the boot notification does not fit the certificate")
	}
	return nil
}

// certificateWanted hands a certificate request over; false: it is refused.
func (s *session) certificateWanted(csr string) bool {
	if s.hub.cfg.Guard == nil {
		return false
	}
	if err := s.hub.cfg.Guard.SignCertificate(s.conn, csr); err != nil {
		s.hub.log.Warn("certificate request refused", "station", s.id, "err", err)
		return false
	}
	return true
}
