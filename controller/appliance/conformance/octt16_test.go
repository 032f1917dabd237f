package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"busbar/ocpp"
)

// cases16 are the cases of OCTT for a central system of OCPP 1.6.
var cases16 = slices.Concat(usualCases16, securityCases16)

// usualCases16 are those of a charger that is known and keeps its access.
var usualCases16 = []testCase{
	{"TC_001_CSMS", "cold boot", func(c *station) {
		c.connect()
		c.boots16()
		c.says("StatusNotification", status16(0, "Available"), `{}`)
		c.says("StatusNotification", status16(1, "Available"), `{}`)
		c.says("StatusNotification", status16(2, "Available"), `{}`)
		c.says("Heartbeat", `{}`, `"currentTime":"20`)
	}},
	{"TC_003_CSMS", "session, plug first", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		c.says("Authorize", `{"idTag":"GOOD"}`, `"Accepted"`)
		tx := c.starts16(1, "GOOD", "Accepted")
		c.says("StatusNotification", status16(1, "Charging"))
		c.stops16(tx, "GOOD", "Local")
		c.says("StatusNotification", status16(1, "Finishing"))
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_004_1_CSMS", "session, identification first", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"GOOD"}`, `"Accepted"`)
		c.says("StatusNotification", status16(1, "Preparing"))
		c.stops16(c.starts16(1, "GOOD", "Accepted"), "GOOD", "Local")
	}},
	{"TC_004_2_CSMS", "identified, but nobody plugs in", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"GOOD"}`, `"Accepted"`)
		c.says("StatusNotification", status16(1, "Preparing"))
		c.says("StatusNotification", status16(1, "Available"))
		c.says("Heartbeat", `{}`)
	}},
	{"TC_005_1_CSMS", "the plug is pulled at the car", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		tx := c.starts16(1, "GOOD", "Accepted")
		c.says("StatusNotification", status16(1, "SuspendedEV"))
		c.stops16(tx, "", "EVDisconnected")
		c.says("StatusNotification", status16(1, "Finishing"))
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_007_CSMS", "the charger lets a cached token in by itself", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		c.stops16(c.starts16(1, "GOOD", "Accepted"), "GOOD", "Local")
	}},
	{"TC_061_CSMS", "clear the cache", func(c *station) {
		c.ready16()
		c.operator("ClearCache", `{}`, `"Accepted"`)
	}},
	{"TC_010_CSMS", "remote start, cable first", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		c.order(1, "start", `{"id_token":"GOOD"}`, 200)
		c.hears("RemoteStartTransaction", `"idTag":"GOOD"`, `"connectorId":1`)
		tx := c.starts16(1, "GOOD", "Accepted")
		c.says("StatusNotification", status16(1, "Charging"))
		c.stops16(tx, "GOOD", "Local")
	}},
	{"TC_011_1_CSMS", "remote start first", func(c *station) {
		c.ready16()
		c.order(1, "start", `{"id_token":"GOOD"}`, 200)
		c.hears("RemoteStartTransaction", `"idTag":"GOOD"`)
		c.says("StatusNotification", status16(1, "Preparing"))
		c.stops16(c.starts16(1, "GOOD", "Accepted"), "GOOD", "Local")
	}},
	{"TC_011_2_CSMS", "remote start, nobody plugs in", func(c *station) {
		c.ready16()
		c.order(1, "start", `{"id_token":"GOOD"}`, 200)
		c.hears("RemoteStartTransaction")
		c.says("StatusNotification", status16(1, "Preparing"))
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_012_CSMS", "remote stop", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		tx := c.starts16(1, "GOOD", "Accepted")
		c.order(1, "stop", `{}`, 200)
		c.hears("RemoteStopTransaction", fmt.Sprintf(`"transactionId":%d`, tx))
		c.stops16(tx, "", "Remote")
	}},
	{"TC_013_CSMS", "hard reset", func(c *station) {
		c.ready16()
		c.operator("Reset", `{"type":"Hard"}`, `"Accepted"`)
		c.hangUp()
		c.ready16()
	}},
	{"TC_014_CSMS", "soft reset", func(c *station) {
		c.ready16()
		c.operator("Reset", `{"type":"Soft"}`, `"Accepted"`)
		c.hangUp()
		c.ready16()
	}},
	{"TC_017_1_CSMS", "unlock without a transaction", func(c *station) {
		c.ready16()
		c.order(1, "unlock", `{}`, 200)
		c.hears("UnlockConnector", `"connectorId":1`)
	}},
	{"TC_017_2_CSMS", "the same, refused by a fixed cable", func(c *station) {
		c.ready16()
		c.answersWith("UnlockConnector", `{"status":"NotSupported"}`)
		c.order(1, "unlock", `{}`, 409)
	}},
	{"TC_018_1_CSMS", "unlock during a transaction ends it first", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		tx := c.starts16(1, "GOOD", "Accepted")
		c.operator("UnlockConnector", `{"connectorId":1}`, `"Unlocked"`)
		c.stops16(tx, "", "UnlockCommand")
	}},
	{"TC_019_1_CSMS", "all keys", func(c *station) {
		c.ready16()
		c.operator("GetConfiguration", `{}`, `"configurationKey"`)
	}},
	{"TC_019_2_CSMS", "one key", func(c *station) {
		c.ready16()
		c.operator("GetConfiguration", `{"key":["SupportedFeatureProfiles"]}`, `SmartCharging`)
	}},
	{"TC_021_CSMS", "change a key", func(c *station) {
		c.ready16()
		c.operator("ChangeConfiguration", `{"key":"MeterValueSampleInterval","value":"60"}`, `"Accepted"`)
	}},
	{"TC_023_1_CSMS", "invalid token", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"INVALID"}`, `"Invalid"`)
	}},
	{"TC_023_2_CSMS", "expired token", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"EXPIRED"}`, `"Expired"`)
	}},
	{"TC_023_3_CSMS", "blocked token", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"BLOCKED"}`, `"Blocked"`)
	}},
	{"TC_024_CSMS", "the plug can't be locked", func(c *station) {
		c.ready16()
		c.says("Authorize", `{"idTag":"GOOD"}`, `"Accepted"`)
		c.says("StatusNotification", `{"connectorId":1,"errorCode":"ConnectorLockFailure","status":"Faulted"}`, `{}`)
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_026_CSMS", "remote start refused", func(c *station) {
		c.ready16()
		c.answersWith("RemoteStartTransaction", `{"status":"Rejected"}`)
		c.operator("RemoteStartTransaction", `{"connectorId":1,"idTag":"GOOD"}`, `"Rejected"`)
	}},
	{"TC_028_CSMS", "remote stop refused", func(c *station) {
		c.ready16()
		c.answersWith("RemoteStopTransaction", `{"status":"Rejected"}`)
		c.operator("RemoteStopTransaction", `{"transactionId":1}`, `"Rejected"`)
	}},
	{"TC_030_CSMS", "unlock fails", func(c *station) {
		c.ready16()
		c.answersWith("UnlockConnector", `{"status":"UnlockFailed"}`)
		c.order(1, "unlock", `{}`, 409)
	}},
	{"TC_031_CSMS", "unlock of a connector that is not there", func(c *station) {
		c.ready16()
		c.answersWith("UnlockConnector", `{"status":"NotSupported"}`)
		c.operator("UnlockConnector", `{"connectorId":7}`, `"NotSupported"`)
	}},
	{"TC_032_1_CSMS", "power fails, the transaction ends when it is back", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		tx := c.starts16(1, "GOOD", "Accepted")
		c.hangUp()
		c.connect()
		c.boots16()
		c.stops16(tx, "", "PowerLoss")
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_037_1_CSMS", "begun offline, told later", func(c *station) {
		c.ready16()
		at := time.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
		c.says("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"GOOD","meterStart":100,"timestamp":%q}`, at), `"Accepted"`)
		c.says("StatusNotification", status16(1, "Charging"))
	}},
	{"TC_037_3_CSMS", "begun offline by a token that is not valid: the charger hears so", func(c *station) {
		c.ready16()
		at := time.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
		answer := c.says("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"INVALID","meterStart":100,"timestamp":%q}`, at), `"Invalid"`)
		c.stops16(int(answer["transactionId"].(float64)), "", "DeAuthorized")
	}},
	{"TC_039_CSMS", "begun and ended offline", func(c *station) {
		c.ready16()
		at := time.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
		answer := c.says("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"GOOD","meterStart":100,"timestamp":%q}`, at), `"Accepted"`)
		c.stops16(int(answer["transactionId"].(float64)), "GOOD", "Local")
	}},
	{"TC_040_1_CSMS", "a key that the charger does not have", func(c *station) {
		c.ready16()
		c.answersWith("ChangeConfiguration", `{"status":"NotSupported"}`)
		c.operator("ChangeConfiguration", `{"key":"NoSuchKey","value":"1"}`, `"NotSupported"`)
	}},
	{"TC_040_2_CSMS", "a value that it refuses", func(c *station) {
		c.ready16()
		c.answersWith("ChangeConfiguration", `{"status":"Rejected"}`)
		c.operator("ChangeConfiguration", `{"key":"MeterValueSampleInterval","value":"-1"}`, `"Rejected"`)
	}},
	{"TC_042_1_CSMS", "no local list", func(c *station) {
		c.ready16()
		c.answersWith("GetLocalListVersion", `{"listVersion":-1}`)
		c.operator("GetLocalListVersion", `{}`, `-1`)
	}},
	{"TC_042_2_CSMS", "an empty list", func(c *station) {
		c.ready16()
		c.operator("GetLocalListVersion", `{}`, `"listVersion":0`)
	}},
	{"TC_043_1_CSMS", "local list not supported", func(c *station) { c.list16("NotSupported") }},
	{"TC_043_3_CSMS", "local list fails", func(c *station) { c.list16("Failed") }},
	{"TC_043_4_CSMS", "local list taken", func(c *station) { c.list16("Accepted") }},
	{"TC_043_5_CSMS", "local list of another version", func(c *station) { c.list16("VersionMismatch") }},
	{"TC_044_1_CSMS", "firmware update", func(c *station) { c.firmware16("Downloading", "Downloaded", "Installing", "Installed") }},
	{"TC_044_2_CSMS", "firmware download fails", func(c *station) { c.firmware16("Downloading", "DownloadFailed") }},
	{"TC_044_3_CSMS", "firmware installation fails", func(c *station) { c.firmware16("Downloading", "Downloaded", "Installing", "InstallationFailed") }},
	{"TC_045_1_CSMS", "diagnostics", func(c *station) { c.diagnostics16("Uploading", "Uploaded") }},
	{"TC_045_2_CSMS", "diagnostics upload fails", func(c *station) { c.diagnostics16("Uploading", "UploadFailed") }},
	{"TC_046_CSMS", "reserve, then charge with that token", func(c *station) {
		c.ready16()
		c.operator("ReserveNow", reserve16, `"Accepted"`)
		c.says("StatusNotification", status16(1, "Reserved"))
		c.says("StatusNotification", status16(1, "Preparing"))
		answer := c.says("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"GOOD","meterStart":100,"reservationId":7,"timestamp":%q}`, now()), `"Accepted"`)
		c.stops16(int(answer["transactionId"].(float64)), "GOOD", "Local")
	}},
	{"TC_047_CSMS", "a reservation runs out", func(c *station) {
		c.ready16()
		c.operator("ReserveNow", reserve16, `"Accepted"`)
		c.says("StatusNotification", status16(1, "Reserved"))
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_048_1_CSMS", "reservation of a faulted connector", func(c *station) { c.reserve16("Faulted") }},
	{"TC_048_2_CSMS", "reservation of an occupied connector", func(c *station) { c.reserve16("Occupied") }},
	{"TC_048_3_CSMS", "reservation of an unavailable connector", func(c *station) { c.reserve16("Unavailable") }},
	{"TC_048_4_CSMS", "reservation refused", func(c *station) { c.reserve16("Rejected") }},
	{"TC_049_CSMS", "any connector is reserved", func(c *station) {
		c.ready16()
		c.operator("ReserveNow", `{"connectorId":0,"expiryDate":"2036-01-01T00:00:00Z","idTag":"GOOD","reservationId":8}`, `"Accepted"`)
		answer := c.says("StartTransaction", fmt.Sprintf(`{"connectorId":2,"idTag":"GOOD","meterStart":100,"reservationId":8,"timestamp":%q}`, now()), `"Accepted"`)
		c.stops16(int(answer["transactionId"].(float64)), "GOOD", "Local")
	}},
	{"TC_051_CSMS", "a reservation is taken back", func(c *station) {
		c.ready16()
		c.operator("ReserveNow", reserve16, `"Accepted"`)
		c.operator("CancelReservation", `{"reservationId":7}`, `"Accepted"`)
		c.says("StatusNotification", status16(1, "Available"))
	}},
	{"TC_052_CSMS", "one that is not known", func(c *station) {
		c.ready16()
		c.answersWith("CancelReservation", `{"status":"Rejected"}`)
		c.operator("CancelReservation", `{"reservationId":9}`, `"Rejected"`)
	}},
	{"TC_053_CSMS", "reserved for a group", func(c *station) {
		c.ready16()
		c.operator("ReserveNow", `{"connectorId":1,"expiryDate":"2036-01-01T00:00:00Z","idTag":"GOOD","parentIdTag":"GROUP","reservationId":7}`, `"Accepted"`)
		c.says("Authorize", `{"idTag":"OTHER"}`, `"Accepted"`)
	}},
	{"TC_054_CSMS", "every message that can be asked for", func(c *station) {
		c.ready16()
		for _, m := range []string{"MeterValues", "Heartbeat", "StatusNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "BootNotification"} {
			c.operator("TriggerMessage", fmt.Sprintf(`{"requestedMessage":%q}`, m), `"Accepted"`)
		}
		c.says("MeterValues", fmt.Sprintf(`{"connectorId":1,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"100","context":"Trigger"}]}]}`, now()), `{}`)
		c.says("DiagnosticsStatusNotification", `{"status":"Idle"}`, `{}`)
		c.says("FirmwareStatusNotification", `{"status":"Idle"}`, `{}`)
		c.boots16()
	}},
	{"TC_055_CSMS", "refused", func(c *station) {
		c.ready16()
		c.answersWith("TriggerMessage", `{"status":"Rejected"}`)
		c.operator("TriggerMessage", `{"requestedMessage":"MeterValues","connectorId":7}`, `"Rejected"`)
	}},
	{"TC_056_CSMS", "a default profile", func(c *station) {
		c.connect()
		c.boots16()
		c.hears("SetChargingProfile", `"chargingProfilePurpose":"TxDefaultProfile"`, `"connectorId":0`)
	}},
	{"TC_057_CSMS", "a profile of the transaction", func(c *station) {
		c.ready16()
		c.says("StatusNotification", status16(1, "Preparing"))
		tx := c.starts16(1, "GOOD", "Accepted")
		c.hears("SetChargingProfile", `"chargingProfilePurpose":"TxProfile"`, fmt.Sprintf(`"transactionId":%d`, tx))
		c.stops16(tx, "GOOD", "Local")
	}},
	{"TC_059_CSMS", "a remote start with a profile", func(c *station) {
		c.ready16()
		c.operator("RemoteStartTransaction", `{"connectorId":1,"idTag":"GOOD","chargingProfile":{"chargingProfileId":30,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}}}`, `"Accepted"`)
		c.stops16(c.starts16(1, "GOOD", "Accepted"), "GOOD", "Local")
	}},
	{"TC_066_CSMS", "composite schedule", func(c *station) {
		c.ready16()
		c.answersWith("GetCompositeSchedule", `{"status":"Accepted","connectorId":1,"chargingSchedule":{"duration":300,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}}`)
		c.operator("GetCompositeSchedule", `{"connectorId":1,"duration":300}`, `"limit":6`)
	}},
	{"TC_067_CSMS", "profiles are cleared", func(c *station) {
		c.ready16()
		c.operator("ClearChargingProfile", `{"id":30}`, `"Accepted"`)
	}},
	{"TC_064_CSMS", "DataTransfer of a vendor that nobody knows", func(c *station) {
		c.ready16()
		c.says("DataTransfer", `{"vendorId":"org.example","messageId":"m","data":"x"}`, `"UnknownVendorId"`)
	}},
	{"TC_074_CSMS", "a new certificate is asked for", func(c *station) {
		c.ready16()
		c.operator("ExtendedTriggerMessage", `{"requestedMessage":"SignChargePointCertificate"}`, `"Accepted"`)
		c.says("SignCertificate", `{"csr":"-----BEGIN CERTIFICATE REQUEST-----"}`, `"Rejected"`) // it is none
	}},
	{"TC_075_1_CSMS", "manufacturer root is installed", func(c *station) { c.install16("ManufacturerRootCertificate") }},
	{"TC_075_2_CSMS", "central system root is installed", func(c *station) { c.install16("CentralSystemRootCertificate") }},
	{"TC_076_CSMS", "a certificate is deleted", func(c *station) {
		c.ready16()
		c.answersWith("GetInstalledCertificateIds", `{"status":"Accepted","certificateHashData":[`+hash16+`]}`)
		c.operator("GetInstalledCertificateIds", `{"certificateType":"CentralSystemRootCertificate"}`, `"serialNumber":"01"`)
		c.operator("DeleteCertificate", `{"certificateHashData":`+hash16+`}`, `"Accepted"`)
	}},
	{"TC_077_CSMS", "event: invalid charge point certificate", func(c *station) { c.event16("InvalidChargePointCertificate") }},
	{"TC_078_CSMS", "event: invalid central system certificate", func(c *station) { c.event16("InvalidCentralSystemCertificate") }},
	{"TC_079_CSMS", "the security log", func(c *station) {
		c.ready16()
		c.answersWith("GetLog", `{"status":"Accepted","filename":"security.log"}`)
		c.operator("GetLog", `{"logType":"SecurityLog","requestId":1,"log":{"remoteLocation":"http://box.lan/log"}}`, `"security.log"`)
		for _, status := range []string{"Uploading", "Uploaded"} {
			c.says("LogStatusNotification", fmt.Sprintf(`{"status":%q,"requestId":1}`, status), `{}`)
		}
	}},
	{"TC_080_CSMS", "signed firmware update", func(c *station) {
		c.signedFirmware16("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed")
	}},
	{"TC_088_CSMS", "a subprotocol that nobody speaks", func(c *station) {
		c.protocol = "ocpp1.5"
		url, _ := c.door()
		_, err := ocpp.Dial(c.t.Context(), ocpp.ClientConfig{URL: url, Identity: c.id, Protocols: []ocpp.Protocol{c.protocol}})
		if refused, ok := errors.AsType[*ocpp.DialError](err); !ok || refused.Status != http.StatusSwitchingProtocols {
			c.t.Fatalf("want a handshake without a subprotocol, then the end; got %v", err)
		}
		c.protocol = ocpp.V16
		c.ready16()
	}},
	{"TC_081_CSMS", "signed firmware with a wrong signature", func(c *station) { c.signedFirmware16("Downloading", "Downloaded", "InvalidSignature") }},
}

const (
	reserve16 = `{"connectorId":1,"expiryDate":"2036-01-01T00:00:00Z","idTag":"GOOD","reservationId":7}`
	hash16    = `{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"01"}`
)

func status16(connector int, status string) string {
	return fmt.Sprintf(`{"connectorId":%d,"errorCode":"NoError","status":%q,"timestamp":%q}`, connector, status, now())
}

func (c *station) boots16() {
	c.t.Helper()
	c.says("BootNotification", `{"chargePointVendor":"ACME","chargePointModel":"One","firmwareVersion":"1.0"}`, `"status":"Accepted"`, `"interval":`)
}

// ready16 connects, boots and reports two free connectors.
func (c *station) ready16() {
	c.t.Helper()
	c.connect()
	c.boots16()
	c.says("StatusNotification", status16(1, "Available"))
	c.says("StatusNotification", status16(2, "Available"))
}

func (c *station) starts16(connector int, tag, want string) int {
	c.t.Helper()
	answer := c.says("StartTransaction", fmt.Sprintf(`{"connectorId":%d,"idTag":%q,"meterStart":100,"timestamp":%q}`, connector, tag, now()), want)
	return int(answer["transactionId"].(float64))
}

func (c *station) stops16(tx int, tag, reason string) {
	c.t.Helper()
	who := ""
	if tag != "" {
		who = fmt.Sprintf(`"idTag":%q,`, tag)
	}
	c.says("StopTransaction", fmt.Sprintf(`{%s"meterStop":1100,"timestamp":%q,"transactionId":%d,"reason":%q}`, who, now(), tx, reason))
}

func (c *station) list16(status string) {
	c.t.Helper()
	c.ready16()
	c.answersWith("SendLocalList", fmt.Sprintf(`{"status":%q}`, status))
	c.operator("SendLocalList", `{"listVersion":1,"updateType":"Full","localAuthorizationList":[{"idTag":"GOOD","idTagInfo":{"status":"Accepted"}}]}`, status)
}

func (c *station) firmware16(statuses ...string) {
	c.t.Helper()
	c.ready16()
	c.operator("UpdateFirmware", `{"location":"http://box.lan/firmware","retrieveDate":"2026-01-01T00:00:00Z"}`)
	for _, s := range statuses {
		c.says("FirmwareStatusNotification", fmt.Sprintf(`{"status":%q}`, s), `{}`)
	}
}

func (c *station) signedFirmware16(statuses ...string) {
	c.t.Helper()
	c.ready16()
	c.operator("SignedUpdateFirmware", `{"requestId":5,"firmware":{"location":"http://box.lan/firmware","retrieveDateTime":"2026-01-01T00:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"AA=="}}`, `"Accepted"`)
	for _, s := range statuses {
		c.says("SignedFirmwareStatusNotification", fmt.Sprintf(`{"status":%q,"requestId":5}`, s), `{}`)
	}
}

func (c *station) diagnostics16(statuses ...string) {
	c.t.Helper()
	c.ready16()
	c.operator("GetDiagnostics", `{"location":"ftp://box.lan/diagnostics"}`, `"diagnostics.zip"`)
	for _, s := range statuses {
		c.says("DiagnosticsStatusNotification", fmt.Sprintf(`{"status":%q}`, s), `{}`)
	}
}

func (c *station) reserve16(status string) {
	c.t.Helper()
	c.ready16()
	c.answersWith("ReserveNow", fmt.Sprintf(`{"status":%q}`, status))
	c.operator("ReserveNow", reserve16, status)
}

func (c *station) install16(kind string) {
	c.t.Helper()
	c.ready16()
	c.operator("InstallCertificate", fmt.Sprintf(`{"certificateType":%q,"certificate":"-----BEGIN CERTIFICATE-----"}`, kind), `"Accepted"`)
}

func (c *station) event16(kind string) {
	c.t.Helper()
	c.ready16()
	c.says("SecurityEventNotification", fmt.Sprintf(`{"type":%q,"timestamp":%q,"techInfo":"x"}`, kind, now()), `{}`)
}
