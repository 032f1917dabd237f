package ocpp2

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"busbar/ocpp"
)

func TestMessagesKeepTheOrderOfTheSpecification(t *testing.T) {
	raw, err := json.Marshal(TransactionEventRequest{
		EventType: TransactionEventEnumStarted, TriggerReason: TriggerReasonCablePluggedIn, SeqNo: 3, NumberOfPhasesUsed: new(3),
		TransactionInfo: Transaction{TransactionID: "a-1", ChargingState: new(ChargingStateEVConnected)},
		IDToken:         &IDToken{IDToken: "04A1", Type: IDTokenEnumISO14443}, EVSE: &EVSE{ID: 1, ConnectorID: new(2)},
		CustomData: CustomData(`{"vendorId":"v"}`),
	})
	want := `{"eventType":"Started","timestamp":"0001-01-01T00:00:00Z","triggerReason":"CablePluggedIn","seqNo":3,"numberOfPhasesUsed":3,` +
		`"transactionInfo":{"transactionId":"a-1","chargingState":"EVConnected"},"idToken":{"idToken":"04A1","type":"ISO14443"},` +
		`"evse":{"id":1,"connectorId":2},"customData":{"vendorId":"v"}}`
	if err != nil || string(raw) != want {
		t.Fatalf("got  %s (%v)\nwant %s", raw, err, want)
	}
}

// TestVersionsDiffer has one case for each way in which the versions differ.
func TestVersionsDiffer(t *testing.T) {
	const was = "" // allowed
	period := func(members string) string {
		return `{"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute",` +
			`"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0` + members + `}]}]}}`
	}
	const at = "chargingProfile.chargingSchedule[0].chargingSchedulePeriod[0]."
	for _, c := range []struct {
		name, raw string
		into      interface{ ValidateFor(p ocpp.Protocol) error }
		v201, v21 string // the path that is refused
	}{
		{"a longer string", `{"idToken":{"idToken":"` + strings.Repeat("a", 37) + `","type":"Central"}}`, &AuthorizeRequest{}, "idToken.idToken", was},
		{"an enumeration became text", `{"idToken":{"idToken":"a","type":"VIN"}}`, &AuthorizeRequest{}, "idToken.type", was},
		{"text of it is bounded", `{"idToken":{"idToken":"a","type":"` + strings.Repeat("a", 21) + `"}}`, &AuthorizeRequest{}, "idToken.type", "idToken.type"},
		{"a new value", `{"type":"ImmediateAndResume"}`, &ResetRequest{}, "type", was},
		{"a new bound", `{"type":"OnIdle","evseId":-1}`, &ResetRequest{}, was, "evseId"},
		{"a new member", period(`,"setpoint":-6`), &SetChargingProfileRequest{}, at + "limit", was},
		{"a new member beside the old", period(`,"limit":16,"setpoint":-6`), &SetChargingProfileRequest{}, at + "setpoint", was},
		{"a member no longer required", period(``), &SetChargingProfileRequest{}, at + "limit", was},
		{"a bound of a decimal", period(`,"limit":16,"dischargeLimit":0.0001`), &SetChargingProfileRequest{}, at + "dischargeLimit", at + "dischargeLimit"},
		{"an integer became a decimal", `{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"DC","dcChargingParameters":{"evMaxCurrent":1.5,"evMaxVoltage":400}}}`,
			&NotifyEVChargingNeedsRequest{}, "chargingNeeds.dcChargingParameters.evMaxCurrent", was},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := ocpp.DecodeStrict(json.RawMessage(c.raw), c.into, true); err != nil {
				t.Fatal(err)
			}
			for p, want := range map[ocpp.Protocol]string{ocpp.V201: c.v201, ocpp.V21: c.v21} {
				path := was
				if err := c.into.ValidateFor(p); err != nil {
					v, ok := errors.AsType[*ocpp.Violation](err)
					if !ok || v.Path == "" {
						t.Fatalf("%s: %v", p, err)
					}
					path = v.Path
				}
				if path != want {
					t.Errorf("%s refuses %q, want %q", p, path, want)
				}
			}
		})
	}
}

func TestAMessageOfANewerVersionIsRefused(t *testing.T) {
	var m UsePriorityChargingRequest
	if m.ValidateFor(ocpp.V201) == nil || m.ValidateFor(ocpp.V21) != nil {
		t.Error("UsePriorityCharging belongs to 2.1 only")
	}
	if _, ok := KnownIn(ocpp.V201)("UsePriorityCharging"); ok {
		t.Error("2.0.1 knows UsePriorityCharging")
	}
	if role, ok := KnownIn(ocpp.V21)("UsePriorityCharging"); !ok || role != ocpp.CSMS {
		t.Error("2.1 does not know that the CSMS sends UsePriorityCharging")
	}
	if _, ok := Known("StartTransaction"); ok {
		t.Error("StartTransaction is an action of 1.6")
	}
}

func TestCustomDataIsKeptAsItIs(t *testing.T) {
	const raw = `{"customData":{"vendorId":"v","x":[1.50,{"b":1,"a":2}]}}`
	var m HeartbeatRequest
	if err := ocpp.DecodeStrict(json.RawMessage(raw), &m, true); err != nil {
		t.Fatal(err)
	}
	if m.CustomData.VendorID() != "v" {
		t.Errorf("the vendor is %q", m.CustomData.VendorID())
	}
	if again, err := json.Marshal(m); err != nil || string(again) != raw {
		t.Errorf("got %s (%v)", again, err)
	}
	made, err := NewCustomData(map[string]any{"vendorId": "w"})
	if err != nil || (&HeartbeatRequest{CustomData: made}).Validate() != nil {
		t.Errorf("made %s (%v)", made, err)
	}
	if err := json.Unmarshal([]byte(`{"customData":null}`), &m); err != nil || m.CustomData != nil {
		t.Errorf("null is %s (%v)", m.CustomData, err)
	}
}

func TestCheckingAllocatesNothing(t *testing.T) {
	one := SetVariableData{AttributeValue: "60", Component: Component{Name: "OCPPCommCtrlr", EVSE: &EVSE{ID: 1}}, Variable: Variable{Name: "HeartbeatInterval"}}
	m := &SetVariablesRequest{SetVariableData: []SetVariableData{one, one, one}}
	if err := m.ValidateFor(ocpp.V201); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = m.ValidateFor(ocpp.V201) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// measured is a TransactionEvent with twenty sampled values.
func measured(t testing.TB) *TransactionEventRequest {
	t.Helper()
	sample := `{"value":16.5,"context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unitOfMeasure":{"unit":"A"}}`
	raw := `{"eventType":"Updated","timestamp":"2026-03-01T08:00:00Z","triggerReason":"MeterValuePeriodic","seqNo":7,"transactionInfo":{"transactionId":"a-1"},` +
		`"meterValue":[{"timestamp":"2026-03-01T08:00:00Z","sampledValue":[` + strings.Repeat(sample+",", 19) + sample + `]}]}`
	m := &TransactionEventRequest{}
	if err := ocpp.DecodeStrict(json.RawMessage(raw), m, true); err != nil {
		t.Fatal(err)
	}
	if err := m.ValidateFor(ocpp.V201); err != nil {
		t.Fatal(err)
	}
	return m
}

func BenchmarkValidate(b *testing.B) {
	m := measured(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = m.ValidateFor(ocpp.V201)
	}
}
