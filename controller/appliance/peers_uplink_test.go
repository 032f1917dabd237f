package appliance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"busbar/controller/config"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ws"
)

// authority makes certificates of a cloud's operator.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	next int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.make("roots", &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true})
	return a
}

// issue writes a certificate with its key and returns the names of the files.
func (a *authority) issue(name string, use x509.ExtKeyUsage) (cert, key string) {
	a.make(name, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	return filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
}

func (a *authority) make(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.next++
	template.SerialNumber, template.Subject = big.NewInt(a.next), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	by, with := template, key
	if a.cert != nil {
		by, with = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(a.dir, name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// TestIndependentCentralSystemByEachProfile has the box go to a central system that is
// not ours, by each security profile.
func TestIndependentCentralSystemByEachProfile(t *testing.T) {
	const password = "secret-of-SITE1"
	for _, profile := range peerProfiles {
		t.Run(fmt.Sprintf("profile %d", profile), func(t *testing.T) {
			ca := newAuthority(t)
			cert, key := ca.issue("cloud", x509.ExtKeyUsageServerAuth)
			var server *ws.Server
			switch profile {
			case 0, 1:
				server = ws.NewServer()
			case 2:
				server = ws.NewTLSServer(cert, key, nil)
			case 3:
				pool := x509.NewCertPool()
				pool.AddCert(ca.cert)
				server = ws.NewTLSServer(cert, key, &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12})
			}
			if profile == 1 || profile == 2 {
				server.SetBasicAuthHandler(func(user, pass string) bool { return user == "SITE1" && pass == password })
			}
			central, at := cloud{newDiary()}, freePort(t)
			cs := ocpp16.NewCentralSystem(nil, server)
			cs.SetCoreHandler(central)
			cs.SetFirmwareManagementHandler(central)
			startCloud(t, cs, at)

			scheme, more := "ws", ""
			if profile == 1 || profile == 2 {
				more = fmt.Sprintf(", password: %q", password)
			}
			if profile >= 2 {
				scheme, more = "wss", more+fmt.Sprintf(", roots: %q", filepath.Join(ca.dir, "roots.pem"))
			}
			if profile == 3 {
				cert, key := ca.issue("SITE1", x509.ExtKeyUsageClientAuth)
				more += fmt.Sprintf(", certificate: %q, key: %q", cert, key)
			}
			cfg, err := config.Parse("peers.yaml", fmt.Appendf(nil, `version: 1
site: {id: peers, name: Peers, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers: [{id: CP1, circuit: main, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32}]}]
upstream: {stations: [{id: SITE1, url: "%s://127.0.0.1:%d/ocpp", protocol: ocpp1.6, security_profile: %d%s}]}
listen: {ui: "", ws: "127.0.0.1:0", wss: "", mtls: ""}
`, scheme, at, profile, more), config.Known{})
			if err != nil {
				t.Fatal(err)
			}
			box, _ := runBox(t, Options{Config: cfg, DataDir: t.TempDir(), Version: "test"})
			if id := central.await(t, "boot "); id != "SITE1 Busbar" {
				t.Errorf("the cloud saw the boot of %q", id)
			}
			central.await(t, "status 0 Available")
			sessionBy16(t, box, central)
			commandsBy16(t, cs)
		})
	}
}

// sessionBy16 has a charge point that is not ours charge, and the cloud hear of it.
func sessionBy16(t *testing.T, box *Box, central cloud) {
	t.Helper()
	charger := point{newDiary()}
	cp := ocpp16.NewChargePoint("CP1", nil, nil)
	cp.SetCoreHandler(charger)
	cp.SetSmartChargingHandler(charger)
	if err := cp.Start("ws://" + box.Addr(doorPlain).String() + "/ocpp"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cp.Stop)
	if boot, err := cp.BootNotification("Model", "Vendor"); err != nil || boot.Status != core.RegistrationStatusAccepted {
		t.Fatalf("boot: %+v, %v", boot, err)
	}
	start, err := cp.StartTransaction(1, "TAG1", 1000, now16())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cp.StopTransaction(2500, now16(), start.TransactionId); err != nil {
		t.Fatal(err)
	}
	if got := central.await(t, "start "); got != "1 TAG1 1000" {
		t.Errorf("the cloud heard start %s", got)
	}
	if got := central.await(t, "stop "); got != "777 2500 " {
		t.Errorf("the cloud heard stop %s", got)
	}
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// sign makes the certificate that a request asks for.
func (a *authority) sign(csr string) string {
	a.t.Helper()
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		a.t.Fatalf("no certificate request: %s", csr)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	a.next++
	template := &x509.Certificate{SerialNumber: big.NewInt(a.next), Subject: request.Subject, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, request.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
