package upstream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

func TestCommandsReachTheSite(t *testing.T) {
	bubble(t, commandsReachTheSite)
}

func commandsReachTheSite(t *testing.T, r *rig) {
	r.start(true)
	profile := `{"chargingProfileId":4,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":
		{"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":11000.0,"numberPhases":3}]}}`
	for _, c := range []struct {
		action, payload string
		event           string // as %+v, "": none
		status          string // of the site
		want            string
	}{
		{"RemoteStartTransaction", `{"idTag":"A","connectorId":2}`, "{Reply:1 Origin:cloud Slot:2 Token:{Value:A Type:} Profile:<nil>}", "Accepted", `{"status":"Accepted"}`},
		{"RemoteStartTransaction", `{"idTag":"A"}`, "{Reply:1 Origin:cloud Slot:0 Token:{Value:A Type:} Profile:<nil>}", "Rejected", `{"status":"Rejected"}`},
		{"RemoteStartTransaction", `{"idTag":"A","connectorId":0}`, "", "Accepted", `{"status":"Rejected"}`},
		{"RemoteStopTransaction", `{"transactionId":101}`, "{Reply:1 Origin:cloud UpTx:101 Slot:0}", "Accepted", `{"status":"Accepted"}`},
		{"ChangeAvailability", `{"connectorId":0,"type":"Inoperative"}`, "{Reply:1 Origin:cloud Slot:0 Operative:false}", "Scheduled", `{"status":"Scheduled"}`},
		{"ChangeAvailability", `{"connectorId":1,"type":"Operative"}`, "{Reply:1 Origin:cloud Slot:1 Operative:true}", "Accepted", `{"status":"Accepted"}`},
		{"UnlockConnector", `{"connectorId":1}`, "{Reply:1 Origin:cloud Slot:1}", "Unlocked", `{"status":"Unlocked"}`},
		{"UnlockConnector", `{"connectorId":1}`, "{Reply:1 Origin:cloud Slot:1}", "Strange", `{"status":"UnlockFailed"}`},
		{"Reset", `{"type":"Hard"}`, "{Reply:1 Origin:cloud Hard:true}", "Accepted", `{"status":"Accepted"}`},
		{"ClearCache", `{}`, "{Reply:1}", "Accepted", `{"status":"Accepted"}`},
		{"SetChargingProfile", `{"connectorId":2,"csChargingProfiles":` + profile + `}`,
			"{Reply:1 Slot:2 Profile:{ID:4 StackLevel:1 Purpose:TxProfile Kind:Relative Recurrency: ValidFrom:0001-01-01 00:00:00 +0000 UTC " +
				"ValidTo:0001-01-01 00:00:00 +0000 UTC UpTx: Start:0001-01-01 00:00:00 +0000 UTC Duration:0s Watts:true Periods:[{From:0s Limit:11000000 NumberPhases:3}]}}",
			"Accepted", `{"status":"Accepted"}`},
		{"SetChargingProfile", `{"connectorId":4,"csChargingProfiles":` + profile + `}`, "", "Accepted", "PropertyConstraintViolation: connectorId 4 does not exist"},
		{"SetChargingProfile", `{"connectorId":-1,"csChargingProfiles":` + profile + `}`, "", "Accepted", "PropertyConstraintViolation"},
		{"SetChargingProfile", `{"connectorId":2,"csChargingProfiles":` + strings.Replace(profile, `"startPeriod":0`, `"startPeriod":9`, 1) + `}`, "", "Accepted", `{"status":"Rejected"}`},
		{"ClearChargingProfile", `{}`, "{Reply:1 ID:<nil> Slot:<nil> Purpose:<nil> StackLevel:<nil>}", "Unknown", `{"status":"Unknown"}`},
		{"UpdateFirmware", `{}`, "", "Accepted", "NotSupported"},
	} {
		r.site.answer(func(controller.Event) controller.AnswerBody { return controller.CommandAnswer{Status: c.status} })
		before := len(r.site.asked)
		r.expect(c.action, c.payload, c.want)
		got := ""
		if evs := r.site.asked[before:]; len(evs) > 0 {
			got = fmt.Sprintf("%+v", evs[0])
		}
		if got != c.event {
			t.Errorf("%s %s\nthe site got %s\nwant %s", c.action, c.payload, got, c.event)
		}
	}
}

func TestTheAnswerToResetLeavesBeforeTheConnectionGoes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.site.answer(func(controller.Event) controller.AnswerBody {
			r.station.Do(controller.RestartUplink{Reason: "reset"}) // the loop does so in the same step
			return controller.CommandAnswer{Status: "Accepted"}
		})
		r.expect("Reset", `{"type":"Soft"}`, `{"status":"Accepted"}`)
		r.after(time.Minute)
		r.wantBoots(1, "after a reset")
	})
}

func TestTriggers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.site.change(func(s *controller.Snapshot) {
			s.Connectors[1] = controller.ConnectorView{Slot: 2, Tx: 5, UpTx: "101", Register: 4200, MeasuredAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			for slot := range controller.Slot(4) {
				s.Statuses = append(s.Statuses, controller.SlotStatus{Slot: slot, Status: controller.StatusAvailable, ErrorCode: controller.NoError})
			}
		})
		r.start(true)
		for _, c := range []struct{ ask, answer, then string }{
			{`{"requestedMessage":"Heartbeat"}`, "Accepted", "Heartbeat {}"},
			{`{"requestedMessage":"StatusNotification","connectorId":3}`, "Accepted", `StatusNotification {"connectorId":3,"errorCode":"NoError","status":"Available"}`},
			{`{"requestedMessage":"StatusNotification","connectorId":4}`, "Rejected", ""},
			{`{"requestedMessage":"MeterValues","connectorId":2}`, "Accepted", `MeterValues {"connectorId":2,"transactionId":101,"meterValue":[{"timestamp":"2026-03-01T12:00:00Z",` +
				`"sampledValue":[{"value":"4200","context":"Trigger","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}`},
			{`{"requestedMessage":"MeterValues","connectorId":3}`, "Rejected", ""},
			{`{"requestedMessage":"DiagnosticsStatusNotification"}`, "Accepted", `DiagnosticsStatusNotification {"status":"Idle"}`},
			{`{"requestedMessage":"FirmwareStatusNotification"}`, "Accepted", `FirmwareStatusNotification {"status":"Idle"}`},
			{`{"requestedMessage":"BootNotification"}`, "Rejected", ""},
		} {
			before := len(r.cloud.got())
			r.expect("TriggerMessage", c.ask, `{"status":"`+c.answer+`"}`)
			r.after(time.Second)
			var got strings.Builder
			for _, m := range r.cloud.got()[before:] {
				got.WriteString(m.action + " " + m.payload)
			}
			if got.String() != c.then {
				t.Errorf("%s\ngot  %s\nwant %s", c.ask, got.String(), c.then)
			}
		}
		r.expect("TriggerMessage", `{"requestedMessage":"Poem"}`, "PropertyConstraintViolation")
		before := len(r.cloud.got())
		r.expect("TriggerMessage", `{"requestedMessage":"StatusNotification"}`, `{"status":"Accepted"}`)
		r.after(time.Second)
		if n := len(r.cloud.got()) - before; n != 4 {
			t.Errorf("%d statuses of the station and three connectors", n)
		}
	})
}

func TestCompositeSchedule(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.site.change(func(s *controller.Snapshot) {
			s.Connectors[0] = controller.ConnectorView{Slot: 1, Phases: "L2L3L1", Max: 32000, Target: 10_250, Tx: 5}
			s.Connectors[1] = controller.ConnectorView{Slot: 2, Phases: "L3", Max: 16000}
		})
		r.start(true)
		head := func(n int) string {
			return fmt.Sprintf(`{"status":"Accepted","connectorId":%d,"scheduleStart":"2000-01-01T00:00:00Z","chargingSchedule":{"duration":600,`, n)
		}
		r.expect("GetCompositeSchedule", `{"connectorId":1,"duration":600}`, head(1)+`"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.2,"numberPhases":3}]}}`)
		r.expect("GetCompositeSchedule", `{"connectorId":2,"duration":600,"chargingRateUnit":"W"}`, head(2)+`"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":3680,"numberPhases":1}]}}`)
		r.expect("GetCompositeSchedule", `{"connectorId":0,"duration":600}`, `{"status":"Rejected"}`)
		r.expect("GetCompositeSchedule", `{"connectorId":9,"duration":600}`, `{"status":"Rejected"}`)
	})
}

func TestChangeConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		for _, c := range []struct{ key, value, status, reads string }{
			{"HeartbeatInterval", "+0060", "Accepted", "60"},
			{"heartbeatinterval", "0", "Rejected", "60"},
			{"HeartbeatInterval", "ten", "Rejected", "60"},
			{"WebSocketPingInterval", "0", "RebootRequired", "0"},
			{"MeterValueSampleInterval", "0", "Accepted", "0"},
			{"MeterValueSampleInterval", "-1", "Rejected", "0"},
			{"AuthorizationCacheEnabled", "FALSE", "Accepted", "false"},
			{"AuthorizationCacheEnabled", "no", "Rejected", "false"},
			{"LocalAuthorizeOffline", "false", "Accepted", "false"},
			{"AllowOfflineTxForUnknownId", "true", "Accepted", "true"},
			{"AuthorizeRemoteTxRequests", "true", "Accepted", "true"},
			{"StopTransactionOnInvalidId", "false", "Accepted", "false"},
			{"MessageTimeout", "10", "Accepted", "10"},
			{"TransactionMessageAttempts", "0", "Rejected", "3"},
			{"TransactionMessageRetryInterval", "30", "Accepted", "30"},
			{"NumberOfConnectors", "9", "Rejected", "3"},
			{"SupportedFeatureProfiles", "Core", "Rejected", "Core,SmartCharging,RemoteTrigger"},
			{"ChargeProfileMaxStackLevel", "1", "Rejected", "99"},
			{"ChargingScheduleMaxPeriods", "1", "Rejected", "1024"},
			{"MaxChargingProfilesInstalled", "1", "Rejected", "30"},
			{"ChargingScheduleAllowedChargingRateUnit", "Current", "Rejected", "Current,Power"},
			{"GetConfigurationMaxKeys", "1", "Rejected", "100"},
			{"Colour", "blue", "NotSupported", ""},
		} {
			r.expect("ChangeConfiguration", `{"key":"`+c.key+`","value":"`+c.value+`"}`, `{"status":"`+c.status+`"}`)
			got, err := command(r, ocpp16.GetConfiguration, ocpp16.GetConfigurationRequest{Key: []string{c.key}})
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.reads == "" && len(got.UnknownKey) == 1 && got.UnknownKey[0] == c.key:
			case len(got.ConfigurationKey) != 1 || *got.ConfigurationKey[0].Value != c.reads:
				t.Errorf("%s after %q reads %+v", c.key, c.value, got)
			}
		}
		all, err := command(r, ocpp16.GetConfiguration, ocpp16.GetConfigurationRequest{})
		if err != nil || len(all.ConfigurationKey) < 25 || len(all.UnknownKey) != 0 {
			t.Errorf("all keys: %+v %v", all, err)
		}
	})
}
