package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// securityCases201 are those of keys, certificates and security profiles.
var securityCases201 = []testCase{
	{"TC_A_01_CSMS", "the right password", func(c *station) { c.ready2() }},
	{"TC_A_02_CSMS", "a user name that is not the identity", func(c *station) {
		c.isTurnedAwayAs("SOMEBODY")
		c.isTurnedAwayAs("")
		c.ready2()
	}},
	{"TC_A_03_CSMS", "a wrong password", func(c *station) {
		for _, c.password = range []string{"", "wrong-password-of-a-station", firstPassword + " "} {
			c.isTurnedAway(wrongKey)
		}
		c.password = firstPassword
		c.ready2()
	}},
	{"TC_A_04_CSMS", "TLS and a password, by each suite that stations may have", func(c *station) {
		c.speaks()
		c.ready2()
	}},
	{"TC_A_07_CSMS", "TLS and a certificate", func(c *station) {
		c.ready2()
		c.upTo3()
		c.hangUp()
		c.speaks()
		c.ready2()
	}},
	{"TC_A_06_CSMS", "TLS below 1.2 is refused", func(c *station) {
		c.tls = func(t *tls.Config) { t.MinVersion, t.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }
		c.isTurnedAway(noHTTP)
		c.tls = func(t *tls.Config) { t.MaxVersion = tls.VersionTLS12 }
		c.ready2()
	}},
	{"TC_A_08_CSMS", "a client certificate of somebody else", func(c *station) {
		c.isTurnedAway(noHTTP) // none
		c.forges(c.id)
		c.isTurnedAway(noHTTP)
	}},
	{"TC_A_09_CSMS", "a new password is taken", func(c *station) {
		c.ready2()
		c.access("rotate-key", `{}`, http.StatusOK)
		c.password = c.newPassword2()
		c.hangUp()
		c.ready2()
		c.hangUp()
		c.password = firstPassword
		c.isTurnedAway(wrongKey)
	}},
	{"TC_A_10_CSMS", "a new password is not taken", func(c *station) {
		c.ready2()
		c.hears("SetVariables", `"HeartbeatInterval"`) // the box's own are written
		c.answersWith("SetVariables", `{"setVariableResult":[{"attributeStatus":"Rejected","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}`)
		c.access("rotate-key", `{}`, http.StatusConflict)
		refused := c.newPassword2()
		c.answersWith("SetVariables", `{"setVariableResult":[]}`)
		c.hangUp()
		c.ready2()
		c.hangUp()
		c.password = refused
		c.isTurnedAway(wrongKey)
	}},
	{"TC_A_11_CSMS", "a new certificate is asked for and taken", func(c *station) {
		c.ready2()
		c.upTo3()
		c.returns()
		c.boots2()
		before := c.own[0]
		c.operator("TriggerMessage", `{"requestedMessage":"SignChargingStationCertificate"}`, `"Accepted"`)
		c.signs("SignCertificate", `,"certificateType":"ChargingStationCertificate"`, c.id, "Accepted")
		cert := c.takes(c.hears("CertificateSigned", `"ChargingStationCertificate"`))
		c.isFit(cert)
		if string(before) == string(cert.Raw) {
			c.t.Error("the certificate is the old one")
		}
		c.returns()
		c.boots2()
	}},
	{"TC_A_14_CSMS", "a new certificate is not taken by the station", func(c *station) {
		c.ready2()
		c.answersWith("CertificateSigned", `{"status":"Rejected"}`)
		c.operator("TriggerMessage", `{"requestedMessage":"SignChargingStationCertificate"}`, `"Accepted"`)
		c.signs("SignCertificate", `,"certificateType":"ChargingStationCertificate"`, c.id, "Accepted")
		c.hears("CertificateSigned")
		c.signs("SignCertificate", ``, "SOMEBODY-ELSE", "Rejected")
		c.signs("SignCertificate", `,"certificateType":"V2GCertificate"`, c.id, "Rejected")
		c.says("SecurityEventNotification", `{"type":"InvalidChargingStationCertificate","timestamp":"2026-01-01T00:00:00Z"}`, `{}`)
		c.returns() // by what it had before
		c.boots2()
	}},
	{"TC_A_19_CSMS", "one security profile up", func(c *station) {
		c.ready2()
		c.access("security-profile", `{"profile":2}`, http.StatusOK)
		c.trusts(c.hears("InstallCertificate", `"CSMSRootCertificate"`))
		c.profile = 2
		url, _ := c.door()
		profile := c.hears("SetNetworkProfile", `"ocppVersion":"OCPP20"`, `"ocppTransport":"JSON"`, `"securityProfile":2`, `"ocppInterface":"Wired0"`, `"messageTimeout":30`)
		if !strings.Contains(profile, url[strings.LastIndex(url, ":"):]) {
			c.t.Errorf("the profile does not lead to %s: %s", url, profile)
		}
		c.hears("SetVariables", `"NetworkConfigurationPriority"`, `"2,1"`)
		c.hears("Reset", `"OnIdle"`)
		c.hangUp()
		c.ready2()
		c.hangUp()
		c.profile = 1
		c.isTurnedAway(wrongDoor)
	}},
}

// access gives an order about how the station gets in, through the API; the answer has
// status.
func (c *station) access(order, body string, status int) {
	c.t.Helper()
	if got := c.site.do(c.t, http.MethodPost, "/api/v1/chargers/"+c.id+"/"+order, body, nil); got != status {
		c.t.Fatalf("%s %s: %d, want %d", order, body, got, status)
	}
}

// newPassword2 is the password that the station was given.
func (c *station) newPassword2() string {
	c.t.Helper()
	var req struct {
		SetVariableData []struct{ AttributeValue string }
	}
	if err := json.Unmarshal([]byte(c.hears("SetVariables", `"SecurityCtrlr"`, `"BasicAuthPassword"`)), &req); err != nil || len(req.SetVariableData) != 1 {
		c.t.Fatalf("%+v: %v", req, err)
	}
	return req.SetVariableData[0].AttributeValue
}

// upTo3 brings a station with a password to a certificate of its own.
func (c *station) upTo3() {
	c.t.Helper()
	c.access("security-profile", `{"profile":3}`, http.StatusOK)
	c.hears("TriggerMessage", `"SignChargingStationCertificate"`)
	c.signs("SignCertificate", `,"certificateType":"ChargingStationCertificate"`, c.id, "Accepted")
	c.isFit(c.takes(c.hears("CertificateSigned")))
	c.hears("Reset", `"OnIdle"`)
	c.profile, c.password = 3, ""
}

// isFit wants a certificate as a station must have it (P2 A00.FR.4xx).
func (c *station) isFit(cert *x509.Certificate) {
	c.t.Helper()
	now := time.Now()
	if cert.Subject.CommonName != c.id || cert.SerialNumber.Sign() <= 0 || now.Before(cert.NotBefore) || now.After(cert.NotAfter) || !c.key.PublicKey.Equal(cert.PublicKey) {
		c.t.Errorf("the certificate does not fit: %v, %v to %v", cert.Subject, cert.NotBefore, cert.NotAfter)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: c.site.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		c.t.Error(err)
	}
}

// forges gives the station a certificate that the site did not make.
func (c *station) forges(name string) {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Depot"}}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		c.t.Fatal(err)
	}
	c.key, c.own = key, [][]byte{der}
}
