package ocpp

import (
	"crypto/tls"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The three forms in which 1.6 chargers send their key, and the one of 2.x.
func TestBasicKeyIsTakenInTheFormsOfItsVersion(t *testing.T) {
	digits := "0123456789ABCDEF0123456789abcdef01234567" // 20 bytes
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		key     BasicKey
		given   string
		v16, v2 bool
	}{
		{"as configured", BasicKey(digits), digits, true, true},
		{"digits in lower case", BasicKey(digits), strings.ToLower(digits), true, false},
		{"digits in upper case", BasicKey(digits), strings.ToUpper(digits), true, false},
		{"raw bytes", BasicKey(digits), string(raw), true, false},
		{"raw bytes, one cut off", BasicKey(digits), string(raw[:19]), false, false},
		{"plain text", "short", "short", true, true},
		{"plain text is not folded", "short", "Short", false, false},
		{"text as its digits", "plain text here!", hex.EncodeToString([]byte("plain text here!")), true, false},
		{"UTF-8", "Straße 1, Übergabe", "Straße 1, Übergabe", true, true},
		{"not UTF-8", "Stra\xdfe", "Stra\xdfe", true, false},
		{"digits too short for a key are text", "abcdef", "\xab\xcd\xef", false, false},
		{"white space belongs to it", "secret", "secret ", false, false},
		{"empty", "secret", "", false, false},
		{"with a colon", "a:b:c", "a:b:c", true, true},
	} {
		if got := c.key.Fits(c.given, V16); got != c.v16 {
			t.Errorf("%s on 1.6: %v", c.name, got)
		}
		for _, p := range []Protocol{V201, V21} {
			if got := c.key.Fits(c.given, p); got != c.v2 {
				t.Errorf("%s on %s: %v", c.name, p, got)
			}
		}
	}
}

func handshakeFor(path string, header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	maps.Copy(r.Header, header)
	return r
}

func TestPasswordReachesTheCheckByteForByte(t *testing.T) {
	for _, password := range []string{"\x00\xff\xfe raw \r\n", "a:b", "", " "} {
		r := handshakeFor("/ocpp/CP1", nil)
		r.SetBasicAuth("CP1", password)
		hs, refusal := readHandshake(r)
		if refusal.Status != 0 {
			t.Fatalf("%+v", refusal)
		}
		seen := "?"
		if adm := hs.CheckPassword(func(given string) bool { seen = given; return true }); adm.Status != 0 || seen != password {
			t.Errorf("%q came as %q, %+v", password, seen, adm)
		}
	}
}

func TestRefusalsOfCredentialsHaveStatusReasonAndRemedy(t *testing.T) {
	no := func(string) bool { return false }
	check := func(name string, adm Admission, status int, reason, remedy string) {
		t.Helper()
		if adm.Status != status || !strings.Contains(adm.Reason, reason) || !strings.Contains(adm.Remedy, remedy) {
			t.Errorf("%s: %+v, want %d, %q, %q", name, adm, status, reason, remedy)
		}
	}
	bare, _ := readHandshake(handshakeFor("/CP1", nil))
	check("none", bare.CheckPassword(no), 401, "no password", "AuthorizationKey")
	for _, header := range []string{"Basic !!!", "Bearer abc", "Basic Q1Ax"} { // the last has no colon
		odd, _ := readHandshake(handshakeFor("/CP1", http.Header{"Authorization": {header}}))
		check(header, odd.CheckPassword(no), 401, "can't be read", "Basic")
	}
	r := handshakeFor("/CP1", nil)
	r.SetBasicAuth("CP1", "guess")
	wrong, _ := readHandshake(r)
	check("wrong", wrong.CheckPassword(no), 401, "wrong password", "hexadecimal")
	r = handshakeFor("/CP1", nil)
	r.SetBasicAuth("cp1", "guess")
	_, other := readHandshake(r)
	check("user name", other, 401, "user name", "same spelling")
	check("certificate on a port without", bare.CheckCertificate("CP1"), 401, "client certificate", "profile 3")
	check("profile", bare.CheckProfile(2), 403, "profile 1, it is to use profile 2", "wss://")
	check("profile 0 is on the port of 1", bare.CheckProfile(0), 0, "", "")
	check("unknown", bare.Unknown([]string{"CP2"}), 404, `"CP1" is not in the configuration`, "Add the charger")
	check("other case", bare.Unknown([]string{"CP2", "cp1"}), 404, `calls itself "CP1", the box knows it as "cp1"`, "upper and lower case")
}

func TestWhatIsNoWebSocketIsToldSo(t *testing.T) {
	var told []Refusal
	srv := NewServer(ServerConfig{Refused: func(r Refusal) { told = append(told, r) }})
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ocpp/CP1", nil))
	if w.Code != http.StatusUpgradeRequired || len(told) != 1 || !strings.Contains(told[0].Remedy, "box's page") {
		t.Errorf("%d, %+v", w.Code, told)
	}
	if err := srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	srv.ServeHTTP(w, handshakeFor("/ocpp/CP1", nil))
	if w.Code != http.StatusServiceUnavailable || len(told) != 2 || told[1].Remedy == "" {
		t.Errorf("after the close: %d, %+v", w.Code, told)
	}
}

func TestProfileIsThatOfThePortElseOfTheTLS(t *testing.T) {
	srv := NewServer(ServerConfig{Admit: func(hs *Handshake) Admission {
		return Admission{Status: 404, Reason: string(rune('0' + hs.Profile))}
	}})
	for _, c := range []struct {
		port    http.Handler
		tls     *tls.ConnectionState
		profile string
	}{
		{srv, nil, "1"},
		{srv, &tls.ConnectionState{}, "2"},
		{srv.Port(3), nil, "3"}, // TLS ends elsewhere
		{srv.Port(1), &tls.ConnectionState{}, "1"},
	} {
		r, w := handshakeFor("/CP1", nil), httptest.NewRecorder()
		r.TLS = c.tls
		c.port.ServeHTTP(w, r)
		if got := strings.TrimSpace(w.Body.String()); got != c.profile {
			t.Errorf("profile %s, want %s", got, c.profile)
		}
	}
}

func TestAlertsOfAChargerAreWordedWithTheirRemedy(t *testing.T) {
	for alert, want := range map[tls.AlertError][2]string{
		alertUnknownCA:          {"does not accept the box's certificate", "root certificate"},
		alertCertificateExpired: {"does not accept the box's certificate", "clock"},
		alertBadCertificate:     {"does not accept the box's certificate", "name in the box's certificate"},
		alertHandshakeFailure:   {"can't agree on TLS", "firmware"},
		alertProtocolVersion:    {"can't agree on TLS", "1.2 and 1.3"},
		90:                      {"broke off", "TLS settings"}, // user_canceled
	} {
		reason, remedy := alertFault(alert.Error())
		has(t, "the reason", reason, want[0])
		has(t, "the remedy", remedy, want[1])
	}
}
