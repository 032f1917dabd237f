package downstream

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"busbar/controller"
)

// The tests named TestPitfallNN are the field pitfalls of chargers, each with the very
// bytes that such a charger sends. This file has those of the handshake and the frame.

func TestPitfall01_NewestSocketWinsOverAHalfOpenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		old := r.raw("CP1")
		newer := r.raw("CP1") // the charger lost its power; its old socket was never closed
		if got := newer.call(`[2,"1","Heartbeat",{}]`); !strings.HasPrefix(got, `[3,"1",{"currentTime":"2000-01-01T`) {
			t.Errorf("the newcomer got %s", got)
		}
		if got := old.got(); got != "closed" || !websocket.IsCloseError(old.end, websocket.ClosePolicyViolation) {
			t.Errorf("the old one got %s, %v", got, old.end)
		}
		time.Sleep(time.Minute)
		events := r.loop.take()
		var order []string
		for _, ev := range events {
			switch ev := ev.(type) {
			case controller.ChargerConnected:
				order = append(order, "connected "+string(rune('0'+ev.Generation)))
			case controller.ChargerGone:
				order = append(order, "gone "+string(rune('0'+ev.Generation)))
			}
		}
		equal(t, "order", order, []string{"connected 1", "connected 2", "gone 1"})
		if r.hub.session("CP1") == nil {
			t.Error("the late end of the old socket took the new one along")
		}
	})
}

// TestPitfall26_OddMessagesAreLoggedOnce: and the connection outlives all of them.
func TestPitfall26_OddMessagesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		cp := r.raw("CP1")
		for i := range 5 {
			id := fmt.Sprint("m", i)
			odd := []exchange{
				{"null members", `[2,"a` + id + `","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","info":null,"timestamp":null,"vendorId":null}]`,
					`[3,"a` + id + `",{}]`, `StatusReported 1 Available NoError ""`},
				{"extra members", `[2,"b` + id + `","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","evse":{"id":[1]},"x":null}]`,
					`[3,"b` + id + `",{}]`, `StatusReported 1 Available NoError ""`},
				{"wrong shapes", `[2,"c` + id + `","StatusNotification",{"connectorId":"1","errorCode":["GroundFailure"],"status":"available","timestamp":{"now":1}}]`,
					`[3,"c` + id + `",{}]`, `StatusReported 1 Available  ""`},
				{"a list for a payload", `[2,"d` + id + `","Heartbeat",[]]`, `[3,"d` + id + `",{"currentTime":"2000-01-01T00:00:00Z"}]`, ``},
				{"null for a payload", `[2,"e` + id + `","Heartbeat",null]`, `[3,"e` + id + `",{"currentTime":"2000-01-01T00:00:00Z"}]`, ``},
				{"no payload", `[2,"f` + id + `","Heartbeat"]`, `[3,"f` + id + `",{"currentTime":"2000-01-01T00:00:00Z"}]`, ``},
			}
			r.exchanges(cp, odd)
		}
		if n := strings.Count(log.String(), "read only in part"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, log.String())
		}
	})
}

func TestPitfall13_PasswordAsTextAsBytesOrShort(t *testing.T) {
	const key = "30313233343536373839616263646566" // 16 bytes: 0123456789abcdef
	chargers := []Charger{{ID: "CP1", Password: key}, {ID: "CP2", Password: "short"}}
	basic := func(user, password string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
	}
	for _, c := range []struct {
		name, path, user, password string
		status                     int
	}{
		{"the bytes of the key", "/CP1", "CP1", "0123456789abcdef", 101},
		{"its hexadecimal text", "/CP1", "CP1", key, 101},
		{"the same in capitals", "/CP1", "CP1", strings.ToUpper(key), 101},
		{"another key", "/CP1", "CP1", "0123456789abcdeF", 401},
		{"shorter than 16", "/CP2", "CP2", "short", 101},
		{"that one as hexadecimal text", "/CP2", "CP2", "73686F7274", 101},
		{"a user that is not the path", "/CP1", "CP2", "0123456789abcdef", 401},
		{"no user", "/CP1", "", "0123456789abcdef", 401},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Chargers: chargers, Onboarding: "closed"})
			_, resp, err := r.rawDial(c.path, []string{"ocpp1.6"}, basic(c.user, c.password))
			if resp == nil || resp.StatusCode != c.status {
				t.Fatalf("%s: %v, %v", c.name, resp, err)
			}
			if c.status == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("%s: the refusal asks for nothing: %v", c.name, resp.Header)
			}
			connected := eventsOf[controller.ChargerConnected](r.loop.take())
			if (len(connected) == 1) != (c.status == 101) {
				t.Errorf("%s: the controller heard %v", c.name, connected)
			}
		})
	}
}

func TestPitfall14_UntidyAddressesAndNoSubprotocol(t *testing.T) {
	for _, c := range []struct {
		name, path string
		protocols  []string
		agreed     string // header of the answer
		station    controller.StationID
	}{
		{"no subprotocol at all: 1.6 is assumed, and not claimed in the answer", "/CP1", nil, "", "CP1"},
		{"1.6 at an address that says 2.0.1", "/ocpp2.0.1/CP1", []string{"ocpp1.6"}, "ocpp1.6", "CP1"},
		{"versions nobody speaks before the one", "/CP1", []string{"ocpp1.2", "ocpp1.5", "ocpp1.6"}, "ocpp1.6", "CP1"},
		{"double slashes", "//ocpp//CP1", []string{"ocpp1.6"}, "ocpp1.6", "CP1"},
		{"slash at the end and a query", "/ocpp/CP1/?token=1", []string{"ocpp1.6"}, "ocpp1.6", "CP1"},
		{"percent signs", "/ocpp/CP%31", []string{"ocpp1.6"}, "ocpp1.6", "CP1"},
		{"small letters", "/ocpp/cp1", []string{"ocpp1.6"}, "ocpp1.6", "CP1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: "closed"})
			cp, resp, err := r.rawDial(c.path, c.protocols, nil)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != c.agreed {
				t.Errorf("%s: agreed on %q", c.name, got)
			}
			connected := eventsOf[controller.ChargerConnected](r.loop.take())
			if len(connected) != 1 || connected[0].Station != c.station || connected[0].Protocol != "ocpp1.6" {
				t.Errorf("%s: the controller heard %+v", c.name, connected)
			}
			if got := cp.call(`[2,"1","Heartbeat",{}]`); !strings.HasPrefix(got, `[3,"1",`) {
				t.Errorf("%s: %s", c.name, got)
			}
		})
	}
	t.Run("two that differ by their case only are two", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: "closed", Chargers: []Charger{{ID: "CP1"}, {ID: "cp1"}}})
			r.raw("cp1")
			r.raw("CP1")
			if _, resp, err := r.rawDial("/Cp1", []string{"ocpp1.6"}, nil); err == nil || resp.StatusCode != http.StatusNotFound {
				t.Errorf("one that could be both: %v", err)
			}
			var ids []controller.StationID
			for _, ev := range eventsOf[controller.ChargerConnected](r.loop.take()) {
				ids = append(ids, ev.Station)
			}
			equal(t, "stations", ids, []controller.StationID{"cp1", "CP1"})
		})
	})
}
