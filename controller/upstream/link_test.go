package upstream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"busbar/controller"
	"busbar/controller/upstream"
	"busbar/ocpp"
)

// went are the states of the uplink as the site was told.
func (r *rig) went() (out []controller.UplinkState) {
	for _, ev := range eventsOf[controller.UplinkChanged](r.site) {
		out = append(out, ev.State)
	}
	return out
}

func (r *rig) wantBoots(n int, when string) {
	r.t.Helper()
	if got := len(r.cloud.got("BootNotification")); got != n {
		r.t.Errorf("%d Boots %s, want %d", got, when, n)
	}
}

func TestBootRules(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		accepted := 0
		r.adjust = func(c *upstream.Config) { c.OnAccepted = func() { accepted++ } }
		r.start(false)
		if got := r.cloud.got(); len(got) != 1 || got[0].payload !=
			`{"chargePointVendor":"Busbar","chargePointModel":"Site controller","chargePointSerialNumber":"S1","firmwareVersion":"1.0"}` {
			t.Fatalf("first connection: %v", got)
		}
		if ev := r.wantState(controller.UplinkAccepted); !ev.Booted || accepted != 1 {
			t.Fatalf("%+v, accepted %d times", ev, accepted)
		}

		r.net.Cut(cloudAddr)
		r.after(time.Second)
		r.net.Mend(cloudAddr)
		r.after(time.Minute)
		r.wantBoots(1, "after a plain reconnect")
		want := []controller.UplinkState{controller.UplinkConnected, controller.UplinkAccepted, controller.UplinkDisconnected, controller.UplinkConnected, controller.UplinkAccepted}
		if got := r.went(); !slices.Equal(got, want) || accepted != 2 {
			t.Errorf("the site was told %v, accepted %d times", got, accepted)
		}
		if ev := r.wantState(controller.UplinkAccepted); ev.Booted {
			t.Errorf("%+v", ev)
		}

		r.halt()
		r.start(true)
		r.wantBoots(1, "after a restart of the process with a known acceptance")

		r.station.Do(controller.RestartUplink{Reason: "reset"})
		r.after(time.Minute)
		r.wantState(controller.UplinkAccepted)
		r.wantBoots(2, "after a reset")
	})
}

func TestABootWhenConnectorsCameAndNobodyCharges(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(false)
		r.site.connectors(4)
		r.site.change(func(s *controller.Snapshot) { s.Connectors[0].Tx = 9 })
		r.tell(4, controller.StatusAvailable)
		r.after(time.Minute)
		r.wantBoots(1, "while a car charges")
		r.site.connectors(4)
		r.after(6 * time.Minute)
		r.wantBoots(2, "after it")
		r.halt()
		r.site.connectors(3)
		r.start(true)
		r.after(time.Hour)
		r.wantBoots(3, "after a restart with fewer connectors")
	})
}

func TestACloudThatDoesNotAcceptIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		answers := []string{
			`{"status":"Pending","currentTime":"2026-03-01T12:00:00Z","interval":20}`,
			`{"status":"Rejected","currentTime":"2026-03-01T12:00:00Z","interval":0}`,
			`{"status":"Pending","currentTime":"2026-03-01T12:00:00Z","interval":3600}`,
		}
		r.cloud.when("BootNotification", func(*ocpp.Request) (text string, err error) {
			if len(answers) > 0 {
				text, answers = answers[0], answers[1:]
			}
			return text, nil
		})
		r.save(begin(1, 1, "A")...)
		r.start(false)
		r.tell(1, controller.StatusAvailable)
		r.station.Do(controller.AskToken{Ask: 1, Token: controller.IDToken{Value: "A"}, Within: 5 * time.Second})
		r.after(10 * time.Second)
		if asked := eventsOf[controller.TokenAnswered](r.site); len(asked) != 1 || asked[0].OK {
			t.Errorf("a token before acceptance: %+v", asked)
		}
		r.expect("RemoteStartTransaction", `{"idTag":"A","connectorId":1}`, `{"status":"Rejected"}`)
		r.expect("RemoteStopTransaction", `{"transactionId":1}`, `{"status":"Rejected"}`)
		r.after(2 * time.Minute)
		boots := r.cloud.got()
		if actionsOf(boots) != "BootNotification BootNotification BootNotification" || boots[1].at.Sub(boots[0].at) != 20*time.Second || boots[2].at.Sub(boots[1].at) != time.Minute {
			t.Fatalf("%v", boots)
		}
		// A trigger is the one way to say more, and to shorten the wait (16§4.2).
		r.site.change(func(s *controller.Snapshot) {
			s.Statuses = []controller.SlotStatus{{Slot: 0, Status: controller.StatusAvailable}, {Slot: 1, Status: controller.StatusCharging}}
		})
		r.expect("TriggerMessage", `{"requestedMessage":"StatusNotification","connectorId":1}`, `{"status":"Accepted"}`)
		r.after(time.Second)
		if got := r.cloud.got("StatusNotification"); len(got) != 1 {
			t.Errorf("triggered: %v", got)
		}
		r.expect("TriggerMessage", `{"requestedMessage":"BootNotification"}`, `{"status":"Accepted"}`)
		r.after(time.Second)
		r.wantBoots(4, "after a trigger")
		if len(r.cloud.got("StartTransaction")) != 1 {
			t.Error("the start was not sent after acceptance")
		}
		want := []controller.UplinkState{controller.UplinkConnected, controller.UplinkPending, controller.UplinkRejected, controller.UplinkPending, controller.UplinkAccepted}
		if got := r.went(); !slices.Equal(got, want) {
			t.Errorf("the site was told %v", got)
		}
		r.expect("TriggerMessage", `{"requestedMessage":"BootNotification"}`, `{"status":"Rejected"}`)
	})
}

func TestRefusalsOfTheHandshakeInWords(t *testing.T) {
	for status, want := range map[int]string{
		401: "the cloud refuses the password of this station",
		404: "the cloud does not know this station id",
		503: "the cloud refuses the connection (HTTP 503 Service Unavailable)",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.cloud.status = status
				r.start(false)
				r.after(10 * time.Minute)
				evs := eventsOf[controller.UplinkChanged](r.site)
				if len(evs) < 4 || len(evs) > 8 || evs[0].Detail != want {
					t.Errorf("%d attempts in ten minutes: %+v", len(evs), evs)
				}
			})
		})
	}
}

// A cloud that takes every connection and drops it at once is not hammered.
func TestTheBackOffGrowsAlsoForACloudThatDropsUs(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cloud.when("StatusNotification", func(*ocpp.Request) (string, error) {
			r.cloud.srv.Conn("SITE1").Close(1011, "crash")
			return "", errSilent
		})
		r.start(true)
		r.tell(1, controller.StatusAvailable)
		r.after(time.Hour)
		if n := len(r.cloud.got("StatusNotification")); n < 10 || n > 16 {
			t.Errorf("%d connections in an hour", n)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(false)
		r.after(16 * time.Minute)
		beats := r.cloud.got("Heartbeat")
		if len(beats) != 3 || beats[1].at.Sub(beats[0].at) != 5*time.Minute {
			t.Fatalf("every 300 s: %v", beats)
		}
		r.expect("ChangeConfiguration", `{"key":"HeartbeatInterval","value":"60"}`, `{"status":"Accepted"}`)
		r.after(10 * time.Minute)
		if n := len(r.cloud.got("Heartbeat")) - len(beats); n < 9 || n > 11 {
			t.Errorf("%d heartbeats in ten minutes of 60 s", n)
		}
		r.halt() // the cloud's wish at Boot is the key's value
		r.cloud.when("BootNotification", func(*ocpp.Request) (string, error) {
			return `{"status":"Accepted","currentTime":"2026-03-01T12:00:00Z","interval":7}`, nil
		})
		r.start(false)
		r.expect("GetConfiguration", `{"key":["HeartbeatInterval"]}`, `{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"7"}]}`)
	})
}
