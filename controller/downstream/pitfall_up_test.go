package downstream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

func TestPitfall06_UnknownStopIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.exchanges(r.raw("CP1"), []exchange{
			{"a transaction nobody knows", `[2,"19","StopTransaction",{"transactionId":424242,"meterStop":10,"timestamp":"2000-01-01T00:00:00Z","reason":"PowerLoss"}]`,
				`[3,"19",{}]`, `TxStopped 424242 10 PowerLoss  `},
			{"the id of one that was never answered", `[2,"20","StopTransaction",{"transactionId":-1,"idTag":"AABB","meterStop":10,"timestamp":"2000-01-01T00:00:00Z"}]`,
				`[3,"20",{}]`, `TxStopped -1 10  AABB `},
			{"a reason that is none, an id as text", `[2,"21","StopTransaction",{"transactionId":"7","meterStop":"10","timestamp":"2000-01-01T00:00:00Z","reason":"User"}]`,
				`[3,"21",{}]`, `TxStopped 7 10   `},
			{"no time", `[2,"22","StopTransaction",{"transactionId":7,"meterStop":10,"reason":"Local"}]`, `[3,"22",{}]`, `TxStopped 7 10 Local  `},
		})
	})
}

func TestPitfall07_MeterValuesWithoutATransactionId(t *testing.T) {
	const value = `{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[{"value":"7"}]}`
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.exchanges(r.raw("CP1"), []exchange{
			{"nothing after the colon, which is no JSON", `[2,"a","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[` + value + `]}]`, `[3,"a",{}]`, `MeterReported 1 tx 0: ` + value},
			{"nothing before the end", `[2,"b","MeterValues",{"connectorId":1,"meterValue":[` + value + `],"transactionId": }]`, `[3,"b",{}]`, `MeterReported 1 tx 0: ` + value},
			{"-1", `[2,"c","MeterValues",{"connectorId":1,"transactionId":-1,"meterValue":[` + value + `]}]`, `[3,"c",{}]`, `MeterReported 1 tx -1: ` + value},
			{"0", `[2,"d","MeterValues",{"connectorId":1,"transactionId":0,"meterValue":[` + value + `]}]`, `[3,"d",{}]`, `MeterReported 1 tx 0: ` + value},
			{"empty text", `[2,"e","MeterValues",{"connectorId":1,"transactionId":"","meterValue":[` + value + `]}]`, `[3,"e",{}]`, `MeterReported 1 tx 0: ` + value},
			{"null", `[2,"f","MeterValues",{"connectorId":1,"transactionId":null,"meterValue":[` + value + `]}]`, `[3,"f",{}]`, `MeterReported 1 tx 0: ` + value},
			{"missing", `[2,"g","MeterValues",{"connectorId":1,"meterValue":[` + value + `]}]`, `[3,"g",{}]`, `MeterReported 1 tx 0: ` + value},
			{"as text", `[2,"h","MeterValues",{"connectorId":"1","transactionId":"1000001","meterValue":[` + value + `]}]`, `[3,"h",{}]`, `MeterReported 1 tx 1000001: ` + value},
			{"a colon in a text is none", `[2,"i","MeterValues",{"connectorId":1,"vendor":":,","transactionId":,"meterValue":[` + value + `]}]`, `[3,"i",{}]`, `MeterReported 1 tx 0: ` + value},
		})
		// What can't be mended either has no id to answer to; the socket stays.
		cp := r.raw("CP1")
		cp.send(`[2,"j","MeterValues",{"connectorId":1,,}]`)
		if got := cp.quiet(); len(got) != 0 {
			t.Errorf("answered %s", got)
		}
		if got := cp.call(`[2,"k","Heartbeat",{}]`); !strings.HasPrefix(got, `[3,"k"`) {
			t.Errorf("afterwards: %s", got)
		}
	})
}

func TestPitfall09_ClocksThatAreWrong(t *testing.T) {
	berlin := time.FixedZone("here", 3600)
	for _, c := range []struct {
		name, text string
		want       string
	}{
		{"1970, before the first Boot", "1970-01-01T00:03:07Z", "0001-01-01T00:00:00Z"},
		{"2036, a wrong battery", "2036-02-07T06:28:16Z", "0001-01-01T00:00:00Z"},
		{"local time without a zone", "2000-01-01T09:00:00", "2000-01-01T08:00:00Z"},
		{"the same with a blank", "2000-01-01 09:00:00.250", "2000-01-01T08:00:00Z"},
		{"an offset", "2000-01-01T11:00:00+03:00", "2000-01-01T08:00:00Z"},
		{"an offset of hours", "2000-01-01T11:00:00+03", "2000-01-01T08:00:00Z"},
		{"an offset without a colon", "2000-01-01T11:00:00+0300", "2000-01-01T08:00:00Z"},
		{"UTC", "2000-01-01T08:00:00.000000Z", "2000-01-01T08:00:00Z"},
		{"no time", "", "0001-01-01T00:00:00Z"},
		{"no time at all", "yesterday", "0001-01-01T00:00:00Z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Zone: berlin}}})
			time.Sleep(8 * time.Hour)
			r.exchanges(r.raw("CP1"), []exchange{{c.name,
				`[2,"1","StartTransaction",{"connectorId":1,"idTag":"AABB","meterStart":5,"timestamp":"` + c.text + `"}]`,
				`[3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}]`, `TxStarted 1 AABB 5 at ` + c.want}})
			cp := r.raw("CP1")
			cp.call(`[2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"` + c.text + `","sampledValue":[{"value":"7"}]}]}]`)
			got := eventsOf[controller.MeterReported](r.loop.take())
			want := c.want
			if strings.HasPrefix(want, "0001") { // a value is of now, then
				want = "2000-01-01T08:"
			}
			if len(got) != 1 || got[0].Samples[0].AtText != c.text || !strings.HasPrefix(got[0].Samples[0].At.Format(time.RFC3339), want) {
				t.Errorf("%s: the controller heard %+v", c.name, got)
			}
		})
	}
}

func TestPitfall10_NumbersAsMetersWriteThem(t *testing.T) {
	for _, c := range []struct {
		value  string // members of the sampledValue
		energy controller.WattHour
		has    bool
	}{
		{`"value":"12,345","unit":"kWh"`, 12345, true},
		{`"value":" 12345 ","unit":"Wh"`, 12345, true},
		{`"value":12345`, 12345, true},
		{`"value":"12 345.9"`, 12345, true},
		{`"value":"0012345"`, 12345, true},
		{`"value":"1.2345E+4"`, 12345, true},
		{`"value":"12.345 ","unit":"KWH"`, 12345, true},
		{`"value":"12345 Wh"`, 12345, true},
		{`"value":"12.345kWh"`, 12345, true},
		{`"value":"NaN"`, 0, false},
		{`"value":""`, 0, false},
		{`"value":null`, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			if got := cp.call(`[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[{` + c.value + `}]}]}]`); got != `[3,"1",{}]` {
				t.Errorf("%s: answered %s", c.value, got)
			}
			got := eventsOf[controller.MeterReported](r.loop.take())
			if len(got) != 1 || got[0].Samples[0].Energy != c.energy || got[0].Samples[0].HasEnergy != c.has {
				t.Errorf("%s: the controller heard %+v", c.value, got)
			}
		})
	}
}

func TestPitfall12_BootAtEveryReconnectOrNeverAgain(t *testing.T) {
	const boot = `[2,"1","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"X"}]`
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		for range 3 { // the id is 1 after each reconnect, too
			cp := r.raw("CP1")
			if got := cp.call(boot); got != `[3,"1",{"status":"Accepted","currentTime":"2000-01-01T00:00:00Z","interval":300}]` {
				t.Errorf("boot: %s", got)
			}
		}
		if got := len(eventsOf[controller.Booted](r.loop.take())); got != 3 {
			t.Errorf("the controller heard %d boots", got)
		}
		for range 3 {
			cp := r.raw("CP1")
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000}) // the Site knows it
			if got := cp.answer(`[3,"%s",{"status":"Accepted"}]`); !strings.HasPrefix(got, "SetChargingProfile") {
				t.Errorf("without boot: %s", got)
			}
			if got := cp.call(`[2,"1","Heartbeat",{}]`); !strings.HasPrefix(got, `[3,"1",{"currentTime"`) {
				t.Errorf("without boot: %s", got)
			}
			time.Sleep(2 * bootPatience)
			if got := cp.quiet(); len(got) != 0 {
				t.Errorf("one that never boots was asked %s", got)
			}
		}
		if got := len(eventsOf[controller.Booted](r.loop.take())); got != 0 {
			t.Errorf("the controller heard %d boots", got)
		}
	})
}

func TestPitfall29_ChargerThatGoesOnAfterARejectedBoot(t *testing.T) {
	for _, status := range []string{"Rejected", "Pending"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Onboarding: "approve"})
			r.loop.answer = func(ev controller.Event) controller.AnswerBody {
				if _, ok := ev.(controller.Booted); ok {
					return controller.BootAnswer{Status: status, Interval: 30 * time.Second, Now: time.Now()}
				}
				return nil
			}
			cp := r.raw("NEW")
			r.exchanges(cp, []exchange{
				{"boot", `[2,"1","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"X"}]`,
					`[3,"1",{"status":"` + status + `","currentTime":"2000-01-01T00:00:00Z","interval":30}]`, `Booted {ACME X    }`},
				{"status all the same", `[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]`,
					`[4,"2","SecurityError","this charger is not accepted yet",{}]`, ``},
				{"a transaction", `[2,"3","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":0,"timestamp":"2000-01-01T00:00:00Z"}]`,
					`[4,"3","SecurityError","this charger is not accepted yet",{}]`, ``},
				{"a heartbeat", `[2,"4","Heartbeat",{}]`, `[4,"4","SecurityError","this charger is not accepted yet",{}]`, ``},
			})
			time.Sleep(2 * bootPatience)
			if got := cp.quiet(); len(got) != 0 {
				t.Errorf("it was told %s", got)
			}
			if r.hub.waiting("") != 1 {
				t.Error("it does not count as one that waits")
			}
		})
	}
}
