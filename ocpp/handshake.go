package ocpp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Choose is the version that a connection will speak: the first of the client's list
// that is permitted, assume when it names none at all, "" when there is none in common.
func (hs *Handshake) Choose(permitted []Protocol, assume Protocol) Protocol {
	if len(hs.Offered) == 0 {
		return assume
	}
	for _, p := range hs.Offered {
		if slices.Contains(permitted, p) {
			return p
		}
	}
	return ""
}

// BasicKey is a charger's password as the installer wrote it. For 1.6 that is text, or
// the hexadecimal digits (at least 32) of the key's bytes, as AuthorizationKey is set
// (J16 security whitepaper A01); for 2.x it is text and nothing else.
type BasicKey string

// minKeyDigits is the shortest 1.6 key, 16 bytes, in hexadecimal digits.
const minKeyDigits = 32

// Bytes is the key itself under protocol p, the one thing of which a hash is to be
// stored.
func (k BasicKey) Bytes(p Protocol) []byte {
	if p == V16 && len(k) >= minKeyDigits {
		if raw, err := hex.DecodeString(string(k)); err == nil {
			return raw
		}
	}
	return []byte(k)
}

// KeyForms are the keys that a password on the wire may stand for under protocol p.
// 1.6 chargers send the raw bytes, their hexadecimal digits in any case, or the text;
// 2.x ones the text in UTF-8. One of them must be the key.
func KeyForms(given string, p Protocol) [][]byte {
	if p != V16 {
		if !utf8.ValidString(given) {
			return nil
		}
		return [][]byte{[]byte(given)}
	}
	forms := [][]byte{[]byte(given)}
	if raw, err := hex.DecodeString(given); err == nil {
		forms = append(forms, raw)
	}
	return forms
}

// Fits compares the password of a handshake, in constant time.
func (k BasicKey) Fits(given string, p Protocol) bool {
	want := sha256.Sum256(k.Bytes(p))
	fits := 0
	for _, form := range KeyForms(given, p) {
		sum := sha256.Sum256(form)
		fits |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return fits == 1
}

// CheckPassword refuses a handshake whose password fits does not accept; fits is told
// it byte for byte, once. (The user name has been compared with the identity before.)
func (hs *Handshake) CheckPassword(fits func(given string) bool) Admission {
	switch {
	case !hs.HasAuth && hs.Request.Header.Get("Authorization") != "":
		return Admission{Status: http.StatusUnauthorized, Reason: "the charger's Authorization header can't be read: it is not Basic with identity:password in base64",
			Remedy: "Set the charger to HTTP Basic authentication; if it is, update its firmware."}
	case !hs.HasAuth:
		return Admission{Status: http.StatusUnauthorized, Reason: "the charger sent no password",
			Remedy: "Set the charger's password (1.6: AuthorizationKey, 2.x: BasicAuthPassword) to the one the box has for it, and its security profile to that of this port."}
	case !fits(hs.Password):
		return Admission{Status: http.StatusUnauthorized, Reason: "the charger sent a wrong password",
			Remedy: "Set the charger's password (1.6: AuthorizationKey, 2.x: BasicAuthPassword) to the one the box has for it. 1.6 chargers that ask for 40 hexadecimal digits get those."}
	}
	return Admission{}
}

// CheckCertificate refuses a handshake of profile 3 whose client certificate is made
// out to none of names: the charger's serial number (A00.FR.405), or its identity
// where the operator's certificates have that. Names that are "" don't count.
func (hs *Handshake) CheckCertificate(names ...string) Admission {
	if hs.Request.TLS == nil || len(hs.Request.TLS.VerifiedChains) == 0 {
		return Admission{Status: http.StatusUnauthorized, Reason: "this charger must show a client certificate",
			Remedy: "Point the charger at the port for profile 3 and install its client certificate."}
	}
	name := hs.Request.TLS.PeerCertificates[0].Subject.CommonName
	if name != "" && slices.Contains(names, name) {
		return Admission{}
	}
	return Admission{Status: http.StatusForbidden, Reason: fmt.Sprintf("the client certificate is made out to %q", clip(strings.ToValidUTF8(name, "\uFFFD"), maxIdentity)),
		Remedy: fmt.Sprintf("Install the certificate made for this charger (common name %s), or set the charger's serial number in the box to the one in the certificate.", strings.Join(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" }), " or "))}
}

// CheckProfile refuses a handshake on another port than that of the charger's own
// security profile (A00.FR.001, A00.FR.006); 0 and 1 share one.
func (hs *Handshake) CheckProfile(want int) Admission {
	if hs.Profile == max(want, 1) {
		return Admission{}
	}
	return Admission{Status: http.StatusForbidden,
		Reason: fmt.Sprintf("the charger came to the port of security profile %d, it is to use profile %d", hs.Profile, want),
		Remedy: fmt.Sprintf("Set the charger's backend URL and security profile to those of profile %d (0 and 1: ws://, 2 and 3: wss://), or change the charger's security profile in the box.", want)}
}

// Unknown refuses a charger that none of known names. When one of them differs only
// in upper and lower case or in white space around it, that is said.
func (hs *Handshake) Unknown(known []string) Admission {
	adm := Admission{Status: http.StatusNotFound, Reason: fmt.Sprintf("the charger %q is not in the configuration", hs.Identity),
		Remedy: "Add the charger to the box under exactly this identity, or open the onboarding."}
	for _, name := range known {
		if name != hs.Identity && strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(hs.Identity)) {
			adm.Reason = fmt.Sprintf("the charger calls itself %q, the box knows it as %q", hs.Identity, name)
			adm.Remedy = "Write both the same way, upper and lower case too: change the identity in the charger or in the box."
			break
		}
	}
	return adm
}
