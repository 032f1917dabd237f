package downstream

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/loadbalance"
	"busbar/ocpp"
)

// driver is a charger of 2.0.1 with a car that takes what it may.
type driver struct {
	*rawCharger
	w     *wired
	seq   int
	may   float64  // A, of the newest setpoint
	calls []string // what it was asked
}

var setpoints2 = regexp.MustCompile(`"TxProfile".*"limit":([0-9.]+)`)

func (c *driver) reply(call string) string {
	c.calls = append(c.calls, call)
	if m := setpoints2.FindStringSubmatch(call); m != nil {
		c.may, _ = strconv.ParseFloat(m[1], 64)
		c.w.cars.Store(int64(1000 * c.may))
	}
	if strings.HasPrefix(call, "GetTransactionStatus") {
		return `3,{"ongoingIndicator":true,"messagesInQueue":false}`
	}
	return `3,{"status":"Accepted"}`
}

// event tells of the transaction; the answers to what it was asked meanwhile go with it.
func (c *driver) event(kind, more string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`[2,"e%d","TransactionEvent",{"eventType":%q,"timestamp":%q,"triggerReason":"MeterValuePeriodic","seqNo":%d,"evse":{"id":1,"connectorId":1},"transactionInfo":{"transactionId":"T-1","chargingState":"Charging"}%s,`+
		`"meterValue":[{"timestamp":%q,"sampledValue":[{"value":%d,"measurand":"Energy.Active.Import.Register"},{"value":%v,"measurand":"Current.Import","phase":"L1"},{"value":%v,"measurand":"Current.Import","phase":"L2"},{"value":%v,"measurand":"Current.Import","phase":"L3"}]}]}]`,
		c.seq, kind, time.Now().UTC().Format(time.RFC3339), c.seq, more, time.Now().UTC().Format(time.RFC3339), 1000+c.seq, c.may, c.may, c.may))
	c.seq++
	c.skim(c.reply)
}

func (c *driver) drives(d time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(2 * time.Second) {
		synctest.Wait() // in the bubble of withSite
		c.event("Updated", "")
	}
}

func (c *driver) wasAsked(action string) (n int) {
	for _, call := range c.calls {
		if strings.HasPrefix(call, action+" ") {
			n++
		}
	}
	return n
}

// TestOutsideLimitsAndGapsThroughTheRealController: the setpoint keeps to what another
// system leaves, and messages that are missing are asked about.
func TestOutsideLimitsAndGapsThroughTheRealController(t *testing.T) {
	withSite(t, "closed", func(t *testing.T, r *rig, w *wired) {
		c := &driver{rawCharger: r.raw2("CP1", ocpp.V201), w: w}
		c.send(boot2)
		c.skim(c.reply)
		c.event("Started", `,"idToken":{"idToken":"AABBCCDD","type":"ISO14443"}`)
		c.drives(time.Minute)
		if c.may <= 11 {
			t.Fatalf("may draw %v A after a minute", c.may)
		}
		c.send(`[2,"n","NotifyChargingLimit",{"chargingLimit":{"chargingLimitSource":"EMS"},"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":11},{"startPeriod":60,"limit":8}]}]}]`)
		c.drives(30 * time.Second)
		if v := w.settled().Connectors[0]; c.may != 11 || v.Reason.Rule != loadbalance.RuleOutside {
			t.Errorf("may draw %v A because of %+v, want 11 A by the outside rule", c.may, v.Reason)
		}
		c.drives(time.Minute)
		if c.may != 8 {
			t.Errorf("may draw %v A in the schedule's second period, want 8 A", c.may)
		}
		c.send(`[2,"o","ClearedChargingLimit",{"chargingLimitSource":"EMS"}]`)
		asked := c.wasAsked("GetTransactionStatus")
		c.seq += 3
		c.drives(time.Minute)
		if c.may <= 11 {
			t.Errorf("may draw %v A after the limit was lifted", c.may)
		}
		if n := c.wasAsked("GetTransactionStatus") - asked; n != 1 {
			t.Errorf("asked %d times about one gap", n)
		}
		c.event("Ended", "")
		if v := w.settled().Connectors[0]; v.Tx != 0 {
			t.Errorf("after the end: %+v", v)
		}
	})
}
