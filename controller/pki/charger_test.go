package pki

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
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRequestsAreChecked(t *testing.T) {
	ca := openCA(t, newMemory())
	p256 := key(t, ECDSA)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := csr(t, p256, "SN-77", "Depot North")
	for _, tt := range []struct{ name, csr, wrong string }{
		{"serial number", good, ""},
		{"identity", csr(t, p256, "CP1", "Depot North"), ""},
		{"RSA", csr(t, key(t, RSA), "SN-77", "Depot North"), ""},
		{"old PEM name", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"), ""},
		{"name of another charger", csr(t, p256, "CP2", "Depot North"), "common name"},
		{"no name", csr(t, p256, "", "Depot North"), "common name"},
		{"another operator", csr(t, p256, "CP1", "Somebody"), "organisation"},
		{"no operator", csr(t, p256, "CP1"), "organisation"},
		{"two operators", csr(t, p256, "CP1", "Depot North", "Somebody"), "organisation"},
		{"weak curve", csr(t, p224, "CP1", "Depot North"), "P-224"},
		{"weak signature", csrOf(t, p256, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "CP1", Organization: []string{"Depot North"}}, SignatureAlgorithm: x509.ECDSAWithSHA1}), "SHA1"},
		{"rubbish", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "not readable"},
		{"nothing", "", "PEM"},
		{"a certificate", ca.Roots()[0].PEM, "PEM"},
		{"two", good + good, "PEM"},
		{"long", good + strings.Repeat("\n", maxRequest), "longer"},
	} {
		issued, err := ca.Sign(t.Context(), Request{Station: "CP1", Serial: "SN-77", CSR: tt.csr})
		refusal, refused := errors.AsType[*Refusal](err)
		switch {
		case tt.wrong == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.wrong == "":
			if err := ca.Verify(leaf(t, issued.Chain)); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		case !refused || !strings.Contains(refusal.Reason, tt.wrong) || refusal.Remedy == "":
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err == nil { // where the library still makes them
		if _, err := ca.Sign(t.Context(), Request{Station: "CP1", CSR: csr(t, short, "CP1", "Depot North")}); err == nil {
			t.Error("RSA 1024 was signed")
		}
	}
}

// TestNoProofOfPossession changes one byte of a request's key.
func TestNoProofOfPossession(t *testing.T) {
	ca := openCA(t, newMemory())
	mine, other := csr(t, key(t, ECDSA), "CP1", "Depot North"), csr(t, key(t, ECDSA), "CP1", "Depot North")
	a, b := decode(t, mine), decode(t, other)
	// The signature of one with the content of the other.
	mixed := append(append([]byte{}, a[:len(a)-60]...), b[len(b)-60:]...)
	if _, err := ca.Sign(t.Context(), Request{Station: "CP1", CSR: armour(mixed)}); err == nil {
		t.Error("signed without proof of possession")
	}
}

func TestUnrecordedCertificateIsNotGivenOut(t *testing.T) {
	m := newMemory()
	ca := openCA(t, m)
	m.fails = errors.New("disk full")
	issued, err := ca.Sign(t.Context(), Request{Station: "CP1", CSR: csr(t, key(t, ECDSA), "CP1", "Depot North")})
	if err == nil || issued.Chain != "" {
		t.Errorf("given out: %v", err)
	}
}

// TestHandshakes makes real TLS connections in the ways of chargers.
func TestHandshakes(t *testing.T) {
	m := newMemory()
	ca := openCA(t, m)
	box := newBox(t, ca, names)
	ec, rs := key(t, ECDSA), key(t, RSA)
	good := clientCert(t, ca, ec)
	rsaClient := clientCert(t, ca, rs)
	stranger := openCA(t, newMemory())
	foreign := clientCert(t, stranger, key(t, ECDSA))
	revoked := clientCert(t, ca, key(t, ECDSA))
	if err := ca.Revoke(t.Context(), SerialOf(revoked.Leaf), "lost"); err != nil {
		t.Fatal(err)
	}
	root := x509.NewCertPool()
	root.AddCert(ca.roots[ECDSA].cert)
	rsaOnly := x509.NewCertPool()
	rsaOnly.AddCert(ca.roots[RSA].cert)
	for _, tt := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		ok     bool
	}{
		{"TLS 1.3", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan"}, true},
		{"by address", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "10.0.0.2"}, true},
		{"another name", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "other.lan"}, false},
		{"TLS 1.2 ECDSA", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}, true},
		{"TLS 1.2 RSA, knows the RSA root only", box.PasswordTLS(), &tls.Config{RootCAs: rsaOnly, ServerName: "box.lan", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, true},
		{"TLS 1.1", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"CBC", box.PasswordTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, false},
		{"does not know the site CA", box.PasswordTLS(), &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "box.lan"}, false},
		{"client certificate", box.CertificateTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", Certificates: []tls.Certificate{good}}, true},
		{"RSA client certificate", box.CertificateTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", Certificates: []tls.Certificate{rsaClient}}, true},
		{"no client certificate", box.CertificateTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan"}, false},
		{"of another site", box.CertificateTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", Certificates: []tls.Certificate{foreign}}, false},
		{"revoked", box.CertificateTLS(), &tls.Config{RootCAs: root, ServerName: "box.lan", Certificates: []tls.Certificate{revoked}}, false},
	} {
		if err := handshake(t, tt.server, tt.client); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	again := openCA(t, m) // the database remembers
	if err := again.Verify(revoked.Leaf); err == nil {
		t.Error("a revoked certificate is good after a restart")
	}
}

// TestRevocationAlsoEndsResumption: a session ticket is no way around it.
func TestRevocationAlsoEndsResumption(t *testing.T) {
	ca := openCA(t, newMemory())
	box := newBox(t, ca, names)
	cert := clientCert(t, ca, key(t, ECDSA))
	root := x509.NewCertPool()
	root.AddCert(ca.roots[ECDSA].cert)
	client := &tls.Config{RootCAs: root, ServerName: "box.lan", Certificates: []tls.Certificate{cert}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	for range 2 {
		if err := handshake(t, box.CertificateTLS(), client); err != nil {
			t.Fatal(err)
		}
	}
	if err := ca.Revoke(t.Context(), SerialOf(cert.Leaf), "stolen"); err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, box.CertificateTLS(), client); err == nil {
		t.Error("a revoked certificate came in by resumption")
	}
}

// TestAllOfAChargersCertificatesAreRevoked, also where the disk takes none of it; the next
// try writes it down.
func TestAllOfAChargersCertificatesAreRevoked(t *testing.T) {
	m := newMemory()
	ca := openCA(t, m)
	all := []tls.Certificate{clientCert(t, ca, key(t, ECDSA)), clientCert(t, ca, key(t, ECDSA)), clientCert(t, ca, key(t, ECDSA))}
	m.fails = errors.New("the disk is full")
	if n, err := ca.RevokeStation(t.Context(), "CP1", "forgotten"); n != len(all) || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	for i, c := range all {
		if ca.Verify(c.Leaf) == nil {
			t.Errorf("certificate %d counts still", i)
		}
	}
	m.fails = nil
	if n, err := ca.RevokeStation(t.Context(), "CP1", "forgotten"); n != len(all) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	again := openCA(t, m)
	for i, c := range all {
		if again.Verify(c.Leaf) == nil {
			t.Errorf("certificate %d counts again after a restart", i)
		}
	}
}

func TestKeysAreForTheirOwnerOnly(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "pki"))
	if err := dir.Save("k", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(string(dir), "k")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if data, err := dir.Load("k"); err != nil || string(data) != "secret" {
		t.Errorf("%q %v", data, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Load("k"); err == nil {
		t.Error("a key that others may read was taken")
	}
	for _, name := range []string{"", "..", "a/b", ".hidden"} {
		if err := dir.Save(name, nil); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
}

func clientCert(t *testing.T, ca *Authority, k crypto.Signer) tls.Certificate {
	t.Helper()
	issued, err := ca.Sign(t.Context(), Request{Station: "CP1", CSR: csr(t, k, "CP1", "Depot North")})
	if err != nil {
		t.Fatal(err)
	}
	c := leaf(t, issued.Chain)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: k, Leaf: c}
}

// handshake connects over loopback and echoes a byte, so that both sides have judged.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = io.CopyN(c, c, 1)
			_ = c.Close()
		}
		served <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d := tls.Dialer{NetDialer: new(net.Dialer), Config: client}
	c, err := d.DialContext(ctx, "tcp", l.Addr().String())
	if err == nil {
		_, err = c.Write([]byte("x"))
		if err == nil {
			_, err = io.ReadFull(c, make([]byte, 1))
		}
		_ = c.Close()
	}
	if serr := <-served; err == nil {
		err = serr
	}
	return err
}
