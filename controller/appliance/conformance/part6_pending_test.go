package conformance

import (
	"net/http"
	"slices"
	"strings"

	"busbar/controller"
)

// pendingCases201 are those of a station that waits until somebody lets it in.
var pendingCases201 = []testCase{
	{"TC_B_02_CSMS", "pending until it is approved, then its Boot is accepted", func(c *station) {
		c.connect()
		c.bootsPending2()
		c.approve()
		c.hears("TriggerMessage", `"BootNotification"`)
		c.boots2()
		c.status2(1, "Available")
	}},
	{"TC_B_30_CSMS", "pending: SecurityError for what it may not send yet", func(c *station) {
		c.connect()
		c.bootsPending2()
		for action, payload := range map[string]string{
			"StatusNotification": `{"timestamp":"2026-01-01T00:00:00Z","connectorStatus":"Available","evseId":1,"connectorId":1}`,
			"NotifyEvent":        `{"generatedAt":"2026-01-01T00:00:00Z","seqNo":0,"eventData":[]}`,
			"Heartbeat":          `{}`,
			"Authorize":          `{"idToken":{"idToken":"GOOD","type":"ISO14443"}}`,
			"TransactionEvent":   `{"eventType":"Started","timestamp":"2026-01-01T00:00:00Z","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"T"}}`,
		} {
			c.isRefused(action, payload, "SecurityError")
		}
	}},
	{"TC_B_31_CSMS", "pending: what was asked for is taken, and the Boot that was asked for accepted", func(c *station) {
		c.connect()
		c.bootsPending2()
		c.operator("TriggerMessage", `{"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}`, `"Accepted"`)
		c.status2(1, "Available")
		c.operator("GetBaseReport", `{"requestId":8,"reportBase":"SummaryInventory"}`, `"Accepted"`)
		c.says("NotifyReport", `{"requestId":8,"generatedAt":"2026-01-01T00:00:00Z","seqNo":0,"reportData":[]}`, `{}`)
		c.isRefused("Heartbeat", `{}`, "SecurityError")
		c.approve()
		c.hears("TriggerMessage", `"BootNotification"`)
		c.says("BootNotification", strings.Replace(boot2, "PowerUp", "Triggered", 1), `"status":"Accepted"`)
		c.status2(1, "Available")
	}},
}

// boot2 is a BootNotification of 2.0.1.
const boot2 = `{"reason":"PowerUp","chargingStation":{"model":"Two","vendorName":"ACME","firmwareVersion":"2.0"}}`

func (c *station) bootsPending2() {
	c.t.Helper()
	c.says("BootNotification", boot2, `"status":"Pending"`, `"interval":30`)
	c.site.await(c.t, "the station at the door", func() bool {
		return slices.ContainsFunc(c.site.box.Snapshot().Waiting, func(w controller.WaitingView) bool { return string(w.Station) == c.id })
	})
}

// approve lets the station in as an operator does.
func (c *station) approve() {
	c.t.Helper()
	c.access("approve", `{"approve":true,"without_key":true}`, http.StatusOK)
}
