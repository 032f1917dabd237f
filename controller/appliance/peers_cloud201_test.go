package appliance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	busbar "busbar/ocpp"

	"github.com/lorenzodonini/ocpp-go/ocpp"
	ocpp201 "github.com/lorenzodonini/ocpp-go/ocpp2.0.1"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/authorization"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/availability"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/data"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/diagnostics"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/display"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/iso15118"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/localauth"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/remotecontrol"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/security"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/tariffcost"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/transactions"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/types"
)

// peer201 is an independent CSMS with our simulated station CS1 on it.
type peer201 struct {
	t  *testing.T
	cs ocpp201.CSMS
	csms
	ca *authority
}

// TestIndependentCSMSHearsAllOf201 has the simulated station charge, and say and hear
// its messages of OCPP 2.0.1, at a CSMS that is not ours, over each security profile.
//
// What the library (ocpp-go 0.19.0) can't do, so that this test can't show it:
//
//	GetCompositeSchedule     reads the answer's schedule in the form of 2.0: only its status is seen
//	ClearChargingProfile     refuses to send a stack level of 0 as a criterion
//	UnitOfMeasure            refuses a negative multiplier
//	security profile 3       does not compare a client certificate with the identity
//	OCPP 2.1                 not spoken
//
// What the simulated station does not have: variable monitoring, network profiles, ISO
// 15118 certificates, and publishing of firmware, which is a local controller's.
func TestIndependentCSMSHearsAllOf201(t *testing.T) {
	for _, profile := range peerProfiles {
		t.Run(fmt.Sprintf("profile %d", profile), func(t *testing.T) {
			t.Parallel()
			p := serve201(t, profile)
			p.charges()
			p.isLed()
			p.isKept()
			p.isSecured()
			p.startsFromAfar()
			p.isRenewed()
		})
	}
}

// serve201 runs a CSMS behind a security profile, and a station on it.
func serve201(t *testing.T, profile int) *peer201 {
	t.Helper()
	p := &peer201{t: t, csms: csms{newDiary()}, ca: newAuthority(t)}
	at := freePort(t)
	server, station := behind(t, p.ca, profile, at)
	p.cs = ocpp201.NewCSMS(nil, server)
	p.listens()
	startCloud(t, p.cs, at)
	station.Protocol = busbar.V201
	simulate(t, station)
	return p
}

// listens has the CSMS hear all that a station can say.
func (p *peer201) listens() {
	p.cs.SetAuthorizationHandler(p)
	p.cs.SetAvailabilityHandler(p)
	p.cs.SetDataHandler(p)
	p.cs.SetDiagnosticsHandler(p)
	p.cs.SetDisplayHandler(p)
	p.cs.SetFirmwareHandler(p)
	p.cs.SetISO15118Handler(p)
	p.cs.SetLocalAuthListHandler(p)
	p.cs.SetMeterHandler(p)
	p.cs.SetProvisioningHandler(p)
	p.cs.SetRemoteControlHandler(p)
	p.cs.SetReservationHandler(p)
	p.cs.SetSecurityHandler(p)
	p.cs.SetSmartChargingHandler(p)
	p.cs.SetTariffCostHandler(p)
	p.cs.SetTransactionsHandler(p)
}

// ask201 makes a call of the CSMS and returns the station's answer.
func ask201[R ocpp.Response](p *peer201, request ocpp.Request) R {
	p.t.Helper()
	type reply struct {
		answer ocpp.Response
		err    error
	}
	replies := make(chan reply, 1)
	err := p.cs.SendRequestAsync("CS1", request, func(answer ocpp.Response, err error) { replies <- reply{answer, err} })
	if err != nil {
		p.t.Fatalf("%s: %v", request.GetFeatureName(), err)
	}
	select {
	case r := <-replies:
		answer, ok := r.answer.(R)
		if r.err != nil || !ok {
			p.t.Fatalf("%s: %T %+v, %v", request.GetFeatureName(), r.answer, r.answer, r.err)
		}
		return answer
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%s: no answer", request.GetFeatureName())
	}
	panic("unreachable")
}

// want201 compares the status of an answer.
func want201[S ~string](p *peer201, what string, got, want S) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// hears waits for a line that begins with each prefix.
func (p *peer201) hears(prefixes ...string) {
	p.t.Helper()
	for _, prefix := range prefixes {
		p.take(p.t, prefix)
	}
}

// charges follows a session that a driver begins, and ends it.
func (p *peer201) charges() {
	p.t.Helper()
	p.hears("boot CS1 PowerUp Busbar-Sim 1.0.0", "status 1.1 Available", "status 1.1 Occupied", "authorize TAG1")
	rest := p.take(p.t, `transaction Started Authorized  token "TAG1" in `)
	tx, values, _ := strings.Cut(rest, ":")
	if !strings.Contains(values, "Transaction.Begin Energy.Active.Import.Register") {
		p.t.Errorf("started with %s", values)
	}
	set := ask201[*provisioning.SetVariablesResponse](p, provisioning.NewSetVariablesRequest([]provisioning.SetVariableData{
		{AttributeValue: "1", Component: types.Component{Name: "SampledDataCtrlr"}, Variable: types.Variable{Name: "TxUpdatedInterval"}},
		{AttributeValue: "Current.Import,Power.Active.Import", Component: types.Component{Name: "SampledDataCtrlr"}, Variable: types.Variable{Name: "TxUpdatedMeasurands"}},
		{AttributeValue: "x", Component: types.Component{Name: "Nonsense"}, Variable: types.Variable{Name: "X"}}}))
	for i, want := range []provisioning.SetVariableStatus{"Accepted", "Accepted", "UnknownComponent"} {
		want201(p, "set variable", set.SetVariableResult[i].AttributeStatus, want)
	}
	p.hears("transaction Updated ChargingStateChanged", "transaction Updated MeterValuePeriodic")
	if more := p.take(p.t, "transaction Updated MeterValuePeriodic"); !strings.Contains(more, "Sample.Periodic Current.ImportL1") && !strings.Contains(more, "Power.Active.Import") {
		p.t.Errorf("sampled %s", more)
	}
	p.isLimited(tx)
	status := ask201[*transactions.GetTransactionStatusResponse](p, &transactions.GetTransactionStatusRequest{TransactionID: tx})
	if status.OngoingIndicator == nil || !*status.OngoingIndicator {
		p.t.Errorf("transaction %+v", status)
	}
	unlocked := ask201[*remotecontrol.UnlockConnectorResponse](p, remotecontrol.NewUnlockConnectorRequest(1, 1))
	want201(p, "unlock", unlocked.Status, remotecontrol.UnlockStatusOngoingAuthorizedTransaction)
	closed := ask201[*availability.ChangeAvailabilityResponse](p, availability.NewChangeAvailabilityRequest(availability.OperationalStatusInoperative))
	want201(p, "close", closed.Status, availability.ChangeAvailabilityStatusScheduled)
	opened := ask201[*availability.ChangeAvailabilityResponse](p, availability.NewChangeAvailabilityRequest(availability.OperationalStatusOperative))
	want201(p, "open", opened.Status, availability.ChangeAvailabilityStatusAccepted)
	stopped := ask201[*remotecontrol.RequestStopTransactionResponse](p, remotecontrol.NewRequestStopTransactionRequest(tx))
	want201(p, "stop", stopped.Status, remotecontrol.RequestStartStopStatusAccepted)
	if rest := p.take(p.t, `transaction Ended RemoteStop Remote token "" in `+tx); !strings.Contains(rest, "Transaction.End Energy.Active.Import.Register") {
		p.t.Errorf("ended with %s", rest)
	}
	p.hears("status 1.1 Available")
}

// isLimited sets, reads and clears charging profiles of a transaction.
func (p *peer201) isLimited(tx string) {
	p.t.Helper()
	profile := types.NewChargingProfile(9, 1, types.ChargingProfilePurposeTxProfile, types.ChargingProfileKindRelative,
		[]types.ChargingSchedule{*types.NewChargingSchedule(1, types.ChargingRateUnitAmperes, types.NewChargingSchedulePeriod(0, 10.5))})
	profile.TransactionID = tx
	set := ask201[*smartcharging.SetChargingProfileResponse](p, smartcharging.NewSetChargingProfileRequest(1, profile))
	want201(p, "set profile", set.Status, smartcharging.ChargingProfileStatusAccepted)
	got := ask201[*smartcharging.GetChargingProfilesResponse](p, &smartcharging.GetChargingProfilesRequest{RequestID: 23, ChargingProfile: smartcharging.ChargingProfileCriterion{ChargingProfilePurpose: types.ChargingProfilePurposeTxProfile}})
	want201(p, "get profiles", got.Status, smartcharging.GetChargingProfileStatusAccepted)
	p.hears("profile 23 evse 1 TxProfile 9 of CSO")
	composite := ask201[*smartcharging.GetCompositeScheduleResponse](p, smartcharging.NewGetCompositeScheduleRequest(60, 1))
	want201(p, "composite schedule", composite.Status, smartcharging.GetCompositeScheduleStatusAccepted)
	if composite.Schedule == nil || composite.Schedule.ChargingSchedule != nil {
		p.t.Errorf("the library reads composite schedules now: %+v", composite.Schedule)
	}
	for _, want := range []smartcharging.ClearChargingProfileStatus{smartcharging.ClearChargingProfileStatusAccepted, smartcharging.ClearChargingProfileStatusUnknown} {
		cleared := ask201[*smartcharging.ClearChargingProfileResponse](p, &smartcharging.ClearChargingProfileRequest{ChargingProfileID: new(9)})
		want201(p, "clear profile", cleared.Status, want)
	}
}

// isLed reads the device model and triggers messages.
func (p *peer201) isLed() {
	p.t.Helper()
	got := ask201[*provisioning.GetVariablesResponse](p, provisioning.NewGetVariablesRequest([]provisioning.GetVariableData{
		{Component: types.Component{Name: "SampledDataCtrlr"}, Variable: types.Variable{Name: "TxUpdatedInterval"}},
		{Component: types.Component{Name: "SampledDataCtrlr"}, Variable: types.Variable{Name: "X"}}})).GetVariableResult
	if got[0].AttributeValue != "1" || got[1].AttributeStatus != provisioning.GetVariableStatusUnknownVariable {
		p.t.Errorf("%+v", got)
	}
	base := ask201[*provisioning.GetBaseReportResponse](p, provisioning.NewGetBaseReportRequest(22, provisioning.ReportTypeFullInventory))
	want201(p, "base report", base.Status, types.GenericDeviceModelStatusAccepted)
	p.hears("report 22 SmartChargingCtrlr.RateUnit=A,W", "report 22 ends with 1")
	for trigger, heard := range map[remotecontrol.MessageTrigger]string{
		remotecontrol.MessageTriggerHeartbeat: "heartbeat", remotecontrol.MessageTriggerBootNotification: "boot CS1 Triggered",
		remotecontrol.MessageTriggerMeterValues:                "meter values 1: Trigger Current.ImportL1",
		remotecontrol.MessageTriggerStatusNotification:         "status 1.1 Available",
		remotecontrol.MessageTriggerFirmwareStatusNotification: "firmware Idle", remotecontrol.MessageTriggerLogStatusNotification: "log 0 Idle",
	} {
		answer := ask201[*remotecontrol.TriggerMessageResponse](p, remotecontrol.NewTriggerMessageRequest(trigger))
		want201(p, "trigger "+string(trigger), answer.Status, remotecontrol.TriggerMessageStatusAccepted)
		p.hears(heard)
	}
	unlocked := ask201[*remotecontrol.UnlockConnectorResponse](p, remotecontrol.NewUnlockConnectorRequest(1, 2))
	want201(p, "unlock", unlocked.Status, remotecontrol.UnlockStatusUnknownConnector)
	unlocked = ask201[*remotecontrol.UnlockConnectorResponse](p, remotecontrol.NewUnlockConnectorRequest(1, 1))
	want201(p, "unlock", unlocked.Status, remotecontrol.UnlockStatusUnlocked)
	cleared := ask201[*authorization.ClearCacheResponse](p, authorization.NewClearCacheRequest())
	want201(p, "clear cache", cleared.Status, authorization.ClearCacheStatusAccepted)
	moved := ask201[*data.DataTransferResponse](p, data.NewDataTransferRequest("org.example"))
	want201(p, "data transfer", moved.Status, data.DataTransferStatusUnknownVendorId)
}

// isKept asks for a log and for what the station keeps besides.
func (p *peer201) isKept() {
	p.t.Helper()
	log := ask201[*diagnostics.GetLogResponse](p, diagnostics.NewGetLogRequest(diagnostics.LogTypeSecurity, 25, diagnostics.LogParameters{RemoteLocation: "http://box.lan/log"}))
	want201(p, "log", log.Status, diagnostics.LogStatusAccepted)
	p.hears("log 25 Uploading", "log 25 Uploaded")
	report := provisioning.NewGetReportRequest()
	report.RequestID = new(27)
	report.ComponentVariable = []types.ComponentVariable{{Component: types.Component{Name: "TxCtrlr"}, Variable: types.Variable{Name: "TxStartPoint"}}}
	want201(p, "report", ask201[*provisioning.GetReportResponse](p, report).Status, types.GenericDeviceModelStatusAccepted)
	p.hears("report 27 TxCtrlr.TxStartPoint=PowerPathClosed", "report 27 ends with 0")
	p.isListed()
	p.shows()
}

// isListed reserves the EVSE and sends a local list.
func (p *peer201) isListed() {
	p.t.Helper()
	token := types.IdToken{IdToken: "TAG3", Type: types.IdTokenTypeISO14443}
	reserve := reservation.NewReserveNowRequest(7, types.NewDateTime(time.Now().Add(time.Hour)), token)
	reserve.EvseID = new(1)
	want201(p, "reserve", ask201[*reservation.ReserveNowResponse](p, reserve).Status, reservation.ReserveNowStatusAccepted)
	p.hears("status 1.1 Reserved")
	other := remotecontrol.NewRequestStartTransactionRequest(4, types.IdToken{IdToken: "TAG4", Type: types.IdTokenTypeISO14443})
	other.EvseID = new(1)
	want201(p, "start of another", ask201[*remotecontrol.RequestStartTransactionResponse](p, other).Status, remotecontrol.RequestStartStopStatusRejected)
	for _, want := range []reservation.CancelReservationStatus{reservation.CancelReservationStatusAccepted, reservation.CancelReservationStatusRejected} {
		want201(p, "cancel", ask201[*reservation.CancelReservationResponse](p, reservation.NewCancelReservationRequest(7)).Status, want)
	}
	p.hears("status 1.1 Available")
	reserve.ID, reserve.ExpiryDateTime = 8, types.NewDateTime(time.Now().Add(2*time.Second))
	want201(p, "reserve", ask201[*reservation.ReserveNowResponse](p, reserve).Status, reservation.ReserveNowStatusAccepted)
	p.hears("status 1.1 Reserved", "reservation 8 Expired", "status 1.1 Available")

	list := localauth.NewSendLocalListRequest(4, localauth.UpdateTypeFull)
	list.LocalAuthorizationList = []localauth.AuthorizationData{{IdToken: token, IdTokenInfo: types.NewIdTokenInfo(types.AuthorizationStatusAccepted)}}
	want201(p, "list", ask201[*localauth.SendLocalListResponse](p, list).Status, localauth.SendLocalListStatusAccepted)
	list.UpdateType = localauth.UpdateTypeDifferential
	want201(p, "list", ask201[*localauth.SendLocalListResponse](p, list).Status, localauth.SendLocalListStatusVersionMismatch)
	if n := ask201[*localauth.GetLocalListVersionResponse](p, localauth.NewGetLocalListVersionRequest()).VersionNumber; n != 4 {
		p.t.Errorf("list version %d", n)
	}
}

// shows sets a message on the display, and asks what the station keeps of a customer.
func (p *peer201) shows() {
	p.t.Helper()
	message := display.MessageInfo{ID: 1, Priority: display.MessagePriorityNormalCycle, Message: types.MessageContent{Format: types.MessageFormatUTF8, Content: "hello"}}
	want201(p, "set message", ask201[*display.SetDisplayMessageResponse](p, display.NewSetDisplayMessageRequest(message)).Status, display.DisplayMessageStatusAccepted)
	want201(p, "get messages", ask201[*display.GetDisplayMessagesResponse](p, display.NewGetDisplayMessagesRequest(24)).Status, display.MessageStatusAccepted)
	p.hears("display 24 1 hello")
	for _, want := range []display.ClearMessageStatus{display.ClearMessageStatusAccepted, display.ClearMessageStatusUnknown} {
		want201(p, "clear message", ask201[*display.ClearDisplayResponse](p, display.NewClearDisplayRequest(1)).Status, want)
	}
	ask201[*tariffcost.CostUpdatedResponse](p, tariffcost.NewCostUpdatedRequest(1.5, "T-1"))
	customer := diagnostics.NewCustomerInformationRequest(21, true, false)
	customer.IdToken = &types.IdToken{IdToken: "TAG1", Type: types.IdTokenTypeISO14443}
	want201(p, "customer", ask201[*diagnostics.CustomerInformationResponse](p, customer).Status, diagnostics.CustomerInformationStatusAccepted)
	p.hears("customer 21.0 TAG1: 1 sessions, in the local list: false")
}

// isSecured installs a root, and has the station ask for a certificate of its own.
func (p *peer201) isSecured() {
	p.t.Helper()
	root := pemOf(p.ca.cert)
	installed := ask201[*iso15118.InstallCertificateResponse](p, iso15118.NewInstallCertificateRequest(types.CSMSRootCertificate, root))
	want201(p, "install", installed.Status, iso15118.CertificateStatusAccepted)
	ids := ask201[*iso15118.GetInstalledCertificateIdsResponse](p, &iso15118.GetInstalledCertificateIdsRequest{CertificateTypes: []types.CertificateUse{types.CSMSRootCertificate}})
	if ids.Status != iso15118.GetInstalledCertificateStatusAccepted || len(ids.CertificateHashDataChain) != 1 {
		p.t.Fatalf("%+v", ids)
	}
	for _, want := range []iso15118.DeleteCertificateStatus{iso15118.DeleteCertificateStatusAccepted, iso15118.DeleteCertificateStatusNotFound} {
		deleted := ask201[*iso15118.DeleteCertificateResponse](p, iso15118.NewDeleteCertificateRequest(ids.CertificateHashDataChain[0].CertificateHashData))
		want201(p, "delete", deleted.Status, want)
	}
	trigger := ask201[*remotecontrol.TriggerMessageResponse](p, remotecontrol.NewTriggerMessageRequest(remotecontrol.MessageTriggerSignChargingStationCertificate))
	want201(p, "trigger", trigger.Status, remotecontrol.TriggerMessageStatusAccepted)
	signed := ask201[*security.CertificateSignedResponse](p, security.NewCertificateSignedRequest(p.ca.sign(p.take(p.t, "csr "))))
	want201(p, "signed", signed.Status, security.CertificateSignedStatusAccepted)
	signed = ask201[*security.CertificateSignedResponse](p, security.NewCertificateSignedRequest(root))
	want201(p, "signed for another key", signed.Status, security.CertificateSignedStatusRejected)
	p.hears("security event InvalidChargingStationCertificate")
}

// startsFromAfar begins and ends a session by the CSMS.
func (p *peer201) startsFromAfar() {
	p.t.Helper()
	request := remotecontrol.NewRequestStartTransactionRequest(5, types.IdToken{IdToken: "TAG2", Type: types.IdTokenTypeISO14443})
	request.EvseID = new(1)
	started := ask201[*remotecontrol.RequestStartTransactionResponse](p, request)
	want201(p, "start", started.Status, remotecontrol.RequestStartStopStatusAccepted)
	rest := p.take(p.t, `transaction Started RemoteStart  token "TAG2" in `)
	tx, _, _ := strings.Cut(rest, ":")
	stopped := ask201[*remotecontrol.RequestStopTransactionResponse](p, remotecontrol.NewRequestStopTransactionRequest("nobody's"))
	want201(p, "stop", stopped.Status, remotecontrol.RequestStartStopStatusRejected)
	onIdle := ask201[*provisioning.ResetResponse](p, provisioning.NewResetRequest(provisioning.ResetTypeOnIdle))
	want201(p, "reset on idle", onIdle.Status, provisioning.ResetStatusScheduled)
	stopped = ask201[*remotecontrol.RequestStopTransactionResponse](p, remotecontrol.NewRequestStopTransactionRequest(tx))
	want201(p, "stop", stopped.Status, remotecontrol.RequestStartStopStatusAccepted)
	p.hears("transaction Ended RemoteStop Remote token \"\" in "+tx, "boot CS1 RemoteReset Busbar-Sim 1.0.0")
}

// isRenewed updates the firmware, which restarts the station.
func (p *peer201) isRenewed() {
	p.t.Helper()
	update := ask201[*firmware.UpdateFirmwareResponse](p, firmware.NewUpdateFirmwareRequest(29, firmware.Firmware{Location: "http://box.lan/f", RetrieveDateTime: types.NewDateTime(time.Now())}))
	want201(p, "update", update.Status, firmware.UpdateFirmwareStatusAccepted)
	p.hears("firmware Downloading", "firmware Downloaded", "firmware Installing", "firmware Installed", "boot CS1 FirmwareUpdate Busbar-Sim 1.0.1")
}
