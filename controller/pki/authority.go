package pki

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"strings"
	"sync"
	"time"
)

// Algorithm is the kind of a key pair.
type Algorithm string

// The algorithms of roots and server certificates.
const (
	ECDSA Algorithm = "ecdsa" // P-256
	RSA   Algorithm = "rsa"   // 2048 bits: some 1.6 chargers can't do more
)

// algorithms in the order in which they are offered.
func algorithms() []Algorithm { return []Algorithm{ECDSA, RSA} }

// Ledger remembers the certificates that were given out. It is called from any
// goroutine and may take its time.
type Ledger interface {
	// SaveCertificate adds or replaces the record with that serial; it is durable when
	// SaveCertificate returns.
	SaveCertificate(ctx context.Context, c Certificate) error
	// Certificates gives back all.
	Certificates(ctx context.Context) ([]Certificate, error)
}

// Certificate is the record of a charger's certificate.
type Certificate struct {
	Serial      string    `json:"serial"`  // of the certificate, hexadecimal
	Station     string    `json:"station"` // the charger's OCPP identity
	Name        string    `json:"name"`    // its common name
	Fingerprint string    `json:"fingerprint"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"` // zero: it is good
	Reason      string    `json:"reason,omitempty"`    // of the revocation
}

// Config is what an Authority is made of.
type Config struct {
	Keys   KeyStore
	Ledger Ledger
	// Site tells several sites' roots apart in a charger's list; Operator is the
	// organisation that all certificates name (A00.FR.405).
	Site     string
	Operator string
}

// Authority is the site CA.
type Authority struct {
	cfg   Config
	roots map[Algorithm]authorityKey
	pool  *x509.CertPool

	mu      sync.Mutex
	revoked map[string]bool // by serial
}

type authorityKey struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Open reads the roots, or makes them at the first start, and loads what was revoked.
func Open(ctx context.Context, cfg Config) (*Authority, error) {
	if cfg.Operator == "" || cfg.Site == "" {
		return nil, errors.New("cannot open the site CA: neither site nor operator may be empty")
	}
	a := &Authority{cfg: cfg, roots: map[Algorithm]authorityKey{}, pool: x509.NewCertPool(), revoked: map[string]bool{}}
	for _, alg := range algorithms() {
		root, err := a.root(alg, time.Now())
		if err != nil {
			return nil, err
		}
		a.roots[alg] = root
		a.pool.AddCert(root.cert)
	}
	known, err := cfg.Ledger.Certificates(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot open the site CA: %w", err)
	}
	for _, c := range known {
		if !c.RevokedAt.IsZero() {
			a.revoked[c.Serial] = true
		}
	}
	return a, nil
}

// root loads or makes one root.
func (a *Authority) root(alg Algorithm, now time.Time) (authorityKey, error) {
	name := "site-ca-" + string(alg)
	cert, key, err := load(a.cfg.Keys, name)
	switch {
	case err == nil:
		return authorityKey{cert, key}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return authorityKey{}, err // never replaced: the chargers trust it
	}
	if key, err = newKey(alg); err != nil {
		return authorityKey{}, err
	}
	// A subject of its own per root: some chargers find issuers by name only.
	mark := make([]byte, 3)
	rand.Read(mark)
	template := &x509.Certificate{
		Subject:               a.subject(fmt.Sprintf("%s site CA %s %s", clip(a.cfg.Site, 30), strings.ToUpper(string(alg)), hex.EncodeToString(mark))),
		NotBefore:             now.Add(-day),
		NotAfter:              rootEnd(now),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if cert, err = sign(template, template, key.Public(), key); err != nil {
		return authorityKey{}, err
	}
	if err := save(a.cfg.Keys, name, cert, key); err != nil {
		return authorityKey{}, err
	}
	return authorityKey{cert, key}, nil
}

const day = 24 * time.Hour

// rootEnd is the last second that a certificate states in two digits (RFC 5280
// §4.1.2.5), which simple chargers read, and later only when that is near.
func rootEnd(now time.Time) time.Time {
	end := time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
	if late := now.AddDate(15, 0, 0); late.After(end) {
		return late.UTC().Truncate(time.Second)
	}
	return end
}

func (a *Authority) subject(name string) pkix.Name {
	return pkix.Name{CommonName: clip(name, 64), Organization: []string{clip(a.cfg.Operator, 64)}} // upper bounds of RFC 5280
}

func clip(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}

// Operator is the organisation that all certificates name.
func (a *Authority) Operator() string { return clip(a.cfg.Operator, 64) }

// Root is a root certificate to be installed on chargers.
type Root struct {
	Algorithm   Algorithm `json:"algorithm"`
	Name        string    `json:"name"`
	PEM         string    `json:"pem"`
	Fingerprint string    `json:"fingerprint"` // SHA-256, as AB:CD:…
	NotAfter    time.Time `json:"not_after"`
}

// Roots are the certificates to install on chargers, the preferred one first.
func (a *Authority) Roots() []Root {
	var out []Root
	for _, alg := range algorithms() {
		cert := a.roots[alg].cert
		out = append(out, Root{Algorithm: alg, Name: cert.Subject.CommonName, PEM: string(encode(cert)), Fingerprint: Fingerprint(cert), NotAfter: cert.NotAfter})
	}
	return out
}

// Fingerprint is the SHA-256 of a certificate as people compare it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

func newKey(alg Algorithm) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch alg {
	case ECDSA:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		panic("pki: unknown algorithm " + string(alg))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return key, nil
}

// sign makes a certificate with a random serial of 127 bits.
func sign(template, parent *x509.Certificate, of crypto.PublicKey, by crypto.Signer) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always of the same length
	template.SerialNumber = new(big.Int).SetBytes(serial)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of, by)
	if err != nil {
		return nil, fmt.Errorf("cannot make a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot make a certificate: %w", err)
	}
	return cert, nil
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// save keeps certificate and key in one file, so that they never part.
func save(keys KeyStore, name string, cert *x509.Certificate, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, err)
	}
	return keys.Save(name, append(encode(cert), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...))
}

func load(keys KeyStore, name string) (*x509.Certificate, crypto.Signer, error) {
	data, err := keys.Load(name)
	if err != nil {
		return nil, nil, err
	}
	first, rest := pem.Decode(data)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil {
		return nil, nil, fmt.Errorf("cannot read the key %s: it is damaged; restore it from a backup", name)
	}
	cert, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key %s: its certificate is damaged; restore it from a backup", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, nil, fmt.Errorf("cannot read the key %s: it is damaged; restore it from a backup", name)
	}
	if public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(signer.Public()) {
		return nil, nil, fmt.Errorf("cannot use the key %s: it does not belong to its certificate; restore it from a backup", name)
	}
	return cert, signer, nil
}
