package conformance

import (
	"fmt"
	"slices"
)

// cases201 are the cases of Part 6 for a CSMS of OCPP 2.0.1.
var cases201 = slices.Concat(usualCases201, pendingCases201, outsideCases201, deviceCases201, planCases201, securityCases201)

// usualCases201 are those of a station that is known and charges.
var usualCases201 = []testCase{
	{"TC_B_01_CSMS", "cold boot", func(c *station) {
		c.ready2()
		c.says("Heartbeat", `{}`, `"currentTime":"20`)
	}},
	{"TC_B_06_CSMS", "one variable is read", asks2("GetVariables", `{"getVariableData":[`+variable2("")+`]}`, "", `"attributeValue":"1"`)},
	{"TC_B_07_CSMS", "several variables are read", asks2("GetVariables", `{"getVariableData":[`+variable2("")+`,`+variable2("")+`]}`, "", `"attributeValue":"1"`)},
	{"TC_B_09_CSMS", "one variable is set", asks2("SetVariables", `{"setVariableData":[`+variable2(`"attributeValue":"30",`)+`]}`, "", `"Accepted"`)},
	{"TC_B_10_CSMS", "several variables are set", asks2("SetVariables", `{"setVariableData":[`+variable2(`"attributeValue":"30",`)+`,`+variable2(`"attributeValue":"40",`)+`]}`, "", `"Accepted"`)},
	{"TC_B_12_CSMS", "inventory of the configuration", report2("ConfigurationInventory")},
	{"TC_B_13_CSMS", "full inventory", report2("FullInventory")},
	{"TC_B_14_CSMS", "summary of the inventory", report2("SummaryInventory")},
	{"TC_B_20_CSMS", "reset when idle, nothing charges", func(c *station) {
		c.ready2()
		c.operator("Reset", `{"type":"OnIdle"}`, `"Accepted"`)
		c.hangUp()
		c.ready2()
	}},
	{"TC_B_21_CSMS", "reset when idle, a car charges", func(c *station) {
		x := c.charging2()
		c.answersWith("Reset", `{"status":"Scheduled"}`)
		c.operator("Reset", `{"type":"OnIdle"}`, `"Scheduled"`)
		x.over2()
		c.hangUp()
		c.ready2()
	}},
	{"TC_B_22_CSMS", "reset at once, a car charges", func(c *station) {
		x := c.charging2()
		c.operator("Reset", `{"type":"Immediate"}`, `"Accepted"`)
		x.event("Ended", "ResetCommand", "EVConnected", register2(2000, "Transaction.End"))
		c.hangUp()
		c.ready2()
	}},
	{"TC_B_25_CSMS", "reset of one EVSE", asks2("Reset", `{"type":"OnIdle","evseId":1}`, "", `"Accepted"`)},
	{"TC_B_26_CSMS", "reset of one EVSE when idle, a car charges", func(c *station) {
		x := c.charging2()
		c.answersWith("Reset", `{"status":"Scheduled"}`)
		c.operator("Reset", `{"type":"OnIdle","evseId":1}`, `"Scheduled"`)
		x.over2()
	}},
	{"TC_B_27_CSMS", "reset of one EVSE at once, a car charges", func(c *station) {
		x := c.charging2()
		c.operator("Reset", `{"type":"Immediate","evseId":1}`, `"Accepted"`)
		x.event("Ended", "ResetCommand", "", register2(2000, "Transaction.End"))
	}},
	{"TC_B_42_CSMS", "a network profile is taken", asks2("SetNetworkProfile", network2, "", `"Accepted"`)},
	{"TC_B_44_CSMS", "a network profile fails", asks2("SetNetworkProfile", network2, `{"status":"Failed"}`, `"Failed"`)},

	{"TC_C_02_CSMS", "an unknown token may not start", authorizes2("INVALID", "Invalid")},
	{"TC_C_06_CSMS", "a blocked token may not start", authorizes2("BLOCKED", "Blocked")},
	{"TC_C_07_CSMS", "an expired token may not start", authorizes2("EXPIRED", "Expired")},
	{"TC_C_08_CSMS", "the station let a cached token in", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "EVDetected", "", "")
		x.event("Updated", "Authorized", "", good2, letIn2)
	}},
	{"TC_C_20_CSMS", "the station let a token in that is not valid", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "EVDetected", "", "")
		x.event("Updated", "Authorized", "", wrong2, refuse2)
	}},
	{"TC_C_37_CSMS", "the cache is cleared", asks2("ClearCache", `{}`, "", `"Accepted"`)},
	{"TC_C_38_CSMS", "clearing the cache is refused", asks2("ClearCache", `{}`, `{"status":"Rejected"}`, `"Rejected"`)},
	{"TC_C_48_CSMS", "a master pass ends one transaction", masterPass2},
	{"TC_C_49_CSMS", "a master pass ends transactions without a display", masterPass2},
	{"TC_C_47_CSMS", "a master pass ends transactions", masterPass2},

	{"TC_E_01_CSMS", "begins when the power path closes", begins2("ChargingStateChanged", "Charging", good2+register2(1000, "Transaction.Begin"))},
	{"TC_E_02_CSMS", "begins with the energy", begins2("ChargingStateChanged", "Charging", good2+register2(1000, "Transaction.Begin"))},
	{"TC_E_03_CSMS", "session, plug first", func(c *station) {
		c.ready2()
		c.status2(1, "Occupied")
		x := c.transaction2(1)
		x.event("Started", "CablePluggedIn", "EVConnected", "")
		c.says("Authorize", `{"idToken":{"idToken":"GOOD","type":"ISO14443"}}`, letIn2)
		x.event("Updated", "Authorized", "EVConnected", good2, letIn2)
		x.event("Updated", "ChargingStateChanged", "Charging", register2(1000, "Transaction.Begin"))
		x.over2()
	}},
	{"TC_E_04_CSMS", "session, identification first", func(c *station) {
		c.ready2()
		c.says("Authorize", `{"idToken":{"idToken":"GOOD","type":"ISO14443"}}`, letIn2)
		x := c.transaction2(1)
		x.event("Started", "Authorized", "", good2, letIn2)
		c.status2(1, "Occupied")
		x.event("Updated", "CablePluggedIn", "EVConnected", "")
		x.event("Updated", "ChargingStateChanged", "Charging", register2(1000, "Transaction.Begin"))
		x.over2()
	}},
	{"TC_E_07_CSMS", "ends when the power path opens", ends2("StopAuthorized", good2, "Local")},
	{"TC_E_08_CSMS", "ends with the energy", ends2("StopAuthorized", good2, "Local")},
	{"TC_E_09_CSMS", "begins when the car is connected", begins2("CablePluggedIn", "EVConnected", "")},
	{"TC_E_10_CSMS", "begins with the identification", begins2("Authorized", "", good2)},
	{"TC_E_11_CSMS", "begins with signed data", begins2("SignedDataReceived", "EVConnected", good2+signed2(1000, "Transaction.Begin"))},
	{"TC_E_12_CSMS", "begins when the bay is taken", begins2("EVDetected", "", "")},
	{"TC_E_14_CSMS", "ends when the plug is pulled at the station", ends2("EVCommunicationLost", "", "EVDisconnected")},
	{"TC_E_15_CSMS", "ends with the identification", ends2("StopAuthorized", good2, "Local")},
	{"TC_E_16_CSMS", "ends because the token is not valid", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "Authorized", "", wrong2, refuse2)
		x.event("Ended", "Deauthorized", "", `,"offline":false`)
	}},
	{"TC_E_17_CSMS", "ends because the car was unplugged", ends2("EVCommunicationLost", "", "EVDisconnected")},
	{"TC_E_19_CSMS", "ends when the bay is empty", ends2("EVDeparted", "", "Local")},
	{"TC_E_20_CSMS", "ends when the plug is pulled at the car", ends2("EVCommunicationLost", "", "EVDisconnected")},
	{"TC_E_21_CSMS", "ends by remote stop", func(c *station) {
		x := c.charging2()
		c.order(1, "stop", `{}`, 200)
		c.hears("RequestStopTransaction", `"transactionId":"`+x.id+`"`)
		x.event("Ended", "RemoteStop", "EVConnected", register2(2000, "Transaction.End"))
	}},
	{"TC_E_22_CSMS", "ends when the car takes no more", ends2("ChargingStateChanged", "", "StoppedByEV")},
	{"TC_E_26_CSMS", "the plug is pulled at the car, the transaction goes on", func(c *station) {
		x := c.charging2()
		x.event("Updated", "EVCommunicationLost", "Idle", "")
		x.event("Updated", "CablePluggedIn", "EVConnected", "")
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_E_38_CSMS", "the car is not ready", func(c *station) {
		c.ready2()
		c.status2(1, "Occupied")
		x := c.transaction2(1)
		x.event("Started", "Authorized", "EVConnected", good2+register2(1000, "Transaction.Begin"), letIn2)
		x.event("Updated", "ChargingStateChanged", "SuspendedEV", "")
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_E_39_CSMS", "nobody plugs in", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "Authorized", "", good2, letIn2)
		x.event("Ended", "EVConnectTimeout", "", "")
	}},
	{"TC_E_53_CSMS", "each transaction counts from 0", func(c *station) {
		x := c.charging2()
		x.over2()
		y := c.transaction2(1)
		y.id += "-second"
		y.event("Started", "Authorized", "EVConnected", good2+register2(2000, "Transaction.Begin"), letIn2)
		y.over2()
	}},
	{"TC_E_29_CSMS", "status of a running transaction, messages wait", asks2("GetTransactionStatus", `{"transactionId":"T"}`, `{"ongoingIndicator":true,"messagesInQueue":true}`, `"ongoingIndicator":true`)},
	{"TC_E_30_CSMS", "status of a running transaction, none waits", asks2("GetTransactionStatus", `{"transactionId":"T"}`, `{"ongoingIndicator":true,"messagesInQueue":false}`, `"messagesInQueue":false`)},
	{"TC_E_31_CSMS", "status of an ended transaction", asks2("GetTransactionStatus", `{"transactionId":"T"}`, `{"ongoingIndicator":false,"messagesInQueue":true}`, `"ongoingIndicator":false`)},
	{"TC_E_33_CSMS", "status without an id, messages wait", asks2("GetTransactionStatus", `{}`, `{"messagesInQueue":true}`, `true`)},
	{"TC_E_34_CSMS", "status without an id, none waits", asks2("GetTransactionStatus", `{}`, `{"messagesInQueue":false}`, `false`)},

	{"TC_F_01_CSMS", "remote start, cable first", func(c *station) {
		c.ready2()
		c.status2(1, "Occupied")
		x := c.transaction2(1)
		x.event("Started", "CablePluggedIn", "EVConnected", "")
		x.remote2()
	}},
	{"TC_F_02_CSMS", "remote start first, the station asks", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		c.orderStart2()
		c.says("Authorize", `{"idToken":{"idToken":"GOOD","type":"ISO14443"}}`, letIn2)
		x.event("Started", "RemoteStart", "", good2, letIn2)
	}},
	{"TC_F_03_CSMS", "remote start first, the station does not ask", func(c *station) {
		c.ready2()
		c.orderStart2()
		c.transaction2(1).event("Started", "RemoteStart", "", good2, letIn2)
	}},
	{"TC_F_04_CSMS", "remote start, nobody plugs in", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		c.orderStart2()
		x.event("Started", "RemoteStart", "", good2, letIn2)
		x.event("Ended", "EVConnectTimeout", "", "")
	}},
	{"TC_F_06_CSMS", "unlock", func(c *station) {
		c.ready2()
		c.order(1, "unlock", `{}`, 200)
		c.hears("UnlockConnector", `"evseId":1`)
	}},
	{"TC_F_11_CSMS", "meter values of one EVSE are asked for", triggers2("MeterValues", `,"evse":{"id":1}`)},
	{"TC_F_12_CSMS", "meter values of all are asked for", triggers2("MeterValues", "")},
	{"TC_F_13_CSMS", "a transaction's state is asked for", triggers2("TransactionEvent", `,"evse":{"id":1}`)},
	{"TC_F_14_CSMS", "all transactions' states are asked for", triggers2("TransactionEvent", "")},
	{"TC_F_15_CSMS", "the log's state is asked for", triggers2("LogStatusNotification", "")},
	{"TC_F_18_CSMS", "the firmware's state is asked for", triggers2("FirmwareStatusNotification", "")},
	{"TC_F_20_CSMS", "a heartbeat is asked for", triggers2("Heartbeat", "")},
	{"TC_F_23_CSMS", "a free connector's status is asked for", triggers2("StatusNotification", `,"evse":{"id":1,"connectorId":1}`)},
	{"TC_F_24_CSMS", "a taken connector's status is asked for", triggers2("StatusNotification", `,"evse":{"id":1,"connectorId":1}`)},
	{"TC_F_27_CSMS", "a message that the station can't send", asks2("TriggerMessage", `{"requestedMessage":"SignV2GCertificate"}`, `{"status":"NotImplemented"}`, `"NotImplemented"`)},

	{"TC_G_03_CSMS", "an EVSE is taken out of service", availability2("Inoperative", `,"evse":{"id":1}`, "Unavailable")},
	{"TC_G_04_CSMS", "an EVSE is taken into service", availability2("Operative", `,"evse":{"id":1}`, "Available")},
	{"TC_G_05_CSMS", "the station is taken out of service", availability2("Inoperative", "", "Unavailable")},
	{"TC_G_06_CSMS", "the station is taken into service", availability2("Operative", "", "Available")},
	{"TC_G_07_CSMS", "a connector is taken out of service", availability2("Inoperative", `,"evse":{"id":1,"connectorId":1}`, "Unavailable")},
	{"TC_G_08_CSMS", "a connector is taken into service", availability2("Operative", `,"evse":{"id":1,"connectorId":1}`, "Available")},
	{"TC_G_11_CSMS", "an EVSE is to be out of service, a car charges", scheduled2(`,"evse":{"id":1}`)},
	{"TC_G_14_CSMS", "the station is to be out of service, a car charges", scheduled2("")},
	{"TC_G_17_CSMS", "a connector is to be out of service, a car charges", scheduled2(`,"evse":{"id":1,"connectorId":1}`)},
	{"TC_G_20_CSMS", "the plug can't be locked", func(c *station) {
		c.ready2()
		c.says("NotifyEvent", `{"generatedAt":"2026-01-01T00:00:00Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-01-01T00:00:00Z","trigger":"Delta","actualValue":"true","eventNotificationType":"HardWiredNotification","component":{"name":"ConnectorPlugRetentionLock","evse":{"id":1,"connectorId":1}},"variable":{"name":"Problem"}}]}`, `{}`)
	}},

	{"TC_J_01_CSMS", "clock-aligned values, nothing charges", func(c *station) {
		c.ready2()
		c.says("MeterValues", `{"evseId":1`+register2(1000, "Sample.Clock")+`}`, `{}`)
	}},
	{"TC_J_02_CSMS", "clock-aligned values in a transaction", func(c *station) {
		x := c.charging2()
		x.event("Updated", "MeterValueClock", "Charging", register2(1100, "Sample.Clock"))
		x.over2()
	}},
	{"TC_J_03_CSMS", "clock-aligned values at the end", func(c *station) {
		c.charging2().event("Ended", "StopAuthorized", "", good2+register2(1100, "Sample.Clock"))
	}},
	{"TC_J_04_CSMS", "signed clock-aligned values", func(c *station) {
		x := c.charging2()
		x.event("Updated", "MeterValueClock", "Charging", signed2(1100, "Sample.Clock"))
		x.over2()
	}},
	{"TC_J_07_CSMS", "a register with the beginning", begins2("Authorized", "EVConnected", good2+register2(1000, "Transaction.Begin"))},
	{"TC_J_08_CSMS", "a register while the EVSE is not known", func(c *station) {
		c.ready2()
		x := c.transaction2(0)
		x.event("Started", "Authorized", "", good2, letIn2)
		x.evse = 1
		x.event("Updated", "CablePluggedIn", "EVConnected", register2(1000, "Transaction.Begin"))
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_J_09_CSMS", "values on the way", func(c *station) {
		x := c.charging2()
		x.event("Updated", "MeterValuePeriodic", "Charging", register2(1200, "Sample.Periodic"))
		x.over2()
	}},
	{"TC_J_10_CSMS", "values at the end", func(c *station) { c.charging2().over2() }},
	{"TC_J_11_CSMS", "signed values at the end", func(c *station) {
		c.charging2().event("Ended", "StopAuthorized", "", good2+signed2(2000, "Transaction.End"))
	}},

	{"TC_K_01_CSMS", "default profile of one EVSE", asks2("SetChargingProfile", profile2(1, `"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","validFrom":"2026-01-01T00:00:00Z","validTo":"2036-01-01T00:00:00Z"`), "", `"Accepted"`)},
	{"TC_K_03_CSMS", "maximum of the station", asks2("SetChargingProfile", profile2(0, `"chargingProfilePurpose":"ChargingStationMaxProfile","chargingProfileKind":"Absolute"`), "", `"Accepted"`)},
	{"TC_K_04_CSMS", "a profile is replaced by its id", func(c *station) {
		c.ready2()
		c.operator("SetChargingProfile", profile2(1, `"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute"`), `"Accepted"`)
		c.operator("SetChargingProfile", profile2(1, `"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Relative"`), `"Accepted"`)
	}},
	{"TC_K_05_CSMS", "a profile is cleared by its id", asks2("ClearChargingProfile", `{"chargingProfileId":30}`, "", `"Accepted"`)},
	{"TC_K_06_CSMS", "a profile is cleared by level and purpose", asks2("ClearChargingProfile", `{"chargingProfileCriteria":{"stackLevel":1,"chargingProfilePurpose":"TxDefaultProfile"}}`, "", `"Accepted"`)},
	{"TC_K_08_CSMS", "a profile that is not there is cleared", asks2("ClearChargingProfile", `{"chargingProfileCriteria":{"chargingProfilePurpose":"TxDefaultProfile"}}`, `{"status":"Unknown"}`, `"Unknown"`)},
	{"TC_K_10_CSMS", "default profile of all EVSEs", func(c *station) {
		c.connect()
		c.boots2()
		c.hears("SetChargingProfile", `"evseId":0`, `"chargingProfilePurpose":"TxDefaultProfile"`)
	}},
	{"TC_K_15_CSMS", "the station has no smart charging", func(c *station) {
		c.ready2()
		c.answersWith("SetChargingProfile", "!NotSupported")
		c.operator("SetChargingProfile", profile2(1, `"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute"`), "NotSupported")
	}},
	{"TC_K_19_CSMS", "a recurring profile", asks2("SetChargingProfile", profile2(1, `"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Recurring","recurrencyKind":"Daily"`), "", `"Accepted"`)},
	{"TC_K_29_CSMS", "profiles of EVSE 0 are read", profiles2(`"evseId":0,`, `{"chargingProfilePurpose":"ChargingStationMaxProfile"}`)},
	{"TC_K_30_CSMS", "profiles of one EVSE are read", profiles2(`"evseId":1,`, `{"chargingProfilePurpose":"TxDefaultProfile"}`)},
	{"TC_K_31_CSMS", "all profiles are read", profiles2("", `{"chargingProfilePurpose":"TxDefaultProfile"}`)},
	{"TC_K_32_CSMS", "a profile is read by its id", profiles2("", `{"chargingProfileId":[30]}`)},
	{"TC_K_33_CSMS", "profiles are read by level", profiles2(`"evseId":1,`, `{"stackLevel":1}`)},
	{"TC_K_34_CSMS", "profiles are read by source", profiles2(`"evseId":1,`, `{"chargingLimitSource":["CSO"]}`)},
	{"TC_K_35_CSMS", "profiles are read by purpose", profiles2(`"evseId":1,`, `{"chargingProfilePurpose":"TxDefaultProfile"}`)},
	{"TC_K_36_CSMS", "profiles are read by purpose and level", profiles2(`"evseId":1,`, `{"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}`)},
	{"TC_K_37_CSMS", "remote start with a profile", func(c *station) {
		c.ready2()
		c.operator("RequestStartTransaction", `{"evseId":1,"remoteStartId":9,"idToken":{"idToken":"GOOD","type":"ISO14443"},"chargingProfile":{"id":31,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}]}}`, `"Accepted"`)
		c.transaction2(1).event("Started", "RemoteStart", "", good2, letIn2)
	}},
	{"TC_K_43_CSMS", "composite schedule of an EVSE", asks2("GetCompositeSchedule", `{"duration":300,"evseId":1}`, schedule2(1), `"limit":6`)},
	{"TC_K_44_CSMS", "composite schedule of the station", asks2("GetCompositeSchedule", `{"duration":300,"evseId":0}`, schedule2(0), `"limit":6`)},
	{"TC_K_60_CSMS", "profile of a transaction", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"chargingProfilePurpose":"TxProfile"`, `"evseId":1`, `"transactionId":"`+x.id+`"`)
		x.over2()
	}},
	{"TC_K_70_CSMS", "profiles of two levels", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"stackLevel":0`)
		c.hears("SetChargingProfile", `"stackLevel":1`)
		x.over2()
	}},

	{"TC_L_01_CSMS", "firmware update", firmware2("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed")},
	{"TC_L_02_CSMS", "installation at a time", firmware2("Downloading", "Downloaded", "SignatureVerified", "InstallScheduled", "Installing", "Installed")},
	{"TC_L_03_CSMS", "download at a time", firmware2("DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")},
	{"TC_L_04_CSMS", "the signing certificate is revoked", asks2("UpdateFirmware", firmwareOrder2, `{"status":"RevokedCertificate"}`, "RevokedCertificate")},
	{"TC_L_05_CSMS", "the signing certificate is not valid", asks2("UpdateFirmware", firmwareOrder2, `{"status":"InvalidCertificate"}`, "InvalidCertificate")},
	{"TC_L_06_CSMS", "the signature is wrong", firmware2("Downloading", "Downloaded", "InvalidSignature")},
	{"TC_L_07_CSMS", "the download fails", firmware2("Downloading", "DownloadFailed")},
	{"TC_L_08_CSMS", "the installation can't be verified", firmware2("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallVerificationFailed")},
	{"TC_L_09_CSMS", "the installation fails", firmware2("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallationFailed")},
	{"TC_L_10_CSMS", "a second update takes the place of the first", func(c *station) {
		c.ready2()
		c.operator("UpdateFirmware", firmwareOrder2, `"Accepted"`)
		c.answersWith("UpdateFirmware", `{"status":"AcceptedCanceled"}`)
		c.operator("UpdateFirmware", firmwareOrder2, `"AcceptedCanceled"`)
	}},
	{"TC_L_11_CSMS", "an update can't be cancelled", asks2("UpdateFirmware", firmwareOrder2, `{"status":"Rejected"}`, `"Rejected"`)},
	{"TC_L_13_CSMS", "an update waits for the end of a transaction", func(c *station) {
		x := c.charging2()
		c.operator("UpdateFirmware", firmwareOrder2, `"Accepted"`)
		x.over2()
		c.says("FirmwareStatusNotification", `{"status":"Downloading","requestId":5}`, `{}`)
	}},

	{"TC_M_01_CSMS", "root of the CSMS is installed", install2("CSMSRootCertificate", "Accepted")},
	{"TC_M_02_CSMS", "root of the manufacturer is installed", install2("ManufacturerRootCertificate", "Accepted")},
	{"TC_M_05_CSMS", "a certificate can't be installed", install2("CSMSRootCertificate", "Failed")},
	{"TC_M_13_CSMS", "roots of the manufacturer are listed", asks2("GetInstalledCertificateIds", `{"certificateType":["ManufacturerRootCertificate"]}`, installed2, `"serialNumber":"01"`)},
	{"TC_M_18_CSMS", "all certificates are listed", asks2("GetInstalledCertificateIds", `{}`, installed2, `"serialNumber":"01"`)},
	{"TC_M_19_CSMS", "no certificate is there", asks2("GetInstalledCertificateIds", `{}`, `{"status":"NotFound"}`, `"NotFound"`)},
	{"TC_M_20_CSMS", "a certificate is deleted", asks2("DeleteCertificate", `{"certificateHashData":`+hash16+`}`, "", `"Accepted"`)},
	{"TC_M_21_CSMS", "a certificate can't be deleted", asks2("DeleteCertificate", `{"certificateHashData":`+hash16+`}`, `{"status":"Failed"}`, `"Failed"`)},

	{"TC_N_25_CSMS", "diagnostics log", log2("DiagnosticsLog", "Uploading", "Uploaded")},
	{"TC_N_27_CSMS", "customer information", customer2(`"report":true,"clear":false,"customerIdentifier":"c"`, "Accepted", "a", "b")},
	{"TC_N_28_CSMS", "no customer information", customer2(`"report":true,"clear":false,"customerIdentifier":"c"`, "Accepted", "")},
	{"TC_N_29_CSMS", "customer information is refused", customer2(`"report":true,"clear":false,"customerIdentifier":"c"`, "Rejected")},
	{"TC_N_30_CSMS", "customer information is told and cleared", customer2(`"report":true,"clear":true,"idToken":{"idToken":"GOOD","type":"ISO14443"}`, "Accepted", "a")},
	{"TC_N_31_CSMS", "there is none to clear", customer2(`"report":true,"clear":true,"idToken":{"idToken":"GOOD","type":"ISO14443"}`, "Accepted", "")},
	{"TC_N_32_CSMS", "customer information is cleared", customer2(`"report":false,"clear":true,"idToken":{"idToken":"GOOD","type":"ISO14443"}`, "Accepted")},
	{"TC_N_62_CSMS", "customer information by identifier is cleared", customer2(`"report":true,"clear":true,"customerIdentifier":"c"`, "Accepted", "a")},
	{"TC_N_34_CSMS", "a log is refused", asks2("GetLog", `{"logType":"DiagnosticsLog","requestId":7,"log":{"remoteLocation":"http://box.lan/log"}}`, `{"status":"Rejected"}`, `"Rejected"`)},
	{"TC_N_35_CSMS", "security log", log2("SecurityLog", "Uploading", "Uploaded")},
	{"TC_N_36_CSMS", "a second log takes the place of the first", log2("DiagnosticsLog", "Uploading", "AcceptedCanceled")},
	{"TC_P_02_CSMS", "data of a vendor that nobody knows", func(c *station) {
		c.ready2()
		c.says("DataTransfer", `{"vendorId":"org.example","messageId":"m"}`, `"UnknownVendorId"`)
	}},
	{"TC_P_03_CSMS", "custom data", func(c *station) {
		c.ready2()
		c.says("Heartbeat", `{"customData":{"vendorId":"org.example","x":[1,{"y":2}]}}`, `"currentTime"`)
	}},
	{"TC_H_01_CSMS", "an EVSE is reserved", asks2("ReserveNow", reserve2, "", `"Accepted"`)},
	{"TC_H_07_CSMS", "a reservation runs out", then2(asks2("ReserveNow", reserve2, "", `"Accepted"`), "ReservationStatusUpdate", `{"reservationId":7,"reservationUpdateStatus":"Expired"}`)},
	{"TC_H_17_CSMS", "a reservation is taken back", asks2("CancelReservation", `{"reservationId":7}`, "", `"Accepted"`)},
	{"TC_H_20_CSMS", "a fault ends a reservation", then2(asks2("ReserveNow", reserve2, "", `"Accepted"`), "ReservationStatusUpdate", `{"reservationId":7,"reservationUpdateStatus":"Removed"}`)},
	{"TC_H_22_CSMS", "a reservation is refused", asks2("ReserveNow", reserve2, `{"status":"Rejected"}`, `"Rejected"`)},
	{"TC_D_01_CSMS", "local list, full", list2("Full", entry2)},
	{"TC_D_02_CSMS", "local list, an entry more", list2("Differential", entry2)},
	{"TC_D_03_CSMS", "local list, an entry less", list2("Differential", `{"idToken":{"idToken":"GOOD","type":"ISO14443"}}`)},
	{"TC_D_04_CSMS", "local list, emptied", asks2("SendLocalList", `{"versionNumber":4,"updateType":"Full"}`, "", `"Accepted"`)},
	{"TC_D_08_CSMS", "version of the local list", asks2("GetLocalListVersion", `{}`, `{"versionNumber":4}`, "4")},
	{"TC_D_09_CSMS", "no local list", asks2("GetLocalListVersion", `{}`, `{"versionNumber":0}`, "0")},
}

const (
	network2 = `{"configurationSlot":1,"connectionData":{"ocppVersion":"OCPP20","ocppTransport":"JSON","ocppCsmsUrl":"wss://box.lan","messageTimeout":30,"securityProfile":2,"ocppInterface":"Wired0"}}`
	reserve2 = `{"id":7,"expiryDateTime":"2036-01-01T00:00:00Z","idToken":{"idToken":"GOOD","type":"ISO14443"},"evseId":1}`
	entry2   = `{"idToken":{"idToken":"GOOD","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}`
)

var installed2 = `{"status":"Accepted","certificateHashDataChain":[{"certificateType":"ManufacturerRootCertificate","certificateHashData":` + hash16 + `}]}`

func variable2(value string) string {
	return `{` + value + `"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}`
}

func report2(base string) func(*station) {
	page := func(seq int, more bool) string {
		return fmt.Sprintf(`{"requestId":8,"generatedAt":"2026-01-01T00:00:00Z","seqNo":%d,"tbc":%v,"reportData":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"variableAttribute":[{"value":"22000"}],"variableCharacteristics":{"dataType":"decimal","supportsMonitoring":false}}]}`, seq, more)
	}
	return then2(asks2("GetBaseReport", fmt.Sprintf(`{"requestId":8,"reportBase":%q}`, base), "", `"Accepted"`), "NotifyReport", page(0, true), "NotifyReport", page(1, false))
}

func authorizes2(token, status string) func(*station) {
	return func(c *station) {
		c.ready2()
		c.says("Authorize", fmt.Sprintf(`{"idToken":{"idToken":%q,"type":"ISO14443"}}`, token), `"status":"`+status+`"`)
	}
}

func masterPass2(c *station) {
	x := c.charging2()
	c.says("Authorize", `{"idToken":{"idToken":"MASTER","type":"ISO14443"}}`, letIn2)
	x.event("Ended", "StopAuthorized", "", `,"idToken":{"idToken":"MASTER","type":"ISO14443"}`+register2(2000, "Transaction.End"), letIn2)
}

func begins2(trigger, state, more string) func(*station) {
	return func(c *station) {
		c.ready2()
		c.transaction2(1).event("Started", trigger, state, more)
	}
}

func ends2(trigger, more, reason string) func(*station) {
	return func(c *station) {
		x := c.charging2()
		x.reason = reason
		x.event("Ended", trigger, "", more+register2(2000, "Transaction.End"))
		c.status2(1, "Available")
	}
}

// remote2 has the operator start the transaction.
func (x *tx2) remote2() {
	x.c.t.Helper()
	x.c.orderStart2()
	x.event("Updated", "RemoteStart", "EVConnected", good2+register2(1000, "Transaction.Begin"), letIn2)
	x.over2()
}

func (c *station) orderStart2() {
	c.t.Helper()
	c.order(1, "start", `{"id_token":"GOOD","token_type":"ISO14443"}`, 200)
	c.hears("RequestStartTransaction", `"evseId":1`, `"idToken":"GOOD"`)
}

func triggers2(message, more string) func(*station) {
	return asks2("TriggerMessage", fmt.Sprintf(`{"requestedMessage":%q%s}`, message, more), "", `"Accepted"`)
}

func availability2(status, where, reported string) func(*station) {
	return func(c *station) {
		c.ready2()
		c.operator("ChangeAvailability", fmt.Sprintf(`{"operationalStatus":%q%s}`, status, where), `"Accepted"`)
		c.status2(1, reported)
	}
}

func scheduled2(where string) func(*station) {
	return func(c *station) {
		x := c.charging2()
		c.answersWith("ChangeAvailability", `{"status":"Scheduled"}`)
		c.operator("ChangeAvailability", `{"operationalStatus":"Inoperative"`+where+`}`, `"Scheduled"`)
		x.over2()
		c.status2(1, "Unavailable")
	}
}

func profiles2(where, criteria string) func(*station) {
	report := `{"requestId":9,"chargingLimitSource":"CSO","evseId":1,"tbc":false,"chargingProfile":[{"id":30,"stackLevel":1,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}]}]}`
	return then2(asks2("GetChargingProfiles", `{"requestId":9,`+where+`"chargingProfile":`+criteria+`}`, "", `"Accepted"`), "ReportChargingProfiles", report)
}

func schedule2(evse int) string {
	return fmt.Sprintf(`{"status":"Accepted","schedule":{"evseId":%d,"duration":300,"scheduleStart":"2026-01-01T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}}`, evse)
}

func install2(kind, status string) func(*station) {
	return asks2("InstallCertificate", fmt.Sprintf(`{"certificateType":%q,"certificate":"-----BEGIN CERTIFICATE-----"}`, kind), fmt.Sprintf(`{"status":%q}`, status), status)
}

func list2(update, entry string) func(*station) {
	return asks2("SendLocalList", fmt.Sprintf(`{"versionNumber":4,"updateType":%q,"localAuthorizationList":[%s]}`, update, entry), "", `"Accepted"`)
}
