package downstream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// TestPlansOfCars: what a car tells of its plans, also where it is not as it must be. The
// charger gets the present setpoint again, for what is left of its lease.
func TestPlansOfCars(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          controller.CarNeeds
		again         bool
	}{
		{"alternating current", `{"evseId":1,"maxScheduleTuples":3,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase","departureTime":"2000-01-01T08:00:00Z","acChargingParameters":{"energyAmount":12000,"evMinCurrent":6,"evMaxCurrent":16,"evMaxVoltage":400}}}`,
			controller.CarNeeds{Station: "CP1", Connector: 1, Departure: time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC), Energy: 12000}, true},
		{"direct current", `{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"DC","dcChargingParameters":{"evMaxCurrent":200,"evMaxVoltage":800,"energyAmount":40000.0,"stateOfCharge":20}}}`,
			controller.CarNeeds{Station: "CP1", Connector: 1, Energy: 40000}, true},
		{"numbers as text, null", `{"evseId":"1","chargingNeeds":{"departureTime":null,"acChargingParameters":{"energyAmount":"7000"}}}`, controller.CarNeeds{Station: "CP1", Connector: 1, Energy: 7000}, true},
		{"no energy of a car", `{"evseId":1,"chargingNeeds":{"departureTime":"soon","acChargingParameters":{"energyAmount":99999999}}}`, controller.CarNeeds{Station: "CP1", Connector: 1}, true},
		{"below zero", `{"evseId":1,"chargingNeeds":{"acChargingParameters":{"energyAmount":-1}}}`, controller.CarNeeds{Station: "CP1", Connector: 1}, true},
		{"another EVSE", `{"evseId":2,"chargingNeeds":{}}`, controller.CarNeeds{Station: "CP1", Connector: 2}, false},
		{"nothing", `{}`, controller.CarNeeds{Station: "CP1"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(setpoint2(1, 10_000))
			cp.play(always(`3,{"status":"Accepted"}`))
			time.Sleep(20 * time.Second)
			cp.send(`[2,"1","NotifyEVChargingNeeds",` + c.payload + `]`)
			if got := cp.got(); got != `[3,"1",{"status":"Accepted"}]` {
				t.Errorf("%s: answered %s", c.name, got)
			}
			calls := cp.play(always(`3,{"status":"Accepted"}`))
			if c.again != (len(calls) == 1) || c.again && !strings.Contains(calls[0], `"startSchedule":"1999-12-31T23:59:20Z","duration":160,`) {
				t.Errorf("%s: told %v", c.name, calls)
			}
			equal(t, c.name, eventsOf[controller.CarNeeds](r.loop.take()), []controller.CarNeeds{c.want})
		})
	}
}

// TestAnOldSetpointIsNotGivenAgain: neither after its lease, nor one that was refused or
// whose outcome is not known, nor that of a transaction that has ended.
func TestAnOldSetpointIsNotGivenAgain(t *testing.T) {
	const yes = `3,{"status":"Accepted"}`
	const atOne = `"evse":{"id":1},`
	for _, c := range []struct {
		name, evse, second string // second: the answer to a second setpoint
		wait               time.Duration
		ends               bool
	}{
		{"its lease is over", atOne, yes, 115 * time.Second, false}, {"refused", atOne, `3,{"status":"Rejected"}`, 0, false},
		{"not answered", atOne, "", 20 * time.Second, false}, {"ended", atOne, yes, 0, true}, {"ended, its EVSE was told before the charger was away", "", yes, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			r.loop.answer = answering2
			cp := r.raw2("CP1", ocpp.V201)
			cp.call(boot2)
			cp.call(`[2,"0","TransactionEvent",{"eventType":"Started","seqNo":0,` + c.evse + `"transactionInfo":{"transactionId":"T-1"}}]`)
			r.hub.Do(setpoint2(1, 20_000))
			cp.play(always(yes))
			r.hub.Do(setpoint2(2, 10_000))
			if c.second != "" {
				cp.play(always(c.second))
			} else {
				cp.quiet()
			}
			time.Sleep(c.wait)
			if c.ends {
				cp.call(`[2,"2","TransactionEvent",{"eventType":"Ended","seqNo":1,"transactionInfo":{"transactionId":"T-1"}}]`)
			}
			if got := cp.call(`[2,"3","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{}}]`); got != `[3,"3",{"status":"Accepted"}]` {
				t.Errorf("%s: answered %s", c.name, got)
			}
			if calls := cp.play(always(yes)); len(calls) != 0 {
				t.Errorf("%s: told %v", c.name, calls)
			}
		})
	}
}

// TestASetpointTakenAfterTheEndIsNotGivenAgain: the end overtakes the answer.
func TestASetpointTakenAfterTheEndIsNotGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.loop.answer = answering2
		cp := r.raw2("CP1", ocpp.V201)
		cp.call(boot2)
		cp.call(`[2,"0","TransactionEvent",{"eventType":"Started","seqNo":0,"evse":{"id":1},"transactionInfo":{"transactionId":"T-1"}}]`)
		r.hub.Do(setpoint2(1, 20_000))
		id, _ := callID(t, cp.got())
		cp.call(`[2,"2","TransactionEvent",{"eventType":"Ended","seqNo":1,"transactionInfo":{"transactionId":"T-1"}}]`)
		cp.send(fmt.Sprintf(`[3,%q,{"status":"Accepted"}]`, id))
		cp.call(`[2,"3","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{}}]`)
		if calls := cp.play(always(`3,{"status":"Accepted"}`)); len(calls) != 0 {
			t.Errorf("told %v", calls)
		}
	})
}

// TestPlansBeforeASetpointIsSettled: a charger speaks of a car's plans at the moment it
// takes the setpoint.
func TestPlansBeforeASetpointIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		cp := r.raw2("CP1", ocpp.V201)
		r.hub.Do(setpoint2(1, 10_000))
		id, _ := callID(t, cp.got())
		cp.call(`[2,"1","NotifyEVChargingNeeds",{"evseId":1,"chargingNeeds":{}}]`)
		cp.send(fmt.Sprintf(`[3,%q,{"status":"Accepted"}]`, id))
		if calls := cp.play(always(`3,{"status":"Accepted"}`)); len(calls) != 1 {
			t.Errorf("told %v", calls)
		}
	})
}

// TestWhatAChargerBringsAboutDoesNotPileUp: it may tell of a car's plans, and of limits
// without their schedule, as often as it likes.
func TestWhatAChargerBringsAboutDoesNotPileUp(t *testing.T) {
	for action, payload := range map[string]string{"NotifyEVChargingNeeds": `{"evseId":1,"chargingNeeds":{}}`, "NotifyChargingLimit": `{"chargingLimit":{"chargingLimitSource":"EMS"}}`} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(setpoint2(1, 10_000))
			cp.play(always(`3,{"status":"Accepted"}`))
			for i := range 20 {
				cp.send(fmt.Sprintf(`[2,"%d",%q,%s]`, i, action, payload))
			}
			told := 0
			answers := cp.skim(func(string) string { told++; return `3,{"status":"Accepted"}` })
			if len(answers) != 20 || told != 2 { // one on its way, one that waits
				t.Errorf("%s: %d answers, told %d times", action, len(answers), told)
			}
		})
	}
}

func TestSchedulesThatCarsChoose(t *testing.T) {
	periods := func(unit string, list ...string) string {
		return fmt.Sprintf(`{"evseId":1,"timeBase":"2000-01-01T00:00:00Z","chargingSchedule":{"id":1,"chargingRateUnit":%q,"chargingSchedulePeriod":[%s]}}`, unit, strings.Join(list, ","))
	}
	const yes, no = `[3,"1",{"status":"Accepted"}]`, `[3,"1",{"status":"Rejected","statusInfo":{"reasonCode":"ValueTooHigh"}}]`
	for _, c := range []struct{ name, payload, want string }{
		{"keeps to it", periods("A", `{"startPeriod":0,"limit":10.0}`), yes},
		{"rounded", periods("A", `{"startPeriod":0,"limit":10.4}`), yes},
		{"more", periods("A", `{"startPeriod":0,"limit":11}`), no},
		{"more in a minute", periods("A", `{"startPeriod":0,"limit":6}`, `{"startPeriod":60,"limit":16}`), no},
		{"more when the setpoint is over", periods("A", `{"startPeriod":0,"limit":6}`, `{"startPeriod":600,"limit":16}`), yes},
		{"more, but that is over", periods("A", `{"startPeriod":-60,"limit":16}`, `{"startPeriod":-30,"limit":6}`), yes},
		{"watts over three conductors", periods("W", `{"startPeriod":0,"limit":6900,"numberPhases":3}`), yes},
		{"watts over one", periods("W", `{"startPeriod":0,"limit":6900,"numberPhases":1}`), no},
		{"watts, as it is wired", periods("W", `{"startPeriod":0,"limit":6900}`), yes},
		{"too many watts", periods("W", `{"startPeriod":0,"limit":11000}`), no},
		{"one period that is no list", `{"evseId":1,"timeBase":"yesterday","chargingSchedule":{"chargingSchedulePeriod":{"startPeriod":"0","limit":"16"}}}`, no},
		{"more on one phase, as in 2.1", periods("A", `{"startPeriod":0,"limit":10,"limit_L2":10,"limit_L3":12}`), no},
		{"no limit", periods("A", `{"startPeriod":0}`), yes},
		{"another EVSE", `{"evseId":2,"chargingSchedule":{"chargingSchedulePeriod":[{"startPeriod":0,"limit":32}]}}`, yes},
		{"nothing", `{}`, yes},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Phases: map[int]int{1: 3}}}})
			cp := r.raw2("CP1", ocpp.V201)
			r.hub.Do(setpoint2(1, 10_000))
			cp.play(always(`3,{"status":"Accepted"}`))
			cp.send(`[2,"1","NotifyEVChargingSchedule",` + c.payload + `]`)
			if got := cp.got(); got != c.want {
				t.Errorf("%s: answered %s", c.name, got)
			}
			if calls := cp.play(always(`3,{"status":"Accepted"}`)); len(calls) != strings.Count(c.want, "Rejected") {
				t.Errorf("%s: told %v", c.name, calls)
			}
		})
	}
}
