package downstream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

func TestCommandsOfService(t *testing.T) {
	noon := time.Date(2000, 1, 2, 12, 0, 0, 0, time.UTC)
	retry := controller.Retry{Times: 3, After: time.Minute}
	token := controller.IDToken{Value: "AABB"}
	root := controller.CertificateDetail{Use: controller.UseCentralSystem, PEM: "PEM"}
	for _, c := range []struct {
		name   string
		do     controller.Command
		wire   []string
		answer string // of each, after the type and the id
		want   string // status, accepted, data
	}{
		{"clear cache", controller.Command{Kind: controller.CommandClearCache}, []string{`ClearCache {}`}, `3,{"status":"Accepted"}`, `Accepted yes `},
		{"list version", controller.Command{Kind: controller.CommandListVersion}, []string{`GetLocalListVersion {}`}, `3,{"listVersion":-1}`, `Accepted yes -1`},
		{"log", controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{RequestID: 4, Security: true, Location: "ftp://box/", Since: noon, Retry: retry}},
			[]string{`GetLog {"log":{"remoteLocation":"ftp://box/","oldestTimestamp":"2000-01-02T12:00:00Z"},"logType":"SecurityLog","requestId":4,"retries":3,"retryInterval":60}`},
			`3,{"status":"AcceptedCanceled","filename":"a.zip"}`, `AcceptedCanceled yes "a.zip"`},
		{"log of an old charger", controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{Location: "ftp://box/", Until: noon}},
			[]string{`GetLog {"log":{"remoteLocation":"ftp://box/","latestTimestamp":"2000-01-02T12:00:00Z"},"logType":"DiagnosticsLog","requestId":0}`,
				`GetDiagnostics {"location":"ftp://box/","stopTime":"2000-01-02T12:00:00Z"}`}, `GetLog 4,"NotImplemented","",{}|3,{"fileName":"a.zip"}`, `Accepted yes "a.zip"`},
		{"nothing to tell", controller.Command{Kind: controller.CommandLog, Detail: controller.LogDetail{Location: "ftp://box/"}},
			[]string{`GetLog {"log":{"remoteLocation":"ftp://box/"},"logType":"DiagnosticsLog","requestId":0}`, `GetDiagnostics {"location":"ftp://box/"}`},
			`GetLog 4,"NotImplemented","",{}|3,{}`, `Rejected no `},
		{"firmware", controller.Command{Kind: controller.CommandFirmware, Detail: controller.FirmwareDetail{Location: "http://box/f"}},
			[]string{`UpdateFirmware {"location":"http://box/f","retrieveDate":"2000-01-01T00:00:00Z"}`}, `3,{}`, `Accepted yes `},
		{"signed firmware", controller.Command{Kind: controller.CommandFirmware, Detail: controller.FirmwareDetail{RequestID: 9, Location: "http://box/f", InstallAt: noon, Certificate: "PEM", Signature: "c2ln"}},
			[]string{`SignedUpdateFirmware {"requestId":9,"firmware":{"location":"http://box/f","retrieveDateTime":"2000-01-01T00:00:00Z","installDateTime":"2000-01-02T12:00:00Z",` +
				`"signingCertificate":"PEM","signature":"c2ln"}}`}, `3,{"status":"InvalidCertificate"}`, `InvalidCertificate no `},
		{"reserve", controller.Command{Kind: controller.CommandReserve, Connector: 1, Token: token, Detail: controller.ReserveDetail{ReservationID: 5, Until: noon, Parent: "P"}},
			[]string{`ReserveNow {"connectorId":1,"expiryDate":"2000-01-02T12:00:00Z","idTag":"AABB","parentIdTag":"P","reservationId":5}`}, `3,{"status":"Occupied"}`, `Occupied no `},
		{"cancel", controller.Command{Kind: controller.CommandCancelReservation, Detail: controller.CancelDetail{ReservationID: 5}},
			[]string{`CancelReservation {"reservationId":5}`}, `3,{"status":"Accepted"}`, `Accepted yes `},
		{"transfer", controller.Command{Kind: controller.CommandTransfer, Detail: controller.TransferDetail{Vendor: "v", Message: "m", Data: new("{}")}},
			[]string{`DataTransfer {"vendorId":"v","messageId":"m","data":"{}"}`}, `3,{"status":"Accepted","data":"ok"}`, `Accepted yes "ok"`},
		{"install", controller.Command{Kind: controller.CommandInstallCert, Detail: root},
			[]string{`InstallCertificate {"certificateType":"CentralSystemRootCertificate","certificate":"PEM"}`}, `3,{"status":"Failed"}`, `Failed no `},
		{"signed certificate", controller.Command{Kind: controller.CommandSignedCert, Detail: root}, []string{`CertificateSigned {"certificateChain":"PEM"}`}, `3,{"status":"Accepted"}`, `Accepted yes `},
		{"list certificates", controller.Command{Kind: controller.CommandListCerts, Detail: root}, []string{`GetInstalledCertificateIds {"certificateType":"CentralSystemRootCertificate"}`},
			`3,{"status":"Accepted","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"n","issuerKeyHash":"k","serialNumber":"1a"}}`,
			`Accepted yes [{"hashAlgorithm":"SHA256","issuerNameHash":"n","issuerKeyHash":"k","serialNumber":"1a"}]`},
		{"delete certificate", controller.Command{Kind: controller.CommandDeleteCert, Detail: controller.CertificateID{Algorithm: "SHA256", IssuerNameHash: "n", IssuerKeyHash: "k", Serial: "1a"}},
			[]string{`DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"n","issuerKeyHash":"k","serialNumber":"1a"}}`}, `3,{"status":"NotFound"}`, `NotFound no `},
		{"trigger of the extension", controller.Command{Kind: controller.CommandTrigger, Message: "SignChargePointCertificate"},
			[]string{`ExtendedTriggerMessage {"requestedMessage":"SignChargePointCertificate"}`}, `3,{"status":"Accepted"}`, `Accepted yes `},
		{"a command without its detail", controller.Command{Kind: controller.CommandReserve}, nil, `3,{}`, ` no `},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			c.do.Op, c.do.Station, c.do.Within = 3, "CP1", 5*time.Second
			r.hub.Do(c.do)
			equal(t, c.name, cp.play(byAction(c.answer)), c.wire)
			equal(t, c.name, answersTo(r), []string{c.want})
		})
	}
}

// byAction reads "GetLog 4,...|3,...": an answer to one action, and one to all others.
func byAction(answers string) func(string) string {
	return func(call string) string {
		action, _, _ := strings.Cut(call, " ")
		for answer := range strings.SplitSeq(answers, "|") {
			if only, text, ok := strings.Cut(answer, " "); ok && only == action {
				return text
			} else if answer[0] == '3' || answer[0] == '4' {
				return answer
			}
		}
		return ""
	}
}

func answersTo(r *rig) []string {
	synctest.Wait()
	var out []string
	for _, a := range eventsOf[controller.CommandAnswered](r.loop.take()) {
		yes := " no "
		if a.Accepted {
			yes = " yes "
		}
		out = append(out, a.Status+yes+string(a.Data))
	}
	return out
}

func TestPitfall27_CompositeSchedulesOfMinusOne(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"a limit", `3,{"status":"Accepted","connectorId":1,"scheduleStart":"2000-01-01T00:00:00Z","chargingSchedule":{"duration":60,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.5,"numberPhases":3}]}}`,
			`Accepted yes {"unit":"A","milli":16500,"phases":3}`},
		{"no limit, as -1", `3,{"status":"Accepted","chargingSchedule":{"duration":60,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":-1,"numberPhases":-1}]}}`,
			`Accepted yes {"unlimited":true}`},
		{"no period and an absurd duration", `3,{"status":"Accepted","evseId":1,"chargingSchedule":{"duration":2147483647,"chargingRateUnit":"A","chargingSchedulePeriod":[]}}`,
			`Accepted yes {"unlimited":true}`},
		{"no schedule", `3,{"status":"Accepted","chargingSchedule":null}`, `Accepted yes {"unlimited":true}`},
		{"one period, not a list of them, numbers as text", `3,{"status":"Accepted","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":{"startPeriod":"0","limit":"6,5"}}}`,
			`Accepted yes {"unit":"A","milli":6500}`},
		{"not supported", `4,"NotSupported","",{}`, ` no `},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			r.hub.Do(controller.Command{Op: 1, Station: "CP1", Kind: controller.CommandComposite, Connector: 1, Detail: controller.CompositeDetail{For: time.Minute}})
			equal(t, c.name, cp.play(always(c.answer)), []string{`GetCompositeSchedule {"connectorId":1,"duration":60}`})
			equal(t, c.name, answersTo(r), []string{c.want})
			if got := r.abilities("CP1").Composite; got != controller.TristateOf(c.answer[0] == '3') {
				t.Errorf("%s: learnt %q", c.name, got)
			}
		})
	}
}

func TestPitfall30_MembersInTheOrderOfTheTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw("CP1")
		send := func(l controller.ListDetail) []string {
			r.hub.Do(controller.Command{Op: 1, Station: "CP1", Kind: controller.CommandSendList, Detail: l})
			return cp.play(always(`3,{"status":"VersionMismatch"}`))
		}
		equal(t, "full", send(controller.ListDetail{Version: 7, Full: true, Entries: []controller.ListEntry{{Token: controller.IDToken{Value: "AABB"},
			Info: &controller.TokenInfo{Status: controller.TokenAccepted}}}}),
			[]string{`SendLocalList {"listVersion":7,"localAuthorizationList":[{"idTag":"AABB","idTagInfo":{"status":"Accepted"}}],"updateType":"Full"}`})
		equal(t, "taken off", send(controller.ListDetail{Version: 8, Entries: []controller.ListEntry{{Token: controller.IDToken{Value: "AABB"}}}}),
			[]string{`SendLocalList {"listVersion":8,"localAuthorizationList":[{"idTag":"AABB"}],"updateType":"Differential"}`})
		equal(t, "answers", answersTo(r), []string{"VersionMismatch no ", "VersionMismatch no "})
	})
}
