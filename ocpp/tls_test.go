package ocpp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority is a certificate authority of the tests.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
	pool *x509.CertPool
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.key = key
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, key.Public())
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate, public any) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// issue makes a certificate for both ends of a connection. An RSA key stands beside
// an ECDSA one because the two are what A00.FR.318 asks for.
func (a *authority) issue(key crypto.Signer, name, organization string, until time.Time) tls.Certificate {
	a.t.Helper()
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{organization}},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"box.site"},
	}, a.cert, key.Public())
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func ecdsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// site is a Server on real ports of the loopback, one for each security profile.
type site struct {
	t                  testing.TB
	operator, chargers *authority
	srv                *Server
	ports              [4]string // address of each profile

	mu           sync.Mutex
	certificates []tls.Certificate
	clientRoots  *x509.CertPool
	refused      []Refusal
	told         chan struct{} // 1: refused has grown
}

const sitePassword = "correct horse battery"

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, operator: newAuthority(t, "operator's authority"), chargers: newAuthority(t, "chargers' authority"), told: make(chan struct{}, 64)}
	s.clientRoots = s.chargers.pool
	tomorrow := time.Now().Add(24 * time.Hour)
	s.certificates = []tls.Certificate{
		s.operator.issue(ecdsaKey(t), "box.site", "Operator", tomorrow), s.operator.issue(rsaKey(t), "box.site", "Operator", tomorrow),
	}
	s.srv = NewServer(ServerConfig{Admit: s.admit, Refused: func(r Refusal) {
		s.mu.Lock()
		s.refused = append(s.refused, r)
		s.mu.Unlock()
		s.told <- struct{}{}
	}})
	current := ServerTLS{Certificates: func() []tls.Certificate {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.certificates
	}}
	mutual := current
	mutual.Organization = "Operator"
	mutual.ClientRoots = func() *x509.CertPool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.clientRoots
	}
	s.open(1, nil)
	s.open(2, &current)
	s.open(3, &mutual)
	return s
}

func (s *site) open(profile int, port *ServerTLS) {
	s.t.Helper()
	var config *tls.Config
	if port != nil {
		var err error
		if config, err = port.Config(); err != nil {
			s.t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.ports[profile] = l.Addr().String()
	hs := &http.Server{Handler: s.srv.Port(profile), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.Serve(s.srv.Listen(l, config)) })
	s.t.Cleanup(func() {
		if err := s.srv.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
		_ = hs.Close()
		serving.Wait()
	})
}

// admit is what a CSMS does: the profile, then the password or the certificate.
func (s *site) admit(hs *Handshake) Admission {
	adm := Admission{Protocols: []Protocol{V201, V16}, Options: Options{Handler: echo}}
	var refused Admission
	switch hs.Profile {
	case 1, 2:
		refused = hs.CheckPassword(func(given string) bool {
			return BasicKey(sitePassword).Fits(given, hs.Choose(adm.Protocols, adm.Assume))
		})
	case 3:
		refused = hs.CheckCertificate("SERIAL-1", hs.Identity)
	}
	if refused.Status != 0 {
		return refused
	}
	return adm
}

// charger is how a station with everything in order connects.
func (s *site) charger(profile int) (ClientConfig, *ClientTLS) {
	cfg := ClientConfig{URL: "ws://" + s.ports[profile] + "/ocpp", Identity: "CP1", Protocols: []Protocol{V16}, Password: sitePassword}
	if profile == 1 {
		return cfg, nil
	}
	cfg.URL = "wss://" + s.ports[profile] + "/ocpp"
	secure := &ClientTLS{Roots: s.operator.pool}
	if profile == 3 {
		cfg.Password = ""
		own := s.chargers.issue(ecdsaKey(s.t), "SERIAL-1", "Operator", time.Now().Add(time.Hour))
		secure.Certificate = func() (*tls.Certificate, error) { return &own, nil }
	}
	return cfg, secure
}

// refusal is the next one that is told.
func (s *site) refusal() Refusal {
	s.t.Helper()
	select {
	case <-s.told:
	case <-time.After(20 * time.Second):
		s.t.Fatal("no refusal was told")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[len(s.refused)-1]
}

// callOnce proves a connection and closes it.
func callOnce(t testing.TB, cfg ClientConfig) {
	t.Helper()
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() {
		c.Close(1000, "test over")
		<-c.Done()
	}()
	if got, err := c.Call(t.Context(), Call{Action: "DataTransfer", Payload: number(1)}); err != nil || string(got) != `{"n":1}` {
		t.Errorf("%s, %v", got, err)
	}
}

func statusOf(err error) int {
	if refused, ok := errors.AsType[*DialError](err); ok {
		return refused.Status
	}
	return 0
}

func has(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s says %q, without %q", what, text, word)
		}
	}
}
