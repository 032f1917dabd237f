package appliance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"busbar/controller/config"
	"busbar/controller/pki"
	"busbar/controller/store"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/logging"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/securefirmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
	"github.com/lorenzodonini/ocpp-go/ws"
)

// peerProfiles are the security profiles that independent charge points come by.
var peerProfiles = []int{0, 1, 2, 3}

// securedBox is a box without cloud whose charger CP1 has a security profile, and what
// an independent client needs to reach it.
func securedBox(t *testing.T, profile int) (box *Box, url string, client *ws.Client) {
	t.Helper()
	charger := fmt.Sprintf(`{id: CP1, circuit: main, security_profile: %d, failsafe_a: 6, connectors: [{n: 1, max_a: 32}]`, profile)
	if profile == 1 || profile == 2 {
		charger += `, password: "secret-of-CP1-%"`
	}
	network := `charger_network: {name: box.lan}
listen: {ui: "", ws: "", wss: "127.0.0.1:0", mtls: "127.0.0.1:0"}`
	if profile < 2 {
		network = `charger_network: {isolated: {by: J. Doe, on: 2026-03-01}}
listen: {ui: "", ws: "127.0.0.1:0", wss: "", mtls: ""}`
	}
	cfg, err := config.Parse("site.yaml", fmt.Appendf(nil, `version: 1
site: {id: depot, name: Depot North, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers: [%s}]
authorization: {unknown: accept, offline_unknown: accept, groups: []}
%s
`, charger, network), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	box, _ = runBox(t, Options{Config: cfg, DataDir: t.TempDir(), Version: "test"})
	door := []string{doorPlain, doorPlain, doorTLS, doorCertificate}[profile]
	scheme := "wss"
	switch profile {
	case 0, 1:
		scheme, client = "ws", ws.NewClient()
	case 2:
		client = ws.NewTLSClient(trusting(box))
	case 3:
		client = ws.NewTLSClient(trusting(box, certificateFor(t, box, "CP1")))
	}
	if profile == 1 || profile == 2 {
		client.SetBasicAuth("CP1", "secret-of-CP1-%")
	}
	return box, fmt.Sprintf("%s://127.0.0.1:%d/ocpp", scheme, port(box.Addr(door))), client
}

// certificateFor has the site CA sign a certificate for a charger, as it is done when
// it is commissioned.
func certificateFor(t *testing.T, box *Box, id string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := box.ca.Sign(t.Context(), pki.Request{Station: id, CSR: requestFor(t, key, id, box.ca.Operator())})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair([]byte(issued.Chain), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func requestFor(t *testing.T, key *ecdsa.PrivateKey, name, operator string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name, Organization: []string{operator}}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// commands16 is every call that a CSMS makes in OCPP 1.6.
var commands16 = []struct{ action, payload string }{
	{"ChangeAvailability", `{"connectorId":1,"type":"Operative"}`},
	{"ChangeConfiguration", `{"key":"LightIntensity","value":"50"}`},
	{"ClearCache", `{}`},
	{"DataTransfer", `{"vendorId":"org.example"}`},
	{"GetConfiguration", `{"key":["HeartbeatInterval"]}`},
	{"RemoteStartTransaction", `{"connectorId":1,"idTag":"TAG1"}`},
	{"RemoteStopTransaction", `{"transactionId":1}`},
	{"Reset", `{"type":"Soft"}`},
	{"UnlockConnector", `{"connectorId":1}`},
	{"GetDiagnostics", `{"location":"ftp://box.lan/diagnostics"}`},
	{"UpdateFirmware", `{"location":"http://box.lan/firmware.bin","retrieveDate":"2026-03-02T10:00:00Z"}`},
	{"GetLocalListVersion", `{}`},
	{"SendLocalList", `{"listVersion":4,"localAuthorizationList":[{"idTag":"TAG1","idTagInfo":{"status":"Accepted"}}],"updateType":"Full"}`},
	{"ReserveNow", `{"connectorId":1,"expiryDate":"2036-03-02T10:00:00Z","idTag":"TAG1","reservationId":7}`},
	{"CancelReservation", `{"reservationId":7}`},
	{"TriggerMessage", `{"requestedMessage":"Heartbeat"}`},
	{"SetChargingProfile", `{"connectorId":1,"csChargingProfiles":{"chargingProfileId":9,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.5}]}}}`},
	{"ClearChargingProfile", `{"id":9}`},
	{"GetCompositeSchedule", `{"connectorId":1,"duration":60}`},
	{"GetLog", `{"logType":"SecurityLog","requestId":11,"log":{"remoteLocation":"http://box.lan/log"}}`},
	{"ExtendedTriggerMessage", `{"requestedMessage":"LogStatusNotification"}`},
	{"CertificateSigned", `{"certificateChain":"-----BEGIN CERTIFICATE-----"}`},
	{"InstallCertificate", `{"certificateType":"CentralSystemRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}`},
	{"GetInstalledCertificateIds", `{"certificateType":"CentralSystemRootCertificate"}`},
	{"DeleteCertificate", `{"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"01"}}`},
	{"SignedUpdateFirmware", `{"requestId":12,"firmware":{"location":"http://box.lan/firmware.bin","retrieveDateTime":"2026-03-02T10:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"AA=="}}`},
}

// TestIndependentChargePointSaysAllOf16 has a charge point that is not ours say and hear
// every message of OCPP 1.6 with the security extension, over each security profile.
func TestIndependentChargePointSaysAllOf16(t *testing.T) {
	for _, profile := range peerProfiles {
		t.Run(fmt.Sprintf("profile %d", profile), func(t *testing.T) {
			box, url, client := securedBox(t, profile)
			charger := point{newDiary()}
			cp := ocpp16.NewChargePoint("CP1", nil, client)
			cp.SetCoreHandler(charger)
			cp.SetSmartChargingHandler(charger)
			cp.SetRemoteTriggerHandler(charger)
			cp.SetFirmwareManagementHandler(charger)
			cp.SetLocalAuthListHandler(charger)
			cp.SetReservationHandler(charger)
			cp.SetLogHandler(charger)
			cp.SetSecurityHandler(charger)
			cp.SetExtendedTriggerMessageHandler(charger)
			cp.SetSecureFirmwareHandler(charger)
			cp.SetCertificateHandler(charger)
			if err := cp.Start(url); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cp.Stop)
			saysAllOf16(t, box, cp, charger)
			for _, c := range commands16 {
				if answer, err := box.hub.Call(t.Context(), "CP1", c.action, json.RawMessage(c.payload)); err != nil {
					t.Errorf("%s: %s %v", c.action, answer, err)
				}
			}
			for _, heard := range []string{"diagnostics to ftp://", "firmware from http://", "list 4 with 1", "reserve 7", "log 11 to http://", "trigger LogStatus", "signed firmware from http://"} {
				charger.await(t, heard)
			}
		})
	}
}

// saysAllOf16 makes every call of a charge point.
func saysAllOf16(t *testing.T, box *Box, cp ocpp16.ChargePoint, charger point) {
	t.Helper()
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	now := func() *types.DateTime { return types.NewDateTime(time.Now()) }
	boot, err := cp.BootNotification("Model", "Vendor")
	ok("boot", err)
	if boot.Status != core.RegistrationStatusAccepted {
		t.Fatalf("boot: %s", boot.Status)
	}
	charger.await(t, "profile TxDefaultProfile connector 0 limit 6")
	_, err = cp.Heartbeat()
	ok("heartbeat", err)
	_, err = cp.StatusNotification(1, core.NoError, core.ChargePointStatusPreparing)
	ok("status", err)
	auth, err := cp.Authorize("TAG1")
	ok("authorize", err)
	start, err := cp.StartTransaction(1, "TAG1", 1000, now())
	ok("start", err)
	if auth.IdTagInfo.Status != types.AuthorizationStatusAccepted || start.IdTagInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("%v, %v", auth.IdTagInfo, start.IdTagInfo)
	}
	charger.await(t, "profile TxProfile connector 1 limit ")
	values := []types.MeterValue{{Timestamp: now(), SampledValue: []types.SampledValue{{Value: "1500", Context: types.ReadingContextTransactionBegin}}}}
	_, err = cp.MeterValues(1, values, func(r *core.MeterValuesRequest) { r.TransactionId = &start.TransactionId })
	ok("meter values", err)
	_, err = cp.StopTransaction(2500, now(), start.TransactionId)
	ok("stop", err)
	_, err = cp.DataTransfer("org.example")
	ok("data transfer", err)
	_, err = cp.DiagnosticsStatusNotification(firmware.DiagnosticsStatusUploaded)
	ok("diagnostics status", err)
	for _, status := range []firmware.FirmwareStatus{firmware.FirmwareStatusDownloading, firmware.FirmwareStatusDownloaded, firmware.FirmwareStatusInstalling, firmware.FirmwareStatusInstalled} {
		_, err = cp.FirmwareStatusNotification(status)
		ok("firmware status", err)
	}
	_, err = cp.SecurityEventNotification("SettingSystemTime", now())
	ok("security event", err)
	_, err = cp.LogStatusNotification(logging.UploadLogStatusUploaded, 11)
	ok("log status", err)
	_, err = cp.SignedUpdateFirmwareStatusNotification(securefirmware.FirmwareStatusInstalled)
	ok("signed firmware status", err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok("key", err)
	operator := "Depot North"
	if box.ca != nil {
		operator = box.ca.Operator()
	}
	signed, err := cp.SignCertificate(requestFor(t, key, "CP1", operator))
	ok("sign certificate", err)
	if box.ca != nil && signed.Status == types.GenericStatusAccepted {
		if chain := charger.await(t, "certificate "); !strings.Contains(chain, "BEGIN CERTIFICATE") {
			t.Errorf("certificate %s", chain)
		}
	}
	for tx, err := range box.store.Transactions(t.Context(), store.TxFilter{}) {
		if err != nil || tx.Energy != 1500 || !tx.Ended || tx.Token.Value != "TAG1" {
			t.Errorf("%+v, %v", tx, err)
		}
	}
}
