package conformance

import (
	"fmt"
	"strings"
)

// deviceCases201 are those of monitors, reservations and local lists, which the box makes
// only when it is told to.
var deviceCases201 = []testCase{
	{"TC_B_18_CSMS", "a report by criteria and variables", func(c *station) {
		c.ready2()
		c.reports2("GetReport", `"componentCriteria":["Problem"],`+availabilityOf1, "")
		c.reports2("GetReport", `"componentCriteria":["Available"],`+availabilityOf1, "NotifyReport")
	}},
	{"TC_N_01_CSMS", "monitors by their kind", func(c *station) {
		c.ready2()
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["DeltaMonitoring"]`, "")
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["ThresholdMonitoring"]`, "NotifyMonitoringReport")
	}},
	{"TC_N_02_CSMS", "monitors of a variable", func(c *station) {
		c.ready2()
		c.reports2("GetMonitoringReport", powerOfAll, "")
		c.reports2("GetMonitoringReport", availabilityOf1, "NotifyMonitoringReport")
	}},
	{"TC_N_03_CSMS", "monitors by their kind, of a variable", func(c *station) {
		c.ready2()
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["DeltaMonitoring"],`+availabilityOf1, "")
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["ThresholdMonitoring"],`+powerOfAll, "NotifyMonitoringReport")
	}},
	{"TC_N_47_CSMS", "all monitors", func(c *station) {
		c.ready2()
		c.reports2("GetMonitoringReport", "", "NotifyMonitoringReport")
	}},
	{"TC_N_60_CSMS", "monitors by their kind, of several variables", func(c *station) {
		c.ready2()
		both := `"componentVariable":[` + placed2("ChargingStation", "AvailabilityState", 0) + `,` + placed2("EVSE", "AvailabilityState", 1) + `]`
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["ThresholdMonitoring"],`+both, "")
		c.reports2("GetMonitoringReport", `"monitoringCriteria":["DeltaMonitoring"],`+both, "NotifyMonitoringReport")
	}},
	{"TC_N_05_CSMS", "the set of monitors is chosen", func(c *station) {
		c.ready2()
		for _, base := range []string{"All", "FactoryDefault", "HardWiredOnly"} {
			c.operator("SetMonitoringBase", fmt.Sprintf(`{"monitoringBase":%q}`, base), `"Accepted"`)
		}
	}},
	{"TC_N_08_CSMS", "a monitor is set", asks2("SetVariableMonitoring", `{"setMonitoringData":[`+monitor2+`]}`,
		`{"setMonitoringResult":[{"id":1,"status":"Accepted","type":"Delta","severity":8,`+ofAvailability2+`}]}`, `"Accepted"`)},
	{"TC_N_16_CSMS", "how severe events must be", asks2("SetMonitoringLevel", `{"severity":4}`, "", `"Accepted"`)},
	{"TC_N_17_CSMS", "a severity that the station refuses", asks2("SetMonitoringLevel", `{"severity":9}`, `{"status":"Rejected"}`, `"Rejected"`)},
	{"TC_N_18_CSMS", "more monitors are cleared than the station takes at a time", func(c *station) {
		c.ready2()
		c.hears("SetVariables") // by now the box has asked how many it takes
		c.answersWith("ClearVariableMonitoring", `{"clearMonitoringResult":[{"status":"NotFound","id":1}]}`)
		c.orders("ClearVariableMonitoring", `{"id":[1,2,3,4,5,6]}`, `"NotFound"`)
		c.hears("ClearVariableMonitoring", `"id":[1,2,3,4]}`)
		c.hears("ClearVariableMonitoring", `"id":[5,6]}`)
	}},
	{"TC_N_44_CSMS", "clearing a monitor is refused", asks2("ClearVariableMonitoring", `{"id":[1]}`, `{"clearMonitoringResult":[{"status":"Rejected","id":1}]}`, `"Rejected"`)},
	{"TC_N_21_CSMS", "a monitor's alarm", event2("Alerting", false)},
	{"TC_N_24_CSMS", "a monitor's event, again and again", func(c *station) {
		event2("Periodic", false)(c)
		for range 3 {
			c.notifies2("Periodic", false)
		}
	}},
	{"TC_N_49_CSMS", "a monitor's alarm is over after a restart", event2("Alerting", true)},
	{"TC_N_50_CSMS", "a monitor's periodic event", event2("Periodic", false)},

	{"TC_H_08_CSMS", "any EVSE is reserved", asks2("ReserveNow", strings.Replace(reserve2, `,"evseId":1`, "", 1), "", `"Accepted"`)},
	{"TC_H_14_CSMS", "as many reservations as EVSEs", func(c *station) {
		c.ready2()
		for id := range 2 {
			c.operator("ReserveNow", strings.NewReplacer(`"id":7`, fmt.Sprintf(`"id":%d`, 7+id), `,"evseId":1`, "").Replace(reserve2), `"Accepted"`)
		}
		c.status2(1, "Reserved")
		c.status2(2, "Reserved")
	}},
	{"TC_H_15_CSMS", "a kind of connector is reserved", func(c *station) {
		c.ready2()
		c.operator("ReserveNow", strings.Replace(reserve2, `"evseId":1`, `"connectorType":"cType2"`, 1), `"Accepted"`)
		c.status2(1, "Reserved")
	}},
	{"TC_H_19_CSMS", "reserved for a group, used by another token of it", func(c *station) {
		c.ready2()
		c.operator("ReserveNow", strings.Replace(reserve2, `"evseId":1`, `"evseId":1,"groupIdToken":{"idToken":"GROUP","type":"Central"}`, 1), `"Accepted"`)
		c.status2(1, "Reserved")
		c.says("Authorize", `{"idToken":{"idToken":"FRIEND","type":"ISO14443"}}`, letIn2, group2)
		c.transaction2(1).event("Started", "Authorized", "EVConnected", friend2+`,"reservationId":7`+register2(1000, "Transaction.Begin"), letIn2, group2)
	}},

	{"TC_C_40_CSMS", "another token of the group ends the transaction, both are in the local list", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "Authorized", "EVConnected", member2+register2(1000, "Transaction.Begin"), letIn2, group2)
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		x.event("Updated", "StopAuthorized", "EVConnected", friend2, letIn2, group2)
		x.event("Ended", "EVCommunicationLost", "Idle", register2(2000, "Transaction.End"))
	}},
	{"TC_C_43_CSMS", "the same, and the local list says no to the other one", func(c *station) {
		c.ready2()
		x := c.transaction2(1)
		x.event("Started", "Authorized", "EVConnected", member2+register2(1000, "Transaction.Begin"), letIn2, group2)
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		c.says("Authorize", `{"idToken":{"idToken":"FRIEND","type":"ISO14443"}}`, letIn2, group2)
		x.event("Updated", "StopAuthorized", "EVConnected", friend2, letIn2, group2)
		x.event("Ended", "EVCommunicationLost", "Idle", register2(2000, "Transaction.End"))
	}},
	{"TC_N_46_CSMS", "a customer is forgotten, also in the local list", func(c *station) {
		customer2(`"report":true,"clear":true,"idToken":{"idToken":"GOOD","type":"ISO14443"}`, "Accepted", "a")(c)
		c.operator("SendLocalList", `{"versionNumber":5,"updateType":"Differential","localAuthorizationList":[{"idToken":{"idToken":"GOOD","type":"ISO14443"}}]}`, `"Accepted"`)
	}},
}

const (
	group2  = `"groupIdToken":{"idToken":"GROUP"`
	member2 = `,"idToken":{"idToken":"MEMBER","type":"ISO14443"}`
	friend2 = `,"idToken":{"idToken":"FRIEND","type":"ISO14443"}`

	ofAvailability2 = `"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"AvailabilityState"}`
	monitor2        = `{"value":1,"type":"Delta","severity":8,` + ofAvailability2 + `}`
	availabilityOf1 = `"componentVariable":[{` + ofAvailability2 + `}]`
	powerOfAll      = `"componentVariable":[{"component":{"name":"ChargingStation"},"variable":{"name":"Power"}}]`
)

func placed2(component, variable string, evse int) string {
	place := ""
	if evse > 0 {
		place = fmt.Sprintf(`,"evse":{"id":%d}`, evse)
	}
	return fmt.Sprintf(`{"component":{"name":%q%s},"variable":{"name":%q}}`, component, place, variable)
}

// reports2 has the operator ask for a report, which comes in two parts by notice; "":
// there is nothing to report.
func (c *station) reports2(action, criteria, notice string) {
	c.t.Helper()
	status := "EmptyResultSet"
	if notice != "" {
		status = "Accepted"
	}
	if criteria != "" {
		criteria = "," + criteria
	}
	c.answersWith(action, fmt.Sprintf(`{"status":%q}`, status))
	c.operator(action, `{"requestId":8`+criteria+`}`, status)
	if notice == "" {
		return
	}
	content := `"reportData":[{` + ofAvailability2 + `,"variableAttribute":[{"value":"Available"}]}]`
	if notice == "NotifyMonitoringReport" {
		content = `"monitor":[{` + ofAvailability2 + `,"variableMonitoring":[{"id":1,"transaction":false,"value":1,"type":"Delta","severity":8}]}]`
	}
	for seq, more := range []bool{true, false} {
		c.says(notice, fmt.Sprintf(`{"requestId":8,"generatedAt":%q,"seqNo":%d,"tbc":%v,%s}`, now(), seq, more, content), `{}`)
	}
}

func event2(trigger string, cleared bool) func(*station) {
	return func(c *station) {
		c.ready2()
		c.notifies2(trigger, cleared)
	}
}

func (c *station) notifies2(trigger string, cleared bool) {
	c.t.Helper()
	c.says("NotifyEvent", fmt.Sprintf(`{"generatedAt":%q,"seqNo":0,"eventData":[{"eventId":1,"timestamp":%q,"trigger":%q,"actualValue":"61","cleared":%v,"eventNotificationType":"CustomMonitor","variableMonitoringId":1,"component":{"name":"Controller"},"variable":{"name":"Temperature"}}]}`,
		now(), now(), trigger, cleared), `{}`)
}
