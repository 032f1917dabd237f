package downstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

// raw2 is a charger of a version of 2.x by its bytes.
func (r *rig) raw2(id string, p ocpp.Protocol) *rawCharger {
	r.t.Helper()
	c, _, err := r.rawDial("/ocpp/"+id, []string{string(p)}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// answering2 is a loop that takes transactions of 2.x, and turns away the token BAD.
func answering2(ev controller.Event) controller.AnswerBody {
	tx, ok := ev.(controller.TxReported)
	switch {
	case !ok:
		return nil
	case tx.Token == nil:
		return controller.TxAnswer{}
	case tx.Token.Value == "BAD":
		return controller.TxAnswer{Info: &controller.TokenInfo{Status: controller.TokenBlocked}}
	}
	return controller.StartAnswer{Tx: 1000001, Info: controller.TokenInfo{Status: controller.TokenAccepted, Parent: "group"}}
}

func describeTx(ev controller.TxReported) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s #%d evse %d at %s", ev.Part, ev.ChargerTx, ev.SeqNo, ev.Connector, ev.At.Format(time.RFC3339))
	if ev.Charging != "" {
		fmt.Fprintf(&out, " %s", ev.Charging)
	}
	if ev.Token != nil {
		fmt.Fprintf(&out, " by %s %s", ev.Token.Type, ev.Token.Value)
	}
	if ev.Reason != "" {
		fmt.Fprintf(&out, " because %s", ev.Reason)
	}
	if ev.ReservationID != nil {
		fmt.Fprintf(&out, " reserved %d", *ev.ReservationID)
	}
	for _, s := range ev.Samples {
		if s.HasEnergy {
			fmt.Fprintf(&out, " %d Wh", s.Energy)
		}
		if s.CurrentPhases != 0 {
			fmt.Fprintf(&out, " %v", s.Current)
		}
		if s.Billing {
			out.WriteString(" billing")
		}
	}
	return out.String()
}

func TestMessagesOf201(t *testing.T) {
	const at = `"timestamp":"2000-01-01T00:00:00Z"`
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.loop.answer = answering2
		cp := r.raw2("CP1", ocpp.V201)
		r.exchanges(cp, []exchange{
			{"boot", `[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"X","vendorName":"ACME","serialNumber":" S1 ","firmwareVersion":"1.2"}}]`,
				`[3,"1",{"currentTime":"2000-01-01T00:00:00Z","interval":300,"status":"Accepted"}]`, `Booted {ACME X S1 1.2  }`},
			{"heartbeat", `[2,"1","Heartbeat",{}]`, `[3,"1",{"currentTime":"2000-01-01T00:00:00Z"}]`, ``},
			{"authorize", `[2,"1","Authorize",{"idToken":{"idToken":"AABBCCDD","type":"ISO14443"}}]`, `[3,"1",{"idTokenInfo":{"status":"Accepted"}}]`, `AuthorizeAsked AABBCCDD`},
			{"authorize nobody", `[2,"1","Authorize",{"idToken":{"idToken":" ","type":"Central"}}]`, `[3,"1",{"idTokenInfo":{"status":"Invalid"}}]`, ``},
			{"status", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Occupied","evseId":1,"connectorId":1}]`, `[3,"1",{}]`, `StatusReported 1 Occupied  ""`},
			{"another connector of the EVSE", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Available","evseId":1,"connectorId":2}]`, `[3,"1",{}]`, `StatusReported 1 Occupied  ""`},
			{"the car has left", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Available","evseId":1,"connectorId":1}]`, `[3,"1",{}]`, `StatusReported 1 Available  ""`},
			{"fault of one connector", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Faulted","evseId":1,"connectorId":1}]`, `[3,"1",{}]`, `StatusReported 1 Available  ""`},
			{"fault of both, numbers as strings", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"faulted","evseId":"1","connectorId":"2"}]`, `[3,"1",{}]`, `StatusReported 1 Faulted OtherError ""`},
			{"EVSE 0 is none", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Available","evseId":0,"connectorId":0}]`, `[3,"1",{}]`, ``},
			{"a status nobody knows", `[2,"1","StatusNotification",{` + at + `,"connectorStatus":"Sleepy","evseId":1,"connectorId":1}]`, `[3,"1",{}]`, ``},
			{"event of a connector", `[2,"1","NotifyEvent",{"generatedAt":"2000-01-01T00:00:00Z","seqNo":0,"eventData":[{"eventId":1,` + at + `,"trigger":"Delta","actualValue":"Occupied",` +
				`"eventNotificationType":"HardWiredNotification","component":{"name":"Connector","evse":{"id":2,"connectorId":1}},"variable":{"name":"AvailabilityState"}}]}]`, `[3,"1",{}]`, `StatusReported 2 Occupied  ""`},
			{"event of the charger, no list", `[2,"1","NotifyEvent",{"seqNo":0,"eventData":{"eventId":1,"actualValue":"Faulted","techInfo":"hot",` +
				`"component":{"name":"ChargingStation"},"variable":{"name":"AvailabilityState"}}}]`, `[3,"1",{}]`, `StatusReported 0 Faulted OtherError "hot"`},
			{"another event", `[2,"1","NotifyEvent",{"seqNo":0,"eventData":[{"eventId":1,"actualValue":"true","component":{"name":"RCD","evse":null},"variable":{"name":"Tripped"}}]}]`, `[3,"1",{}]`, ``},
			{"meter values", `[2,"1","MeterValues",{"evseId":2,"meterValue":[{` + at + `,"sampledValue":[{"value":12.5}]}]}]`, `[3,"1",{}]`,
				`MeterReported 2 tx 0: {"timestamp":"2000-01-01T00:00:00Z","sampledValue":[{"value":12.5}]}`},
			{"meter values of nothing", `[2,"1","MeterValues",{"meterValue":[]}]`, `[3,"1",{}]`, ``},
			{"firmware", `[2,"1","FirmwareStatusNotification",{"status":"Installed","requestId":4}]`, `[3,"1",{}]`, `JobReported firmware 4 Installed`},
			{"log", `[2,"1","LogStatusNotification",{"status":"Uploaded","requestId":3}]`, `[3,"1",{}]`, `JobReported log 3 Uploaded`},
			{"security event", `[2,"1","SecurityEventNotification",{"type":"Tamper",` + at + `}]`, `[3,"1",{}]`, `SecurityReported Tamper  at 2000-01-01T00:00:00Z`},
			{"data transfer", `[2,"1","DataTransfer",{"vendorId":"v","messageId":"m","data":{"a":1}}]`, `[3,"1",{"status":"UnknownVendorId"}]`, `DataReported v m`},
			{"certificate, no guard", `[2,"1","SignCertificate",{"csr":"PEM"}]`, `[3,"1",{"status":"Rejected"}]`, ``},
			{"certificate of ISO 15118", `[2,"1","SignCertificate",{"csr":"PEM","certificateType":"V2GCertificate"}]`, `[3,"1",{"status":"Rejected","statusInfo":{"reasonCode":"UnsupportedRequest"}}]`, ``},
			{"needs of a car", `[2,"1","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase"}}]`, `[3,"1",{"status":"Accepted"}]`, `controller.CarNeeds`},
			{"schedule of a car", `[2,"1","NotifyEVChargingSchedule",{"evseId":1}]`, `[3,"1",{"status":"Accepted"}]`, ``},
			{"certificate of a contract", `[2,"1","Get15118EVCertificate",{"iso15118SchemaVersion":"x","action":"Install","exiRequest":"AA"}]`, `[3,"1",{"status":"Failed","exiResponse":""}]`, ``},
			{"certificate's status", `[2,"1","GetCertificateStatus",{"ocspRequestData":{}}]`, `[3,"1",{"status":"Failed"}]`, ``},
			{"only of 2.1", `[2,"1","BatterySwap",{}]`, `[4,"1","NotImplemented","BatterySwap is not known",{}]`, ``},
		})
		for _, action := range []string{"NotifyReport", "NotifyMonitoringReport", "ReportChargingProfiles",
			"ReservationStatusUpdate", "NotifyCustomerInformation", "NotifyDisplayMessages", "PublishFirmwareStatusNotification"} {
			if got := cp.call(fmt.Sprintf(`[2,"n",%q,{"requestId":"7","seqNo":0,"tbc":null,"reportData":{}}]`, action)); got != `[3,"n",{}]` {
				t.Errorf("%s: %s", action, got)
			}
		}
	})
}

func TestMessagesOf21(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V21)
		r.exchanges(cp, []exchange{
			{"not supported", `[2,"1","BatterySwap",{}]`, `[4,"1","NotSupported","BatterySwap is not supported here",{}]`, ``},
			{"taken note of", `[2,"1","NotifyPriorityCharging",{"transactionId":"T","activated":true}]`, `[3,"1",{}]`, ``},
		})
		cp.send(`[6,"s","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2000-01-01T00:00:00Z","data":[]}]`)
		if got := cp.quiet(); len(got) != 0 {
			t.Errorf("a message without an answer was answered: %v", got)
		}
	})
}

func TestTransactionEvents(t *testing.T) {
	const head = `"timestamp":"2000-01-01T00:00:00Z","triggerReason":"Authorized"`
	tx := func(id, part, rest string) string {
		return fmt.Sprintf(`[2,%q,"TransactionEvent",{"eventType":%q,%s,%s}]`, id, part, head, rest)
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.loop.answer = answering2
		cp := r.raw2("CP1", ocpp.V201)
		r.exchanges(cp, []exchange{
			{"plug first", tx("1", "Started", `"seqNo":0,"transactionInfo":{"transactionId":"T-1","chargingState":"EVConnected"},"evse":{"id":1,"connectorId":1}`),
				`[3,"1",{}]`, `Started T-1 #0 evse 1 at 2000-01-01T00:00:00Z EVConnected`},
			{"token", tx("2", "Updated", `"seqNo":1,"transactionInfo":{"transactionId":"T-1"},"idToken":{"idToken":"aabb","type":"ISO14443"},"reservationId":5`),
				`[3,"2",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"group","type":"Central"}}}]`, `Updated T-1 #1 evse 0 at 2000-01-01T00:00:00Z by ISO14443 aabb reserved 5`},
			{"token turned away", tx("3", "Updated", `"seqNo":2,"transactionInfo":{"transactionId":"T-1"},"idToken":{"idToken":"BAD","type":"Central"}`),
				`[3,"3",{"idTokenInfo":{"status":"Blocked"}}]`, `Updated T-1 #2 evse 0 at 2000-01-01T00:00:00Z by Central BAD`},
			{"register, single objects for lists, numbers as text", tx("4", "updated", `"seqNo":"3","transactionInfo":{"transactionId":"T-1","chargingState":"charging"},`+
				`"meterValue":{"timestamp":"2000-01-01T00:00:00Z","sampledValue":{"value":"1,5","context":"Transaction.Begin","unitOfMeasure":{"unit":"kWh","multiplier":"0"}}}`),
				`[3,"4",{}]`, `Updated T-1 #3 evse 0 at 2000-01-01T00:00:00Z Charging 1500 Wh billing`},
			{"null everywhere", tx("5", "Updated", `"seqNo":4,"offline":null,"transactionInfo":{"transactionId":"T-1","chargingState":null},"idToken":null,"evse":null,"meterValue":null`),
				`[3,"5",{}]`, `Updated T-1 #4 evse 0 at 2000-01-01T00:00:00Z`},
			{"end", tx("6", "Ended", `"seqNo":5,"transactionInfo":{"transactionId":"T-1","stoppedReason":"StoppedByEV"}`),
				`[3,"6",{}]`, `Ended T-1 #5 evse 0 at 2000-01-01T00:00:00Z because Other`},
			{"end without a type", `[2,"7","TransactionEvent",{"transactionInfo":{"transactionId":7,"stoppedReason":"Remote"}}]`,
				`[3,"7",{}]`, `Ended 7 #0 evse 0 at 2000-01-01T00:00:00Z because Remote`},
			{"nobody need identify", tx("8", "Started", `"seqNo":0,"transactionInfo":{"transactionId":"T-2"},"idToken":{"idToken":"","type":"NoAuthorization"},"evse":{"id":"2"}`),
				`[3,"8",{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"group","type":"Central"}}}]`, `Started T-2 #0 evse 2 at 2000-01-01T00:00:00Z by NoAuthorization unauthorized`},
			{"no transaction", tx("9", "Updated", `"seqNo":0,"transactionInfo":{},"idToken":{"idToken":"AABB","type":"Central"}`), `[3,"9",{"idTokenInfo":{"status":"Invalid"}}]`, ``},
			{"nothing at all", `[2,"10","TransactionEvent",{}]`, `[3,"10",{}]`, ``},
			{"a clock of 1970", `[2,"11","TransactionEvent",{"eventType":"Updated","timestamp":"1970-01-01T00:00:09Z","seqNo":1,"transactionInfo":{"transactionId":"T-2"}}]`,
				`[3,"11",{}]`, `Updated T-2 #1 evse 0 at 2000-01-01T00:00:00Z`},
		})
		r.loop.full = true
		if got := cp.call(tx("12", "Updated", `"seqNo":2,"transactionInfo":{"transactionId":"T-2"}`)); !strings.Contains(got, `"InternalError"`) {
			t.Errorf("a box that is busy: %s", got) // the charger keeps it
		}
	})
}

func TestStoppedReasons(t *testing.T) {
	for reason, want := range map[string]string{"Local": "Local", "MasterPass": "Local", "LocalOutOfCredit": "Local", "ImmediateReset": "HardReset", "Remote": "Remote",
		"DeAuthorized": "DeAuthorized", "EVDisconnected": "EVDisconnected", "EmergencyStop": "EmergencyStop", "PowerLoss": "PowerLoss", "Reboot": "Reboot",
		"GroundFault": "Other", "ReqEnergyTransferRejected": "Other", "Boredom": "Other"} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			r.loop.answer = answering2
			r.raw2("CP1", ocpp.V201).send(fmt.Sprintf(`[2,"1","TransactionEvent",{"eventType":"Ended","transactionInfo":{"transactionId":"T","stoppedReason":%q}}]`, reason))
			if got := eventsOf[controller.TxReported](r.loop.take()); len(got) != 1 || got[0].Reason != want {
				t.Errorf("%s: %+v", reason, got)
			}
		})
	}
}

func TestReadingsOf2x(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"default is the register in Wh":       {`{"value":1234.9}`, `1234 Wh`},
		"kWh":                                 {`{"value":1.2345,"unitOfMeasure":{"unit":"kWh"}}`, `1234 Wh`},
		"Wh times a thousand":                 {`{"value":1.2345678,"unitOfMeasure":{"unit":"Wh","multiplier":3}}`, `1234 Wh`},
		"Wh times a million keeps its digits": {`{"value":1.2345678,"unitOfMeasure":{"multiplier":6}}`, `1234567 Wh`},
		"mWh":                                 {`{"value":1234999,"unitOfMeasure":{"multiplier":-3}}`, `1234 Wh`},
		"an exponent and a multiplier":        {`{"value":1.5e1,"unitOfMeasure":{"multiplier":2}}`, `1500 Wh`},
		"an absurd multiplier":                {`{"value":1,"unitOfMeasure":{"multiplier":40}}`, ``},
		"text with a comma and its unit":      {`{"value":"12,5 kWh"}`, `12500 Wh`},
		"no number":                           {`{"value":"n/a"}`, ``},
		"null":                                {`{"value":null}`, ``},
		"no value":                            {`{}`, ``},
		"register of a conductor":             {`{"value":5,"phase":"L1"}`, ``},
		"current":                             {`{"value":6.1,"measurand":"Current.Import","phase":"L2","unitOfMeasure":{"unit":"A"}}`, ` [0.0 A 6.1 A 0.0 A] L2`},
		"current in mA by its multiplier":     {`{"value":6100,"measurand":"Current.Import","phase":"L1-N","unitOfMeasure":{"unit":"A","multiplier":-3}}`, ` [6.1 A 0.0 A 0.0 A] L1`},
		"current of the car":                  {`{"value":6,"measurand":"Current.Import","location":"EV"}`, ``},
		"current of the supply":               {`{"value":6,"measurand":"Current.Import","location":"Upstream"}`, ``},
		"signed":                              {`{"value":7,"signedMeterValue":{"signedMeterData":"AA","signingMethod":"","encodingMethod":"OCMF","publicKey":""}}`, `7 Wh billing`},
		"not signed":                          {`{"value":7,"signedMeterValue":null}`, `7 Wh`},
		"aligned":                             {`{"value":7,"context":"Sample.Clock"}`, `7 Wh billing`},
		"periodic":                            {`{"value":7,"context":"Sample.Periodic"}`, `7 Wh`},
		"another measurand":                   {`{"value":7,"measurand":"Frequency"}`, ``},
	} {
		raw := `{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[` + c.value + `]}`
		s, _, _ := readSample2(json.RawMessage(raw), start2000, nil)
		got := ""
		if s.HasEnergy {
			got = fmt.Sprintf("%d Wh", s.Energy)
		}
		if s.CurrentPhases != 0 {
			got += fmt.Sprintf(" %v %v", s.Current, s.CurrentPhases)
		}
		if s.Billing {
			got += " billing"
		}
		if got != c.want || string(s.Raw) != raw {
			t.Errorf("%s: %q, want %q; kept %s", name, got, c.want, s.Raw)
		}
	}
	all := `{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[{"value":1000,"measurand":"Power.Active.Import","phase":"L1"},{"value":1.0,"measurand":"Power.Active.Import","phase":"L2","unitOfMeasure":{"unit":"kW"}},` +
		`{"value":2300,"measurand":"Voltage","unitOfMeasure":{"unit":"V","multiplier":-1}},{"value":81.7,"measurand":"SoC","location":"EV"}]}`
	s, _, problems := readSample2(json.RawMessage(all), start2000, nil)
	if s.Power != 2000 || s.SoC != 81 || s.CurrentPhases != loadbalance.Phases(0, 1) || s.Current[0] != 4348 || len(problems) != 0 {
		t.Errorf("power, voltage and charge: %+v %v", s, problems)
	}
}
