package conformance

import (
	"cmp"
	"fmt"
)

// tx2 is a transaction of a 2.0.1 station.
type tx2 struct {
	c    *station
	id   string
	evse int
	seq  int
	// reason is the stoppedReason of the end; Local if empty.
	reason string
}

// event tells of the transaction; more are further members of the message.
func (x *tx2) event(part, trigger, state, more string, want ...string) {
	x.c.t.Helper()
	if state != "" {
		state = fmt.Sprintf(`,"chargingState":%q`, state)
	}
	if part == "Ended" {
		state += fmt.Sprintf(`,"stoppedReason":%q`, cmp.Or(x.reason, "Local"))
	}
	where := ""
	if x.evse > 0 {
		where = fmt.Sprintf(`,"evse":{"id":%d,"connectorId":1}`, x.evse)
	}
	x.c.says("TransactionEvent", fmt.Sprintf(`{"eventType":%q,"timestamp":%q,"triggerReason":%q,"seqNo":%d,"transactionInfo":{"transactionId":%q%s}%s%s}`,
		part, now(), trigger, x.seq, x.id, state, where, more), want...)
	x.seq++
}

// Members of events.
const (
	good2   = `,"idToken":{"idToken":"GOOD","type":"ISO14443"}`
	wrong2  = `,"idToken":{"idToken":"INVALID","type":"ISO14443"}`
	letIn2  = `"idTokenInfo":{"status":"Accepted"`
	refuse2 = `"idTokenInfo":{"status":"Invalid"`
)

// register2 is a meter value with an energy register.
func register2(wh int, context string) string {
	return fmt.Sprintf(`,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":%d,"context":%q,"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}}]}]`, now(), wh, context)
}

// signed2 is the same with a signature.
func signed2(wh int, context string) string {
	return fmt.Sprintf(`,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":%d,"context":%q,"signedMeterValue":{"signedMeterData":"T0NNRg==","signingMethod":"ECDSA","encodingMethod":"OCMF","publicKey":"QUJD"}}]}]`, now(), wh, context)
}

func (c *station) transaction2(evse int) *tx2 {
	return &tx2{c: c, id: fmt.Sprintf("%s-%d", c.id, evse), evse: evse}
}

func (c *station) boots2() {
	c.t.Helper()
	c.says("BootNotification", boot2, `"status":"Accepted"`, `"interval":`)
}

func (c *station) status2(evse int, status string) {
	c.t.Helper()
	c.says("StatusNotification", fmt.Sprintf(`{"timestamp":%q,"connectorStatus":%q,"evseId":%d,"connectorId":1}`, now(), status, evse), `{}`)
}

func (c *station) ready2() {
	c.t.Helper()
	c.connect()
	c.boots2()
	c.status2(1, "Available")
	c.status2(2, "Available")
}

// charging2 brings a station to a running transaction.
func (c *station) charging2() *tx2 {
	c.t.Helper()
	c.ready2()
	x := c.transaction2(1)
	c.status2(1, "Occupied")
	x.event("Started", "Authorized", "EVConnected", good2+register2(1000, "Transaction.Begin"), letIn2)
	x.event("Updated", "ChargingStateChanged", "Charging", register2(1000, "Sample.Periodic"))
	return x
}

// over2 ends a transaction and frees the connector.
func (x *tx2) over2() {
	x.c.t.Helper()
	x.event("Ended", "StopAuthorized", "EVConnected", good2+register2(2000, "Transaction.End"))
	x.c.status2(x.evse, "Available")
}

// asks2 is a case that is one call of the operator with the station's answer.
func asks2(action, payload, answer string, parts ...string) func(*station) {
	return func(c *station) {
		c.ready2()
		if answer != "" {
			c.answersWith(action, answer)
		}
		c.operator(action, payload, parts...)
	}
}

// then2 adds calls of the station to a case: action and payload in turn.
func then2(first func(*station), calls ...string) func(*station) {
	return func(c *station) {
		first(c)
		for i := 0; i+1 < len(calls); i += 2 {
			c.says(calls[i], calls[i+1])
		}
	}
}

func firmware2(statuses ...string) func(*station) {
	var calls []string
	for _, s := range statuses {
		calls = append(calls, "FirmwareStatusNotification", fmt.Sprintf(`{"status":%q,"requestId":5}`, s))
	}
	return then2(asks2("UpdateFirmware", firmwareOrder2, "", `"Accepted"`), calls...)
}

const firmwareOrder2 = `{"requestId":5,"firmware":{"location":"http://box.lan/f","retrieveDateTime":"2026-01-01T00:00:00Z","signingCertificate":"-----BEGIN CERTIFICATE-----","signature":"AA=="}}`

// profile2 is a SetChargingProfile with these members of the profile.
func profile2(evse int, more string) string {
	return fmt.Sprintf(`{"evseId":%d,"chargingProfile":{"id":30,"stackLevel":1,%s,"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.5}]}]}}`, evse, more)
}

func customer2(members, status string, data ...string) func(*station) {
	var calls []string
	for i, d := range data {
		calls = append(calls, "NotifyCustomerInformation", fmt.Sprintf(`{"data":%q,"seqNo":%d,"generatedAt":"2026-01-01T00:00:00Z","requestId":6}`, d, i))
	}
	return then2(asks2("CustomerInformation", `{"requestId":6,`+members+`}`, fmt.Sprintf(`{"status":%q}`, status), status), calls...)
}

func log2(kind string, statuses ...string) func(*station) {
	var calls []string
	for _, s := range statuses {
		calls = append(calls, "LogStatusNotification", fmt.Sprintf(`{"status":%q,"requestId":7}`, s))
	}
	return then2(asks2("GetLog", fmt.Sprintf(`{"logType":%q,"requestId":7,"log":{"remoteLocation":"http://box.lan/log"}}`, kind), `{"status":"Accepted","filename":"log.zip"}`, "log.zip"), calls...)
}
