package downstream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

func TestCommandsOfServiceOf2x(t *testing.T) {
	noon := time.Date(2000, 1, 2, 12, 0, 0, 0, time.UTC)
	retry := controller.Retry{Times: 3, After: time.Minute}
	token := controller.IDToken{Value: "AABBCCDD"}
	root := controller.CertificateDetail{Use: controller.UseCentralSystem, PEM: "PEM"}
	list := controller.ListDetail{Version: 7, Full: true, Entries: []controller.ListEntry{{Token: token, Info: &controller.TokenInfo{Status: controller.TokenAccepted, Parent: "G"}}, {Token: controller.IDToken{Value: "x", Type: "eMAID"}}}}
	const hash = `{"hashAlgorithm":"SHA256","issuerNameHash":"n","issuerKeyHash":"k","serialNumber":"1a"}`
	for _, c := range []struct {
		name   string
		do     controller.Command
		wire   string // "" nothing is sent
		answer string
		want   string // status, accepted, data, error
	}{
		{"clear cache", controller.Command{Kind: controller.CommandClearCache}, `ClearCache {}`, `3,{"status":"Accepted","statusInfo":null}`, `Accepted yes`},
		{"cache not cleared", controller.Command{Kind: controller.CommandClearCache}, `ClearCache {}`, `3,{"status":"Rejected","statusInfo":{"reasonCode":"NotEnabled"}}`, `Rejected no  NotEnabled`},
		{"list version", controller.Command{Kind: controller.CommandListVersion}, `GetLocalListVersion {}`, `3,{"versionNumber":"4"}`, `Accepted yes 4`},
		{"transaction", controller.Command{Kind: controller.CommandTxStatus, ChargerTx: "T-1"}, `GetTransactionStatus {"transactionId":"T-1"}`, `3,{"ongoingIndicator":false,"messagesInQueue":true}`, `Accepted yes {"ongoing":false,"waiting":true}`},
		{"all transactions", controller.Command{Kind: controller.CommandTxStatus}, `GetTransactionStatus {}`, `3,{"messagesInQueue":false}`, `Accepted yes {"waiting":false}`},
		{"transaction, not supported", controller.Command{Kind: controller.CommandTxStatus, ChargerTx: "T-1"}, `GetTransactionStatus {"transactionId":"T-1"}`, `4,"NotSupported","no",{}`, ` no  NotSupported`},
		{"log", controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{RequestID: 4, Security: true, Location: "ftp://box/", Since: noon, Retry: retry}},
			`GetLog {"logType":"SecurityLog","requestId":4,"retries":3,"retryInterval":60,"log":{"remoteLocation":"ftp://box/","oldestTimestamp":"2000-01-02T12:00:00Z"}}`,
			`3,{"status":"AcceptedCanceled","filename":"a.zip"}`, `AcceptedCanceled yes "a.zip"`},
		{"log refused, with a name", controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{Location: "ftp://box/"}},
			`GetLog {"logType":"DiagnosticsLog","requestId":0,"log":{"remoteLocation":"ftp://box/"}}`, `3,{"status":"Rejected","filename":"a.zip"}`, `Rejected no`},
		{"firmware", controller.Command{Kind: controller.CommandFirmware, Detail: controller.FirmwareDetail{RequestID: 9, Location: "http://box/f", InstallAt: noon, Certificate: "PEM", Signature: "c2ln", Retry: retry}},
			`UpdateFirmware {"retries":3,"retryInterval":60,"requestId":9,"firmware":{"location":"http://box/f","retrieveDateTime":"2000-01-01T00:00:00Z","installDateTime":"2000-01-02T12:00:00Z","signingCertificate":"PEM","signature":"c2ln"}}`,
			`3,{"status":"InvalidCertificate"}`, `InvalidCertificate no`},
		{"reserve any", controller.Command{Kind: controller.CommandReserve, Token: token, Detail: controller.ReserveDetail{ReservationID: 5, Until: noon, Parent: "G"}},
			`ReserveNow {"id":5,"expiryDateTime":"2000-01-02T12:00:00Z","idToken":{"idToken":"AABBCCDD","type":"ISO14443"},"groupIdToken":{"idToken":"G","type":"Central"}}`, `3,{"status":"Occupied"}`, `Occupied no`},
		{"reserve one", controller.Command{Kind: controller.CommandReserve, Connector: 2, Token: token, Detail: controller.ReserveDetail{ReservationID: 5, Until: noon}},
			`ReserveNow {"id":5,"expiryDateTime":"2000-01-02T12:00:00Z","evseId":2,"idToken":{"idToken":"AABBCCDD","type":"ISO14443"}}`, `3,{"status":"Accepted"}`, `Accepted yes`},
		{"cancel", controller.Command{Kind: controller.CommandCancelReservation, Detail: controller.CancelDetail{ReservationID: 5}}, `CancelReservation {"reservationId":5}`, `3,{"status":"Accepted"}`, `Accepted yes`},
		{"list", controller.Command{Kind: controller.CommandSendList, Detail: list},
			`SendLocalList {"versionNumber":7,"updateType":"Full","localAuthorizationList":[{"idTokenInfo":{"status":"Accepted","groupIdToken":{"idToken":"G","type":"Central"}},"idToken":{"idToken":"AABBCCDD","type":"ISO14443"}},{"idToken":{"idToken":"x","type":"eMAID"}}]}`,
			`3,{"status":"VersionMismatch"}`, `VersionMismatch no`},
		{"list, emptied", controller.Command{Kind: controller.CommandSendList, Detail: controller.ListDetail{Version: 8, Full: true}}, `SendLocalList {"versionNumber":8,"updateType":"Full"}`, `3,{"status":"Accepted"}`, `Accepted yes`},
		{"data", controller.Command{Kind: controller.CommandTransfer, Detail: controller.TransferDetail{Vendor: "v", Message: "m", Data: new(`{"a":[1]}`)}},
			`DataTransfer {"messageId":"m","data":{"a":[1]},"vendorId":"v"}`, `3,{"status":"Accepted","data":{"b":2.50}}`, `Accepted yes {"b":2.50}`},
		{"data that is text", controller.Command{Kind: controller.CommandTransfer, Detail: controller.TransferDetail{Vendor: "v", Data: new("a\"b")}},
			`DataTransfer {"data":"a\"b","vendorId":"v"}`, `3,{"status":"UnknownVendorId","data":null}`, `UnknownVendorId no`},
		{"install", controller.Command{Kind: controller.CommandInstallCert, Detail: root}, `InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"PEM"}`, `3,{"status":"Failed","statusInfo":{"reasonCode":"InvalidCertificate","additionalInfo":"expired"}}`, `Failed no  InvalidCertificate (expired)`},
		{"signed certificate", controller.Command{Kind: controller.CommandSignedCert, Detail: root}, `CertificateSigned {"certificateChain":"PEM","certificateType":"ChargingStationCertificate"}`, `3,{"status":"Accepted"}`, `Accepted yes`},
		{"list certificates", controller.Command{Kind: controller.CommandListCerts, Detail: controller.CertificateDetail{Use: controller.UseManufacturer}}, `GetInstalledCertificateIds {"certificateType":["ManufacturerRootCertificate"]}`,
			`3,{"status":"Accepted","certificateHashDataChain":{"certificateType":"ManufacturerRootCertificate","certificateHashData":` + hash + `}}`, `Accepted yes [` + hash + `]`},
		{"no certificates", controller.Command{Kind: controller.CommandListCerts, Detail: root}, `GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}`, `3,{"status":"NotFound"}`, `NotFound no []`},
		{"delete certificate", controller.Command{Kind: controller.CommandDeleteCert, Detail: controller.CertificateID{Algorithm: "SHA256", IssuerNameHash: "n", IssuerKeyHash: "k", Serial: "1a"}},
			`DeleteCertificate {"certificateHashData":` + hash + `}`, `3,{"status":"NotFound"}`, `NotFound no`},
		{"a command without its detail", controller.Command{Kind: controller.CommandReserve}, ``, `3,{}`, ` no  cannot carry out "reserve"`},
		{"an answer of another shape", controller.Command{Kind: controller.CommandClearCache}, `ClearCache {}`, `3,[]`, ` no`},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			c.do.Op, c.do.Station, c.do.Within = 3, "CP1", 5*time.Second
			r.hub.Do(c.do)
			if got := strings.Join(cp.play(always(c.answer)), "; "); got != c.wire {
				t.Errorf("%s: sent %s\nwant %s", c.name, got, c.wire)
			}
			answers := eventsOf[controller.CommandAnswered](r.loop.take())
			if len(answers) != 1 {
				t.Fatalf("%s: answered %+v", c.name, answers)
			}
			a, yes := answers[0], "no"
			if a.Accepted {
				yes = "yes"
			}
			if got := strings.TrimRight(a.Status+" "+yes+" "+string(a.Data)+" "+a.Err, " "); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: answered %s, want %s", c.name, got, c.want)
			}
		})
	}
}

// TestCompositeSchedulesOf2x: what 1.6 chargers do wrong others do in 2.x.
func TestCompositeSchedulesOf2x(t *testing.T) {
	for _, c := range []struct {
		name, answer, want string
		learnt             controller.Tristate
	}{
		{"a limit", `3,{"status":"Accepted","schedule":{"evseId":1,"duration":60,"scheduleStart":"2000-01-01T00:00:00Z","chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":11000.5,"numberPhases":3}]}}`, `Accepted yes {"unit":"W","milli":11000500,"phases":3}`, controller.Yes},
		{"no limit, as -1", `3,{"status":"Accepted","schedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":-1}]}}`, `Accepted yes {"unlimited":true}`, controller.Yes},
		{"no period", `3,{"status":"Accepted","schedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[]}}`, `Accepted yes {"unlimited":true}`, controller.Yes},
		{"no schedule", `3,{"status":"Accepted","schedule":null}`, `Accepted yes {"unlimited":true}`, controller.Yes},
		{"refused", `3,{"status":"Rejected","statusInfo":{"reasonCode":"UnsupportedRateUnit"}}`, `Rejected no `, controller.No},
		{"not supported", `4,"NotSupported","",{}`, ` no `, controller.No},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(controller.Command{Op: 1, Station: "CP1", Kind: controller.CommandComposite, Connector: 1, Detail: controller.CompositeDetail{For: time.Minute}})
			equal(t, c.name, cp.play(always(c.answer)), []string{`GetCompositeSchedule {"duration":60,"evseId":1}`})
			equal(t, c.name, answersTo(r), []string{c.want})
			if got := r.abilities("CP1").Composite; got != c.learnt {
				t.Errorf("%s: learnt %q", c.name, got)
			}
		})
	}
}

// TestResetsOf2xKeepTheirKind: 2.x tells of one kind of reset only; a bill should know
// which it was.
func TestResetsOf2xKeepTheirKind(t *testing.T) {
	for _, c := range []struct {
		hard         bool
		answer, want string
	}{{false, "Accepted", "SoftReset"}, {false, "Scheduled", "SoftReset"}, {true, "Accepted", "HardReset"}, {false, "Rejected", "HardReset"}} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			r.loop.answer = answering2
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(controller.Command{Op: 1, Station: "CP1", Kind: controller.CommandReset, Hard: c.hard})
			equal(t, "wire", cp.play(always(`3,{"status":"`+c.answer+`"}`)), []string{`Reset {"type":"Immediate"}`})
			cp.call(`[2,"1","TransactionEvent",{"eventType":"Ended","triggerReason":"ResetCommand","seqNo":3,"transactionInfo":{"transactionId":"T-1","stoppedReason":"ImmediateReset"}}]`)
			ends := eventsOf[controller.TxReported](r.loop.take())
			if len(ends) != 1 || ends[0].Reason != c.want {
				t.Errorf("%+v: ended %+v", c, ends)
			}
		})
	}
}

// TestAnEndBeforeTheAnswerToAReset: both are on their way at the same time.
func TestAnEndBeforeTheAnswerToAReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.loop.answer = answering2
		cp := r.raw2("CP1", ocpp.V201)
		r.hub.Do(controller.Command{Op: 1, Station: "CP1", Kind: controller.CommandReset})
		id, _ := callID(t, cp.got())
		cp.call(`[2,"1","TransactionEvent",{"eventType":"Ended","triggerReason":"ResetCommand","seqNo":3,"transactionInfo":{"transactionId":"T-1","stoppedReason":"ImmediateReset"}}]`)
		cp.send(`[3,"` + id + `",{"status":"Accepted"}]`)
		if ends := eventsOf[controller.TxReported](r.loop.take()); len(ends) != 1 || ends[0].Reason != "SoftReset" {
			t.Errorf("ended %+v", ends)
		}
	})
}
