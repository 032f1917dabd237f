package appliance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/controller/upstream"
	"busbar/ocpp"
)

// uplinkTLS is how the cloud is trusted, and what we show it; nil without TLS. The
// certificate is read at each connection, so that a renewed one holds.
func (b *Box) uplinkTLS(st config.Station) (*tls.Config, error) {
	if st.SecurityProfile < 2 {
		return nil, nil
	}
	out := ocpp.ClientTLS{}
	if st.Roots != "" {
		text, err := b.readFile(st.Roots)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities of the cloud: %w", err)
		}
		if out.Roots = x509.NewCertPool(); !out.Roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("cannot use the authorities of the cloud: %s has no certificate in PEM", st.Roots)
		}
	}
	if st.SecurityProfile == 3 {
		out.Certificate = func() (*tls.Certificate, error) { return b.uplinkCertificate(st) }
		if _, err := out.Certificate(); err != nil {
			return nil, err
		}
	}
	return out.Config(), nil
}

func (b *Box) uplinkCertificate(st config.Station) (*tls.Certificate, error) {
	chain, err := b.readFile(st.Certificate)
	if err != nil {
		return nil, fmt.Errorf("cannot read the site's certificate: %w", err)
	}
	key, err := b.readFile(st.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key of the site's certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the site's certificate: %w", err)
	}
	return &cert, nil
}

func (b *Box) wireCloud(r controller.Recovered) error {
	if len(b.opts.Config.Upstream.Stations) == 0 {
		return nil
	}
	st := b.opts.Config.Upstream.Stations[0]
	password, err := b.secret(st.Password, "cloud station "+st.ID)
	if err != nil {
		return err
	}
	secure, err := b.uplinkTLS(st)
	if err != nil {
		return err
	}
	known := acceptance(st)
	b.cloud = upstream.New(upstream.Config{StationID: st.ID, URL: st.URL, Password: password, TLS: secure, Dial: b.opts.Network.Dial, Loop: b, Outbox: b.store,
		Vendor: "Busbar", Model: "Site controller", Serial: st.ID, Version: b.opts.Version, BootKnown: known != "" && r.Settings[settingAccepted] == known,
		OnAccepted: func() { b.rememberAcceptance(known) }, NominalV: b.opts.Config.Volts(), BackOff: b.backOff(), Trace: func(e ocpp.TraceEntry) { b.tally.count(e); b.messages.AddUplink(e) }, Logger: b.log})
	return nil
}

// backOff is shorter in the demonstration, where nobody wants to wait.
func (b *Box) backOff() ocpp.BackOff {
	if b.opts.Demo != nil {
		return ocpp.BackOff{Min: time.Second, Repeat: 2, Random: time.Second}
	}
	return ocpp.BackOff{}
}

func (b *Box) rememberAcceptance(what string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := b.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.SettingChanged{Reply: id, Key: settingAccepted, Value: what}
	}); err != nil {
		b.log.Warn("cannot remember the cloud's acceptance; the next start boots again", "err", err)
	}
}

// acceptance names a station and the machine's present run. Without the kernel's word
// every start counts as a boot.
func acceptance(st config.Station) string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id)) + " " + st.URL + " " + st.ID
}
