package pki

import "crypto/tls"

// cipherSuites are those of A00.FR.318 and the two that old RSA-only chargers have in
// common with TLS 1.2. TLS 1.3 has its own.
func cipherSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	}
}

// PasswordTLS is the configuration of the port for profile 2: the charger proves
// itself by its password.
func (s *Server) PasswordTLS() *tls.Config {
	return s.following(func(c *configs) *tls.Config { return c.password })
}

// CertificateTLS is the configuration of the port for profile 3: the charger shows a
// certificate of this site that is not revoked.
func (s *Server) CertificateTLS() *tls.Config {
	return s.following(func(c *configs) *tls.Config { return c.certificate })
}

// following always uses the newest certificates.
func (s *Server) following(pick func(*configs) *tls.Config) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return pick(s.configs.Load()), nil },
	}
}

func (s *Server) configsOf() *configs {
	base := tls.Config{
		MinVersion:   tls.VersionTLS12, // A00.FR.310
		CipherSuites: cipherSuites(),
		NextProtos:   []string{"http/1.1"}, // a WebSocket can't be upgraded on h2
	}
	for _, alg := range algorithms() {
		held := s.held[alg]
		base.Certificates = append(base.Certificates, tls.Certificate{Certificate: [][]byte{held.cert.Raw}, PrivateKey: held.key, Leaf: held.cert})
	}
	mutual := base.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, s.ca.pool
	// Asked on resumption, too, so that a revoked certificate has no way back.
	mutual.VerifyConnection = func(state tls.ConnectionState) error { return s.ca.Verify(state.PeerCertificates[0]) }
	return &configs{password: base.Clone(), certificate: mutual}
}
