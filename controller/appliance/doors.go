package appliance

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"busbar/controller/pki"
	"busbar/controller/store"
)

// The names of the chargers' listeners, for Addr.
const (
	doorPlain       = "chargers"      // profiles 0 and 1
	doorTLS         = "chargers-tls"  // profile 2
	doorCertificate = "chargers-mtls" // profile 3
)

// doors are the chargers' ports in the order in which they open.
func doors() []string { return []string{doorPlain, doorTLS, doorCertificate} }

// pkiFolder holds the keys of the site CA, inside the data folder.
const pkiFolder = "pki"

// wireSecurity makes the site CA and the box's certificates, if a port needs them.
func (b *Box) wireSecurity(ctx context.Context) error {
	cfg := b.opts.Config
	if cfg.Listen.WSS == "" && cfg.Listen.MTLS == "" {
		return nil
	}
	ca, err := pki.Open(ctx, pki.Config{Keys: pki.Dir(filepath.Join(b.opts.DataDir, pkiFolder)), Ledger: ledger{b.store},
		Site: cmp.Or(cfg.Site.Name, cfg.Site.ID), Operator: cfg.OperatorName()})
	if err != nil {
		return fmt.Errorf("cannot set up the chargers' ports: %w", err)
	}
	server, err := pki.NewServer(ca, func() pki.Names { return names(cfg.ChargerNetwork.Name) }, b.log)
	if err != nil {
		return fmt.Errorf("cannot set up the chargers' ports: %w", err)
	}
	b.ca, b.certificates = ca, server
	return nil
}

// openDoors listens on the chargers' ports.
func (b *Box) openDoors() error {
	listen := b.opts.Config.Listen
	if err := b.listen(doorPlain, b.opts.Config.PlainAddress()); err != nil {
		return err
	}
	if err := b.listen(doorTLS, listen.WSS); err != nil {
		return err
	}
	return b.listen(doorCertificate, listen.MTLS)
}

// chargerPorts are the parts that serve chargers. The Hub ends all connections with
// the first of them that stops.
func (b *Box) chargerPorts() []part {
	parts := []part{{name: "adoption", run: b.adoption.Run}}
	if b.certificates != nil {
		parts = append(parts, part{name: "certificates", run: b.certificates.Run})
	}
	for _, name := range doors() {
		l := b.listeners[name]
		if l == nil {
			continue
		}
		profile, config := 1, (*tls.Config)(nil)
		switch name {
		case doorTLS:
			profile, config = 2, b.certificates.PasswordTLS()
		case doorCertificate:
			profile, config = 3, b.certificates.CertificateTLS()
		}
		l = b.hub.Listen(l, config)
		parts = append(parts, part{name: name, run: func(ctx context.Context) error { return serve(ctx, l, b.hub.Port(profile), b.hub.Close) }})
	}
	return parts
}

// maxAddresses bounds the addresses in a certificate: chargers have little memory.
const maxAddresses = 16

// names are what chargers may call the box: the configured name, the machine's own,
// and its addresses but those that change by themselves.
func names(configured string) pki.Names {
	var out pki.Names
	add := func(name string) {
		if name != "" && !slices.Contains(out.DNS, name) {
			out.DNS = append(out.DNS, name)
		}
	}
	add(configured)
	if host, err := os.Hostname(); err == nil && host != "" {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		add(host)
		if !strings.Contains(host, ".") {
			add(host + ".local") // by mDNS
		}
	}
	add("localhost")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || len(out.IPs) == maxAddresses {
			continue
		}
		// IPv6 addresses of the provider change daily, link-local ones need a zone.
		if ip := prefix.Addr(); ip.Is4() && !ip.IsLinkLocalUnicast() || ip.Is6() && (ip.IsPrivate() || ip.IsLoopback()) {
			out.IPs = append(out.IPs, ip.AsSlice())
		}
	}
	return out
}

// kindCertificate are the documents of the chargers' certificates.
const kindCertificate = "certificate"

// ledger keeps the chargers' certificates in the database.
type ledger struct{ store *store.Store }

var _ pki.Ledger = ledger{}

// SaveCertificate implements pki.Ledger.
func (l ledger) SaveCertificate(ctx context.Context, c pki.Certificate) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("cannot record a certificate: %w", err)
	}
	return l.store.SaveDocument(ctx, kindCertificate, c.Serial, string(body))
}

// Certificates implements pki.Ledger.
func (l ledger) Certificates(ctx context.Context) ([]pki.Certificate, error) {
	documents, err := l.store.Documents(ctx, kindCertificate)
	if err != nil {
		return nil, err
	}
	out := make([]pki.Certificate, 0, len(documents))
	for serial, body := range documents {
		var c pki.Certificate
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return nil, fmt.Errorf("cannot read the record of the certificate %s: %w", serial, err)
		}
		out = append(out, c)
	}
	return out, nil
}
