package downstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

func setpoint2(seq controller.Seq, limit loadbalance.MilliAmp) controller.SetLimit {
	l := setpoint(seq, limit)
	l.ChargerTx = "T-1"
	return l
}

// keepsRules reads a CALL as strictly as a 2.0.1 charger may.
func keepsRules(t *testing.T, call string) {
	t.Helper()
	text, ok := strings.CutPrefix(call, "SetChargingProfile ")
	if !ok {
		return
	}
	var req ocpp2.SetChargingProfileRequest
	if err := ocpp.DecodeStrict(json.RawMessage(text), &req, true); err != nil {
		t.Errorf("%s: %v", call, err)
	}
	if err := req.ValidateFor(ocpp.V201); err != nil {
		t.Errorf("%s: %v", call, err)
	}
}

func TestProfilesOf2xOnTheWire(t *testing.T) {
	for _, p := range []ocpp.Protocol{ocpp.V201, ocpp.V21} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", p)
			time.Sleep(1500 * time.Millisecond)
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1, 2}, Limit: 6000})
			floor := cp.play(always(`3,{"status":"Accepted","statusInfo":null}`))
			equal(t, "fall-back", floor, []string{`SetChargingProfile {"evseId":0,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute",` +
				`"chargingSchedule":[{"id":1,"startSchedule":"1999-12-31T00:00:01Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}]}}`})
			r.hub.Do(setpoint2(7, 13_999))
			limit := cp.play(always(`3,{"status":"Accepted"}`))
			equal(t, "setpoint, rounded down", limit, []string{`SetChargingProfile {"evseId":1,"chargingProfile":{"id":2,"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute",` +
				`"transactionId":"T-1","chargingSchedule":[{"id":2,"startSchedule":"1999-12-31T23:59:01Z","duration":180,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":13.9}]}]}}`})
			keepsRules(t, floor[0])
			keepsRules(t, limit[0])
			events := r.loop.take()
			equal(t, "fall-back answered", eventsOf[controller.FailsafeAnswered](events), []controller.FailsafeAnswered{{Station: "CP1", Accepted: true}})
			equal(t, "setpoint answered", eventsOf[controller.LimitAnswered](events), []controller.LimitAnswered{{Station: "CP1", Slot: 1, Seq: 7, Sent: true, Accepted: true}})
		})
	}
}

func TestFallbackOf2xGoesToEachEVSE(t *testing.T) {
	for name, no := range map[string]string{"rejected": `3,{"status":"Rejected"}`, "a CALLERROR": `4,"PropertyConstraintViolation","",{}`} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1, 2}, Limit: 6000})
			var evses []string
			for _, call := range cp.play(func(call string) string {
				if strings.Contains(call, `"evseId":0`) {
					return no
				}
				return `3,{"status":"Accepted"}`
			}) {
				keepsRules(t, call)
				evses = append(evses, strings.SplitN(call, ",", 2)[0])
			}
			equal(t, name, evses, []string{`SetChargingProfile {"evseId":0`, `SetChargingProfile {"evseId":1`, `SetChargingProfile {"evseId":2`})
			equal(t, name, eventsOf[controller.FailsafeAnswered](r.loop.take()), []controller.FailsafeAnswered{{Station: "CP1", Accepted: true}})
			if got := r.abilities("CP1").StationWide; got != controller.No {
				t.Errorf("%s: learnt %q", name, got)
			}
		})
	}
}

func TestSetpointsOf2xRefused(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"with a reason", `3,{"status":"Rejected","statusInfo":{"reasonCode":"TxNotFound","additionalInfo":"none runs"}}`, `the charger answered "Rejected: TxNotFound (none runs)"`},
		{"reason null", `3,{"status":"Rejected","statusInfo":null}`, `the charger answered "Rejected"`},
		{"a CALLERROR", `4,"NotSupported","no","{}"`, `NotSupported`},
		{"nothing", `3,{}`, `the charger answered ""`},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(setpoint2(1, 10_000))
			if calls := cp.play(always(c.answer)); len(calls) != 1 { // the first time may be too early for the charger
				t.Errorf("%s: %v", c.name, calls)
			}
			got := eventsOf[controller.LimitAnswered](r.loop.take())
			if len(got) != 1 || !got[0].Sent || got[0].Accepted || got[0].Unknown || !strings.Contains(got[0].Err, c.want) {
				t.Errorf("%s: %+v", c.name, got)
			}
		})
	}
}

func TestWattsWhereAmperesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Phases: map[int]int{1: 3}}}})
		cp := r.raw2("CP1", ocpp.V201)
		noAmps := refusing(`"chargingRateUnit":"A"`)
		r.hub.Do(setpoint2(1, 10_000))
		cp.play(noAmps)
		r.hub.Do(setpoint2(2, 10_000))
		calls := cp.play(noAmps)
		last := calls[len(calls)-1]
		keepsRules(t, last)
		if !strings.Contains(last, `"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":6900,"numberPhases":3}]`) {
			t.Errorf("in watts: %s", last)
		}
		r.hub.Do(setpoint2(3, 10_000))
		if calls := cp.play(noAmps); len(calls) != 1 || !strings.Contains(calls[0], `"chargingRateUnit":"W"`) {
			t.Errorf("learnt: %v", calls)
		}
	})
}

// TestSetpointThatOutlivesItsTransaction: where only default profiles are taken, the
// next car must not begin with the last one's setpoint.
func TestSetpointThatOutlivesItsTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := controller.UsualAbilities()
		a.DeadMan.Mode = controller.DeadManDefault
		r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Abilities: &a}}})
		r.loop.answer = answering2
		cp := r.raw2("CP1", ocpp.V201)
		r.hub.Do(setpoint2(1, 10_000))
		if calls := cp.play(always(`3,{"status":"Accepted"}`)); len(calls) != 1 || strings.Contains(calls[0], "transactionId") || !strings.Contains(calls[0], "TxDefaultProfile") {
			t.Errorf("setpoint: %v", calls)
		}
		cp.send(`[2,"1","TransactionEvent",{"eventType":"Ended","transactionInfo":{"transactionId":"T-1"}}]`)
		if got := cp.got(); got != `[3,"1",{}]` {
			t.Fatal(got)
		}
		equal(t, "after the end", cp.play(refusing(`"chargingProfileId"`)), []string{`ClearChargingProfile {"chargingProfileId":2}`,
			`ClearChargingProfile {"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}}`})
	})
}

func TestCommandsOf2x(t *testing.T) {
	tag := func(value string, kind controller.TokenType) controller.Command {
		return controller.Command{Kind: controller.CommandStart, Connector: 2, Token: controller.IDToken{Value: value, Type: kind}}
	}
	start := func(value, kind string) string {
		return fmt.Sprintf(`RequestStartTransaction {"evseId":2,"remoteStartId":946684801,"idToken":{"idToken":%q,"type":%q}}`, value, kind)
	}
	const yes, no = `3,{"status":"Accepted"}`, `3,{"status":"Rejected","statusInfo":{"reasonCode":"TxInProgress"}}`
	for _, c := range []struct {
		do   controller.Command
		wire string
		say  string
		want controller.CommandAnswered
	}{
		{tag("AABBCCDD", ""), start("AABBCCDD", "ISO14443"), yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{tag("E004010012345678", ""), start("E004010012345678", "ISO15693"), yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{tag("DE-8AA-CA2B3C4D5", ""), start("DE-8AA-CA2B3C4D5", "Central"), yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{tag("x", "KeyCode"), start("x", "KeyCode"), no, controller.CommandAnswered{Status: "Rejected", Err: "TxInProgress"}},
		{controller.Command{Kind: controller.CommandStop, Tx: 1000001, ChargerTx: "T-1"}, `RequestStopTransaction {"transactionId":"T-1"}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandUnlock, Connector: 1}, `UnlockConnector {"evseId":1,"connectorId":1}`, `3,{"status":"Unlocked"}`, controller.CommandAnswered{Accepted: true, Status: "Unlocked"}},
		{controller.Command{Kind: controller.CommandUnlock, Connector: 1}, `UnlockConnector {"evseId":1,"connectorId":1}`, `3,{"status":"OngoingAuthorizedTransaction"}`, controller.CommandAnswered{Status: "UnlockFailed"}},
		{controller.Command{Kind: controller.CommandUnlock, Connector: 3}, `UnlockConnector {"evseId":3,"connectorId":1}`, `3,{"status":"UnknownConnector"}`, controller.CommandAnswered{Status: "NotSupported"}},
		{controller.Command{Kind: controller.CommandAvailability, Connector: 1}, `ChangeAvailability {"operationalStatus":"Inoperative","evse":{"id":1}}`, `3,{"status":"Scheduled"}`, controller.CommandAnswered{Accepted: true, Status: "Scheduled"}},
		{controller.Command{Kind: controller.CommandAvailability, Operative: true}, `ChangeAvailability {"operationalStatus":"Operative"}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandReset, Hard: true}, `Reset {"type":"Immediate"}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandReset}, `Reset {"type":"Immediate"}`, `3,{"status":"Scheduled"}`, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandTrigger, Message: "StatusNotification", Connector: 1}, `TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandTrigger, Message: "MeterValues", Connector: 1}, `TriggerMessage {"requestedMessage":"MeterValues","evse":{"id":1}}`, `3,{"status":"NotImplemented"}`, controller.CommandAnswered{Status: "NotImplemented"}},
		{controller.Command{Kind: controller.CommandTrigger, Message: "DiagnosticsStatusNotification"}, `TriggerMessage {"requestedMessage":"LogStatusNotification"}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
		{controller.Command{Kind: controller.CommandTrigger, Message: "SignChargePointCertificate"}, `TriggerMessage {"requestedMessage":"SignChargingStationCertificate"}`, yes, controller.CommandAnswered{Accepted: true, Status: "Accepted"}},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			c.do.Op, c.do.Station, c.do.Within, c.want.Op = 3, "CP1", 5*time.Second, 3
			r.hub.Do(c.do)
			equal(t, "wire", cp.play(always(c.say)), []string{c.wire})
			equal(t, c.wire, eventsOf[controller.CommandAnswered](r.loop.take()), []controller.CommandAnswered{c.want})
		})
	}
}

// TestStatusesAreAskedForAfterAReconnect: those of all connectors of all EVSEs, because
// any may have changed meanwhile.
func TestStatusesAreAskedForAfterAReconnect(t *testing.T) {
	asked := func(r *rig, cp *rawCharger, reply func(string) string) (plugs []string) {
		r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1, 2}, Limit: 6000})
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		for _, call := range cp.play(reply) {
			if text, ok := strings.CutPrefix(call, `TriggerMessage {"requestedMessage":"StatusNotification","evse":`); ok {
				plugs = append(plugs, strings.TrimSuffix(text, "}"))
			}
		}
		return plugs
	}
	status := func(cp *rawCharger, evse, plug int) {
		cp.call(fmt.Sprintf(`[2,"1","StatusNotification",{"timestamp":"2000-01-01T00:00:00Z","connectorStatus":"Available","evseId":%d,"connectorId":%d}]`, evse, plug))
	}
	only := func(yes ...string) func(string) string {
		return func(call string) string {
			for _, y := range yes {
				if strings.Contains(call, y) {
					return `3,{"status":"Accepted"}`
				}
			}
			return `3,{"status":"Rejected","statusInfo":{"reasonCode":"UnknownConnectorId"}}`
		}
	}
	const plug = `{"id":%d,"connectorId":%d}`
	bubble(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		equal(t, "nothing known", asked(r, cp, only(`"id":1,"connectorId":1`, `"id":1,"connectorId":2`, `"id":2,"connectorId":1`)),
			[]string{fmt.Sprintf(plug, 1, 1), fmt.Sprintf(plug, 1, 2), fmt.Sprintf(plug, 1, 3), fmt.Sprintf(plug, 2, 1), fmt.Sprintf(plug, 2, 2)})
		status(cp, 1, 1)
		status(cp, 2, 2)
		status(cp, 2, 1)
		status(cp, 2, 1_000_000) // no such connector
		cp = r.raw2("CP1", ocpp.V201)
		equal(t, "known", asked(r, cp, always(`4,"InternalError","",{}`)), []string{fmt.Sprintf(plug, 1, 1), fmt.Sprintf(plug, 2, 1), fmt.Sprintf(plug, 2, 2)})
	})
}

// TestSetpointsThatEndOffline: a charger of 2.1 that says so is told how long a setpoint
// outlives the connection, which it can tell without a clock.
func TestSetpointsThatEndOffline(t *testing.T) {
	supports := func(value string) func(string) string {
		return func(call string) string {
			if strings.Contains(call, "SupportsMaxOfflineDuration") {
				return `3,{"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"` + value + `","component":{"name":"smartchargingctrlr"},"variable":{"name":"supportsMaxOfflineDuration"}}]}`
			}
			return `3,{"status":"Accepted"}`
		}
	}
	const member = `"maxOfflineDuration":120,"invalidAfterOfflineDuration":true`
	for _, c := range []struct {
		protocol ocpp.Protocol
		value    string
		want     bool
	}{{ocpp.V21, "true", true}, {ocpp.V21, "True ", true}, {ocpp.V21, "false", false}, {ocpp.V21, "1", false}, {ocpp.V201, "true", false}} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", c.protocol)
			r.hub.Do(controller.PushBaseline{Station: "CP1"})
			cp.play(supports(c.value))
			r.hub.Do(setpoint2(1, 10_000))
			calls := cp.play(supports(c.value))
			if len(calls) != 1 || strings.Contains(calls[0], member) != c.want {
				t.Errorf("%s, %q: %v", c.protocol, c.value, calls)
			}
		})
	}
	bubble(t, func(t *testing.T) { // one that says so and refuses it
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V21)
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		cp.play(supports("true"))
		for seq := range controller.Seq(2) {
			r.hub.Do(setpoint2(seq+1, 10_000))
			cp.play(refusing(`"maxOfflineDuration"`))
		}
		if got := r.abilities("CP1").MaxOffline; got != controller.No {
			t.Errorf("learnt %q", got)
		}
		r.hub.Do(setpoint2(3, 10_000))
		if calls := cp.play(refusing(`"maxOfflineDuration"`)); len(calls) != 1 || strings.Contains(calls[0], "Offline") || !strings.Contains(calls[0], `"stackLevel":1`) {
			t.Errorf("afterwards: %v", calls)
		}
	})
}

// TestTooEarlyIsNoOtherForm: a charger that first waits for the car's plans takes the
// usual profile afterwards.
func TestTooEarlyIsNoOtherForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		for seq := range controller.Seq(4) {
			r.hub.Do(setpoint2(seq+1, 10_000))
			if calls := cp.play(always(`3,{"status":"Rejected","statusInfo":{"reasonCode":"invalidMessageSeq"}}`)); len(calls) != 1 {
				t.Errorf("tried %v", calls)
			}
		}
		r.hub.Do(setpoint2(9, 10_000))
		if calls := cp.play(always(`3,{"status":"Accepted"}`)); len(calls) != 1 || !strings.Contains(calls[0], `"stackLevel":1,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute"`) {
			t.Errorf("afterwards %v", calls)
		}
	})
}
