package appliance

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"busbar/controller/adoption"
	"busbar/controller/pki"
	"busbar/ocpp"
	"busbar/web"
)

// adoptionAnswer is what GET /api/v1/adoption answers.
type adoptionAnswer struct {
	Doors  web.Doors
	Access []web.Access
}

// pageAsk sends a request to the box's page with the root's token.
func pageAsk(t *testing.T, box *Box, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+box.Addr("page").String()+path, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+rootToken)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode
}

func pagedBox(t *testing.T, dir, more string) (*Box, func()) {
	cfg := siteWith(t, "", `charger_network: {name: box.lan`+more+`}
listen: {ui: "127.0.0.1:0", ws: "", wss: "127.0.0.1:0", mtls: "127.0.0.1:0"}`)
	return runBox(t, Options{Config: cfg, DataDir: dir, Version: "test", Token: rootToken})
}

// eventsOf are the lines of the log with a code, once there are n of them.
func eventsOf(t *testing.T, box *Box, code string, n int) []string {
	t.Helper()
	for {
		lines, err := box.store.Events(t.Context(), 1000)
		must(t, err)
		var out []string
		for _, l := range lines {
			if l.Code == code {
				out = append(out, l.Subject+": "+l.Text)
			}
		}
		if len(out) >= n {
			return out
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%d lines with %s", len(out), code)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestAdoptionByThePage: a charger comes over TLS, is seen, approved, gets another key, is
// forgotten; wrong keys are in the log once and on the page with what to do.
func TestAdoptionByThePage(t *testing.T) {
	box, _ := pagedBox(t, t.TempDir(), "")
	d := newDevice(t, "NEW1")
	_, err := d.come(box, doorTLS, "")
	must(t, err)
	var a adoptionAnswer
	pageAsk(t, box, "GET", "/api/v1/adoption", "", &a)
	if p := a.Doors.Pending; len(p) != 1 || p[0].Charger != "NEW1" || p[0].Vendor != "V" || p[0].Model != "M" || p[0].Serial != "SN-NEW1" || p[0].Remote == "" || p[0].Protocol != "ocpp1.6" || a.Doors.Security != "tls" {
		t.Fatalf("%+v", a)
	}
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NEW1/approve", `{"approve":true}`, nil); code != 200 {
		t.Fatalf("approve: %d", code)
	}
	raw, first := d.secrets()
	_, err = d.come(box, doorTLS, raw)
	must(t, err)
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NEW1/rotate-key", "", nil); code != 200 {
		t.Fatalf("rotate: %d", code)
	}
	for range 5 {
		if _, err := d.come(box, doorTLS, first); status(err) != http.StatusUnauthorized {
			t.Fatalf("with its former key: %v", err)
		}
	}
	if lines := eventsOf(t, box, "adoption.refused", 1); len(lines) != 1 || !strings.HasPrefix(lines[0], "NEW1: refused, from 127.0.0.1: the charger sent a wrong password. Set the charger") || strings.Contains(lines[0], ", by ") {
		t.Errorf("log: %q", lines)
	}
	pageAsk(t, box, "GET", "/api/v1/adoption", "", &a)
	if r := a.Doors.Refused; len(r) != 1 || r[0].Charger != "NEW1" || r[0].Times != 5 || r[0].Remedy == "" {
		t.Errorf("refused: %+v", r)
	}
	if len(a.Access) != 1 || !a.Access[0].HasKey || a.Access[0].ApprovedBy != "the box's own token (admin)" {
		t.Errorf("access: %+v", a.Access)
	}
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NEW1/approve", `{"approve":true}`, nil); code != http.StatusConflict {
		t.Errorf("approved twice: %d", code)
	}
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NONE/rotate-key", "", nil); code != http.StatusConflict {
		t.Errorf("a key for nobody: %d", code)
	}
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NONE/forget", "", nil); code != http.StatusConflict {
		t.Errorf("nobody is forgotten: %d", code)
	}
	if lines := eventsOf(t, box, "adoption.approved", 1); !strings.Contains(lines[0], "by the box's own token (admin)") {
		t.Errorf("audit: %q", lines)
	}
}

// withCertificate brings a charger to a certificate of its own, by which it is connected
// then.
func withCertificate(t *testing.T, box *Box, id string) (d *device, raw string, c *ocpp.Conn) {
	t.Helper()
	d = newDevice(t, id)
	_, err := d.come(box, doorTLS, "")
	must(t, err)
	must(t, box.Adoption().Approve(t.Context(), "tester", id, adoption.Approval{}))
	raw, _ = d.secrets()
	_, err = d.come(box, doorTLS, raw)
	must(t, err)
	must(t, box.Adoption().Raise(t.Context(), "tester", id, 3))
	c, err = d.come(box, doorCertificate, "")
	must(t, err)
	return d, raw, c
}

// TestAForgottenChargerIsAStranger: after forget neither its certificate nor its identity
// opens anything; approved again it has a key of its own again.
func TestAForgottenChargerIsAStranger(t *testing.T) {
	box, _ := pagedBox(t, t.TempDir(), "")
	d, raw, c := withCertificate(t, box, "NEW1")
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NEW1/forget", "", nil); code != 200 {
		t.Fatalf("forget: %d", code)
	}
	<-c.Done()
	if _, err := d.come(box, doorCertificate, ""); err == nil {
		t.Error("came in with a certificate that is revoked")
	}
	d.cert = nil
	c, err := d.come(box, doorTLS, "")
	must(t, err)
	if p := box.Adoption().Pending(); len(p) != 1 || p[0].Station != "NEW1" {
		t.Fatalf("does not wait: %+v", p)
	}
	if _, err := c.Call(t.Context(), ocpp.Call{Action: "StartTransaction", Payload: json.RawMessage(`{"connectorId":1,"idTag":"A","meterStart":0,"timestamp":"2026-03-01T00:00:00Z"}`)}); err == nil {
		t.Error("a stranger under its name started a transaction")
	}
	if code := pageAsk(t, box, "POST", "/api/v1/chargers/NEW1/approve", `{"approve":true}`, nil); code != 200 {
		t.Fatalf("approved again: %d", code)
	}
	if again, _ := d.secrets(); again == raw {
		t.Error("it got no new key")
	}
}

// TestARevokedCertificateEndsItsConnection, and has no way back; the root on the page is
// the one that the ports' certificates come from.
func TestARevokedCertificateEndsItsConnection(t *testing.T) {
	box, _ := pagedBox(t, t.TempDir(), "")
	d, _, c := withCertificate(t, box, "NEW1")
	var list struct {
		Roots    []web.RootCertificate
		Chargers []web.ChargerCertificate
	}
	pageAsk(t, box, "GET", "/api/v1/certificates", "", &list)
	if len(list.Roots) != 2 || len(list.Chargers) != 1 || list.Chargers[0].Charger != "NEW1" || list.Chargers[0].Name != "SN-NEW1" {
		t.Fatalf("%+v", list)
	}
	block, _ := pem.Decode([]byte(list.Roots[0].PEM))
	root, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	if pki.Fingerprint(root) != list.Roots[0].Fingerprint {
		t.Error("the fingerprint is of another root")
	}
	if code := pageAsk(t, box, "POST", "/api/v1/certificates/beef/revoke", `{"reason":"stolen"}`, nil); code != http.StatusConflict {
		t.Errorf("an unknown one: %d", code)
	}
	if code := pageAsk(t, box, "POST", "/api/v1/certificates/"+list.Chargers[0].Serial+"/revoke", `{"reason":"stolen"}`, nil); code != 200 {
		t.Fatalf("revoke: %d", code)
	}
	<-c.Done()
	if _, err := d.come(box, doorCertificate, ""); err == nil {
		t.Error("came in with a certificate that is revoked")
	}
	if lines := eventsOf(t, box, "adoption.revoked", 1); len(lines) != 1 || !strings.Contains(lines[0], list.Chargers[0].Serial+" is revoked (stolen)") || !strings.Contains(lines[0], "the box's own token") {
		t.Errorf("audit: %q", lines)
	}
}

// TestARevokedCertificateHasNoConnectionInReserve: one whose TLS began before the
// certificate was revoked opens nothing either.
func TestARevokedCertificateHasNoConnectionInReserve(t *testing.T) {
	box, _ := pagedBox(t, t.TempDir(), "")
	d, _, c := withCertificate(t, box, "NEW1")
	c.Close(1000, "")
	<-c.Done()
	config := trusting(box)
	config.MaxVersion = tls.VersionTLS12 // there the box has seen the certificate when the handshake ends
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{d.cert}, PrivateKey: d.private}}
	dialer := &tls.Dialer{Config: config}
	kept, err := dialer.DialContext(t.Context(), "tcp", box.Addr(doorCertificate).String())
	must(t, err)
	t.Cleanup(func() { _ = kept.Close() })
	must(t, kept.(*tls.Conn).HandshakeContext(t.Context()))
	given, err := box.Adoption().Certificates(t.Context())
	must(t, err)
	must(t, box.Adoption().RevokeCertificate(t.Context(), "tester", given[0].Serial, "stolen"))
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://box.lan/ocpp/NEW1", http.NoBody)
	must(t, err)
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {string(ocpp.V16)}}
	must(t, req.Write(kept))
	resp, err := http.ReadResponse(bufio.NewReader(kept), req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a revoked certificate: %s", resp.Status)
	}
}
