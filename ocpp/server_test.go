package ocpp

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

func TestNewcomerTakesOverByGeneration(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		old, oldServer := w.connect("CP1", Options{})
		fresh, freshServer := w.connect("CP1", Options{Handler: echo})
		<-oldServer.Done()
		<-old.Done()
		if freshServer.Generation() <= oldServer.Generation() || w.srv.Conn("CP1") != freshServer {
			t.Fatalf("generations %d, %d", oldServer.Generation(), freshServer.Generation())
		}
		if !strings.Contains(oldServer.Err().Error(), "replaced") || !strings.Contains(old.Err().Error(), "1008") {
			t.Errorf("causes: %v; %v", oldServer.Err(), old.Err())
		}
		if _, err := fresh.Call(t.Context(), Call{Action: "A"}); err != nil {
			t.Error(err)
		}
	})
}

func TestNewcomerFromElsewhereIsRefusedWhileTheOldOneAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		_, server := w.connect("CP1", Options{})
		w.from = "10.0.0.2:4000"
		_, err := Dial(t.Context(), w.config("CP1", Options{}))
		refused, ok := errors.AsType[*DialError](err)
		if !ok || refused.Status != http.StatusConflict || server.Err() != nil {
			t.Fatalf("got %v; old: %v", err, server.Err())
		}
		if len(w.refused) != 1 || w.refused[0].Remedy == "" || w.refused[0].Identity != "CP1" {
			t.Errorf("refusals: %+v", w.refused)
		}
	})
}

func TestNewcomerFromElsewhereReplacesADeadOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		w.raw("CP1", V16) // never reads, so never answers a ping
		old := <-w.opened
		w.from = "10.0.0.2:4000"
		start := time.Now()
		_, fresh := w.connect("CP1", Options{})
		if time.Since(start) != probeWait || w.srv.Conn("CP1") != fresh {
			t.Errorf("taken over after %v", time.Since(start))
		}
		<-old.Done()
	})
}

func TestIdentityThatWandersIsQuarantined(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{PingInterval: -1}))
		dial := func(from string) error {
			w.from = from
			d := websocket.Dialer{NetDialContext: w.net.DialContext, Subprotocols: []string{string(V16)}}
			ws, resp, err := d.DialContext(t.Context(), "ws://box:8887/CP1", nil)
			if err == nil {
				t.Cleanup(func() { _ = ws.Close() })
				synctest.Wait() // the upgrade is answered before the connection has its place
				return nil
			}
			return &DialError{Status: resp.StatusCode}
		}
		for i := range 5 {
			if err := dial([]string{"10.0.0.1:1", "10.0.0.2:1"}[i%2]); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
		err := dial("10.0.0.2:1")
		if e, ok := errors.AsType[*DialError](err); !ok || e.Status != http.StatusTooManyRequests {
			t.Fatalf("got %v, want 429", err)
		}
		time.Sleep(quarantineTime)
		if err := dial("10.0.0.2:1"); err != nil {
			t.Errorf("after the quarantine: %v", err)
		}
	})
}

func TestRefusalBeforeTheUpgradeHasReasonAndRemedy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(hs *Handshake) Admission {
			switch {
			case hs.Identity == "stranger":
				return Admission{Status: 404, Reason: "unknown charger", Remedy: "add it"}
			case hs.Password != "\x00\xff raw":
				return Admission{Status: 401, Reason: "wrong password", Remedy: "set it"}
			}
			return Admission{Protocols: []Protocol{V16}}
		})
		for _, c := range []struct {
			id, password string
			status       int
			reason       string
		}{
			{"stranger", "", 404, "unknown charger"},
			{"CP 1", "no", 401, "wrong password"},
			{"a:b", "", 404, "not allowed"},
			{strings.Repeat("x", 49), "", 404, "longer than 48"},
		} {
			cfg := w.config(c.id, Options{})
			cfg.Password = c.password
			_, err := Dial(t.Context(), cfg)
			e, ok := errors.AsType[*DialError](err)
			if !ok || e.Status != c.status || !strings.Contains(e.Reason, c.reason) {
				t.Errorf("%q: %v, want %d %s", c.id, err, c.status, c.reason)
			}
		}
		if len(w.refused) != 4 || w.refused[1].Identity != "CP 1" || w.refused[1].Remedy != "set it" {
			t.Errorf("refusals: %+v", w.refused)
		}
		cfg := w.config("CP 1", Options{})
		cfg.Password = "\x00\xff raw"
		c, err := Dial(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.Close(1000, "")
		<-c.Done()
	})
}

func TestUserNameMustBeTheIdentity(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		d := websocket.Dialer{NetDialContext: w.net.DialContext, Subprotocols: []string{string(V16)}}
		header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("CP2:secret"))}}
		_, resp, err := d.DialContext(t.Context(), "ws://box:8887/CP1", header)
		if err == nil || resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%v, %v", err, resp)
		}
	})
}

func TestSubprotocolIsTheClientsFirstPermittedOne(t *testing.T) {
	for _, c := range []struct {
		offered   []Protocol
		permitted []Protocol
		assume    Protocol
		want      Protocol // "" = closed after the handshake
	}{
		{[]Protocol{"ocpp1.5", V16, V201}, []Protocol{V201, V16}, "", V16},
		{[]Protocol{V201, V16}, []Protocol{V16}, "", V16},
		{[]Protocol{"ocpp2.0"}, []Protocol{V201, V16}, V16, ""},
		{nil, []Protocol{V16}, V16, V16},
		{nil, []Protocol{V16}, "", ""},
	} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, func(*Handshake) Admission {
				return Admission{Protocols: c.permitted, Assume: c.assume, Options: Options{Handler: echo}}
			})
			ws := w.raw("CP1", c.offered...)
			if c.want == "" {
				_, _, err := ws.ReadMessage()
				if !websocket.IsCloseError(err, websocket.CloseProtocolError) || ws.Subprotocol() != "" {
					t.Errorf("%+v: %v, %q", c, err, ws.Subprotocol())
				}
				synctest.Wait()
				if len(w.refused) != 1 || w.refused[0].Status != 101 {
					t.Errorf("%+v: refusals %+v", c, w.refused)
				}
				return
			}
			server := <-w.opened
			if server.Protocol() != c.want {
				t.Errorf("%+v: got %s", c, server.Protocol())
			}
			if len(c.offered) > 0 && ws.Subprotocol() != string(c.want) {
				t.Errorf("%+v: header %q", c, ws.Subprotocol())
			}
		})
	}
}

func TestIdentityIsTheLastSegmentDecodedOnce(t *testing.T) {
	for raw, want := range map[string]string{
		"ws://h/ocpp/CP1":                        "CP1",
		"ws://h//a//CP1//":                       "CP1",
		"ws://h/CP1?x=1":                         "CP1",
		"ws://h/ocpp/CP%201":                     "CP 1",
		"ws://h/ocpp/CP%252F1":                   "CP%2F1",
		"ws://h/ocpp/a%2Fb":                      "",
		"ws://h/ocpp/a%3Ab":                      "", // separates user and password
		"ws://h/ocpp/a%0Ab":                      "",
		"ws://h/ocpp/%FF":                        "",
		"ws://h/ocpp/cp1":                        "cp1", // never folded
		"ws://h/ocpp1.6/ocpp2/CP1/?identity=CP2": "CP1",
		"ws://h/" + strings.Repeat("ä", 48):      strings.Repeat("ä", 48),
		"ws://h/" + strings.Repeat("ä", 49):      "",
		"ws://h/":                                "",
		"ws://h/ocpp/DE*ABC*E1|2+":               "DE*ABC*E1|2+",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, problem := identityOf(u)
		if problem == "" && got != want || problem != "" && want != "" {
			t.Errorf("%s: %q, %q; want %q", raw, got, problem, want)
		}
	}
}

func TestClientWantsItsProtocol(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(*Handshake) Admission { return Admission{Protocols: []Protocol{V201}} })
		_, err := Dial(t.Context(), w.config("CP1", Options{}))
		if e, ok := errors.AsType[*DialError](err); !ok || e.Status != 101 {
			t.Errorf("got %v", err)
		}
	})
}

func TestEndpointEscapesTheIdentity(t *testing.T) {
	for _, c := range []struct{ base, id, want string }{
		{"ws://h:1/ocpp/", "CP/1 ä", "ws://h:1/ocpp/CP%2F1%20%C3%A4"},
		{"wss://h", "CP1", "wss://h/CP1"},
		{"wss://h/a%2Fb?k=v", "CP1", "wss://h/a%2Fb/CP1?k=v"},
	} {
		if got, err := endpoint(c.base, c.id); got != c.want || err != nil {
			t.Errorf("%s + %s: %s, %v", c.base, c.id, got, err)
		}
	}
	for _, bad := range []string{"http://h/", "h:1", "", "ws://"} {
		if _, err := endpoint(bad, "CP1"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestBackOffDoublesUpToItsRepeat(t *testing.T) {
	b := BackOff{Min: 10 * time.Second, Repeat: 5, Random: 10 * time.Second}
	for attempt, want := range []time.Duration{10, 20, 40, 80, 160, 320, 320, 320} {
		if got := b.Wait(attempt, 0.5); got != want*time.Second+5*time.Second {
			t.Errorf("attempt %d: %v", attempt, got)
		}
	}
	if (BackOff{}).Wait(0, 0) != 10*time.Second {
		t.Error("the zero value has no defaults")
	}
}
