package ocpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ServerTLS is what a port for chargers of security profile 2 or 3 is made of. One
// port has one profile (2.0.1 A00.FR.001).
type ServerTLS struct {
	// Certificates are those in use now, asked for at each handshake, so that a renewed
	// one holds from the next connection on. One with an ECDSA key and one with an RSA
	// key should be there (A00.FR.318); what the client can use is taken, in their
	// order. It is called from many goroutines and must return at once.
	Certificates func() []tls.Certificate
	// ClientRoots, if not nil, makes this a port of profile 3: only clients with a
	// certificate under one of these roots get in. It is asked for at each handshake.
	ClientRoots func() *x509.CertPool
	// Organization is what the client certificate must have as O, the operator's name
	// (A00.FR.404); "" = any.
	Organization string
	// Now is the clock by which client certificates are judged; nil = time.Now.
	Now func() time.Time
}

// Config is the setting of the port. Its error tells of a certificate that can't be
// used at all.
func (s ServerTLS) Config() (*tls.Config, error) {
	if s.Certificates == nil || len(s.Certificates()) == 0 {
		return nil, errors.New("cannot open a TLS port: there is no server certificate")
	}
	for _, c := range s.Certificates() {
		if len(c.Certificate) == 0 || c.PrivateKey == nil {
			return nil, errors.New("cannot open a TLS port: a server certificate has no key")
		}
		if _, err := x509.ParseCertificate(c.Certificate[0]); err != nil {
			return nil, fmt.Errorf("cannot open a TLS port: %w", err)
		}
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: cipherSuites(),
		Time:         s.Now,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return chooseCertificate(hello, s.Certificates())
		},
	}
	if s.ClientRoots == nil {
		return config, nil
	}
	// Without tickets each connection shows its certificate anew, and a root that was
	// taken away holds nobody any more.
	config.SessionTicketsDisabled = true
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.VerifyConnection = s.checkOrganization
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		current := config.Clone()
		current.GetConfigForClient = nil
		current.ClientCAs = s.ClientRoots()
		return current, nil
	}
	return config, nil
}

// ClientTLS is how a charging station connects with security profile 2 or 3.
type ClientTLS struct {
	// Roots are the authorities that the server's certificate must come from; nil =
	// those of the machine.
	Roots *x509.CertPool
	// ServerName is what the certificate must be made out to; "" = the host of the URL.
	ServerName string
	// Certificate is our own for profile 3, asked for at each handshake; nil = none.
	Certificate func() (*tls.Certificate, error)
	// Now is the clock by which the certificate is judged; nil = time.Now.
	Now func() time.Time
}

// Config is the setting for ClientConfig.TLS.
func (c ClientTLS) Config() *tls.Config {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: cipherSuites(), Time: c.Now,
		RootCAs: c.Roots, ServerName: c.ServerName,
	}
	if c.Certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.Certificate() }
	}
	return config
}

// cipherSuites are those of TLS 1.2; 1.3 has its own and they can't be chosen. The
// last two are what A00.FR.318 wants for stations that know no better; Go leaves them
// out of its own list.
func cipherSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	}
}

// chooseCertificate takes the first that the client can use and that has the name it
// asks for, else the first that it can use: a charger with a wrong name for the box
// then says so itself, instead of a handshake without a word.
func chooseCertificate(hello *tls.ClientHelloInfo, have []tls.Certificate) (*tls.Certificate, error) {
	anyName := *hello
	anyName.ServerName = ""
	for _, want := range []*tls.ClientHelloInfo{hello, &anyName} {
		for i := range have {
			if want.SupportsCertificate(&have[i]) == nil {
				return &have[i], nil
			}
		}
	}
	return nil, errNoCertificate
}

var (
	errNoCertificate = errors.New("the client can use none of our certificates")
	errOrganization  = errors.New("the client certificate is of another organization")
)

func (s ServerTLS) checkOrganization(state tls.ConnectionState) error {
	if s.Organization == "" || slices.Contains(state.PeerCertificates[0].Subject.Organization, s.Organization) {
		return nil
	}
	return fmt.Errorf("%w: %v, not %q", errOrganization, state.PeerCertificates[0].Subject.Organization, s.Organization)
}
