package pki

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// chargerYears is how long a charger's certificate holds. It is long, because one that
// ran out while the charger was switched off for a season would lock it out.
const chargerYears = 5

// maxRequest is the longest CSR of OCPP (2.0.1 SignCertificate.csr).
const maxRequest = 5500

// Request is a charger's wish for a certificate.
type Request struct {
	Station string // the OCPP identity of the connection it came over
	Serial  string // serial number of its BootNotification, "" if unknown
	CSR     string // PEM (RFC 2986)
}

// Refusal is why a request is not signed; the charger's operator can act on it.
type Refusal struct{ Reason, Remedy string }

func (r *Refusal) Error() string { return "cannot sign the certificate request: " + r.Reason }

// Issued is a new certificate of a charger.
type Issued struct {
	Certificate
	Chain string // PEM: the certificate alone, the charger has the root
}

// Sign checks a request and signs it (A02, A00.FR.404/405/503 to 511; whitepaper A02).
// Only name and key are taken from it. The record is durable before the certificate
// is given out. The error is a *Refusal when the request is at fault.
func (a *Authority) Sign(ctx context.Context, r Request) (Issued, error) {
	csr, err := parseRequest(r.CSR)
	if err != nil {
		return Issued{}, err
	}
	if err := a.checkRequest(csr, r); err != nil {
		return Issued{}, err
	}
	by := a.roots[ECDSA]
	if csr.PublicKeyAlgorithm == x509.RSA {
		by = a.roots[RSA] // it may be able to read nothing else
	}
	now := time.Now()
	cert, err := sign(&x509.Certificate{
		Subject:               a.subject(csr.Subject.CommonName),
		NotBefore:             now.Add(-day), // the charger's clock may be behind
		NotAfter:              earlier(now.AddDate(chargerYears, 0, 0), by.cert.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, by.cert, csr.PublicKey, by.key)
	if err != nil {
		return Issued{}, err
	}
	out := Issued{
		Certificate: Certificate{Serial: SerialOf(cert), Station: r.Station, Name: cert.Subject.CommonName, Fingerprint: Fingerprint(cert), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter},
		Chain:       string(encode(cert)),
	}
	if err := a.cfg.Ledger.SaveCertificate(ctx, out.Certificate); err != nil {
		return Issued{}, fmt.Errorf("cannot record a certificate: %w", err)
	}
	return out, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// SerialOf is the serial number of a certificate as a Certificate has it.
func SerialOf(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

func parseRequest(text string) (*x509.CertificateRequest, error) {
	if len(text) > maxRequest {
		return nil, &Refusal{fmt.Sprintf("it is longer than %d characters", maxRequest), "Use a shorter key, RSA 2048 or ECDSA P-256."}
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || !strings.HasSuffix(block.Type, "CERTIFICATE REQUEST") || strings.TrimSpace(string(rest)) != "" {
		return nil, &Refusal{"it is not one certificate request in PEM", "Update the charger's firmware: the request must be PKCS #10 in PEM."}
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, &Refusal{"it is not readable", "Update the charger's firmware: the request must be PKCS #10 in PEM."}
	}
	return csr, nil
}

// checkRequest wants a proof of possession, a strong key, and the charger's own name.
func (a *Authority) checkRequest(csr *x509.CertificateRequest, r Request) error {
	strong := []x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512}
	if !slices.Contains(strong, csr.SignatureAlgorithm) {
		return &Refusal{fmt.Sprintf("it is signed with %v", csr.SignatureAlgorithm), "The charger must sign with SHA-256 or better."}
	}
	if err := csr.CheckSignature(); err != nil {
		return &Refusal{"its signature does not fit its key", "Let the charger make a new key and a new request."}
	}
	switch key := csr.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 || bits > 4096 || key.E < 65537 {
			return &Refusal{fmt.Sprintf("its RSA key has %d bits and exponent %d", bits, key.E), "The charger must use RSA with 2048 to 4096 bits, or ECDSA P-256."}
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return &Refusal{"its elliptic curve is " + key.Curve.Params().Name, "The charger must use P-256 or P-384, or RSA 2048."}
		}
	default:
		return &Refusal{fmt.Sprintf("its key is %v", csr.PublicKeyAlgorithm), "The charger must use ECDSA P-256 or RSA 2048."}
	}
	if name := csr.Subject.CommonName; name == "" || name != r.Station && name != r.Serial {
		return &Refusal{fmt.Sprintf("its common name is %q, neither the identity %q nor the serial number %q", clip(name, 64), r.Station, r.Serial),
			"The charger must put its serial number into the common name (A00.FR.404)."}
	}
	if !slices.Equal(csr.Subject.Organization, []string{a.Operator()}) {
		return &Refusal{fmt.Sprintf("its organisation is %q, not %q", csr.Subject.Organization, a.Operator()),
			"Set the charger's CpoName (1.6) or SecurityCtrlr.OrganizationName (2.0.1) to the operator's name and ask for a certificate again."}
	}
	return nil
}

// Revoke makes a certificate unusable at once, for good. One that is revoked stays as
// it is.
func (a *Authority) Revoke(ctx context.Context, serial, reason string) error {
	n, err := a.revoke(ctx, reason, func(c Certificate) bool { return c.Serial == serial })
	if err == nil && n == 0 {
		return fmt.Errorf("cannot revoke the certificate %s: this site did not make it", serial)
	}
	return err
}

// RevokeStation does it to all certificates of a charger and says how many it has had.
func (a *Authority) RevokeStation(ctx context.Context, station, reason string) (int, error) {
	return a.revoke(ctx, reason, func(c Certificate) bool { return c.Station == station })
}

// revoke does it to those that of picks, to each also when the disk refuses one.
func (a *Authority) revoke(ctx context.Context, reason string, of func(Certificate) bool) (int, error) {
	known, err := a.cfg.Ledger.Certificates(ctx)
	if err != nil {
		return 0, fmt.Errorf("cannot revoke a certificate: %w", err)
	}
	n := 0
	for _, c := range known {
		if !of(c) {
			continue
		}
		n++
		a.mu.Lock()
		a.revoked[c.Serial] = true
		a.mu.Unlock()
		if !c.RevokedAt.IsZero() {
			continue
		}
		c.RevokedAt, c.Reason = time.Now(), reason
		if serr := a.cfg.Ledger.SaveCertificate(ctx, c); serr != nil {
			err = fmt.Errorf("cannot record that a certificate is revoked: %w", serr)
		}
	}
	return n, err
}

// Certificates are all that chargers were given, the newest first.
func (a *Authority) Certificates(ctx context.Context) ([]Certificate, error) {
	out, err := a.cfg.Ledger.Certificates(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the certificates: %w", err)
	}
	slices.SortFunc(out, func(a, b Certificate) int {
		return cmp.Or(b.NotBefore.Compare(a.NotBefore), cmp.Compare(a.Serial, b.Serial))
	})
	return out, nil
}

// Verify tells whether a charger's certificate is of this site, in its time and not
// revoked.
func (a *Authority) Verify(cert *x509.Certificate) error {
	if _, err := cert.Verify(x509.VerifyOptions{Roots: a.pool, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("cannot trust the certificate of %s: %w", clip(cert.Subject.CommonName, 64), err)
	}
	return a.notRevoked(cert)
}

func (a *Authority) notRevoked(cert *x509.Certificate) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revoked[SerialOf(cert)] {
		return fmt.Errorf("cannot trust the certificate of %s: it is revoked", clip(cert.Subject.CommonName, 64))
	}
	return nil
}

// Check tells whether Sign would sign: the error is a *Refusal if not.
func (a *Authority) Check(r Request) error {
	csr, err := parseRequest(r.CSR)
	if err != nil {
		return err
	}
	return a.checkRequest(csr, r)
}
