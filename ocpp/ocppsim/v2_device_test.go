package ocppsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

func variable2x(component, name, instance string) (ocpp2.Component, ocpp2.Variable) {
	v := ocpp2.Variable{Name: name}
	if instance != "" {
		v.Instance = &instance
	}
	return ocpp2.Component{Name: component}, v
}

func TestVariablesOf2x(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{Plan: stay()}, func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		for _, c := range []struct {
			component, name, instance, value string
			want                             ocpp2.SetVariableStatus
		}{
			{"SampledDataCtrlr", "TxUpdatedInterval", "", "10", ocpp2.SetVariableStatusAccepted},
			{"sampleddatactrlr", "txupdatedinterval", "", "10", ocpp2.SetVariableStatusAccepted},
			{"SampledDataCtrlr", "TxUpdatedInterval", "", "soon", ocpp2.SetVariableStatusRejected},
			{"SampledDataCtrlr", "TxUpdatedMeasurands", "", "Current.Import,RPM", ocpp2.SetVariableStatusRejected},
			{"SampledDataCtrlr", "TxUpdatedMeasurands", "", "Current.Import, Voltage", ocpp2.SetVariableStatusAccepted},
			{"SmartChargingCtrlr", "RateUnit", "", "A", ocpp2.SetVariableStatusRejected},
			{"AuthCtrlr", "LocalPreAuthorize", "", "perhaps", ocpp2.SetVariableStatusRejected},
			{"OCPPCommCtrlr", "MessageAttempts", "", "9", ocpp2.SetVariableStatusUnknownVariable},
			{"OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", "9", ocpp2.SetVariableStatusAccepted},
			{"Nonsense", "X", "", "1", ocpp2.SetVariableStatusUnknownComponent},
		} {
			component, name := variable2x(c.component, c.name, c.instance)
			got := ask(t, b, ocpp2.SetVariables, ocpp2.SetVariablesRequest{SetVariableData: []ocpp2.SetVariableData{{AttributeValue: c.value, Component: component, Variable: name}}})
			if got.SetVariableResult[0].AttributeStatus != c.want {
				t.Errorf("%s.%s=%s: %s, want %s", c.component, c.name, c.value, got.SetVariableResult[0].AttributeStatus, c.want)
			}
		}
		component, name := variable2x("SampledDataCtrlr", "TxUpdatedMeasurands", "")
		got := ask(t, b, ocpp2.GetVariables, ocpp2.GetVariablesRequest{GetVariableData: []ocpp2.GetVariableData{
			{Component: component, Variable: name}, {Component: ocpp2.Component{Name: "EVSE", EVSE: &ocpp2.EVSE{ID: 1}}, Variable: ocpp2.Variable{Name: "AvailabilityState"}},
			{Component: component, Variable: name, AttributeType: new(ocpp2.AttributeTarget)}}}).GetVariableResult
		if *got[0].AttributeValue != "Current.Import, Voltage" || *got[1].AttributeValue != "Occupied" || got[2].AttributeStatus != ocpp2.GetVariableStatusNotSupportedAttributeType {
			t.Errorf("%+v", got)
		}
		before := b.cloud.Ledger().Transactions[0].Samples
		b.wait(61 * time.Second)
		if n := b.cloud.Ledger().Transactions[0].Samples - before; n != 6 {
			t.Errorf("%d samples in a minute, want 6", n)
		}
	})
}

func TestBaseReportComesInPages(t *testing.T) {
	runOn(t, ocpp.V21, 1, ChargerConfig{}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		if r := ask(t, b, ocpp2.GetBaseReport, ocpp2.GetBaseReportRequest{RequestID: 1, ReportBase: ocpp2.ReportBaseSummaryInventory}); r.Status != ocpp2.GenericDeviceModelStatusNotSupported {
			t.Error(r.Status)
		}
		ask(t, b, ocpp2.GetBaseReport, ocpp2.GetBaseReportRequest{RequestID: 2, ReportBase: ocpp2.ReportBaseFullInventory})
		b.wait(time.Second)
		pages := of[ocpp2.NotifyReportRequest](b.cloud)
		items := 0
		for n, p := range pages {
			items += len(p.ReportData)
			if more := p.Tbc != nil && *p.Tbc; p.SeqNo != n || p.RequestID != 2 || more != (n < len(pages)-1) {
				t.Errorf("page %d: %+v", n, p)
			}
		}
		if len(pages) < 2 || items != len(b.chargers[0].dialect.(*v2).vars) {
			t.Errorf("%d variables on %d pages", items, len(pages))
		}
	})
}

func TestTriggersOf2x(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{Plan: stay()}, func(t *testing.T, b *bench) {
		b.wait(30 * time.Second)
		samples := b.cloud.Ledger().Transactions[0].Samples
		for _, m := range []ocpp2.MessageTrigger{ocpp2.MessageTriggerBootNotification, ocpp2.MessageTriggerHeartbeat, ocpp2.MessageTriggerMeterValues,
			ocpp2.MessageTriggerTransactionEvent, ocpp2.MessageTriggerStatusNotification, ocpp2.MessageTriggerFirmwareStatusNotification,
			ocpp2.MessageTriggerLogStatusNotification, ocpp2.MessageTriggerSignChargingStationCertificate} {
			if got := ask(t, b, ocpp2.TriggerMessage, ocpp2.TriggerMessageRequest{RequestedMessage: m}); got.Status != ocpp2.TriggerMessageStatusAccepted {
				t.Errorf("%s: %s", m, got.Status)
			}
		}
		if got := ask(t, b, ocpp2.TriggerMessage, ocpp2.TriggerMessageRequest{RequestedMessage: ocpp2.MessageTriggerSignV2GCertificate}); got.Status != ocpp2.TriggerMessageStatusNotImplemented {
			t.Error(got.Status)
		}
		b.wait(time.Second)
		if l := b.cloud.Ledger(); l.Boots != 2 || l.Transactions[0].Samples != samples+1 || len(l.Faults) != 0 {
			t.Errorf("%+v", l)
		}
		var heard []string
		for _, h := range b.cloud.Heard() {
			heard = append(heard, h.Action)
		}
		if want := []string{"MeterValues", "FirmwareStatusNotification", "LogStatusNotification", "SignCertificate"}; !slices.Equal(heard, want) {
			t.Errorf("%v, want %v", heard, want)
		}
	})
}

// issue signs a certificate for key with itself, or with the parent's key.
func issue(t *testing.T, name string, key, parent any, public any) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, parent)
	if err != nil {
		t.Fatal(err)
	}
	_ = key
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCertificatesOf2x(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		root := issue(t, "root", ca, ca, ca.Public())
		install := ocpp2.InstallCertificateRequest{CertificateType: ocpp2.InstallCertificateUseCSMSRootCertificate, Certificate: root}
		if r := ask(t, b, ocpp2.InstallCertificate, install); r.Status != ocpp2.InstallCertificateStatusAccepted {
			t.Fatal(r.Status)
		}
		ids := ask(t, b, ocpp2.GetInstalledCertificateIds, ocpp2.GetInstalledCertificateIdsRequest{})
		if ids.Status != ocpp2.GetInstalledCertificateStatusAccepted || len(ids.CertificateHashDataChain) != 1 || ids.CertificateHashDataChain[0].CertificateHashData.SerialNumber != "1267" {
			t.Fatalf("%+v", ids)
		}
		drop := ocpp2.DeleteCertificateRequest{CertificateHashData: ids.CertificateHashDataChain[0].CertificateHashData}
		if r := ask(t, b, ocpp2.DeleteCertificate, drop); r.Status != ocpp2.DeleteCertificateStatusAccepted {
			t.Error(r.Status)
		}
		if r := ask(t, b, ocpp2.DeleteCertificate, drop); r.Status != ocpp2.DeleteCertificateStatusNotFound {
			t.Error(r.Status)
		}
		ask(t, b, ocpp2.TriggerMessage, ocpp2.TriggerMessageRequest{RequestedMessage: ocpp2.MessageTriggerSignChargingStationCertificate})
		b.wait(time.Second)
		block, _ := pem.Decode([]byte(of[ocpp2.SignCertificateRequest](b.cloud)[0].Csr))
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || csr.CheckSignature() != nil || csr.Subject.CommonName != "CP0" {
			t.Fatal(csr, err)
		}
		for chain, want := range map[string]ocpp2.CertificateSignedStatus{
			issue(t, "CP0", nil, ca, csr.PublicKey): ocpp2.CertificateSignedStatusAccepted, root: ocpp2.CertificateSignedStatusRejected} {
			if r := ask(t, b, ocpp2.CertificateSigned, ocpp2.CertificateSignedRequest{CertificateChain: chain}); r.Status != want {
				t.Errorf("%s, want %s", r.Status, want)
			}
		}
		b.wait(time.Second)
		if events := of[ocpp2.SecurityEventNotificationRequest](b.cloud); len(events) != 1 || events[0].Type != "InvalidChargingStationCertificate" {
			t.Errorf("%+v", events)
		}
	})
}

func TestAFirmwareUpdateAndALog(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		if r := ask(t, b, ocpp2.GetLog, ocpp2.GetLogRequest{LogType: ocpp2.LogDiagnosticsLog, RequestID: 5, Log: ocpp2.LogParameters{RemoteLocation: "https://logs.example/"}}); r.Status != ocpp2.LogStatusAccepted {
			t.Error(r.Status)
		}
		ask(t, b, ocpp2.UpdateFirmware, ocpp2.UpdateFirmwareRequest{RequestID: 6, Firmware: ocpp2.Firmware{Location: "https://firmware.example/2", RetrieveDateTime: ocpp.NewDateTime(time.Now())}})
		b.wait(time.Minute)
		var steps []ocpp2.FirmwareStatus
		for _, s := range of[ocpp2.FirmwareStatusNotificationRequest](b.cloud) {
			steps = append(steps, s.Status)
		}
		if want := []ocpp2.FirmwareStatus{ocpp2.FirmwareStatusDownloading, ocpp2.FirmwareStatusDownloaded, ocpp2.FirmwareStatusInstalling, ocpp2.FirmwareStatusInstalled}; !slices.Equal(steps, want) {
			t.Errorf("%v, want %v", steps, want)
		}
		if logs := of[ocpp2.LogStatusNotificationRequest](b.cloud); len(logs) != 2 || logs[1].Status != ocpp2.UploadLogStatusUploaded || *logs[1].RequestID != 5 {
			t.Errorf("%+v", logs)
		}
		if l := b.cloud.Ledger(); l.Boots != 2 || b.chargers[0].dialect.(*v2).firmware != "1.0.1" {
			t.Errorf("%d boots", l.Boots)
		}
	})
}
