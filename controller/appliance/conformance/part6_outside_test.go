package conformance

import (
	"fmt"
	"strings"
)

// outsideCases201 are those beside a session: groups, limits of somebody else, long
// lists of variables, firmware for others.
var outsideCases201 = []testCase{
	{"TC_B_08_CSMS", "five variables of a station that takes four at a time", func(c *station) {
		c.ready2()
		c.hears("GetVariables", `"HeartbeatInterval"`) // by now the box has asked how many it takes
		of := func(component, name, instance string) string {
			return fmt.Sprintf(`{"component":{"name":%q},"variable":{"name":%q,"instance":%q}}`, component, name, instance)
		}
		c.orders("GetVariables", `{"getVariableData":[`+strings.Join([]string{
			of("DeviceDataCtrlr", "ItemsPerMessage", "GetReport"), of("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"),
			of("DeviceDataCtrlr", "BytesPerMessage", "GetReport"), of("DeviceDataCtrlr", "BytesPerMessage", "GetVariables"),
			of("FifthCtrlr", "Fifth", "fifth")}, ",")+`]}`, `"BytesPerMessage"`, `"FifthCtrlr"`)
		if four := c.hears("GetVariables", `"BytesPerMessage"`); strings.Count(four, `"component"`) != 4 {
			c.t.Errorf("the first message has not four variables: %s", four)
		}
		if one := c.hears("GetVariables", `"FifthCtrlr"`); strings.Count(one, `"component"`) != 1 {
			c.t.Errorf("the second message has not one variable: %s", one)
		}
	}},
	{"TC_C_39_CSMS", "another token of the group ends the transaction", func(c *station) {
		c.ready2()
		c.says("Authorize", `{"idToken":{"idToken":"FRIEND","type":"ISO14443"}}`, letIn2, group2)
		x := c.transaction2(1)
		x.event("Started", "Authorized", "EVConnected", member2+register2(1000, "Transaction.Begin"), letIn2, group2)
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		c.says("Authorize", `{"idToken":{"idToken":"MEMBER","type":"ISO14443"}}`, letIn2, group2)
		c.says("Authorize", `{"idToken":{"idToken":"FRIEND","type":"ISO14443"}}`, letIn2, group2)
		x.event("Updated", "StopAuthorized", "EVConnected", friend2, letIn2, group2)
		x.event("Ended", "EVCommunicationLost", "Idle", friend2+register2(2000, "Transaction.End"), letIn2)
	}},
	{"TC_K_48_CSMS", "an outside limit without a transaction", func(c *station) {
		c.ready2()
		c.says("NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"}}`, `{}`)
	}},
	{"TC_K_50_CSMS", "an outside limit is lifted", func(c *station) {
		c.ready2()
		c.says("ClearedChargingLimit", `{"chargingLimitSource":"EMS"}`, `{}`)
	}},
	{"TC_K_51_CSMS", "an outside limit is lifted during a transaction", func(c *station) {
		x := c.charging2()
		c.says("ClearedChargingLimit", `{"chargingLimitSource":"EMS"}`, `{}`)
		x.event("Updated", "ChargingRateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_K_52_CSMS", "profiles of an outside system are read", then2(
		asks2("GetChargingProfiles", `{"requestId":9,"chargingProfile":{"chargingProfilePurpose":"ChargingStationExternalConstraints"}}`, "", `"Accepted"`),
		"ReportChargingProfiles", `{"requestId":9,"chargingLimitSource":"EMS","evseId":0,"chargingProfile":[{"id":1,"stackLevel":0,"chargingProfilePurpose":"ChargingStationExternalConstraints","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}]}]}`)},
	{"TC_L_17_CSMS", "a local controller publishes firmware", publishes2("Downloading", "Downloaded", "ChecksumVerified", "Published")},
	{"TC_L_19_CSMS", "the checksum of firmware to be published is wrong", publishes2("Downloading", "Downloaded", "InvalidChecksum")},
	{"TC_L_20_CSMS", "firmware can't be published", publishes2("Downloading", "Downloaded", "ChecksumVerified", "PublishFailed")},
	{"TC_L_24_CSMS", "firmware to be published can't be fetched", publishes2("Downloading", "DownloadFailed")},
	{"TC_L_21_CSMS", "firmware is published no more", unpublishes2("Unpublished")},
	{"TC_L_22_CSMS", "no such firmware was published", unpublishes2("NoFirmware")},
	{"TC_L_23_CSMS", "somebody still fetches the firmware", unpublishes2("DownloadOngoing")},
}

func publishes2(statuses ...string) func(*station) {
	var calls []string
	for _, s := range statuses {
		where := ""
		if s == "Published" {
			where = `,"location":["http://controller.lan/f"]`
		}
		calls = append(calls, "PublishFirmwareStatusNotification", fmt.Sprintf(`{"status":%q,"requestId":5%s}`, s, where))
	}
	return then2(asks2("PublishFirmware", `{"location":"http://box.lan/f","checksum":"d41d8cd98f00b204e9800998ecf8427e","requestId":5}`, "", `"Accepted"`), calls...)
}

func unpublishes2(status string) func(*station) {
	return asks2("UnpublishFirmware", `{"checksum":"d41d8cd98f00b204e9800998ecf8427e"}`, fmt.Sprintf(`{"status":%q}`, status), status)
}
