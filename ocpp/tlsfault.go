package ocpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// reportEarly tells of a connection that ended before it had said who it is.
func (s *Server) reportEarly(remote, reason, remedy string) {
	now := time.Now()
	withheld, yes := s.bursts.tell("early "+host(remote)+" "+reason, now)
	if !yes {
		return
	}
	s.cfg.Logger.Warn("connection refused", "remote", remote, "reason", reason, "withheld", withheld)
	if s.cfg.Refused != nil {
		s.cfg.Refused(Refusal{At: now, Remote: remote, Status: http.StatusBadRequest, Reason: reason, Remedy: remedy, Withheld: withheld})
	}
}

// tlsFault words the failure of a TLS handshake for an installer, seen from the box.
// Some of crypto/tls' errors have no type; those are known by their text.
func tlsFault(err error) (reason, remedy string) {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the charger speaks without TLS on the port for TLS",
			"Set the charger's backend URL to begin with wss:// and its security profile to that of this port, or use the port for ws://."
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return alertFault(alert.Err.Error())
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return clientCertificateFault(bad)
	}
	text := err.Error()
	switch {
	case errors.Is(err, errOrganization):
		return "the client certificate is of another operator: " + text,
			"Install a client certificate whose organization (O) is the operator's name as the box has it."
	case errors.Is(err, errNoCertificate), strings.Contains(text, "no cipher suite supported"):
		return "the charger can use none of the box's certificates or ciphers",
			"Give the box a server certificate of the other kind too (RSA beside ECDSA), or update the charger's firmware."
	case strings.Contains(text, "unsupported versions"), strings.Contains(text, "unsupported protocol version"):
		return "the charger's TLS is too old: the box asks for 1.2 or newer",
			"Update the charger's firmware, or use profile 1 on an isolated charger network."
	case strings.Contains(text, "didn't provide a certificate"):
		return "the charger showed no client certificate on the port for profile 3",
			"Install a client certificate in the charger, or point it at the port for profile 2."
	case errors.Is(err, context.DeadlineExceeded):
		return "the charger did not finish the TLS handshake in time",
			"Check the network between charger and box for packet loss and a too large MTU."
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the charger broke off the TLS handshake without a word",
			"Most often it does not trust the box's certificate: install the box's root certificate in the charger and check the charger's clock."
	}
	return "the TLS handshake failed: " + text, "Check the charger's TLS settings and its firmware."
}

// Alerts by which a client says what it does not like (RFC 8446 §6.2).
const (
	alertHandshakeFailure     tls.AlertError = 40
	alertBadCertificate       tls.AlertError = 42
	alertUnsupported          tls.AlertError = 43
	alertCertificateRevoked   tls.AlertError = 44
	alertCertificateExpired   tls.AlertError = 45
	alertCertificateUnknown   tls.AlertError = 46
	alertUnknownCA            tls.AlertError = 48
	alertProtocolVersion      tls.AlertError = 70
	alertInsufficientSecurity tls.AlertError = 71
)

// alertFault words an alert of the charger, given by its text: the type of those that
// come over a socket is not exported.
func alertFault(text string) (reason, remedy string) {
	is := func(alerts ...tls.AlertError) bool {
		return slices.ContainsFunc(alerts, func(a tls.AlertError) bool { return a.Error() == text })
	}
	said := strings.TrimPrefix(text, "tls: ")
	refused := "the charger does not accept the box's certificate: " + said
	switch {
	case is(alertUnknownCA):
		return refused, "Install the box's root certificate in the charger as its CSMS root certificate."
	case is(alertCertificateExpired):
		return refused, "Check the charger's clock (it takes the time from the box by NTP), then whether the box's certificate is still valid."
	case is(alertBadCertificate, alertCertificateUnknown, alertUnsupported, alertCertificateRevoked):
		return refused, "Use the name in the box's certificate in the charger's backend URL, not its IP address; check the box's root certificate in the charger and the charger's clock."
	case is(alertHandshakeFailure, alertInsufficientSecurity, alertProtocolVersion):
		return "the charger can't agree on TLS with the box: " + said,
			"Update the charger's firmware; the box speaks TLS 1.2 and 1.3 with ECDSA and RSA certificates."
	}
	return "the charger broke off the TLS handshake: " + said, "Check the charger's TLS settings and its firmware."
}

// clientCertificateFault words what is wrong with the certificate of a charger.
func clientCertificateFault(bad *tls.CertificateVerificationError) (reason, remedy string) {
	name := ""
	if len(bad.UnverifiedCertificates) > 0 {
		name = " of " + clip(strings.ToValidUTF8(bad.UnverifiedCertificates[0].Subject.CommonName, "\uFFFD"), maxIdentity)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](bad); ok && invalid.Reason == x509.Expired {
		return "the client certificate" + name + " is not valid today: " + invalid.Detail,
			"Renew the charger's client certificate; if it should be valid, check the box's clock."
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](bad); ok {
		return "the client certificate" + name + " is from an authority that the box does not know",
			"Install a client certificate of the operator's authority in the charger, or add its authority to the box."
	}
	return "the client certificate" + name + " can't be used: " + bad.Err.Error(),
		"Install a client certificate for TLS client authentication in the charger."
}
