package downstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// start2000 is the time a bubble begins at.
var start2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestWhatChargersSend is the table of good, odd and malformed input: what is answered
// and what the controller hears ("" nothing).
func TestWhatChargersSend(t *testing.T) {
	const at = `"timestamp":"2000-01-01T00:00:00Z"`
	meter := func(rest string) string {
		return `{"connectorId":1,"meterValue":[{` + at + `,"sampledValue":[` + rest + `]}]}`
	}
	for _, c := range []struct{ name, action, in, out, event string }{
		{"boot", "BootNotification", `{"chargePointVendor":"ACME","chargePointModel":"X","chargeBoxSerialNumber":"S1","meterType":null,"extra":1}`,
			`{"status":"Accepted","currentTime":"2000-01-01T00:00:00Z","interval":300}`, `Booted {ACME X S1   }`},
		{"boot with nothing", "BootNotification", `{}`, `{"status":"Accepted","currentTime":"2000-01-01T00:00:00Z","interval":300}`, `Booted {     }`},
		{"heartbeat", "Heartbeat", `{}`, `{"currentTime":"2000-01-01T00:00:00Z"}`, ``},
		{"heartbeat without payload", "Heartbeat", `null`, `{"currentTime":"2000-01-01T00:00:00Z"}`, ``},
		{"status", "StatusNotification", `{"connectorId":1,"status":"Charging","errorCode":"NoError",` + at + `}`, `{}`, `StatusReported 1 Charging NoError ""`},
		{"status of the charger", "StatusNotification", `{"connectorId":"0","status":"faulted","errorCode":"GroundFailure","info":"x"}`, `{}`, `StatusReported 0 Faulted GroundFailure "x"`},
		{"unknown error code", "StatusNotification", `{"connectorId":1,"status":"Faulted","errorCode":"Boom","info":null}`, `{}`, `StatusReported 1 Faulted OtherError "Boom"`},
		{"unknown status", "StatusNotification", `{"connectorId":1,"status":"Occupied","errorCode":"NoError"}`, `{}`, ``},
		{"status without connector", "StatusNotification", `{"status":"Available","errorCode":"NoError"}`, `{}`, ``},
		{"authorize", "Authorize", `{"idTag":" AABB "}`, `{"idTagInfo":{"status":"Accepted"}}`, `AuthorizeAsked AABB`},
		{"authorize by number", "Authorize", `{"idTag":1234}`, `{"idTagInfo":{"status":"Accepted"}}`, `AuthorizeAsked 1234`},
		{"start", "StartTransaction", `{"connectorId":1,"idTag":"AABB","meterStart":5,` + at + `,"reservationId":null}`,
			`{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}`, `TxStarted 1 AABB 5 at 2000-01-01T00:00:00Z`},
		{"start, numbers as text, register with decimals", "StartTransaction", `{"connectorId":"1","idTag":"A","meterStart":"12345.9",` + at + `}`,
			`{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}`, `TxStarted 1 A 12345 at 2000-01-01T00:00:00Z`},
		{"start with the clock of 1970", "StartTransaction", `{"connectorId":1,"idTag":"A","meterStart":5,"timestamp":"1970-01-01T00:00:09Z"}`,
			`{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}`, `TxStarted 1 A 5 at 0001-01-01T00:00:00Z`},
		{"start without register: a guess would be billed", "StartTransaction", `{"connectorId":1,"idTag":"A",` + at + `}`, `OccurrenceConstraintViolation`, ``},
		{"start with a register that is none", "StartTransaction", `{"connectorId":1,"idTag":"A","meterStart":"full",` + at + `}`, `TypeConstraintViolation`, ``},
		{"stop", "StopTransaction", `{"transactionId":1000001,"idTag":"A","meterStop":9,` + at + `,"reason":"Remote","transactionData":[{"x":1.50}]}`, `{}`,
			`TxStopped 1000001 9 Remote A [{"x":1.50}]`},
		{"stop of nothing we know", "StopTransaction", `{"transactionId":-1,"meterStop":9,"idTag":"",` + at + `,"reason":"Vandalism"}`, `{}`, `TxStopped -1 9   `},
		{"stop without id", "StopTransaction", `{"transactionId":"","meterStop":9}`, `{}`, `TxStopped 0 9   `},
		{"stop whose register is in its data", "StopTransaction", `{"transactionId":7,"meterStop":"x","transactionData":{"sampledValue":[{"value":"1,5","unit":"kWh"}]}}`, `{}`,
			`TxStopped 7 1500   [{"sampledValue":[{"value":"1,5","unit":"kWh"}]}]`},
		{"stop without register", "StopTransaction", `{"transactionId":7}`, `OccurrenceConstraintViolation`, ``},
		{"meter values", "MeterValues", meter(`{"value":"1.50"}`), `{}`, `MeterReported 1 tx 0: {` + at + `,"sampledValue":[{"value":"1.50"}]}`},
		{"meter values, id missing after its name", "MeterValues", strings.Replace(meter(`{"value":"1"}`), `"meterValue"`, `"transactionId":,"meterValue"`, 1), `{}`,
			`MeterReported 1 tx 0: {` + at + `,"sampledValue":[{"value":"1"}]}`},
		{"meter values with a member twice", "MeterValues", strings.Replace(meter(`{"value":"1"}`), `"connectorId":1`, `"connectorId":2,"connectorId":1,"transactionId":"8"`, 1), `{}`,
			`MeterReported 1 tx 8: {` + at + `,"sampledValue":[{"value":"1"}]}`},
		{"one element instead of a list", "MeterValues", `{"connectorId":1,"transactionId":-1,"meterValue":{"sampledValue":{"value":7}}}`, `{}`,
			`MeterReported 1 tx -1: {"sampledValue":{"value":7}}`},
		{"meter values without any", "MeterValues", `{"connectorId":1,"meterValue":[]}`, `{}`, ``},
		{"data transfer", "DataTransfer", `{"vendorId":"x","messageId":"m"}`, `{"status":"UnknownVendorId"}`, `DataReported x m`},
		{"firmware", "FirmwareStatusNotification", `{"status":"Idle"}`, `{}`, `JobReported firmware -1 Idle`},
		{"signed firmware", "SignedFirmwareStatusNotification", `{"status":"InvalidSignature","requestId":"7"}`, `{}`, `JobReported firmware 7 InvalidSignature`},
		{"a status nobody knows", "FirmwareStatusNotification", `{"status":"Half way"}`, `{}`, `JobReported firmware -1 Half way`},
		{"log", "LogStatusNotification", `{"status":"Uploaded","requestId":3}`, `{}`, `JobReported log 3 Uploaded`},
		{"diagnostics", "DiagnosticsStatusNotification", `{"status":"Uploading"}`, `{}`, `JobReported log -1 Uploading`},
		{"security event", "SecurityEventNotification", `{"type":"TamperDetectionActivated","timestamp":"2000-01-01T00:00:00+01","techInfo":"lid\nopen"}`, `{}`,
			`SecurityReported TamperDetectionActivated lid open at 1999-12-31T23:00:00Z`},
		{"security event without a time", "SecurityEventNotification", `{"type":"x"}`, `{}`, `SecurityReported x  at 0001-01-01T00:00:00Z`},
		{"certificate", "SignCertificate", `{"csr":"x"}`, `{"status":"Rejected"}`, ``},
		{"a message of the other side", "RemoteStartTransaction", `{}`, `NotSupported`, ``},
		{"no message at all", "Nonsense", `{}`, `NotImplemented`, ``},
		{"no object", "StartTransaction", `7`, `FormatViolation`, ``},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.connect("CP1")
			r.loop.take()
			if got := cp.call(c.action, c.in); got != c.out {
				t.Errorf("%s: answered %s\nwant %s", c.name, got, c.out)
			}
			var heard []string
			for _, ev := range r.loop.take() {
				heard = append(heard, describe(ev))
			}
			if got := strings.Join(heard, "; "); got != c.event {
				t.Errorf("%s: the controller heard %s\nwant %s", c.name, got, c.event)
			}
		})
	}
}

func describe(ev controller.Event) string {
	switch ev := ev.(type) {
	case controller.Booted:
		return fmt.Sprintf("Booted %v", ev.Info)
	case controller.StatusReported:
		return fmt.Sprintf("StatusReported %d %s %s %q", ev.Connector, ev.Status, ev.ErrorCode, ev.Info)
	case controller.AuthorizeAsked:
		return "AuthorizeAsked " + ev.Token.Value
	case controller.TxStarted:
		return fmt.Sprintf("TxStarted %d %s %d at %s", ev.Connector, ev.Token.Value, ev.MeterStart, ev.At.Format(time.RFC3339))
	case controller.TxStopped:
		tag := ""
		if ev.Token != nil {
			tag = ev.Token.Value
		}
		return fmt.Sprintf("TxStopped %d %d %s %s %s", ev.Tx, ev.MeterStop, ev.Reason, tag, ev.Data)
	case controller.MeterReported:
		var raw []string
		for _, s := range ev.Samples {
			raw = append(raw, string(s.Raw))
		}
		return fmt.Sprintf("MeterReported %d tx %d: %s", ev.Connector, ev.Tx, strings.Join(raw, ","))
	}
	return describeService(ev)
}

func describeService(ev controller.Event) string {
	switch ev := ev.(type) {
	case controller.JobReported:
		return fmt.Sprintf("JobReported %s %d %s", ev.Job, ev.RequestID, ev.Status)
	case controller.SecurityReported:
		return fmt.Sprintf("SecurityReported %s %s at %s", ev.Type, ev.Info, ev.At.Format(time.RFC3339))
	case controller.TxReported:
		return describeTx(ev)
	case controller.DataReported:
		return fmt.Sprintf("DataReported %s %s", ev.Vendor, ev.Message)
	}
	return fmt.Sprintf("%T", ev)
}

func TestDerivedCurrents(t *testing.T) {
	v := func(measurand, phase, value, unit string) string {
		text := fmt.Sprintf(`{"measurand":%q,"value":%q,"unit":%q`, measurand, value, unit)
		if phase != "" {
			text += fmt.Sprintf(`,"phase":%q`, phase)
		}
		return text + "}"
	}
	const amp, watt, volt = "Current.Import", "Power.Active.Import", "Voltage"
	for name, c := range map[string]struct {
		values []string
		want   string
	}{
		"measured wins":                       {[]string{v(amp, "L1", "7.1", "A"), v(watt, "L1", "5", "kW"), v(volt, "", "230", "V")}, "[7.1 A 0.0 A 0.0 A] L1"},
		"milliamperes, rounded up":            {[]string{v(amp, "L2", "7100.2", "mA")}, "[0.0 A 7.1 A 0.0 A] L2"},
		"power per phase":                     {[]string{v(watt, "L1", "2300", "W"), v(watt, "L3-N", "1.15", "kW"), v(volt, "", "230", "V")}, "[10.0 A 0.0 A 5.0 A] L1L3"},
		"rounded up":                          {[]string{v(watt, "L1", "1000", "W"), v(volt, "L1-N", "229", "V")}, "[4.3 A 0.0 A 0.0 A] L1"},
		"one phase, total power":              {[]string{v(watt, "", "7.36", "kW"), v(volt, "L1", "230", "V")}, "[32.0 A 0.0 A 0.0 A] L1"},
		"total power over three: not certain": {[]string{v(watt, "", "11", "kW"), v(volt, "L1", "230", "V"), v(volt, "L2", "230", "V"), v(volt, "L3", "230", "V")}, "[0.0 A 0.0 A 0.0 A] "},
		"no voltage":                          {[]string{v(watt, "L1", "2300", "W"), v(volt, "L1", "0", "V")}, "[0.0 A 0.0 A 0.0 A] "},
		"the car's own reading is not ours":   {[]string{`{"measurand":"Current.Import","value":"99","location":"EV"}`}, "[0.0 A 0.0 A 0.0 A] "},
		"neutral and between phases":          {[]string{v(amp, "N", "3", "A"), v(amp, "L1-L2", "3", "A"), v(amp, "L1", "1", "A")}, "[1.0 A 0.0 A 0.0 A] L1"},
		"absurd":                              {[]string{v(amp, "L1", "1e7", "A"), v(amp, "L2", "1", "A")}, "[0.0 A 1.0 A 0.0 A] L2"},
	} {
		all, _ := samplesOf(t, `{"meterValue":[{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[`+strings.Join(c.values, ",")+`]}]}`, start2000)
		got := all[0]
		if text := fmt.Sprintf("%v %v", got.Current, got.CurrentPhases); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

func TestUnknownChargerWaitsForApproval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Onboarding: "approve"})
		pending := true
		r.loop.answer = func(ev controller.Event) controller.AnswerBody {
			if _, ok := ev.(controller.Booted); ok && pending {
				return controller.BootAnswer{Status: "Pending", Interval: 30 * time.Second, Now: time.Now()}
			}
			return nil
		}
		cp := r.connect("NEW")
		if got := cp.call("BootNotification", `{"n":1}`); !strings.Contains(got, "Pending") {
			t.Errorf("boot: %s", got)
		}
		for _, action := range []string{"Heartbeat", "StartTransaction", "StatusNotification"} {
			if got := cp.call(action, `{"connectorId":1}`); got != "SecurityError" {
				t.Errorf("%s: %s", action, got)
			}
		}
		pending = false // approved
		if got := cp.call("BootNotification", `{"n":2}`); !strings.Contains(got, "Accepted") {
			t.Errorf("boot: %s", got)
		}
		if got := cp.call("Heartbeat", `{}`); !strings.Contains(got, "currentTime") {
			t.Errorf("heartbeat: %s", got)
		}
		cp.Close(1000, "")
		<-cp.Done()
		if got := r.connect("NEW").call("Heartbeat", `{}`); !strings.Contains(got, "currentTime") {
			t.Errorf("it came back without Boot: %s", got)
		}
	})
}

func TestDoorIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Onboarding: "approve"})
		for i := range maxWaiting {
			for range 3 { // a charger that comes again counts once
				r.connect(fmt.Sprintf("NEW%d", i))
			}
		}
		_, err := r.dial("NEW32", "")
		if e, ok := errors.AsType[*ocpp.DialError](err); !ok || e.Status != 503 {
			t.Fatalf("the 33rd: %v", err)
		}
		if _, err := r.dial("NEW0", ""); err != nil {
			t.Errorf("one that waits already: %v", err)
		}
		if _, err := r.dial("CP1", ""); err != nil {
			t.Errorf("a known one: %v", err)
		}
	})
}

func TestHandshakes(t *testing.T) {
	chargers := []Charger{{ID: "CP1"}, {ID: "CP2", Password: "secret-of-cp2"}, {ID: "CP3", Password: "x", SecurityProfile: 2}, {ID: "CP4", SecurityProfile: 3},
		{ID: "CP5", Protocols: []ocpp.Protocol{ocpp.V201}}}
	for _, c := range []struct {
		onboarding, id, password string
		status                   int // 0: admitted
	}{
		{"closed", "CP1", "", 0},
		{"closed", "CP1", "not asked for", 0},
		{"closed", "CP2", "secret-of-cp2", 0},
		{"closed", "CP2", "wrong", 401},
		{"closed", "CP2", "", 401},
		{"open", "CP2", "wrong", 401},
		{"closed", "CP3", "x", 403},
		{"closed", "CP4", "", 403},
		{"closed", "CP5", "", 101},
		{"closed", "CP9", "", 404},
		{"closed", "ADOPTED", "", 0},
		{"approve", "CP9", "", 0},
		{"open", "CP9", "", 0},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: c.onboarding, Chargers: chargers, Known: func(id string) bool { return id == "ADOPTED" }})
			_, err := r.dial(c.id, c.password)
			e, refused := errors.AsType[*ocpp.DialError](err)
			if refused != (c.status != 0) || refused && e.Status != c.status {
				t.Errorf("%+v: %v", c, err)
			}
			synctest.Wait()
			if refused && (len(r.no) != 1 || r.no[0].Reason == "" || r.no[0].Remedy == "") {
				t.Errorf("%+v: reported %+v", c, r.no)
			}
		})
	}
}

func TestNothingOvertakesTheAnswerToBoot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.loop.answer = func(ev controller.Event) controller.AnswerBody {
			if _, ok := ev.(controller.Booted); ok { // the Site prepares the charger in the same Step
				r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
				r.hub.Do(controller.PushBaseline{Station: "CP1"})
				time.Sleep(time.Second)
			}
			return nil
		}
		cp := r.connect("CP1")
		var early []string
		cp.on("SetChargingProfile", func(*ocpp.Request) (string, error) {
			if time.Since(start2000) < time.Second {
				early = append(early, "fall-back")
			}
			return `{"status":"Accepted"}`, nil
		})
		cp.call("BootNotification", `{"n":1}`)
		told := cp.heard()
		if len(early) != 0 || len(told) < 3 || !strings.HasPrefix(told[0], "SetChargingProfile") || !strings.HasPrefix(told[1], "GetConfiguration") {
			t.Errorf("early: %v, told: %v", early, told)
		}
		for _, line := range told {
			if strings.HasPrefix(line, "TriggerMessage") {
				t.Error("a charger that booted was asked for its statuses")
			}
		}
	})
}

func TestChargerThatNeverBootsIsAskedTo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		time.Sleep(bootPatience)
		equal(t, "asked", cp.heard(), []string{`TriggerMessage {"requestedMessage":"BootNotification"}`})
		time.Sleep(10 * bootPatience)
		equal(t, "asked again", cp.heard(), []string(nil))
	})
}

func TestCongestedLoopMakesChargersTryAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		const start = `{"connectorId":1,"idTag":"A","meterStart":5,"timestamp":"2000-01-01T00:00:00Z"}`
		r.loop.full = true
		if got := cp.call("StartTransaction", start); got != "InternalError" {
			t.Errorf("congested: %s", got)
		}
		r.loop.full = false
		if got := cp.call("StartTransaction", start); !strings.Contains(got, "1000001") {
			t.Errorf("again: %s", got)
		}
		r.loop.busy = 1
		if _, err := r.dial("CP2", "secret-of-cp2"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, ev := range r.loop.take() {
			if c, ok := ev.(controller.ChargerConnected); ok && c.Station == "CP2" {
				t.Error("the loop was told of a connection it refused")
			}
		}
		if r.hub.session("CP2") != nil {
			t.Error("a connection that the loop refused is served")
		}
	})
}
