package appliance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	busbar "busbar/ocpp"
	"busbar/ocpp/ocppsim"

	"github.com/lorenzodonini/ocpp-go/ws"
)

// behind makes the server of a central system that is not ours behind a security
// profile, and what our simulated station CS1 needs to get in there, at a port.
func behind(t *testing.T, ca *authority, profile, at int) (*ws.Server, ocppsim.ChargerConfig) {
	t.Helper()
	const password = "secret-of-CS1-16"
	server, station := ws.NewServer(), busbar.ClientTLS{Roots: x509.NewCertPool()}
	station.Roots.AddCert(ca.cert)
	scheme, secret := "ws", ""
	if profile >= 2 {
		scheme = "wss"
		cert, key := ca.issue("central", x509.ExtKeyUsageServerAuth)
		var config *tls.Config
		if profile == 3 {
			config = &tls.Config{ClientCAs: station.Roots, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
			cert, key := ca.issue("CS1", x509.ExtKeyUsageClientAuth)
			station.Certificate = func() (*tls.Certificate, error) {
				own, err := tls.LoadX509KeyPair(cert, key)
				return &own, err
			}
		}
		server = ws.NewTLSServer(cert, key, config)
	}
	if profile == 1 || profile == 2 {
		secret = password
		server.SetBasicAuthHandler(func(user, pass string) bool { return user == "CS1" && pass == password })
	}
	return server, ocppsim.ChargerConfig{ID: "CS1", URL: fmt.Sprintf("%s://127.0.0.1:%d/ocpp", scheme, at), Password: secret, TLS: station.Config(),
		Outlets: []ocppsim.Outlet{{Number: 1, Phases: 3, Max: 32}},
		// The library forgets a station that is back before it has noticed that it went.
		Reconnect: 2 * time.Second,
		Plan: func(_, n int) (ocppsim.Session, bool) {
			return ocppsim.Session{Wait: time.Second, Token: "TAG1"}, n == 0
		}}
}

// simulate runs a simulated station until the test ends.
func simulate(t *testing.T, cfg ocppsim.ChargerConfig) {
	t.Helper()
	sim := ocppsim.NewCharger(cfg)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
