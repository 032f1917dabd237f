package downstream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// limitsOf are the limits of the charging profiles among calls, with purpose and unit.
func limitsOf(calls []string) []string {
	var out []string
	part := func(call, from, to string) string {
		_, rest, _ := strings.Cut(call, from)
		text, _, _ := strings.Cut(rest, to)
		return text
	}
	for _, c := range calls {
		if strings.HasPrefix(c, "SetChargingProfile") {
			out = append(out, part(c, `Purpose":"`, `"`)+" "+part(c, `"limit":`, `}`)+" "+part(c, `RateUnit":"`, `"`)+" "+part(c, `Kind":"`, `"`)+
				" on "+part(c, `"connectorId":`, `,`)+" stack "+part(c, `"stackLevel":`, `,`))
		}
	}
	return out
}

func TestPitfall15_MeasurandListRejectedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse func(value string) bool
		want   string // what is set in the end
		probes int
	}{
		{"one member is unknown", func(v string) bool { return strings.Contains(v, "SoC") }, "Current.Import,Energy.Active.Import.Register,Power.Active.Import,Voltage", 7},
		{"takes two, whatever its MaxLength says", func(v string) bool { return strings.Count(v, ",") > 1 }, "Current.Import,Energy.Active.Import.Register", 10},
		{"takes one", func(v string) bool { return strings.Contains(v, ",") }, "Current.Import", 11},
		{"takes none", func(string) bool { return true }, "", 6},
		{"takes all, whatever its MaxLength says", func(string) bool { return false }, strings.Join(measurands(), ","), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			r.hub.Do(controller.PushBaseline{Station: "CP1"})
			set, probes := "", 0
			cp.play(func(call string) string {
				_, value, ok := strings.Cut(call, `{"key":"MeterValuesSampledData","value":"`)
				value = strings.TrimSuffix(value, `"}`)
				switch {
				case strings.HasPrefix(call, "GetConfiguration"):
					return `3,{"configurationKey":[{"key":"MeterValuesSampledData","readonly":false,"value":"Energy.Active.Import.Register"},` +
						`{"key":"MeterValuesSampledDataMaxLength","readonly":true,"value":"4"}],"unknownKey":[]}`
				case !ok:
					return `3,{"status":"Accepted"}`
				}
				probes++
				if c.refuse(value) {
					return `3,{"status":"Rejected"}`
				}
				set = value
				return `3,{"status":"Accepted"}`
			})
			if set != c.want || probes != c.probes {
				t.Errorf("%s: set %q after %d tries, want %q after %d", c.name, set, probes, c.want, c.probes)
			}
			if got := strings.Join(r.abilities("CP1").Measurands, ","); got != c.want {
				t.Errorf("%s: learnt %q", c.name, got)
			}
			if got := eventsOf[controller.BaselinePushed](r.loop.take()); len(got) != 1 || (len(got[0].Refused) == 0) != (c.probes == 1) {
				t.Errorf("%s: the controller heard %+v", c.name, got)
			}
		})
	}
}

func TestPitfall16_ChargersThatTakeOneFormOnly(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(string) string
		floor  string // the fall-back taken
		point  string // the setpoint taken
		mode   controller.DeadManMode
	}{
		{"all", always(`3,{"status":"Accepted"}`), "TxDefaultProfile 6 A Absolute on 0 stack 0", "TxProfile 16 A Absolute on 1 stack 1", ""},
		{"words in small letters", always(`3,{"status":"accepted"}`), "TxDefaultProfile 6 A Absolute on 0 stack 0", "TxProfile 16 A Absolute on 1 stack 1", ""},
		{"Relative only", refusing("Absolute"), "TxDefaultProfile 6 A Relative on 0 stack 0", "TxProfile 16 A Relative on 1 stack 1", ""},
		{"stack level 0 only", refusing(`"stackLevel":1`), "TxDefaultProfile 6 A Absolute on 0 stack 0", "TxProfile 16 A Absolute on 1 stack 0", ""},
		{"no TxProfile", refusing(`"TxProfile"`), "TxDefaultProfile 6 A Absolute on 0 stack 0", "TxDefaultProfile 16 A Absolute on 1 stack 1", controller.DeadManDefault},
		{"no TxProfile, stack level 0 only", refusing(`"TxProfile"`, `"stackLevel":1`), "TxDefaultProfile 6 A Absolute on 0 stack 0", "TxDefaultProfile 16 A Absolute on 1 stack 0", controller.DeadManNone},
		{"not on connector 0", refusing(`"connectorId":0`), "TxDefaultProfile 6 A Absolute on 1 stack 0", "TxProfile 16 A Absolute on 1 stack 1", ""},
		{"ChargePointMaxProfile only", refusing(`"TxProfile"`, `"TxDefaultProfile"`), "ChargePointMaxProfile 6 A Absolute on 0 stack 0", "ChargePointMaxProfile 16 A Absolute on 0 stack 1", ""},
		{"wants the number of phases", func(call string) string {
			if strings.HasPrefix(call, "SetChargingProfile") && !strings.Contains(call, "numberPhases") {
				return `4,"OccurenceConstraintViolation","numberPhases",{}`
			}
			return `3,{"status":"Accepted"}`
		}, `TxDefaultProfile 6,"numberPhases":3 A Absolute on 0 stack 0`, `TxProfile 16,"numberPhases":3 A Absolute on 1 stack 1`, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Phases: map[int]int{1: 3}}}})
			cp := r.raw("CP1")
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
			floors := limitsOf(cp.play(c.answer))
			if got := floors[len(floors)-1]; got != c.floor {
				t.Errorf("%s: fall-back %s, want %s", c.name, got, c.floor)
			}
			for seq := range controller.Seq(2) { // the second refusal makes it try
				r.hub.Do(setpoint(seq, 16_000))
				cp.play(c.answer)
			}
			r.hub.Do(setpoint(7, 16_000))
			points := limitsOf(cp.play(c.answer))
			equal(t, c.name+": setpoint, once learnt", points, []string{c.point})
			answers := eventsOf[controller.LimitAnswered](r.loop.take())
			if last := answers[len(answers)-1]; last.Seq != 7 || !last.Accepted {
				t.Errorf("%s: the controller heard %+v", c.name, last)
			}
			if a := r.abilities("CP1"); a.DeadMan.Mode != c.mode || a.Source != controller.AbilitiesLearnt {
				t.Errorf("%s: learnt %+v", c.name, a)
			}
		})
	}
}

func TestPitfall26_AnswersOfAWrongShape(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		accepted     bool
	}{
		{"null members", `3,{"status":"Accepted","statusInfo":null}`, true},
		{"extra members", `3,{"status":"Accepted","evseId":1,"schedule":{"a":[]}}`, true},
		{"the name in another case", `3,{"Status":"Accepted"}`, true},
		{"null for a status", `3,{"status":null}`, false},
		{"a number for a status", `3,{"status":1}`, false},
		{"nothing", `3,{}`, false},
		{"no payload", `3,null`, false},
		{"a list", `3,["Accepted"]`, false},
		{"an error without anything", `4,""`, false},
		{"an error of an unknown code", `4,"Oops","",null`, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			r.hub.Do(setpoint(5, 10_000))
			cp.play(always(c.answer))
			time.Sleep(time.Minute)
			got := eventsOf[controller.LimitAnswered](r.loop.take())
			if len(got) != 1 || got[0].Accepted != c.accepted || !got[0].Sent {
				t.Errorf("%s: the controller heard %+v", c.name, got)
			}
			if got := cp.call(`[2,"1","Heartbeat",{}]`); !strings.Contains(got, "BootNotification") && !strings.HasPrefix(got, `[3,"1"`) {
				t.Errorf("%s: the connection did not outlive it: %s", c.name, got)
			}
		})
	}
}

// TestWattsBetweenLines: a load between two lines has one voltage, that between them,
// however many currents and voltages its charger shows.
func TestWattsBetweenLines(t *testing.T) {
	const told = `3,{"configurationKey":[{"key":"ChargingScheduleAllowedChargingRateUnit","readonly":true,"value":"Power"}]}`
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Voltage: 103, Chargers: []Charger{{ID: "CP1", Phases: map[int]int{1: 1}, Volts: map[int]int{1: 208}}}})
		cp := r.raw("CP1")
		answer := func(call string) string {
			switch {
			case strings.HasPrefix(call, "GetConfiguration"):
				return told
			case strings.Contains(call, `"chargingRateUnit":"A"`):
				return `3,{"status":"Rejected"}`
			}
			return `3,{"status":"Accepted"}`
		}
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		cp.play(answer)
		set := func() string {
			r.hub.Do(setpoint(1, 10_000))
			return strings.Join(limitsOf(cp.play(answer)), ";")
		}
		if got := set(); got != `TxProfile 2080,"numberPhases":1 W Absolute on 1 stack 1` {
			t.Errorf("nothing is measured: %s", got)
		}
		for volts, want := range map[string]string{"208": "2080", "240": "2080"} {
			var values []string
			for i := range 2 {
				values = append(values, fmt.Sprintf(`{"value":"16.0","measurand":"Current.Import","phase":"L%d"},{"value":%q,"measurand":"Voltage","phase":"L1-L2"}`, i+1, volts))
			}
			cp.call(`[2,"m` + volts + `","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[` + strings.Join(values, ",") + `]}]}]`)
			if got := set(); got != `TxProfile `+want+`,"numberPhases":1 W Absolute on 1 stack 1` {
				t.Errorf("at %s V on two lines: %s", volts, got)
			}
		}
	})
}

func TestPitfall27_PowerOnlyAndLimitsOfMinusOne(t *testing.T) {
	const told = `3,{"configurationKey":[{"key":"ChargingScheduleAllowedChargingRateUnit","readonly":true,"value":"Power"}]}`
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Chargers: []Charger{{ID: "CP1", Phases: map[int]int{1: 3}}}})
		cp := r.raw("CP1")
		answer := func(call string) string {
			switch {
			case strings.HasPrefix(call, "GetConfiguration"):
				return told
			case strings.Contains(call, `"chargingRateUnit":"A"`):
				return `3,{"status":"Rejected"}`
			}
			return `3,{"status":"Accepted"}`
		}
		r.hub.Do(controller.PushBaseline{Station: "CP1"})
		cp.play(answer)
		set := func(limit loadbalance.MilliAmp) string {
			r.hub.Do(setpoint(1, limit))
			return strings.Join(limitsOf(cp.play(answer)), ";")
		}
		if got := set(10_999); got != `TxProfile 7589,"numberPhases":3 W Absolute on 1 stack 1` { // 7589.31
			t.Errorf("wired with three: %s", got)
		}
		sample := func(volts string, amps ...string) {
			var values []string
			for i, a := range amps {
				values = append(values, fmt.Sprintf(`{"value":%q,"measurand":"Current.Import","phase":"L%d"},{"value":%q,"measurand":"Voltage","phase":"L%d-N"}`, a, i+1, volts, i+1))
			}
			cp.call(`[2,"m","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[` + strings.Join(values, ",") + `]}]}]`)
		}
		sample("215.5", "6.0", "0.0", "0.1")
		if got := set(10_000); got != `TxProfile 2155,"numberPhases":1 W Absolute on 1 stack 1` {
			t.Errorf("the car charges over one, at a low voltage: %s", got)
		}
		sample("240", "6.0", "6.0", "6.0")
		if got := set(10_000); got != `TxProfile 6900,"numberPhases":3 W Absolute on 1 stack 1` {
			t.Errorf("over three, at a high voltage: %s", got)
		}
		if got := eventsOf[controller.LimitAnswered](r.loop.take()); len(got) != 3 || !got[2].Accepted {
			t.Errorf("the controller heard %+v", got)
		}
	})
}

func TestPitfall28_ClearingByIdFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(string) string
		calls  []string
		byID   controller.Tristate
	}{
		{"by id", refusing(`"TxProfile"`), []string{`ClearChargingProfile {"id":2}`}, controller.Yes},
		{"by its place", func(call string) string {
			if strings.HasPrefix(call, `ClearChargingProfile {"id"`) {
				return `3,{"status":"Unknown"}`
			}
			return refusing(`"TxProfile"`)(call)
		}, []string{`ClearChargingProfile {"id":2}`, `ClearChargingProfile {"connectorId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}`}, controller.No},
		{"the fall-back is never cleared for it", refusing(`"TxProfile"`, `"stackLevel":1`), []string{
			`SetChargingProfile {"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile",` +
				`"chargingProfileKind":"Absolute","chargingSchedule":{"startSchedule":"1999-12-31T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}}}`}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw("CP1")
			r.hub.Do(controller.InstallFailsafe{Station: "CP1", Connectors: []int{1}, Limit: 6000})
			cp.play(c.answer)
			for seq := range controller.Seq(2) {
				r.hub.Do(setpoint(seq, 16_000))
				cp.play(c.answer)
			}
			if got := cp.call(`[2,"1","StopTransaction",{"transactionId":1000001,"meterStop":10,"timestamp":"2000-01-01T00:00:00Z"}]`); got != `[3,"1",{}]` {
				t.Errorf("%s: stop: %s", c.name, got)
			}
			equal(t, c.name, cp.play(c.answer), c.calls)
			if got := r.abilities("CP1").ClearByID; got != c.byID {
				t.Errorf("%s: learnt %q", c.name, got)
			}
		})
	}
}
