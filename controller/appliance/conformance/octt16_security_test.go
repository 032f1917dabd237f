package conformance

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// securityCases16 are those of OCTT where the operator changes how a charger gets in.
var securityCases16 = []testCase{
	{"TC_085_CSMS", "a password, a wrong one, and none", func(c *station) {
		c.ready16()
		c.hangUp()
		c.isTurnedAwayAs("SOMEBODY")
		for _, c.password = range []string{"", "wrong-password-of-a-station"} {
			c.isTurnedAway(wrongKey)
		}
	}},
	{"TC_086_CSMS", "TLS and a password", func(c *station) {
		c.tls = func(t *tls.Config) { t.MinVersion, t.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }
		c.isTurnedAway(noHTTP)
		c.speaks()
		c.ready16()
	}},
	{"TC_087_CSMS", "TLS and a certificate", func(c *station) {
		c.ready16()
		c.access("security-profile", `{"profile":3}`, http.StatusOK)
		c.hears("ExtendedTriggerMessage", `"SignChargePointCertificate"`)
		c.signs("SignCertificate", "", c.id, "Accepted")
		c.isFit(c.takes(c.hears("CertificateSigned")))
		c.hears("ChangeConfiguration", `"SecurityProfile"`, `"3"`)
		c.hangUp()
		c.profile, c.password = 3, ""
		c.speaks()
		c.ready16()
		c.hangUp()
		c.forges(c.id)
		c.isTurnedAway(noHTTP)
	}},
	{"TC_073_CSMS", "a new password is taken, another one is not", func(c *station) {
		c.ready16()
		c.access("rotate-key", `{}`, http.StatusOK)
		key := c.newKey16()
		c.password = string(key)
		c.hangUp()
		c.ready16()
		c.hangUp()
		c.password = firstPassword
		c.isTurnedAway(wrongKey)
		c.password = string(key)
		c.ready16()
		c.answersWith("ChangeConfiguration", `{"status":"Rejected"}`)
		c.access("rotate-key", `{}`, http.StatusConflict)
		c.hangUp()
		c.ready16() // by the one before
	}},
	{"TC_083_CSMS", "one security profile up", func(c *station) {
		c.ready16()
		c.access("security-profile", `{"profile":2}`, http.StatusOK)
		c.trusts(c.hears("InstallCertificate", `"CentralSystemRootCertificate"`))
		c.hears("ChangeConfiguration", `"SecurityProfile"`, `"2"`)
		c.hangUp()
		c.profile = 2
		c.ready16()
		c.hangUp()
		c.profile = 1
		c.isTurnedAway(wrongDoor)
	}},
}

// newKey16 are the bytes of the key that the charger was given.
func (c *station) newKey16() []byte {
	c.t.Helper()
	var req struct{ Value string }
	if err := json.Unmarshal([]byte(c.hears("ChangeConfiguration", `"AuthorizationKey"`)), &req); err != nil {
		c.t.Fatal(err)
	}
	key, err := hex.DecodeString(req.Value)
	if err != nil || len(key) < 16 || len(key) > 20 {
		c.t.Fatalf("a key of 16 to 20 bytes in hexadecimal digits was wanted: %d, %v", len(key), err)
	}
	return key
}
