package ocppsim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// certificate is a root that was installed.
type certificate struct {
	use  ocpp2.InstallCertificateUse
	hash ocpp2.CertificateHashData
}

func (d *v2) securityCommands(m *ocpp.Mux) {
	ocpp.Handle(m, ocpp2.InstallCertificate, d.installCertificate)
	ocpp.Handle(m, ocpp2.GetInstalledCertificateIds, d.installedCertificates)
	ocpp.Handle(m, ocpp2.DeleteCertificate, d.deleteCertificate)
	ocpp.Handle(m, ocpp2.CertificateSigned, d.certificateSigned)
	ocpp.Handle(m, ocpp2.GetLog, d.getLog)
	ocpp.Handle(m, ocpp2.UpdateFirmware, d.updateFirmware)
}

// parseCertificate reads the first certificate of a PEM text.
func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("cannot read the certificate: no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// hashOf names a root certificate, which is its own issuer (P2 CertificateHashDataType).
func hashOf(c *x509.Certificate) (ocpp2.CertificateHashData, error) {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &key); err != nil {
		return ocpp2.CertificateHashData{}, fmt.Errorf("cannot read the public key: %w", err)
	}
	name, issuer := sha256.Sum256(c.RawIssuer), sha256.Sum256(key.Key.Bytes)
	return ocpp2.CertificateHashData{HashAlgorithm: ocpp2.HashAlgorithmSHA256, IssuerNameHash: hex.EncodeToString(name[:]),
		IssuerKeyHash: hex.EncodeToString(issuer[:]), SerialNumber: c.SerialNumber.Text(16)}, nil
}

func (d *v2) installCertificate(_ context.Context, _ *ocpp.Conn, req ocpp2.InstallCertificateRequest, _ *ocpp.Request) (ocpp2.InstallCertificateResponse, error) {
	c, err := parseCertificate(req.Certificate)
	if err != nil {
		return ocpp2.InstallCertificateResponse{Status: ocpp2.InstallCertificateStatusRejected, StatusInfo: refusal("InvalidCertificate")}, nil
	}
	hash, err := hashOf(c)
	if err != nil {
		return ocpp2.InstallCertificateResponse{Status: ocpp2.InstallCertificateStatusRejected, StatusInfo: refusal("InvalidCertificate")}, nil
	}
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if !slices.ContainsFunc(d.certs, func(o certificate) bool { return o.use == req.CertificateType && same(o.hash, hash) }) {
		d.certs = append(d.certs, certificate{req.CertificateType, hash})
	}
	return ocpp2.InstallCertificateResponse{Status: ocpp2.InstallCertificateStatusAccepted}, nil
}

func same(a, b ocpp2.CertificateHashData) bool {
	return a.HashAlgorithm == b.HashAlgorithm && a.IssuerNameHash == b.IssuerNameHash && a.IssuerKeyHash == b.IssuerKeyHash && a.SerialNumber == b.SerialNumber
}

func (d *v2) installedCertificates(_ context.Context, _ *ocpp.Conn, req ocpp2.GetInstalledCertificateIdsRequest, _ *ocpp.Request) (ocpp2.GetInstalledCertificateIdsResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	resp := ocpp2.GetInstalledCertificateIdsResponse{Status: ocpp2.GetInstalledCertificateStatusNotFound}
	for _, c := range d.certs {
		use := ocpp2.GetCertificateIDUse(c.use)
		if len(req.CertificateType) == 0 || slices.Contains(req.CertificateType, use) {
			resp.Status = ocpp2.GetInstalledCertificateStatusAccepted
			resp.CertificateHashDataChain = append(resp.CertificateHashDataChain, ocpp2.CertificateHashDataChain{CertificateType: use, CertificateHashData: c.hash})
		}
	}
	return resp, nil
}

func (d *v2) deleteCertificate(_ context.Context, _ *ocpp.Conn, req ocpp2.DeleteCertificateRequest, _ *ocpp.Request) (ocpp2.DeleteCertificateResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	before := len(d.certs)
	d.certs = slices.DeleteFunc(d.certs, func(c certificate) bool { return same(c.hash, req.CertificateHashData) })
	if len(d.certs) == before {
		return ocpp2.DeleteCertificateResponse{Status: ocpp2.DeleteCertificateStatusNotFound}, nil
	}
	return ocpp2.DeleteCertificateResponse{Status: ocpp2.DeleteCertificateStatusAccepted}, nil
}

// signCertificate makes a key and asks for its certificate (P2 A02).
func (d *v2) signCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: d.c.cfg.ID, Organization: []string{d.variable("SecurityCtrlr", "OrganizationName").value}}}, key)
	if err != nil {
		return
	}
	d.key = key
	req := ocpp2.SignCertificateRequest{Csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
		CertificateType: new(ocpp2.CertificateSigningUseChargingStationCertificate)}
	enqueue(d.c, ocpp2.SignCertificate, req)
}

// certificateSigned takes the certificate of the key that was made last.
func (d *v2) certificateSigned(_ context.Context, _ *ocpp.Conn, req ocpp2.CertificateSignedRequest, r *ocpp.Request) (ocpp2.CertificateSignedResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	c, err := parseCertificate(req.CertificateChain)
	if err != nil || d.key == nil || !d.key.PublicKey.Equal(c.PublicKey) {
		d.c.after(r, func() { d.securityEvent("InvalidChargingStationCertificate") })
		return ocpp2.CertificateSignedResponse{Status: ocpp2.CertificateSignedStatusRejected, StatusInfo: refusal("InvalidCertificate")}, nil
	}
	d.own = c
	return ocpp2.CertificateSignedResponse{Status: ocpp2.CertificateSignedStatusAccepted}, nil
}

// securityEvent tells one; it is kept until acknowledged (P2 A04).
func (d *v2) securityEvent(kind string) {
	req := ocpp2.SecurityEventNotificationRequest{Type: kind, Timestamp: ocpp.NewDateTime(d.c.now())}
	d.c.enqueue(&message{keep: true, attempts: 3, send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := say(ctx, d.c, conn, ocpp2.SecurityEventNotification, req)
		return err
	}})
}

// getLog tells of an upload; nothing is transferred.
func (d *v2) getLog(_ context.Context, _ *ocpp.Conn, req ocpp2.GetLogRequest, r *ocpp.Request) (ocpp2.GetLogResponse, error) {
	d.c.after(r, func() {
		for _, status := range []ocpp2.UploadLogStatus{ocpp2.UploadLogStatusUploading, ocpp2.UploadLogStatusUploaded} {
			enqueue(d.c, ocpp2.LogStatusNotification, ocpp2.LogStatusNotificationRequest{Status: status, RequestID: &req.RequestID})
		}
	})
	return ocpp2.GetLogResponse{Status: ocpp2.LogStatusAccepted, Filename: new(fmt.Sprintf("%s-%d.log", req.LogType, req.RequestID))}, nil
}

// installing is how long an update takes between its steps.
const installing = time.Second

// updateFirmware goes through the steps and restarts, which ends what runs; nothing is
// transferred.
func (d *v2) updateFirmware(_ context.Context, _ *ocpp.Conn, req ocpp2.UpdateFirmwareRequest, r *ocpp.Request) (ocpp2.UpdateFirmwareResponse, error) {
	d.c.after(r, func() {
		tell := func(status ocpp2.FirmwareStatus) {
			enqueue(d.c, ocpp2.FirmwareStatusNotification, ocpp2.FirmwareStatusNotificationRequest{Status: status, RequestID: &req.RequestID})
		}
		tell(ocpp2.FirmwareStatusDownloading)
		tell(ocpp2.FirmwareStatusDownloaded)
		if req.Firmware.Signature != nil && req.Firmware.SigningCertificate == nil {
			tell(ocpp2.FirmwareStatusInvalidSignature)
			d.securityEvent("InvalidFirmwareSignature")
			return
		}
		tell(ocpp2.FirmwareStatusInstalling)
		time.AfterFunc(installing, func() {
			d.c.mu.Lock()
			tell(ocpp2.FirmwareStatusInstalled)
			d.firmware = nextFirmware(d.firmware)
			d.c.mu.Unlock()
			time.AfterFunc(installing, func() { d.c.restart(causeSoftReset, bootFirmware) })
		})
	})
	return ocpp2.UpdateFirmwareResponse{Status: ocpp2.UpdateFirmwareStatusAccepted}, nil
}

// nextFirmware is the version after v.
func nextFirmware(v string) string {
	var major, minor, patch int
	if _, err := fmt.Sscanf(v, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return v
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch+1)
}
