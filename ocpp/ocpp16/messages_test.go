package ocpp16

import (
	"encoding/json"
	"errors"
	"testing"

	"busbar/ocpp"
)

func TestMessagesKeepTheOrderOfTheSpecification(t *testing.T) {
	profile := ChargingProfile{ChargingProfileID: 1, StackLevel: 1, ChargingProfilePurpose: ChargingProfilePurposeTypeTxProfile,
		ChargingProfileKind: ChargingProfileKindTypeAbsolute, TransactionID: new(7),
		ChargingSchedule: ChargingSchedule{ChargingRateUnit: ChargingRateUnitTypeA, ChargingSchedulePeriod: []ChargingSchedulePeriod{{StartPeriod: 0, Limit: "16.5"}}}}
	raw, err := json.Marshal(SetChargingProfileRequest{ConnectorID: 0, CSChargingProfiles: profile})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"connectorId":0,"csChargingProfiles":{"chargingProfileId":1,"transactionId":7,"stackLevel":1,"chargingProfilePurpose":"TxProfile",` +
		`"chargingProfileKind":"Absolute","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.5}]}}}`
	if string(raw) != want {
		t.Fatalf("got  %s\nwant %s", raw, want)
	}
}

func TestWhatTheSpecificationDoesNotAllow(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		into      interface{ Validate() error }
		path      string
		code      ocpp.ErrorCode
	}{
		{"fine, connector 0", `{"connectorId":0,"errorCode":"NoError","status":"Available"}`, &StatusNotificationRequest{}, "", ""},
		{"required number missing", `{"errorCode":"NoError","status":"Available"}`, &StatusNotificationRequest{}, "connectorId", ocpp.CodeOccurrenceConstraintViolation},
		{"required number null", `{"connectorId":null,"errorCode":"NoError","status":"Available"}`, &StatusNotificationRequest{}, "connectorId", ocpp.CodeOccurrenceConstraintViolation},
		{"unknown value of an enum", `{"connectorId":1,"errorCode":"NoError","status":"Busy"}`, &StatusNotificationRequest{}, "status", ocpp.CodePropertyConstraintViolation},
		{"wrong type", `{"connectorId":"1","errorCode":"NoError","status":"Available"}`, &StatusNotificationRequest{}, "connectorId", ocpp.CodeTypeConstraintViolation},
		{"too long", `{"idTag":"123456789012345678901"}`, &AuthorizeRequest{}, "idTag", ocpp.CodePropertyConstraintViolation},
		{"twenty characters of more bytes", `{"idTag":"äöüäöüäöüäöüäöüäöüäö"}`, &AuthorizeRequest{}, "", ""},
		{"finer than a tenth", `{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute",` +
			`"chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.55}]}}}`, &SetChargingProfileRequest{},
			"csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit", ocpp.CodePropertyConstraintViolation},
		{"member of a list entry missing", `{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute",` +
			`"chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"limit":16}]}}}`, &SetChargingProfileRequest{},
			"csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].startPeriod", ocpp.CodeOccurrenceConstraintViolation},
		{"unknown members are let through", `{"type":"Hard","colour":"red"}`, &ResetRequest{}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ocpp.DecodeStrict(json.RawMessage(c.raw), c.into, false)
			if err == nil {
				err = c.into.Validate()
			}
			if c.code == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			v, ok := errors.AsType[*ocpp.Violation](err)
			if !ok || v.Path != c.path || v.Code != c.code {
				t.Fatalf("got %v, want %s at %s", err, c.code, c.path)
			}
		})
	}
}

func TestEveryActionIsKnown(t *testing.T) {
	for action, want := range map[string]ocpp.Role{"StartTransaction": ocpp.ChargingStation, "SetChargingProfile": ocpp.CSMS, "DataTransfer": ocpp.Both} {
		if got, ok := Known(action); !ok || got != want {
			t.Errorf("%s: %v %v", action, got, ok)
		}
	}
	if _, ok := Known("TransactionEvent"); ok {
		t.Error("TransactionEvent is not an action of 1.6")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var strict StatusNotificationRequest
		if ocpp.DecodeStrict(raw, &strict, false) == nil && strict.Validate() == nil {
			again, err := json.Marshal(strict)
			if err != nil {
				t.Fatalf("valid, but can't be written: %v", err)
			}
			var second StatusNotificationRequest
			if err := ocpp.DecodeStrict(again, &second, true); err != nil {
				t.Fatalf("%s is not read again: %v", again, err)
			}
		}
		var profile SetChargingProfileRequest
		_, _ = ocpp.DecodeLenient(raw, &profile)
	})
}

// BenchmarkDecode reads what chargers send most.
func BenchmarkDecode(b *testing.B) {
	raw := json.RawMessage(`{"connectorId":1,"transactionId":1234567,"meterValue":[{"timestamp":"2026-03-02T10:00:00Z","sampledValue":[` +
		`{"value":"16.1","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unit":"A"},` +
		`{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L2","unit":"A"},` +
		`{"value":"1234567","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var v MeterValuesRequest
		if err := ocpp.DecodeStrict(raw, &v, false); err != nil {
			b.Fatal(err)
		}
	}
}
