package downstream

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"busbar/ocpp"
)

// maxWaiting bounds the unknown chargers that may be connected at a time (decision 25).
const maxWaiting = 32

// admit decides a handshake (decisions 13 and 25).
func (h *Hub) admit(hs *ocpp.Handshake) ocpp.Admission {
	hs.Identity = h.spelling(hs.Identity)
	id := hs.Identity
	charger, listed := h.chargers[id]
	// One that names no version at all is taken for 1.6, which came first (pitfall 14).
	adm := ocpp.Admission{Protocols: protocols(), Assume: ocpp.V16, Options: h.options(id)}
	if listed {
		if charger.Protocols != nil {
			adm.Protocols = slices.DeleteFunc(slices.Clone(charger.Protocols), func(p ocpp.Protocol) bool { return !slices.Contains(protocols(), p) })
		}
		if !slices.Contains(adm.Protocols, adm.Assume) {
			adm.Assume = ""
		}
	}
	if h.cfg.Guard != nil {
		return h.guarded(hs, adm)
	}
	if listed {
		if refused := h.checkCredentials(hs, charger); refused.Status != 0 {
			return refused
		}
		return adm
	}
	if h.isKnown(id) {
		return adm
	}
	switch h.cfg.Onboarding {
	case onboardOpen:
		return adm
	case onboardApprove:
		if h.waiting(id) >= maxWaiting {
			return tooManyWait()
		}
		return adm
	}
	return ocpp.Admission{Status: http.StatusNotFound, Reason: "this charger is not in the configuration",
		Remedy: "Add the charger under its exact identity, or open the onboarding."}
}

// spelling is the identity as the list has it, where the charger spells it in another
// case (pitfall 14) and only one can be meant.
func (h *Hub) spelling(id string) string {
	if _, exact := h.chargers[id]; exact || h.isKnown(id) {
		return id
	}
	meant := ""
	for listed := range h.chargers {
		if strings.EqualFold(listed, id) {
			if meant != "" {
				return id
			}
			meant = listed
		}
	}
	return cmp.Or(meant, id)
}

func (h *Hub) options(id string) ocpp.Options {
	opt := ocpp.Options{Handler: ocpp.HandlerFunc(h.handle), Repair: true, CallTimeout: h.cfg.CallTimeout, PingInterval: h.cfg.PingInterval, Logger: h.log}
	if h.cfg.Trace != nil {
		opt.Trace = func(e ocpp.TraceEntry) { h.cfg.Trace(id, e) }
	}
	return opt
}

func (h *Hub) checkCredentials(hs *ocpp.Handshake, c Charger) ocpp.Admission {
	tls := hs.Request.TLS
	if c.SecurityProfile >= 2 && tls == nil {
		return ocpp.Admission{Status: http.StatusForbidden, Reason: "this charger must use TLS",
			Remedy: "Point the charger at the wss:// port, or lower its security_profile."}
	}
	if c.SecurityProfile == 3 {
		if len(tls.VerifiedChains) == 0 {
			return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "this charger must show a client certificate",
				Remedy: "Point the charger at the port for profile 3, or lower its security_profile."}
		}
		if name := tls.PeerCertificates[0].Subject.CommonName; name != c.ID && (c.Serial == "" || name != c.Serial) {
			return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "the client certificate is of " + name,
				Remedy: "Install the certificate that was made for this charger."}
		}
	}
	if c.Password == "" {
		return ocpp.Admission{}
	}
	if !hs.HasAuth {
		return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "the charger sent no password",
			Remedy: "Set the charger's AuthorizationKey to the password of the configuration."}
	}
	if !h.passwordFits(c, hs.Password) {
		return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "the charger sent a wrong password",
			Remedy: "Set the charger's AuthorizationKey to the password of the configuration. Chargers that want 40 hexadecimal digits may get those."}
	}
	return ocpp.Admission{}
}

func (h *Hub) passwordFits(c Charger, given string) bool {
	if h.cfg.CheckPassword != nil {
		return h.cfg.CheckPassword(c.ID, given)
	}
	return keyMatches(c.Password, given)
}

// keyMatches compares a password in the forms of ocpp-gateway 1.2: as configured, the
// bytes that its hexadecimal digits mean, and the digits of its bytes, in any case.
// All are compared, in constant time.
func keyMatches(want, given string) bool {
	fits := same(given, want)
	if key, err := hex.DecodeString(want); err == nil && len(key) >= 16 {
		fits |= same(given, string(key)) | same(strings.ToLower(given), strings.ToLower(want))
	} else {
		fits |= same(strings.ToLower(given), hex.EncodeToString([]byte(want)))
	}
	return fits == 1
}

func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// isKnown tells of a charger beside the list that was let in.
func (h *Hub) isKnown(id string) bool {
	h.mu.Lock()
	adopted := h.adopted[id]
	h.mu.Unlock()
	return adopted || h.cfg.Known != nil && h.cfg.Known(id)
}

// waiting counts the unknown chargers other than id that are connected.
func (h *Hub) waiting(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for other, s := range h.sessions {
		if string(other) != id && !s.isAccepted() {
			n++
		}
	}
	return n
}
