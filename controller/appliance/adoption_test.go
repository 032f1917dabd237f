package appliance

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/adoption"
	"busbar/ocpp"
)

// device is a charger with a memory: its key, its profile, its certificate.
type device struct {
	t       *testing.T
	id      string
	forgets bool // answers Accepted to a key and does not store it
	private *ecdsa.PrivateKey

	mu      sync.Mutex
	key     string // 40 digits
	profile string
	cert    []byte
	conn    *ocpp.Conn
}

func (d *device) handle(_ context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req struct{ Key, Value, CertificateChain string }
	if err := json.Unmarshal(r.Payload, &req); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case req.Key == "AuthorizationKey" && !d.forgets:
		d.key = req.Value
	case req.Key == "SecurityProfile":
		d.profile = req.Value
	case r.Action == "GetConfiguration":
		return json.RawMessage(`{"configurationKey":[]}`), nil
	case r.Action == "ExtendedTriggerMessage":
		r.After(func() { go d.ask(c) })
	case r.Action == "CertificateSigned":
		block, _ := pem.Decode([]byte(req.CertificateChain))
		d.cert = block.Bytes
	}
	return json.RawMessage(`{"status":"Accepted"}`), nil
}

// ask sends a certificate request.
func (d *device) ask(c *ocpp.Conn) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "SN-" + d.id, Organization: []string{"Depot North"}}}, d.private)
	if err != nil {
		d.t.Error(err)
		return
	}
	csr, _ := json.Marshal(map[string]string{"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
	if _, err := c.Call(context.Background(), ocpp.Call{Action: "SignCertificate", Payload: csr}); err != nil {
		d.t.Error(err)
	}
}

func (d *device) secrets() (raw, digits string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, _ := hex.DecodeString(d.key)
	return string(b), d.key
}

// come connects to a door with what the device has, and boots.
func (d *device) come(box *Box, door, password string) (*ocpp.Conn, error) {
	if d.conn != nil { // it has one connection at a time
		d.conn.Close(1000, "")
		<-d.conn.Done()
	}
	d.mu.Lock()
	url, config := "ws", (*tls.Config)(nil)
	if door != doorPlain {
		url, config = "wss", trusting(box)
		if d.cert != nil {
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{d.cert}, PrivateKey: d.private}}
		}
	}
	d.mu.Unlock()
	c, err := ocpp.Dial(d.t.Context(), ocpp.ClientConfig{URL: fmt.Sprintf("%s://127.0.0.1:%d/ocpp", url, port(box.Addr(door))), Identity: d.id, Password: password,
		Protocols: []ocpp.Protocol{ocpp.V16}, TLS: config, Options: ocpp.Options{Handler: ocpp.HandlerFunc(d.handle)}})
	if err != nil {
		return nil, err
	}
	d.conn = c
	d.t.Cleanup(func() { c.Close(1000, ""); <-c.Done() })
	_, err = c.Call(d.t.Context(), ocpp.Call{Action: "BootNotification", Payload: fmt.Appendf(nil, `{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"SN-%s"}`, d.id)})
	return c, err
}

func newDevice(t *testing.T, id string) *device {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &device{t: t, id: id, private: k}
}

// quiet collects a log for a test that looks for secrets in it.
type quiet struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (q *quiet) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.b.Write(p)
}

func adoptingBox(t *testing.T) (*Box, *quiet) {
	cfg := siteWith(t, "", `charger_network: {name: box.lan}
listen: {ui: "", ws: "", wss: "127.0.0.1:0", mtls: "127.0.0.1:0"}`)
	log := &quiet{}
	box, _ := runBox(t, Options{Config: cfg, DataDir: t.TempDir(), Version: "test", Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	return box, log
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAChargerIsAdoptedAndGoesUpToCertificates: approved over TLS, it gets a key, comes
// back with it, gets a certificate of the site, and then only that counts.
func TestAChargerIsAdoptedAndGoesUpToCertificates(t *testing.T) {
	box, log := adoptingBox(t)
	a, d := box.Adoption(), newDevice(t, "NEW1")
	_, err := d.come(box, doorTLS, "")
	must(t, err)
	if p := a.Pending(); len(p) != 1 || p[0].Station != "NEW1" || p[0].Profile != 2 || p[0].Serial != "SN-NEW1" {
		t.Fatalf("%+v", p)
	}
	must(t, a.Approve(t.Context(), "tester", "NEW1", adoption.Approval{}))
	raw, digits := d.secrets()
	if len(digits) != 40 {
		t.Fatal("no key of 40 digits arrived")
	}
	if _, err := d.come(box, doorTLS, ""); status(err) != http.StatusUnauthorized {
		t.Errorf("without the key: %v", err)
	}
	if _, err := d.come(box, doorTLS, strings.Repeat("0", 40)); status(err) != http.StatusUnauthorized {
		t.Errorf("with a wrong key: %v", err)
	}
	for _, form := range []string{digits, strings.ToLower(digits), raw} {
		_, err = d.come(box, doorTLS, form)
		must(t, err)
	}
	must(t, a.Raise(t.Context(), "tester", "NEW1", 3))
	if d.profile != "3" {
		t.Errorf("told profile %q", d.profile)
	}
	_, err = d.come(box, doorCertificate, "")
	must(t, err)
	if _, err := d.come(box, doorTLS, raw); status(err) != http.StatusForbidden {
		t.Errorf("on the lower profile: %v", err)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if s := log.b.String(); strings.Contains(strings.ToUpper(s), digits) || strings.Contains(s, raw) {
		t.Error("the key is in the log")
	}
}

// TestAChargerThatForgetsItsKeyComesBackByBreakGlass.
func TestAChargerThatForgetsItsKeyComesBackByBreakGlass(t *testing.T) {
	box, _ := adoptingBox(t)
	a, d := box.Adoption(), newDevice(t, "NEW1")
	d.forgets = true
	_, err := d.come(box, doorTLS, "")
	must(t, err)
	must(t, a.Approve(t.Context(), "tester", "NEW1", adoption.Approval{}))
	if _, err := d.come(box, doorTLS, ""); status(err) != http.StatusUnauthorized {
		t.Fatalf("the former way is alive: %v", err)
	}
	must(t, a.EnableBreakGlass(t.Context(), "tester", "NEW1"))
	d.forgets = false
	_, err = d.come(box, doorTLS, "")
	must(t, err)
	must(t, a.RotateKey(t.Context(), "tester", "NEW1"))
	raw, _ := d.secrets()
	_, err = d.come(box, doorTLS, raw)
	must(t, err)
}

// TestThePlainPortIsOpenOnlyWhilePairing.
func TestThePlainPortIsOpenOnlyWhilePairing(t *testing.T) {
	cfg := siteWith(t, "", `charger_network: {name: box.lan}
onboarding: closed
listen: {ui: "", ws: "", wss: "", mtls: ""}`)
	at := make(chan net.Addr, 1)
	box, _ := runBox(t, Options{Config: cfg, DataDir: t.TempDir(), Version: "test", Network: Network{Listen: func(string) (net.Listener, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			at <- l.Addr()
		}
		return l, err
	}}})
	must(t, box.Adoption().OpenPairing(t.Context(), "tester", time.Minute))
	addr := <-at
	c, err := ocpp.Dial(t.Context(), ocpp.ClientConfig{URL: "ws://" + addr.String() + "/ocpp", Identity: "NEW1", Protocols: []ocpp.Protocol{ocpp.V16}})
	must(t, err)
	must(t, box.Adoption().ClosePairing(t.Context(), "tester"))
	<-c.Done() // it was there by the window alone
	if err := box.Adoption().OpenPairing(t.Context(), "tester", 3*time.Hour); err == nil {
		t.Error("a window of 3 hours opened")
	}
}
