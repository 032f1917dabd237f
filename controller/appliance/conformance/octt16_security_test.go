package conformance

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// securityCases16 are those of OCTT where the operator changes how a charger gets in.
var securityCases16 = []testCase{
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
