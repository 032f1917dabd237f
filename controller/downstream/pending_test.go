package downstream

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// atTheDoor is a loop that lets nobody in.
func atTheDoor(ev controller.Event) controller.AnswerBody {
	if _, ok := ev.(controller.Booted); ok {
		return controller.BootAnswer{Status: "Pending", Interval: 30 * time.Second, Now: time.Now()}
	}
	return answering2(ev)
}

// orders has the Hub make a call, which the charger answers with say, and gives what the
// charger was told and what the call gave.
func (r *rig) orders(cp *rawCharger, action, payload string, say func(string) string) (told []string, answer json.RawMessage, err error) {
	r.t.Helper()
	var done sync.WaitGroup
	done.Go(func() { answer, err = r.hub.Call(r.t.Context(), "CP9", action, json.RawMessage(payload)) })
	synctest.Wait()
	told = cp.play(say)
	done.Wait()
	return told, answer, err
}

func TestBeforeAcceptanceOnlyWhatWasAskedFor(t *testing.T) {
	const no, triggered = "SecurityError", `3,{"status":"Accepted"}`
	for _, c := range []struct {
		protocol              ocpp.Protocol
		trigger, asks         string // what the box asks for
		may, then, mayNot     string
		boot, payload, status string
	}{
		{ocpp.V16, "TriggerMessage", `{"requestedMessage":"StatusNotification"}`, "StatusNotification", `{"connectorId":0,"errorCode":"NoError","status":"Available"}`, "Heartbeat",
			`{"chargePointVendor":"A","chargePointModel":"B"}`, `{}`, `"status":"Pending"`},
		{ocpp.V16, "ExtendedTriggerMessage", `{"requestedMessage":"LogStatusNotification"}`, "LogStatusNotification", `{"status":"Idle"}`, "StatusNotification",
			`{"chargePointVendor":"A","chargePointModel":"B"}`, `{"connectorId":1,"errorCode":"NoError","status":"Available"}`, `"status":"Pending"`},
		{ocpp.V201, "TriggerMessage", `{"requestedMessage":"MeterValues"}`, "MeterValues", `{"evseId":1,"meterValue":[]}`, "TransactionEvent",
			`{"reason":"PowerUp","chargingStation":{"model":"X","vendorName":"A"}}`, `{"eventType":"Started","transactionInfo":{"transactionId":"T"}}`, `"status":"Pending"`},
		{ocpp.V21, "GetBaseReport", `{"requestId":1,"reportBase":"SummaryInventory"}`, "NotifyReport", `{"requestId":1,"seqNo":0,"reportData":null,"generatedAt":"x"}`, "NotifyEvent",
			`{"reason":"PowerUp","chargingStation":{"model":"X","vendorName":"A"}}`, `{"eventData":[]}`, `"status":"Pending"`},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: "approve"})
			r.loop.answer = atTheDoor
			cp := r.raw2("CP9", c.protocol)
			if got := cp.call(`[2,"1","BootNotification",` + c.boot + `]`); !strings.Contains(got, c.status) {
				t.Fatal(got)
			}
			if got := cp.call(`[2,"2","` + c.may + `",` + c.then + `]`); !strings.Contains(got, no) {
				t.Errorf("%s before it was asked for: %s", c.may, got)
			}
			if _, _, err := r.orders(cp, c.trigger, c.asks, always(triggered)); err != nil {
				t.Fatal(err)
			}
			if got := cp.call(`[2,"3","` + c.may + `",` + c.then + `]`); strings.Contains(got, no) {
				t.Errorf("%s that was asked for: %s", c.may, got)
			}
			if got := cp.call(`[2,"4","` + c.mayNot + `",` + c.payload + `]`); !strings.Contains(got, no) {
				t.Errorf("%s that was not asked for: %s", c.mayNot, got)
			}
		})
	}
}

// TestNoStartBeforeAcceptance: a charger that is not accepted starts no transaction
// (B02.FR.05), whoever asks.
func TestNoStartBeforeAcceptance(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Onboarding: "approve"})
		cp := r.raw2("CP9", ocpp.V201)
		told, _, err := r.orders(cp, "RequestStartTransaction", `{"remoteStartId":1,"idToken":{"idToken":"A","type":"Central"}}`, always(`3,{"status":"Accepted"}`))
		if len(told) != 0 || err == nil || !strings.Contains(err.Error(), "not accepted") {
			t.Errorf("%v, %v", told, err)
		}
	})
}

// doubter takes everybody for a stranger.
type doubter struct{}

func (doubter) Admit(*ocpp.Handshake) (ocpp.Admission, bool)    { return ocpp.Admission{}, true }
func (doubter) Opened(*ocpp.Conn) bool                          { return true }
func (doubter) Booted(*ocpp.Conn, controller.ChargerInfo) error { return nil }
func (doubter) SignCertificate(*ocpp.Conn, string) error        { return nil }

// TestAStrangerDoesNotSpeakForAKnownCharger: what it was asked for would be booked as the
// known one's.
func TestAStrangerDoesNotSpeakForAKnownCharger(t *testing.T) {
	for id, want := range map[string]string{"CP1": "SecurityError", "CP9": `[3,"2"`} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{Guard: doubter{}})
			r.loop.answer = atTheDoor
			cp := r.raw(id)
			cp.call(`[2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]`)
			r.hub.Do(controller.Command{Op: 1, Station: controller.StationID(id), Kind: controller.CommandTrigger, Message: "StatusNotification"})
			cp.play(always(`3,{"status":"Accepted"}`))
			if got := cp.call(`[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]`); !strings.Contains(got, want) {
				t.Errorf("%s: answered %s", id, got)
			}
		})
	}
}

// TestLongListsGoInPages: a list of variables is cut to what the charger takes at once,
// and not before it has said so.
func TestLongListsGoInPages(t *testing.T) {
	const variable = `{"component":{"name":"A"},"variable":{"name":"B"}}`
	five := `{"getVariableData":[` + strings.Repeat(variable+",", 4) + variable + `]}`
	result := func(n int) string {
		return `3,{"getVariableResult":[` + strings.TrimSuffix(strings.Repeat(`{"attributeStatus":"Accepted","component":{"name":"A"},"variable":{"name":"B"}},`, n), ",") + `]}`
	}
	for _, c := range []struct {
		name, most string
		pages      []int
		answers    int
		fails      string
	}{
		{"not said", `"attributeStatus":"UnknownVariable"`, []int{5}, 5, ""},
		{"nonsense", `"attributeStatus":"Accepted","attributeValue":"many"`, []int{5}, 5, ""},
		{"below one", `"attributeStatus":"Accepted","attributeValue":"-1"`, []int{5}, 5, ""},
		{"two", `"attributeStatus":"Accepted","attributeValue":"2"`, []int{2, 2, 1}, 5, ""},
		{"eight", `"attributeStatus":"Accepted","attributeValue":"8"`, []int{5}, 5, ""},
		{"refused on the way", `"attributeStatus":"Accepted","attributeValue":"3"`, []int{3, 2}, 0, "3 of 5 entries were answered"},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: "open"})
			cp := r.raw2("CP9", ocpp.V201)
			cp.call(`[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"X","vendorName":"A"}}]`)
			r.hub.Do(controller.PushBaseline{Station: "CP9"})
			cp.play(func(call string) string {
				if strings.HasPrefix(call, "GetVariables") {
					return `3,{"getVariableResult":[{` + c.most + `,"component":{"name":"DeviceDataCtrlr"},"variable":{"name":"ItemsPerMessage","instance":"GetVariables"}}]}`
				}
				return `4,"NotSupported","",{}`
			})
			var pages []int
			_, answer, err := r.orders(cp, "GetVariables", five, func(call string) string {
				n := strings.Count(call, `"component"`)
				pages = append(pages, n)
				if c.fails != "" && len(pages) > 1 {
					return `4,"InternalError","",{}`
				}
				return result(n)
			})
			equal(t, c.name, pages, c.pages)
			if got := strings.Count(string(answer), "attributeStatus"); got != c.answers {
				t.Errorf("%s: %d answers in %s", c.name, got, answer)
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}
