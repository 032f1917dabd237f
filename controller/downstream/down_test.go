package downstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

func setpoint(seq controller.Seq, limit loadbalance.MilliAmp) controller.SetLimit {
	return controller.SetLimit{Station: "CP1", Slot: 1, Connector: 1, Seq: seq, Tx: 1000001, Limit: limit, Lease: 2 * time.Minute}
}

func TestProfilesOnTheWire(t *testing.T) {
	bubble(t, func(t *testing.T) {
		written := map[controller.Seq]time.Time{}
		r := newRig(t, Config{OnLimitSent: func(seq controller.Seq, at time.Time) { written[seq] = at }})
		c := r.connect("CP1")
		time.Sleep(1500 * time.Millisecond)
		r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
		equal(t, "fall-back", c.heard(), []string{`SetChargingProfile {"connectorId":0,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,` +
			`"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":{"startSchedule":"1999-12-31T00:00:01Z",` +
			`"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}}}`})
		r.hub.Do(setpoint(7, 13_999))
		equal(t, "setpoint, rounded down", c.heard(), []string{`SetChargingProfile {"connectorId":1,"csChargingProfiles":{"chargingProfileId":2,"transactionId":1000001,` +
			`"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","chargingSchedule":{"duration":180,` +
			`"startSchedule":"1999-12-31T23:59:01Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":13.9}]}}}`})
		events := r.loop.take()
		equal(t, "fall-back answered", eventsOf[controller.FailsafeAnswered](events), []controller.FailsafeAnswered{{Station: "CP1", Accepted: true}})
		equal(t, "setpoint answered", eventsOf[controller.LimitAnswered](events), []controller.LimitAnswered{{Station: "CP1", Slot: 1, Seq: 7, Sent: true, Accepted: true}})
		if at := written[7]; !at.Equal(time.Now()) {
			t.Errorf("written at %v", at)
		}
	})
}

func TestFallbackGoesToEachConnectorIfTheWholeIsRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(connector string) (string, error)
		want    controller.FailsafeAnswered
		written int
	}{
		{"0 rejected", func(n string) (string, error) {
			if n == "0" {
				return `{"status":"Rejected"}`, nil
			}
			return `{"status":"Accepted"}`, nil
		}, controller.FailsafeAnswered{Station: "CP1", Accepted: true}, 3},
		{"0 is a CALLERROR", func(n string) (string, error) {
			if n == "0" {
				return "", ocpp.Errorf(ocpp.CodePropertyConstraintViolation, "no connector 0")
			}
			return `{"status":"Accepted"}`, nil
		}, controller.FailsafeAnswered{Station: "CP1", Accepted: true}, 3},
		{"one rejected", func(n string) (string, error) {
			if n == "1" {
				return `{"status":"Accepted"}`, nil
			}
			return `{"status":"NotSupported"}`, nil
		}, controller.FailsafeAnswered{Station: "CP1", Err: `the charger answered "NotSupported"`}, 15}, // in all forms
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.connect("CP1")
			cp.on("SetChargingProfile", func(req *ocpp.Request) (string, error) {
				return c.answer(strings.TrimSuffix(strings.TrimPrefix(string(req.Payload), `{"connectorId":`)[:1], ","))
			})
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1, 2}, Limit: 6000})
			if got := len(cp.heard()); got != c.written {
				t.Errorf("%s: %d profiles written", c.name, got)
			}
			equal(t, c.name, eventsOf[controller.FailsafeAnswered](r.loop.take()), []controller.FailsafeAnswered{c.want})
		})
	}
}

func TestEverySetpointIsAnsweredOnce(t *testing.T) {
	out := controller.LimitAnswered{Station: "CP1", Slot: 1, Seq: 5}
	with := func(f func(*controller.LimitAnswered)) controller.LimitAnswered { o := out; f(&o); return o }
	for _, c := range []struct {
		name   string
		answer func(*charger) func(*ocpp.Request) (string, error)
		want   controller.LimitAnswered
		err    string
	}{
		{"accepted", nil, with(func(o *controller.LimitAnswered) { o.Sent, o.Accepted = true, true }), ""},
		{"rejected", reply(`{"status":"Rejected"}`, nil), with(func(o *controller.LimitAnswered) { o.Sent = true }), `answered "Rejected"`},
		{"without a status", reply(`{}`, nil), with(func(o *controller.LimitAnswered) { o.Sent = true }), `answered ""`},
		{"CALLERROR", reply("", ocpp.Errorf(ocpp.CodeNotSupported, "")), with(func(o *controller.LimitAnswered) { o.Sent = true }), "NotSupported"},
		{"no answer", func(*charger) func(*ocpp.Request) (string, error) {
			return func(*ocpp.Request) (string, error) { time.Sleep(time.Minute); return "{}", nil }
		}, with(func(o *controller.LimitAnswered) { o.Sent, o.Unknown = true, true }), "did not answer in time"},
		{"connection lost meanwhile", func(cp *charger) func(*ocpp.Request) (string, error) {
			return func(*ocpp.Request) (string, error) {
				cp.Close(1001, "")
				time.Sleep(time.Second)
				return "{}", nil
			}
		}, with(func(o *controller.LimitAnswered) { o.Sent, o.Unknown = true, true }), "closed"},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.connect("CP1")
			if c.answer != nil {
				cp.on("SetChargingProfile", c.answer(cp))
			}
			r.hub.Do(setpoint(5, 10_000))
			time.Sleep(2 * time.Minute)
			got := eventsOf[controller.LimitAnswered](r.loop.take())
			if len(got) != 1 || !strings.Contains(got[0].Err, c.err) {
				t.Fatalf("%s: %+v", c.name, got)
			}
			got[0].Err = ""
			equal(t, c.name, got[0], c.want)
		})
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.hub.Do(setpoint(5, 10_000))
		synctest.Wait()
		equal(t, "not connected", eventsOf[controller.LimitAnswered](r.loop.take()), []controller.LimitAnswered{unsentLimit(setpoint(5, 0), "the charger is not connected")})
	})
}

func reply(text string, err error) func(*charger) func(*ocpp.Request) (string, error) {
	return func(*charger) func(*ocpp.Request) (string, error) {
		return func(*ocpp.Request) (string, error) { return text, err }
	}
}

func TestNewestSetpointWinsAndReductionsGoFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		cp.on("SetChargingProfile", func(*ocpp.Request) (string, error) { time.Sleep(time.Second); return `{"status":"Accepted"}`, nil })
		r.hub.Do(setpoint(1, 10_000)) // leaves at once
		synctest.Wait()
		other := setpoint(2, 20_000)
		other.Slot, other.Connector = 2, 2
		r.hub.Do(other)
		r.hub.Do(setpoint(3, 11_000)) // waits, superseded by
		last := setpoint(4, 8_000)
		last.Reduction = true
		r.hub.Do(last)
		time.Sleep(10 * time.Second)
		var order []string
		for _, told := range cp.heard() {
			order = append(order, told[strings.LastIndex(told, `"limit":`):len(told)-5])
		}
		equal(t, "order on the wire", order, []string{`"limit":10`, `"limit":8`, `"limit":20`})
		fate := map[controller.Seq]controller.LimitAnswered{}
		for _, a := range eventsOf[controller.LimitAnswered](r.loop.take()) {
			if _, twice := fate[a.Seq]; twice {
				t.Errorf("setpoint %d is answered twice", a.Seq)
			}
			fate[a.Seq] = a
		}
		if len(fate) != 4 || fate[3].Sent || !fate[1].Accepted || !fate[2].Accepted || !fate[4].Accepted {
			t.Errorf("answers: %+v", fate)
		}
	})
}

func TestWhatWaitsIsReportedWhenTheConnectionEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		cp.on("SetChargingProfile", func(*ocpp.Request) (string, error) { time.Sleep(time.Hour); return "{}", nil })
		r.hub.Do(setpoint(1, 10_000))
		synctest.Wait()
		r.hub.Do(setpoint(2, 11_000))
		r.hub.Do(controller.Command{Op: 9, Station: "CP1", Within: time.Minute, Kind: controller.CommandReset})
		r.loop.busy = 50 // the loop is congested for a second just then
		newer, err := r.dial("CP1", "")
		_ = newer
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		events := r.loop.take()
		limits := eventsOf[controller.LimitAnswered](events)
		if len(limits) != 2 || !limits[0].Unknown || limits[1].Sent || limits[1].Err == "" {
			t.Errorf("setpoints: %+v", limits)
		}
		if commands := eventsOf[controller.CommandAnswered](events); len(commands) != 1 || commands[0].Accepted || commands[0].Err == "" {
			t.Errorf("command: %+v", commands)
		}
		gone := eventsOf[controller.ChargerGone](events)
		if len(gone) == 0 || gone[0].Generation != 1 || !strings.Contains(gone[0].Cause, "replaced") {
			t.Errorf("gone: %+v", gone)
		}
	})
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		do       controller.Command
		wire     string
		answer   string
		accepted bool
		status   string
	}{
		{controller.Command{Kind: controller.CommandStart, Connector: 2, Token: controller.IDToken{Value: "AABB"}}, `RemoteStartTransaction {"connectorId":2,"idTag":"AABB"}`, `{"status":"Accepted"}`, true, "Accepted"},
		{controller.Command{Kind: controller.CommandStart, Token: controller.IDToken{Value: "AABB"}}, `RemoteStartTransaction {"idTag":"AABB"}`, `{"status":"Rejected"}`, false, "Rejected"},
		{controller.Command{Kind: controller.CommandStop, Tx: 1000001}, `RemoteStopTransaction {"transactionId":1000001}`, `{"status":"Accepted"}`, true, "Accepted"},
		{controller.Command{Kind: controller.CommandUnlock, Connector: 1}, `UnlockConnector {"connectorId":1}`, `{"status":"Unlocked"}`, true, "Unlocked"},
		{controller.Command{Kind: controller.CommandUnlock, Connector: 1}, `UnlockConnector {"connectorId":1}`, `{"status":"UnlockFailed"}`, false, "UnlockFailed"},
		{controller.Command{Kind: controller.CommandAvailability, Connector: 1}, `ChangeAvailability {"connectorId":1,"type":"Inoperative"}`, `{"status":"Scheduled"}`, true, "Scheduled"},
		{controller.Command{Kind: controller.CommandAvailability, Operative: true}, `ChangeAvailability {"connectorId":0,"type":"Operative"}`, `{"status":"Accepted"}`, true, "Accepted"},
		{controller.Command{Kind: controller.CommandReset, Hard: true}, `Reset {"type":"Hard"}`, `{"status":"Accepted"}`, true, "Accepted"},
		{controller.Command{Kind: controller.CommandTrigger, Message: "MeterValues", Connector: 1}, `TriggerMessage {"requestedMessage":"MeterValues","connectorId":1}`, `{"status":"NotImplemented"}`, false, "NotImplemented"},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.connect("CP1")
			cp.on(strings.Fields(c.wire)[0], reply(c.answer, nil)(cp))
			c.do.Op, c.do.Station, c.do.Within = 3, "CP1", 5*time.Second
			r.hub.Do(c.do)
			equal(t, "wire", cp.heard(), []string{c.wire})
			equal(t, c.wire, eventsOf[controller.CommandAnswered](r.loop.take()), []controller.CommandAnswered{{Op: 3, Accepted: c.accepted, Status: c.status}})
		})
	}
}

func TestCommandIsAnsweredWithinItsTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		cp.on("Reset", func(*ocpp.Request) (string, error) { time.Sleep(time.Minute); return `{"status":"Accepted"}`, nil })
		for op := range 3 {
			r.hub.Do(controller.Command{Op: controller.OpID(op), Station: "CP1", Within: 5 * time.Second, Kind: controller.CommandReset})
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		got := eventsOf[controller.CommandAnswered](r.loop.take())
		if len(got) != 3 {
			t.Fatalf("%+v", got)
		}
		for _, a := range got {
			if a.Accepted || a.Err == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

func TestBaselineWritesWhatDiffers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		cp.on("GetConfiguration", reply(`{"configurationKey":[
			{"key":"MeterValuesSampledData","readonly":false,"value":"Current.Import, Energy.Active.Import.Register,Power.Active.Import,Voltage,SoC"},
			{"key":"MeterValueSampleInterval","readonly":"false","value":"60"},{"key":"StopTxnSampledData","value":""},
			{"key":"LocalPreAuthorize","value":"False"},{"key":"LocalAuthorizeOffline","value":"true"},{"key":"AuthorizationCacheEnabled","value":"true"},
			{"key":"AuthorizeRemoteTxRequests","value":"true"},{"key":"TransactionMessageAttempts","value":"10"},
			{"key":"WebSocketPingInterval","value":"30"},{"key":"HeartbeatInterval","value":"300"}],
			"unknownKey":["TransactionMessageRetryInterval"]}`, nil)(cp))
		cp.on("ChangeConfiguration", func(req *ocpp.Request) (string, error) {
			if strings.Contains(string(req.Payload), "AuthorizeRemote") {
				return `{"status":"Rejected"}`, nil
			}
			return `{"status":"RebootRequired"}`, nil
		})
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		told := cp.heard()
		equal(t, "wire", told[1:], []string{
			`ChangeConfiguration {"key":"MeterValueSampleInterval","value":"10"}`,
			`ChangeConfiguration {"key":"AuthorizeRemoteTxRequests","value":"false"}`,
			`GetConfiguration {"key":["` + strings.Join(abilityKeys(), `","`) + `"]}`,
			`TriggerMessage {"requestedMessage":"StatusNotification"}`, // it came without Boot
		})
		equal(t, "report", eventsOf[controller.BaselinePushed](r.loop.take()), []controller.BaselinePushed{
			{Station: "CP1", Refused: []string{"TransactionMessageRetryInterval", "AuthorizeRemoteTxRequests"}}})
	})
}

func TestMeasurandsAreTriedOneByOneIfTheListIsRejected(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		cp.on("GetConfiguration", reply("", errors.New("no"))(cp))
		cp.on("ChangeConfiguration", func(req *ocpp.Request) (string, error) {
			if text := string(req.Payload); strings.Contains(text, "SoC") || strings.Contains(text, "Voltage") {
				return `{"status":"Rejected"}`, nil
			}
			return `{"status":"Accepted"}`, nil
		})
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		var lists []string
		for _, told := range cp.heard() {
			if _, value, ok := strings.Cut(told, `"MeterValuesSampledData","value":"`); ok {
				lists = append(lists, strings.TrimSuffix(value, `"}`))
			}
		}
		equal(t, "lists", lists, []string{strings.Join(measurands(), ","), "Current.Import", "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "SoC",
			"Current.Import,Energy.Active.Import.Register,Power.Active.Import"})
		got := eventsOf[controller.BaselinePushed](r.loop.take())
		equal(t, "report", got, []controller.BaselinePushed{{Station: "CP1", Refused: []string{"MeterValuesSampledData=Voltage", "MeterValuesSampledData=SoC"}}})
	})
}

func TestSetpointsDoNotWaitForTheBaseline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		slow := func(*ocpp.Request) (string, error) { time.Sleep(2 * time.Second); return `{"status":"Accepted"}`, nil }
		cp.on("ChangeConfiguration", slow)
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		time.Sleep(3 * time.Second)
		cp.heard()
		r.hub.Do(setpoint(1, 10_000))
		time.Sleep(2 * time.Second)
		told := cp.heard()
		if len(told) == 0 || !strings.HasPrefix(told[0], "SetChargingProfile") {
			t.Errorf("told %v", told)
		}
	})
}

func TestSupportCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		if _, err := r.hub.Call(t.Context(), "CP1", "ClearCache", nil); !errors.Is(err, ErrOffline) {
			t.Errorf("offline: %v", err)
		}
		r.connect("CP1")
		if got, err := r.hub.Call(t.Context(), "CP1", "ClearCache", nil); err != nil || string(got) != `{"status":"Accepted"}` {
			t.Errorf("%s, %v", got, err)
		}
	})
}

func TestDisconnectSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.connect("CP1")
		r.hub.Do(controller.Disconnect{Station: "CP1", Reason: "turned away"})
		<-cp.Done()
		if got := fmt.Sprint(cp.Err()); !strings.Contains(got, "1008 turned away") {
			t.Error(got)
		}
	})
}
