package appliance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"busbar/controller/config"
	"busbar/ocpp"
)

// siteWith is a configuration of one charger behind its own doors.
func siteWith(t *testing.T, charger, more string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("site.yaml", fmt.Appendf(nil, `version: 1
site: {id: depot, name: Depot North, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers: [%s]
authorization: {unknown: reject, offline_unknown: accept, groups: []}
%s
`, charger, more), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// runBox runs a box until the test ends, or stop is called.
func runBox(t *testing.T, opts Options) (box *Box, stop func()) {
	t.Helper()
	box, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return box, stop
}

// trusting is the TLS of a charger that has the site's roots.
func trusting(box *Box, own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	for _, root := range box.ca.Roots() {
		pool.AppendCertsFromPEM([]byte(root.PEM))
	}
	return &tls.Config{RootCAs: pool, ServerName: "box.lan", Certificates: own}
}

func port(a net.Addr) int { return a.(*net.TCPAddr).Port }

func status(err error) int {
	if refused, ok := errors.AsType[*ocpp.DialError](err); ok {
		return refused.Status
	}
	return 0
}

func TestChargersPortsSpeakTLS(t *testing.T) {
	cfg := siteWith(t, `{id: CP1, circuit: main, security_profile: 2, password: secret-of-cp1, failsafe_a: 6, connectors: [{n: 1, max_a: 32}]}`,
		`charger_network: {name: box.lan}
listen: {ui: "", ws: "", wss: "127.0.0.1:0", mtls: "127.0.0.1:0"}`)
	opts := Options{Config: cfg, DataDir: t.TempDir(), Version: "test"}
	box, stop := runBox(t, opts)
	dial := func(door, password string, own ...tls.Certificate) error {
		conn, err := ocpp.Dial(t.Context(), ocpp.ClientConfig{URL: fmt.Sprintf("wss://127.0.0.1:%d/ocpp", port(box.Addr(door))), Identity: "CP1", Password: password,
			Protocols: []ocpp.Protocol{ocpp.V16}, TLS: trusting(box, own...)})
		if err != nil {
			return err
		}
		conn.Close(1000, "")
		<-conn.Done()
		return nil
	}
	if err := dial(doorTLS, "secret-of-cp1"); err != nil {
		t.Error(err)
	}
	if err := dial(doorTLS, "secret-of-cp2"); status(err) != http.StatusUnauthorized {
		t.Errorf("wrong password: %v", err)
	}
	if err := dial(doorCertificate, "secret-of-cp1"); err == nil || status(err) != 0 {
		t.Errorf("without a certificate on the port for profile 3: %v", err)
	}
	if box.Addr(doorPlain) != nil {
		t.Error("the port without TLS is open")
	}
	before := box.ca.Roots()[0].Fingerprint
	stop()
	again, _ := runBox(t, opts)
	if again.ca.Roots()[0].Fingerprint != before {
		t.Error("another root after a restart")
	}
}

func TestIsolatedNetworkOpensThePlainPort(t *testing.T) {
	cfg := siteWith(t, "", `charger_network: {isolated: {by: J. Doe, on: 2026-03-01}}
listen: {ui: "", wss: "", mtls: ""}`)
	asked := ""
	network := Network{Listen: func(addr string) (net.Listener, error) {
		asked = addr
		return net.Listen("tcp", "127.0.0.1:0")
	}}
	box, _ := runBox(t, Options{Config: cfg, DataDir: t.TempDir(), Version: "test", Network: network})
	if asked != ":8887" || box.Addr(doorPlain) == nil {
		t.Errorf("asked for %q", asked)
	}
}
