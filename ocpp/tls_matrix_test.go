package ocpp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"testing"
	"time"
)

// Profiles 1, 2 and 3, TLS 1.2 and 1.3, a client that wants an RSA or an ECDSA
// certificate, and the two suites without forward secrecy of A00.FR.318.
func TestEachProfileIsServedWithEachTLSAndKey(t *testing.T) {
	s := newSite(t)
	cfg, _ := s.charger(1)
	callOnce(t, cfg)
	for _, profile := range []int{2, 3} {
		for _, suite := range cipherSuites() {
			cfg, secure := s.charger(profile)
			cfg.TLS = secure.Config()
			cfg.TLS.MaxVersion = tls.VersionTLS12
			cfg.TLS.CipherSuites = []uint16{suite}
			var used tls.ConnectionState
			cfg.TLS.VerifyConnection = func(state tls.ConnectionState) error { used = state; return nil }
			callOnce(t, cfg)
			ecdsa := suite == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 || suite == tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
			if (used.PeerCertificates[0].PublicKeyAlgorithm == x509.ECDSA) != ecdsa || used.CipherSuite != suite {
				t.Errorf("profile %d, %s: a certificate with %v", profile, tls.CipherSuiteName(suite), used.PeerCertificates[0].PublicKeyAlgorithm)
			}
		}
	}
	for _, kind := range []x509.PublicKeyAlgorithm{x509.ECDSA, x509.RSA} { // 1.3: our order decides
		for _, profile := range []int{2, 3} {
			cfg, secure := s.charger(profile)
			cfg.TLS = secure.Config()
			var used tls.ConnectionState
			cfg.TLS.VerifyConnection = func(state tls.ConnectionState) error { used = state; return nil }
			callOnce(t, cfg)
			if used.Version != tls.VersionTLS13 || used.PeerCertificates[0].PublicKeyAlgorithm != kind {
				t.Errorf("profile %d: %s with %v, want %v", profile, tls.VersionName(used.Version), used.PeerCertificates[0].PublicKeyAlgorithm, kind)
			}
		}
		s.mu.Lock()
		s.certificates = []tls.Certificate{s.certificates[1], s.certificates[0]}
		s.mu.Unlock()
	}
	if len(s.refused) > 0 {
		t.Errorf("refusals: %+v", s.refused)
	}
}

func TestRefusedTLSSaysWhyAndWhatToDo(t *testing.T) {
	s := newSite(t)
	stranger := newAuthority(t, "somebody else")
	client := func(c tls.Certificate) func() (*tls.Certificate, error) {
		return func() (*tls.Certificate, error) { return &c, nil }
	}
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name           string
		profile        int
		spoil          func(cfg *ClientConfig, secure *ClientTLS)
		status         int
		reason, remedy string
	}{
		{"wrong password", 2, func(cfg *ClientConfig, _ *ClientTLS) { cfg.Password = "guess" }, 401, "wrong password", "BasicAuthPassword"},
		{"no password", 2, func(cfg *ClientConfig, _ *ClientTLS) { cfg.Password = "" }, 401, "no password", "AuthorizationKey"},
		{"wrong common name", 3, func(_ *ClientConfig, secure *ClientTLS) {
			secure.Certificate = client(s.chargers.issue(ecdsaKey(t), "SERIAL-2", "Operator", soon))
		}, 403, `made out to "SERIAL-2"`, "SERIAL-1 or CP1"},
		{"wrong organization", 3, func(_ *ClientConfig, secure *ClientTLS) {
			secure.Certificate = client(s.chargers.issue(ecdsaKey(t), "SERIAL-1", "Other", soon))
		}, 0, "another operator", "organization (O)"},
		{"wrong authority of the client", 3, func(_ *ClientConfig, secure *ClientTLS) {
			secure.Certificate = client(stranger.issue(ecdsaKey(t), "SERIAL-1", "Operator", soon))
		}, 0, "authority that the box does not know", "operator's authority"},
		{"expired client certificate", 3, func(_ *ClientConfig, secure *ClientTLS) {
			secure.Certificate = client(s.chargers.issue(ecdsaKey(t), "SERIAL-1", "Operator", past))
		}, 0, "not valid today", "Renew"},
		{"no client certificate", 3, func(_ *ClientConfig, secure *ClientTLS) { secure.Certificate = nil }, 0, "no client certificate", "Install a client certificate"},
		{"the box's authority is not installed", 2, func(_ *ClientConfig, secure *ClientTLS) { secure.Roots = stranger.pool }, 0, "does not accept the box's certificate", "the box's root certificate"},
		{"wrong name of the box", 2, func(_ *ClientConfig, secure *ClientTLS) { secure.ServerName = "other.site" }, 0, "does not accept the box's certificate", "name in the box's certificate"},
		{"plain client", 2, func(cfg *ClientConfig, secure *ClientTLS) { cfg.URL, *secure = "ws://"+s.ports[2], ClientTLS{} }, 0, "without TLS", "wss://"},
		{"TLS on the plain port", 2, func(cfg *ClientConfig, _ *ClientTLS) { cfg.URL = "wss://" + s.ports[1] }, 0, "TLS on the port without TLS", "wss://"},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s, %s", c.name, tls.VersionName(version)), func(t *testing.T) {
				s.srv.bursts.forget(time.Now().Add(burstWindow)) // each is the first of its kind
				cfg, secure := s.charger(c.profile)
				c.spoil(&cfg, secure)
				cfg.TLS = secure.Config()
				cfg.TLS.MaxVersion = version
				_, err := Dial(t.Context(), cfg)
				if err == nil || statusOf(err) != c.status && !(c.name == "plain client" && statusOf(err) == 400) {
					t.Errorf("the charger got %v", err)
				}
				told := s.refusal()
				has(t, "the reason", told.Reason, c.reason)
				has(t, "the remedy", told.Remedy, c.remedy)
				if c.status != 0 && told.Status != c.status || told.Remote == "" {
					t.Errorf("%+v", told)
				}
			})
		}
	}
}

func TestOldTLSIsRefusedWithItsRemedy(t *testing.T) {
	s := newSite(t)
	conn, err := net.Dial("tcp", s.ports[2])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	old := tls.Client(conn, &tls.Config{RootCAs: s.operator.pool, ServerName: "box.site", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := old.HandshakeContext(t.Context()); err == nil {
		t.Fatal("TLS 1.1 was served")
	}
	told := s.refusal()
	has(t, "the reason", told.Reason, "too old", "1.2")
	has(t, "the remedy", told.Remedy, "firmware", "profile 1")
}

func TestExpiredCertificateOfTheBoxIsToldAndRenewedWithoutARestart(t *testing.T) {
	s := newSite(t)
	good := s.certificates
	s.mu.Lock()
	s.certificates = []tls.Certificate{s.operator.issue(ecdsaKey(t), "box.site", "Operator", time.Now().Add(-time.Hour))}
	s.mu.Unlock()
	cfg, secure := s.charger(2)
	cfg.TLS = secure.Config()
	if _, err := Dial(t.Context(), cfg); err == nil {
		t.Fatal("the charger took an expired certificate")
	}
	has(t, "the reason", s.refusal().Reason, "does not accept the box's certificate")
	s.mu.Lock()
	s.certificates = good
	s.mu.Unlock()
	callOnce(t, cfg)
}

func TestRootOfTheChargersIsTakenAwayWithoutARestart(t *testing.T) {
	s := newSite(t)
	cfg, secure := s.charger(3)
	cfg.TLS = secure.Config()
	cfg.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(8) // no ticket gets around it
	callOnce(t, cfg)
	s.mu.Lock()
	s.clientRoots = x509.NewCertPool()
	s.mu.Unlock()
	if _, err := Dial(t.Context(), cfg); err == nil {
		t.Fatal("a certificate of a removed root was taken")
	}
	has(t, "the reason", s.refusal().Reason, "authority that the box does not know")
}

func TestRequestThatIsNoneIsToldWithItsRemedy(t *testing.T) {
	for _, line := range []string{"GET /ocpp/CP 1 HTTP/1.1", "GET /ocpp/100% HTTP/1.1", "hello"} {
		s := newSite(t)
		conn, err := net.Dial("tcp", s.ports[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s\r\nHost: box\r\n\r\n", line); err != nil {
			t.Fatal(err)
		}
		told := s.refusal()
		has(t, "the reason", told.Reason, "can't be read")
		has(t, "the remedy", told.Remedy, "backend URL")
		_ = conn.Close()
	}
}

func TestTLSFaultsAreToldOncePerAddress(t *testing.T) {
	s := newSite(t)
	cfg, secure := s.charger(2)
	secure.Roots = x509.NewCertPool()
	cfg.TLS = secure.Config()
	for range 10 {
		if _, err := Dial(t.Context(), cfg); err == nil {
			t.Fatal("taken")
		}
	}
	s.refusal()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) != 1 {
		t.Errorf("told %d times", len(s.refused))
	}
}

func TestTLSPortNeedsACertificate(t *testing.T) {
	for _, port := range []ServerTLS{
		{},
		{Certificates: func() []tls.Certificate { return nil }},
		{Certificates: func() []tls.Certificate { return []tls.Certificate{{Certificate: [][]byte{{1}}}} }},
	} {
		if _, err := port.Config(); err == nil {
			t.Errorf("%+v is taken", port)
		}
	}
}
