package appliance

import (
	"encoding/json"
	"strings"
	"testing"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

func TestCallsAreCheckedByTheirVersion(t *testing.T) {
	for _, c := range []struct {
		protocol        ocpp.Protocol
		action, payload string
		says            string // "" passes
	}{
		{ocpp.V16, "Reset", `{"type":"Soft"}`, ""},
		{ocpp.V16, "Reset", `{"type":"Immediate"}`, "type is none of its values"},
		{ocpp.V201, "Reset", `{"type":"Immediate","evseId":1}`, ""},
		{ocpp.V201, "Reset", `{"type":"ImmediateAndResume"}`, "type is none of its values"},
		{ocpp.V21, "Reset", `{"type":"ImmediateAndResume"}`, ""},
		{ocpp.V201, "Reset", `{"type":"Immediate","evse":1}`, "evse is not a member"},
		{ocpp.V201, "GetVariables", `{"getVariableData":[]}`, "getVariableData"},
		{ocpp.V201, "RemoteStartTransaction", `{"anything":1}`, ""}, // not known: the charger answers
		{ocpp.V201, "GetTariffs", `{}`, ""},                         // of 2.1 only
		{ocpp.V21, "GetTariffs", `{}`, "evseId is missing"},
		{ocpp.V201, "TransactionEvent", `{}`, "sent by chargers"},
		{ocpp.V16, "MeterValues", `{}`, "sent by chargers"},
		{"", "Reset", `{"x":1}`, ""},
	} {
		err := checkCall(c.protocol, c.action, json.RawMessage(c.payload))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s %s %s: got %v, want %q", c.protocol, c.action, c.payload, err, c.says)
		}
	}
}

// TestEachCallOfACSMSIsChecked: no action that the box may send is forgotten.
func TestEachCallOfACSMSIsChecked(t *testing.T) {
	for p, known := range map[ocpp.Protocol]func(string) (ocpp.Role, bool){ocpp.V16: ocpp16.Known, ocpp.V201: ocpp2.KnownIn(ocpp.V201), ocpp.V21: ocpp2.KnownIn(ocpp.V21)} {
		checks, _ := requestsOf(p)
		for action := range checks {
			if role, ok := known(action); !ok || role == ocpp.ChargingStation {
				t.Errorf("%s: %s is checked, but no CSMS sends it", p, action)
			}
		}
		if want := map[ocpp.Protocol]int{ocpp.V16: 26, ocpp.V201: 40, ocpp.V21: 55}[p]; len(checks) != want {
			t.Errorf("%s: %d actions are checked, want %d", p, len(checks), want)
		}
	}
}
