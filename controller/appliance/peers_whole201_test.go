package appliance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"busbar/controller/store"

	ocpp201 "github.com/lorenzodonini/ocpp-go/ocpp2.0.1"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/diagnostics"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/transactions"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/types"
)

const certificate = `-----BEGIN CERTIFICATE-----`

// commands201 is every call that a CSMS makes in OCPP 2.0.1.
var commands201 = []struct{ action, payload string }{
	{"CancelReservation", `{"reservationId":7}`},
	{"CertificateSigned", `{"certificateChain":"` + certificate + `","certificateType":"ChargingStationCertificate"}`},
	{"ChangeAvailability", `{"operationalStatus":"Operative","evse":{"id":1}}`},
	{"ClearCache", `{}`},
	{"ClearChargingProfile", `{"chargingProfileId":9}`},
	{"ClearDisplayMessage", `{"id":1}`},
	{"ClearVariableMonitoring", `{"id":[1]}`},
	{"CostUpdated", `{"totalCost":1.5,"transactionId":"T-1"}`},
	{"CustomerInformation", `{"requestId":21,"report":true,"clear":false,"idToken":{"idToken":"TAG1","type":"ISO14443"}}`},
	{"DataTransfer", `{"vendorId":"org.example"}`},
	{"DeleteCertificate", `{"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"01"}}`},
	{"GetBaseReport", `{"requestId":22,"reportBase":"FullInventory"}`},
	{"GetChargingProfiles", `{"requestId":23,"chargingProfile":{"chargingProfilePurpose":"TxProfile"}}`},
	{"GetCompositeSchedule", `{"duration":60,"evseId":1}`},
	{"GetDisplayMessages", `{"requestId":24}`},
	{"GetInstalledCertificateIds", `{}`},
	{"GetLocalListVersion", `{}`},
	{"GetLog", `{"logType":"SecurityLog","requestId":25,"log":{"remoteLocation":"http://box.lan/log"}}`},
	{"GetMonitoringReport", `{"requestId":26}`},
	{"GetReport", `{"requestId":27}`},
	{"GetTransactionStatus", `{"transactionId":"T-1"}`},
	{"GetVariables", `{"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}`},
	{"InstallCertificate", `{"certificateType":"CSMSRootCertificate","certificate":"` + certificate + `"}`},
	{"PublishFirmware", `{"location":"http://box.lan/f","checksum":"0123456789abcdef0123456789abcdef","requestId":28}`},
	{"RequestStartTransaction", `{"evseId":1,"remoteStartId":5,"idToken":{"idToken":"TAG1","type":"ISO14443"}}`},
	{"RequestStopTransaction", `{"transactionId":"T-1"}`},
	{"ReserveNow", `{"id":7,"expiryDateTime":"2036-03-02T10:00:00Z","idToken":{"idToken":"TAG1","type":"ISO14443"},"evseId":1}`},
	{"Reset", `{"type":"OnIdle"}`},
	{"SendLocalList", `{"versionNumber":4,"updateType":"Full","localAuthorizationList":[{"idToken":{"idToken":"TAG1","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}]}`},
	{"SetChargingProfile", `{"evseId":1,"chargingProfile":{"id":9,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Relative","chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.5}]}]}}`},
	{"SetDisplayMessage", `{"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","content":"hello"}}}`},
	{"SetMonitoringBase", `{"monitoringBase":"All"}`},
	{"SetMonitoringLevel", `{"severity":5}`},
	{"SetNetworkProfile", `{"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON","ocppCsmsUrl":"wss://box.lan","messageTimeout":30,"securityProfile":2,"ocppInterface":"Wired0"}}`},
	{"SetVariableMonitoring", `{"setMonitoringData":[{"value":1.5,"type":"Delta","severity":5,"component":{"name":"Controller"},"variable":{"name":"Temperature"}}]}`},
	{"SetVariables", `{"setVariableData":[{"attributeValue":"30","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}`},
	{"TriggerMessage", `{"requestedMessage":"Heartbeat"}`},
	{"UnlockConnector", `{"evseId":1,"connectorId":1}`},
	{"UnpublishFirmware", `{"checksum":"0123456789abcdef0123456789abcdef"}`},
	{"UpdateFirmware", `{"requestId":29,"firmware":{"location":"http://box.lan/f","retrieveDateTime":"2026-03-02T10:00:00Z"}}`},
}

// TestIndependentChargingStationSaysAllOf201 has a charging station that is not ours
// say and hear the messages of OCPP 2.0.1, over each security profile.
func TestIndependentChargingStationSaysAllOf201(t *testing.T) {
	for _, profile := range peerProfiles {
		t.Run(fmt.Sprintf("profile %d", profile), func(t *testing.T) {
			box, url, client := securedBox(t, profile)
			heard := station{newDiary()}
			cs := ocpp201.NewChargingStation("CP1", nil, client)
			cs.SetAuthorizationHandler(heard)
			cs.SetAvailabilityHandler(heard)
			cs.SetDataHandler(heard)
			cs.SetDiagnosticsHandler(heard)
			cs.SetDisplayHandler(heard)
			cs.SetFirmwareHandler(heard)
			cs.SetISO15118Handler(heard)
			cs.SetLocalAuthListHandler(heard)
			cs.SetProvisioningHandler(heard)
			cs.SetRemoteControlHandler(heard)
			cs.SetReservationHandler(heard)
			cs.SetSecurityHandler(heard)
			cs.SetSmartChargingHandler(heard)
			cs.SetTariffCostHandler(heard)
			cs.SetTransactionsHandler(heard)
			if err := cs.Start(url); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cs.Stop)
			chargesBy201(t, cs, heard)
			reportsBy201(t, box, cs)
			for tx, err := range box.store.Transactions(t.Context(), store.TxFilter{}) {
				if err != nil || tx.Energy != 1500 || !tx.Ended || tx.Token.Value != "TAG1" || tx.ChargerTx != "T-1" {
					t.Errorf("%+v, %v", tx, err)
				}
			}
			for _, c := range commands201 {
				if answer, err := box.hub.Call(t.Context(), "CP1", c.action, json.RawMessage(c.payload)); err != nil {
					t.Errorf("%s: %s %v", c.action, answer, err)
				}
			}
		})
	}
}

// chargesBy201 is a session from the boot to the end of its transaction.
func chargesBy201(t *testing.T, cs ocpp201.ChargingStation, heard station) {
	t.Helper()
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	boot, err := cs.BootNotification(provisioning.BootReasonPowerUp, "Model", "Vendor")
	ok("boot", err)
	if boot.Status != provisioning.RegistrationStatusAccepted {
		t.Fatalf("boot: %s", boot.Status)
	}
	heard.await(t, "profile TxDefaultProfile evse 0 limit 6")
	_, err = cs.Heartbeat()
	ok("heartbeat", err)
	now := func() *types.DateTime { return types.NewDateTime(time.Now()) }
	_, err = cs.StatusNotification(now(), "Occupied", 1, 1)
	ok("status", err)
	auth, err := cs.Authorize("TAG1", types.IdTokenTypeISO14443)
	ok("authorize", err)
	if auth.IdTokenInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("authorize: %s", auth.IdTokenInfo.Status)
	}
	register := func(wh float64, context types.ReadingContext) []types.MeterValue {
		return []types.MeterValue{{Timestamp: *now(), SampledValue: []types.SampledValue{{Value: wh, Context: context, Measurand: types.MeasurandEnergyActiveImportRegister}}}}
	}
	seq := 0
	event := func(part transactions.TransactionEvent, why transactions.TriggerReason, state transactions.ChargingState, values []types.MeterValue, token bool) *transactions.TransactionEventResponse {
		t.Helper()
		answer, err := cs.TransactionEvent(part, now(), why, seq, transactions.Transaction{TransactionID: "T-1", ChargingState: state}, func(r *transactions.TransactionEventRequest) {
			r.Evse, r.MeterValue = &types.EVSE{ID: 1, ConnectorID: new(1)}, values
			if token {
				r.IDToken = &types.IdToken{IdToken: "TAG1", Type: types.IdTokenTypeISO14443}
			}
		})
		ok("event "+string(part), err)
		seq++
		return answer
	}
	started := event(transactions.TransactionEventStarted, transactions.TriggerReasonAuthorized, transactions.ChargingStateEVConnected, register(1000, types.ReadingContextTransactionBegin), true)
	if started.IDTokenInfo == nil || started.IDTokenInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("started: %+v", started)
	}
	heard.await(t, "profile TxProfile evse 1 limit ")
	event(transactions.TransactionEventUpdated, transactions.TriggerReasonChargingStateChanged, transactions.ChargingStateCharging, register(1700, types.ReadingContextSamplePeriodic), false)
	event(transactions.TransactionEventEnded, transactions.TriggerReasonStopAuthorized, transactions.ChargingStateIdle, register(2500, types.ReadingContextTransactionEnd), true)
	_, err = cs.StatusNotification(now(), "Available", 1, 1)
	ok("status", err)
}

// reportsBy201 makes the other calls of a charging station.
func reportsBy201(t *testing.T, box *Box, cs ocpp201.ChargingStation) {
	t.Helper()
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	now := func() *types.DateTime { return types.NewDateTime(time.Now()) }
	_, err := cs.MeterValues(1, []types.MeterValue{{Timestamp: *now(), SampledValue: []types.SampledValue{{Value: 2500}}}})
	ok("meter values", err)
	_, err = cs.DataTransfer("org.example")
	ok("data transfer", err)
	for _, status := range []firmware.FirmwareStatus{firmware.FirmwareStatusDownloading, firmware.FirmwareStatusInstalled} {
		_, err = cs.FirmwareStatusNotification(status, func(r *firmware.FirmwareStatusNotificationRequest) { r.RequestID = new(29) })
		ok("firmware status", err)
	}
	_, err = cs.LogStatusNotification(diagnostics.UploadLogStatusUploaded, 25)
	ok("log status", err)
	_, err = cs.SecurityEventNotification("SettingSystemTime", now())
	ok("security event", err)
	_, err = cs.NotifyEvent(now(), 0, []diagnostics.EventData{{EventID: 1, Timestamp: now(), Trigger: diagnostics.EventTriggerAlerting, ActualValue: "Occupied",
		EventNotificationType: diagnostics.EventHardWiredNotification, Component: types.Component{Name: "Connector", EVSE: &types.EVSE{ID: 1}}, Variable: types.Variable{Name: "AvailabilityState"}}})
	ok("event", err)
	_, err = cs.NotifyReport(22, now(), 0)
	ok("report", err)
	_, err = cs.ReservationStatusUpdate(7, reservation.ReservationUpdateStatusExpired)
	ok("reservation", err)
	_, err = cs.NotifyCustomerInformation("none", 0, *now(), 21)
	ok("customer information", err)
	_, err = cs.NotifyDisplayMessages(24)
	ok("display messages", err)
	_, err = cs.ClearedChargingLimit(types.ChargingLimitSourceEMS)
	ok("cleared limit", err)
	_, err = cs.NotifyChargingLimit(smartcharging.ChargingLimit{ChargingLimitSource: types.ChargingLimitSourceEMS})
	ok("charging limit", err)
	_, err = cs.PublishFirmwareStatusNotification(firmware.PublishFirmwareStatusIdle)
	ok("publish status", err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok("key", err)
	operator := "Depot North"
	if box.ca != nil {
		operator = box.ca.Operator()
	}
	_, err = cs.SignCertificate(requestFor(t, key, "CP1", operator))
	ok("sign certificate", err)
}
