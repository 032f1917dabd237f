package conformance

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/gorilla/websocket"

	"busbar/ocpp"
)

// secrets are how a station gets in.
type secrets struct {
	profile  int
	password string
	key      *ecdsa.PrivateKey
	own      [][]byte // its certificates, DER
	roots    *x509.CertPool
	tls      func(*tls.Config) // changes the client's side of TLS
}

// firstPassword is the one that the configuration has.
const firstPassword = "first-password-of-a-station"

// profiles are the security profiles that cases begin with; 0 if not named.
var profiles = map[string]int{
	"TC_073_CSMS": 2, "TC_083_CSMS": 1, "TC_085_CSMS": 1, "TC_086_CSMS": 2, "TC_087_CSMS": 2,
	"TC_A_01_CSMS": 1, "TC_A_02_CSMS": 1, "TC_A_03_CSMS": 1, "TC_A_04_CSMS": 2, "TC_A_07_CSMS": 2,
	"TC_A_06_CSMS": 2, "TC_A_08_CSMS": 3, "TC_A_09_CSMS": 2, "TC_A_10_CSMS": 2, "TC_A_11_CSMS": 2, "TC_A_14_CSMS": 2, "TC_A_19_CSMS": 1,
}

func secretsOf(id string) secrets {
	s := secrets{profile: profiles[id]}
	if s.profile == 1 || s.profile == 2 {
		s.password = firstPassword
	}
	return s
}

// accessOf is the same for the configuration.
func accessOf(id string) string {
	s := secretsOf(id)
	if s.password == "" {
		return fmt.Sprintf("security_profile: %d", s.profile)
	}
	return fmt.Sprintf("security_profile: %d, password: %s", s.profile, s.password)
}

// rootsIn are the roots of the site CA in the data folder.
func rootsIn(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pki", "site-ca-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no roots of the site CA in %s: %v", dir, err)
	}
	pool := x509.NewCertPool()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pool.AppendCertsFromPEM(text)
	}
	return pool
}

// door is where the station connects.
func (c *station) door() (url string, config *tls.Config) {
	name, scheme := "chargers", "ws"
	switch c.profile {
	case 2:
		name, scheme = "chargers-tls", "wss"
	case 3:
		name, scheme = "chargers-mtls", "wss"
	}
	if scheme == "wss" {
		config = &tls.Config{RootCAs: cmp.Or(c.secrets.roots, c.site.roots), ServerName: "box.lan"}
		if c.profile == 3 && c.own != nil {
			config.Certificates = []tls.Certificate{{Certificate: c.own, PrivateKey: c.key}}
		}
		if c.tls != nil {
			c.tls(config)
		}
	}
	return fmt.Sprintf("%s://127.0.0.1:%d/ocpp", scheme, c.site.box.Addr(name).(*net.TCPAddr).Port), config
}

// isTurnedAway connects, and wants to be refused with this status of HTTP; 0: before
// there was any HTTP.
func (c *station) isTurnedAway(status int) {
	c.t.Helper()
	err := c.dial()
	refused, _ := errors.AsType[*ocpp.DialError](err)
	switch {
	case err == nil:
		c.t.Errorf("%s got in by profile %d", c.id, c.profile)
	case status == 0 && refused != nil, status != 0 && (refused == nil || refused.Status != status):
		c.t.Errorf("%s by profile %d: %v, want the status %d", c.id, c.profile, err, status)
	}
}

// signs sends a certificate request for name.
func (c *station) signs(action, member, name, status string) {
	c.t.Helper()
	if c.key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			c.t.Fatal(err)
		}
		c.key = key
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name, Organization: []string{"Depot"}}}, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	csr, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	if err != nil {
		c.t.Fatal(err)
	}
	c.says(action, fmt.Sprintf(`{"csr":%s%s}`, csr, member), fmt.Sprintf(`"status":%q`, status))
}

// takes stores a certificate chain and gives its first certificate.
func (c *station) takes(payload string) *x509.Certificate {
	c.t.Helper()
	var req struct{ CertificateChain string }
	if err := json.Unmarshal([]byte(payload), &req); err != nil {
		c.t.Fatal(err)
	}
	c.own = nil
	for rest := []byte(req.CertificateChain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c.own = append(c.own, block.Bytes)
	}
	if len(c.own) == 0 {
		c.t.Fatalf("no certificate in %s", payload)
	}
	cert, err := x509.ParseCertificate(c.own[0])
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

// trusts makes a root that was installed the only one the station trusts.
func (c *station) trusts(payload string) {
	c.t.Helper()
	var req struct{ Certificate string }
	c.secrets.roots = x509.NewCertPool()
	if err := json.Unmarshal([]byte(payload), &req); err != nil || !c.secrets.roots.AppendCertsFromPEM([]byte(req.Certificate)) {
		c.t.Fatalf("no root in %s: %v", payload, err)
	}
}

// returns closes the connection and opens a new one.
func (c *station) returns() {
	c.t.Helper()
	c.hangUp()
	c.connect()
}

const (
	noHTTP    = 0
	wrongKey  = http.StatusUnauthorized
	wrongDoor = http.StatusForbidden
)

// isTurnedAwayAs wants to be refused with a user name that is not the identity.
func (c *station) isTurnedAwayAs(user string) {
	c.t.Helper()
	url, config := c.door()
	header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+c.password))}}
	dialer := websocket.Dialer{TLSClientConfig: config, Subprotocols: []string{string(c.protocol)}}
	ws, resp, err := dialer.DialContext(c.t.Context(), url+"/"+c.id, header)
	if err == nil {
		_ = ws.Close()
	}
	if resp == nil || resp.StatusCode != wrongKey {
		c.t.Errorf("as user %q: %v, %v", user, resp, err)
	}
}

// suites are the cipher suites that the box must have (P2 A00.FR.318).
func suites() []uint16 {
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384}
}

// speaks comes in with each of the suites alone.
func (c *station) speaks() {
	c.t.Helper()
	for _, suite := range suites() {
		c.tls = func(t *tls.Config) { t.MaxVersion, t.CipherSuites = tls.VersionTLS12, []uint16{suite} }
		if err := c.dial(); err != nil {
			c.t.Errorf("with the suite %s: %v", tls.CipherSuiteName(suite), err)
			continue
		}
		c.hangUp()
	}
	c.tls = nil
}
