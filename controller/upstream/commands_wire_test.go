package upstream_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// say sends a CALL of the cloud; what comes back is the answer or the code of the
// CALLERROR.
func (r *rig) say(action, payload string) string {
	r.t.Helper()
	answer, err := r.cloud.srv.Conn("SITE1").Call(r.t.Context(), ocpp.Call{Action: action, Payload: json.RawMessage(payload)})
	if refused, ok := err.(*ocpp.Error); ok {
		return string(refused.Code)
	} else if err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}

func TestCommandsOnTheWire(t *testing.T) {
	const accepted, rejected = `{"status":"Accepted"}`, `{"status":"Rejected"}`
	schedule := `"chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16}]}`
	profile := func(purpose, kind, more string) string {
		return `{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"` + purpose + `","chargingProfileKind":"` + kind + `",` + schedule + more + `}`
	}
	commands := []struct{ action, payload, want string }{
		{"RemoteStartTransaction", `{"idTag":"A","connectorId":1}`, accepted},
		{"RemoteStartTransaction", `{"idTag":"A"}`, accepted},
		{"RemoteStartTransaction", `{"idTag":"A","connectorId":0}`, rejected},
		{"RemoteStartTransaction", `{"idTag":"123456789012345678901"}`, "PropertyConstraintViolation"},
		{"RemoteStartTransaction", `{"connectorId":1}`, "OccurrenceConstraintViolation"}, // as ocpp reads the code of 1.6
		{"RemoteStopTransaction", `{"transactionId":5}`, accepted},
		{"RemoteStopTransaction", `{"transactionId":"5"}`, "TypeConstraintViolation"},
		{"ChangeAvailability", `{"connectorId":0,"type":"Inoperative"}`, accepted},
		{"UnlockConnector", `{"connectorId":1}`, `{"status":"UnlockFailed"}`}, // the site says Accepted, which is no word of this answer
		{"ClearCache", `{}`, accepted},
		{"Reset", `{"type":"Warm"}`, "PropertyConstraintViolation"},
		{"DataTransfer", `{"vendorId":"x"}`, `{"status":"UnknownVendorId"}`},
		{"GetLocalListVersion", `{}`, `{"listVersion":-1}`},
		{"SendLocalList", `{"listVersion":1,"updateType":"Full"}`, "NotSupported"},
		{"ReserveNow", `{}`, "NotSupported"},
		{"BrewCoffee", `{}`, "NotImplemented"},
		{"SetChargingProfile", `{"connectorId":0,"csChargingProfiles":` + profile("ChargePointMaxProfile", "Relative", "") + `}`, accepted},
		{"SetChargingProfile", `{"connectorId":4,"csChargingProfiles":` + profile("TxDefaultProfile", "Relative", "") + `}`, "PropertyConstraintViolation"},
		{"SetChargingProfile", `{"connectorId":1,"csChargingProfiles":` + profile("TxProfile", "Sometimes", "") + `}`, "PropertyConstraintViolation"},
		{"SetChargingProfile", `{"connectorId":1,"csChargingProfiles":` + profile("TxProfile", "Absolute", "") + `}`, rejected},
		{"SetChargingProfile", `{"connectorId":1,"csChargingProfiles":` +
			profile("TxProfile", "Relative", `,"validFrom":"2026-03-02T00:00:00Z","validTo":"2026-03-01T00:00:00Z"`) + `}`, rejected},
		{"ClearChargingProfile", `{}`, accepted},
		{"GetCompositeSchedule", `{"connectorId":9,"duration":60}`, rejected},
		{"TriggerMessage", `{"requestedMessage":"Heartbeat"}`, accepted},
		{"TriggerMessage", `{"requestedMessage":"BootNotification"}`, rejected},
		{"TriggerMessage", `{"requestedMessage":"StatusNotification","connectorId":4}`, rejected},
		{"TriggerMessage", `{"requestedMessage":"MeterValues"}`, rejected}, // nothing was measured yet
		{"TriggerMessage", `{"requestedMessage":"FirmwareStatusNotification"}`, accepted},
		{"ChangeConfiguration", `{"key":"heartbeatinterval","value":"60"}`, accepted},
		{"ChangeConfiguration", `{"key":"HeartbeatInterval","value":"-1"}`, rejected},
		{"ChangeConfiguration", `{"key":"HeartbeatInterval","value":"soon"}`, rejected},
		{"ChangeConfiguration", `{"key":"AuthorizeRemoteTxRequests","value":"TRUE"}`, accepted},
		{"ChangeConfiguration", `{"key":"AuthorizeRemoteTxRequests","value":"yes"}`, rejected},
		{"ChangeConfiguration", `{"key":"NumberOfConnectors","value":"9"}`, rejected},
		{"ChangeConfiguration", `{"key":"WebSocketPingInterval","value":"-5"}`, rejected},
		{"ChangeConfiguration", `{"key":"WebSocketPingInterval","value":"10"}`, `{"status":"RebootRequired"}`},
		{"ChangeConfiguration", `{"key":"Nonsense","value":"1"}`, `{"status":"NotSupported"}`},
		{"GetConfiguration", `{"key":["NumberOfConnectors","Nonsense"]}`,
			`{"configurationKey":[{"key":"NumberOfConnectors","readonly":true,"value":"3"}],"unknownKey":["Nonsense"]}`},
	}
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		for _, c := range commands {
			if got := r.say(c.action, c.payload); got != c.want {
				t.Errorf("%s %s\nanswered %s\nwant     %s", c.action, c.payload, got, c.want)
			}
		}
	})
}

func TestTheAnswerToATriggerGoesBeforeItsMessage(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		if got := r.say("TriggerMessage", `{"requestedMessage":"Heartbeat"}`); got != `{"status":"Accepted"}` {
			t.Fatal(got)
		}
		synctest.Wait()
		r.cloud.mu.Lock()
		frames := strings.Join(r.cloud.frames, " ")
		r.cloud.mu.Unlock()
		if frames != "2:TriggerMessage 3:TriggerMessage 2:Heartbeat 3:Heartbeat" {
			t.Error(frames)
		}
		if n := len(r.cloud.got("Heartbeat")); n != 1 {
			t.Errorf("%d heartbeats", n)
		}
	})
}

// A Site that does not answer keeps the cloud waiting for three seconds and no longer.
func TestCommandsAreAnsweredInThreeSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.site.ask = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		r.start(true)
		for _, action := range []string{`RemoteStartTransaction {"idTag":"A","connectorId":1}`, `RemoteStopTransaction {"transactionId":1}`, `UnlockConnector {"connectorId":1}`,
			`ChangeAvailability {"connectorId":1,"type":"Operative"}`, `Reset {"type":"Soft"}`} {
			name, payload, _ := strings.Cut(action, " ")
			began := time.Now()
			answer := r.say(name, payload)
			if took := time.Since(began); took != 3*time.Second || !strings.Contains(answer, "Rejected") && !strings.Contains(answer, "UnlockFailed") {
				t.Errorf("%s after %v: %s", name, took, answer)
			}
		}
	})
}

func TestAllKeysAreListedWithinTheirLimits(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.site.connectors(300)
		r.start(true)
		resp, err := command(r, ocpp16.GetConfiguration, ocpp16.GetConfigurationRequest{})
		if err != nil || len(resp.ConfigurationKey) < 25 {
			t.Fatalf("%d keys, %v", len(resp.ConfigurationKey), err)
		}
		for _, k := range resp.ConfigurationKey {
			if len(k.Key) > 50 || k.Value == nil || len(*k.Value) > 500 {
				t.Errorf("%s", k.Key)
			}
		}
	})
}
