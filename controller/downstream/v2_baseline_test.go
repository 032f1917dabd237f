package downstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// model is a device model as a charger answers by it.
type model struct {
	t      *testing.T
	values map[string]string // by "Component.Variable[instance]"; what is not there is unknown
	fixed  map[string]bool   // can't be written
	page   int               // more in one message is a CALLERROR
	sizes  []int             // of the messages, in order
	calls  []string          // other than those of the variables
}

func newModel(t *testing.T) *model {
	return &model{t: t, page: 3, fixed: map[string]bool{}, values: map[string]string{
		"DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "3", "DeviceDataCtrlr.ItemsPerMessage[SetVariables]": "2",
		"SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register", "SampledDataCtrlr.TxUpdatedInterval": "60",
		"SampledDataCtrlr.TxStartedMeasurands": "Energy.Active.Import.Register", "SampledDataCtrlr.TxEndedMeasurands": "Voltage",
		"SampledDataCtrlr.TxEndedInterval": "0", "AuthCtrlr.LocalPreAuthorize": "TRUE", "AuthCtrlr.LocalAuthorizeOffline": "True",
		"AuthCtrlr.AuthorizeRemoteStart": "true", "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "3",
		"OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "30", "OCPPCommCtrlr.WebSocketPingInterval": "30",
		"OCPPCommCtrlr.HeartbeatInterval": "300", "SmartChargingCtrlr.ProfileStackLevel": "9", "SmartChargingCtrlr.RateUnit": "W", // but it takes amperes
		"SmartChargingCtrlr.PeriodsPerSchedule": "24", "EVSE.SupplyPhases@1": "1",
	}}
}

// reply answers as rawCharger.play wants it.
func (m *model) reply(call string) string {
	action, payload, _ := strings.Cut(call, " ")
	switch action {
	case "GetVariables":
		return m.get(payload)
	case "SetVariables":
		return m.set(payload)
	}
	m.calls = append(m.calls, call)
	return `3,{"status":"Accepted"}`
}

// tooMany refuses a page that is too large.
func (m *model) tooMany(n int) bool {
	m.sizes = append(m.sizes, n)
	return n > m.page
}

func nameOf(c ocpp2.Component, v ocpp2.Variable) string {
	out := variable{component: c.Name, name: v.Name, instance: text(v.Instance)}
	if c.EVSE != nil {
		out.evse = c.EVSE.ID
	}
	return out.String()
}

func (m *model) get(payload string) string {
	var req ocpp2.GetVariablesRequest
	if err := ocpp.DecodeStrict(json.RawMessage(payload), &req, true); err != nil {
		m.t.Error(err)
	}
	if m.tooMany(len(req.GetVariableData)) {
		return `4,"OccurrenceConstraintViolation","too many",{}`
	}
	var resp ocpp2.GetVariablesResponse
	for _, d := range req.GetVariableData {
		result := ocpp2.GetVariableResult{AttributeStatus: ocpp2.GetVariableStatusUnknownVariable, Component: d.Component, Variable: d.Variable}
		if value, ok := m.values[nameOf(d.Component, d.Variable)]; ok {
			result.AttributeStatus, result.AttributeValue = ocpp2.GetVariableStatusAccepted, &value
		}
		resp.GetVariableResult = append(resp.GetVariableResult, result)
	}
	return m.text(resp)
}

func (m *model) set(payload string) string {
	var req ocpp2.SetVariablesRequest
	if err := ocpp.DecodeStrict(json.RawMessage(payload), &req, true); err != nil {
		m.t.Error(err)
	}
	if m.tooMany(len(req.SetVariableData)) {
		return `4,"OccurrenceConstraintViolation","too many",{}`
	}
	var resp ocpp2.SetVariablesResponse
	for _, d := range req.SetVariableData {
		result := ocpp2.SetVariableResult{AttributeStatus: ocpp2.SetVariableStatusAccepted, Component: d.Component, Variable: d.Variable}
		if name := nameOf(d.Component, d.Variable); m.fixed[name] || m.fixed[d.AttributeValue] {
			result.AttributeStatus = ocpp2.SetVariableStatusRejected
		} else {
			m.values[name] = d.AttributeValue
		}
		resp.SetVariableResult = append(resp.SetVariableResult, result)
	}
	return m.text(resp)
}

func (m *model) text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		m.t.Fatal(err)
	}
	return "3," + string(b)
}

// pushed runs a baseline against m after a boot, and gives what was refused.
func (m *model) pushed(r *rig, cp *rawCharger) []string {
	m.t.Helper()
	r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
	r.hub.Do(controller.PushBaseline{Station: "CP1"})
	cp.play(m.reply)
	pushed := eventsOf[controller.BaselinePushed](r.loop.take())
	if len(pushed) != 1 {
		m.t.Fatalf("pushed %d times", len(pushed))
	}
	return pushed[0].Refused
}

const boot2 = `[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"X","vendorName":"ACME"}}]`

func TestBaselineOf2x(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		cp.call(boot2)
		m := newModel(t)
		m.fixed["AuthCtrlr.AuthorizeRemoteStart"] = true
		equal(t, "refused", m.pushed(r, cp), []string{"AuthCacheCtrlr.Enabled", "AuthCtrlr.AuthorizeRemoteStart"})
		for name, want := range map[string]string{
			"SampledDataCtrlr.TxUpdatedMeasurands": strings.Join(measurands(), ","), "SampledDataCtrlr.TxUpdatedInterval": "10",
			"SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register", "AuthCtrlr.LocalPreAuthorize": "false",
			"AuthCtrlr.LocalAuthorizeOffline":                 "True", // the same already
			"OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "10",
		} {
			if m.values[name] != want {
				t.Errorf("%s is %q, want %q", name, m.values[name], want)
			}
		}
		equal(t, "pages: sizes, 19 in threes, the measurands, 5 in twos", m.sizes, []int{2, 3, 3, 3, 3, 3, 3, 1, 1, 2, 2, 1})
		a := r.abilities("CP1")
		if a.MaxStackLevel != 9 || a.MaxPeriods != 24 || fmt.Sprint(a.Units) != "[A]" || fmt.Sprint(a.Connectors) != "[{1 1 }]" || len(a.Measurands) != 5 {
			t.Errorf("learnt: %+v", a)
		}
		before := len(m.sizes)
		equal(t, "again", m.pushed(r, cp), []string{"AuthCacheCtrlr.Enabled", "AuthCtrlr.AuthorizeRemoteStart"})
		if writes := m.sizes[before+8:]; len(writes) != 1 {
			t.Errorf("written again: %v", writes)
		}
	})
}

func TestBaselineOf2xWherePagesAndListsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		m := newModel(t)
		m.page = 1
		m.fixed[strings.Join(measurands(), ",")], m.fixed["SoC"] = true, true
		delete(m.values, "DeviceDataCtrlr.ItemsPerMessage[SetVariables]")
		equal(t, "refused", m.pushed(r, cp), []string{"AuthCacheCtrlr.Enabled", "SampledDataCtrlr.TxUpdatedMeasurands=SoC"})
		if got := m.values["SampledDataCtrlr.TxUpdatedMeasurands"]; got != strings.Join(measurands()[:4], ",") {
			t.Errorf("measurands: %s", got)
		}
		if got := m.values["OCPPCommCtrlr.MessageAttempts[TransactionEvent]"]; got != "10" {
			t.Errorf("what a page had is written one by one: %s", got)
		}
		// It came without Boot: no inventory, but its statuses.
		if got := m.calls[len(m.calls)-4]; got != `TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}` { // it says yes to three more

			t.Errorf("at the end: %s", got)
		}
	})
}

func TestBaselineOf2xWithoutVariables(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		cp.play(func(call string) string {
			if strings.HasPrefix(call, "TriggerMessage") {
				return `3,{"status":"Rejected"}`
			}
			return `4,"NotImplemented","",{}`
		})
		if got := eventsOf[controller.BaselinePushed](r.loop.take()); len(got) != 1 || len(got[0].Refused) != 12+len(measurands()) {
			t.Errorf("%+v", got)
		}
	})
}

func TestInventory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		cp.call(boot2)
		m := newModel(t)
		m.pushed(r, cp)
		if got := m.calls[len(m.calls)-1]; got != `GetBaseReport {"requestId":946684802,"reportBase":"FullInventory"}` {
			t.Fatalf("asked %s", got)
		}
		part := func(request, seq int, tbc string, data ...string) {
			t.Helper()
			if got := cp.call(fmt.Sprintf(`[2,"n","NotifyReport",{"requestId":%d,"generatedAt":"2000-01-01T00:00:00Z","seqNo":%d,%s"reportData":[%s]}]`, request, seq, tbc, strings.Join(data, ","))); got != `[3,"n",{}]` {
				t.Errorf("answered %s", got)
			}
		}
		phases := func(evse int, value string) string {
			return fmt.Sprintf(`{"component":{"name":"EVSE","evse":{"id":%d}},"variable":{"name":"SupplyPhases"},"variableAttribute":[{"value":%q,"mutability":"ReadOnly"}]}`, evse, value)
		}
		part(5, 0, "", phases(1, "3")) // nobody asked for it
		part(946684802, 0, `"tbc":true,`, phases(1, "3"), phases(2, "0"))
		part(946684802, 1, "", phases(3, "1"), `{"component":{"name":"SmartChargingCtrlr"},"variable":{"name":"Entries","instance":"ChargingProfiles"},`+
			`"variableAttribute":{"value":"0"},"variableCharacteristics":{"dataType":"integer","maxLimit":12.0,"supportsMonitoring":false}}`)
		part(946684802, 2, "", phases(1, "1")) // it had ended
		a := r.abilities("CP1")
		if a.MaxProfiles != 12 || fmt.Sprint(a.Connectors) != "[{1 3 RST} {3 1 }]" {
			t.Errorf("learnt: %+v", a)
		}
	})
}
