package downstream

import (
	"fmt"
	"strings"
	"testing"

	"busbar/controller"
	"busbar/ocpp"
)

func describeOutside(ev controller.OutsideLimits) string {
	var out strings.Builder
	if ev.All {
		out.WriteString("all:")
	}
	for _, l := range ev.Limits {
		fmt.Fprintf(&out, " [%d %s", l.Connector, l.Source)
		if p := l.Profile; p != nil {
			fmt.Fprintf(&out, " %d/%d %s%s from %s", p.ID, p.StackLevel, p.Kind, p.Recurrency, p.Start.Format("15:04:05"))
			for _, period := range p.Periods {
				fmt.Fprintf(&out, " +%v=%d", period.From, period.Limit)
			}
			if p.Duration > 0 {
				fmt.Fprintf(&out, " for %v", p.Duration)
			}
			if p.Watts {
				fmt.Fprintf(&out, " W/%d", p.Periods[0].NumberPhases)
			}
		}
		out.WriteString("]")
	}
	return strings.TrimSpace(out.String())
}

// TestLimitsOfOtherSystems: what chargers tell of them, also where it is not as it must be.
func TestLimitsOfOtherSystems(t *testing.T) {
	const schedule = `"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0},{"startPeriod":60,"limit":6}]}]`
	for _, c := range []struct{ name, action, payload, want string }{
		{"whole charger", "NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"},` + schedule + `}`, `[0 EMS 0/0 Absolute from 00:00:00 +0s=10000 +1m0s=6000]`},
		{"an EVSE", "NotifyChargingLimit", `{"evseId":2,"chargingLimit":{"chargingLimitSource":"SO","isGridCritical":true},` + schedule + `}`, `[2 SO 0/0 Absolute from 00:00:00 +0s=10000 +1m0s=6000]`},
		{"watts, with a beginning and an end", "NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"},"chargingSchedule":[{"id":1,"startSchedule":"2000-01-01T05:00:00+02:00","duration":600,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":4140,"numberPhases":3}]}]}`,
			`[0 EMS 0/0 Absolute from 03:00:00 +0s=4140000 for 10m0s W/3]`},
		{"one schedule and period that are no lists, numbers as text", "NotifyChargingLimit", `{"evseId":"1","chargingLimit":{"chargingLimitSource":"EMS","customData":null},"chargingSchedule":{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":{"startPeriod":"0","limit":"8"}}}`,
			`[1 EMS 0/0 Absolute from 00:00:00 +0s=8000]`},
		{"a limit for each phase, as in 2.1", "NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"},"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10,"limit_L2":7,"limit_L3":9}]}]}`,
			`[0 EMS 0/0 Absolute from 00:00:00 +0s=7000]`},
		{"no source", "NotifyChargingLimit", `{` + schedule + `}`, `[0 Other 0/0 Absolute from 00:00:00 +0s=10000 +1m0s=6000]`},
		{"our own", "NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"CSO"},` + schedule + `}`, ``},
		{"no limit in it", "NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"},"chargingSchedule":[{"id":1,"chargingSchedulePeriod":[{"startPeriod":0},{"startPeriod":1,"limit":-1}]}]}`, ``},
		{"lifted", "ClearedChargingLimit", `{"chargingLimitSource":"EMS"}`, `[0 EMS]`},
		{"lifted at an EVSE", "ClearedChargingLimit", `{"chargingLimitSource":"EMS","evseId":2}`, `[2 EMS]`},
		{"lifted, by whom is not said", "ClearedChargingLimit", `{}`, `[0 Other]`},
		{"our own lifted", "ClearedChargingLimit", `{"chargingLimitSource":"CSO"}`, ``},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			if got := cp.call(`[2,"1","` + c.action + `",` + c.payload + `]`); got != `[3,"1",{}]` {
				t.Errorf("%s: answered %s", c.name, got)
			}
			var got strings.Builder
			for _, ev := range eventsOf[controller.OutsideLimits](r.loop.take()) {
				got.WriteString(describeOutside(ev))
			}
			equal(t, c.name, got.String(), c.want)
		})
	}
}

// TestLimitsWithoutASchedule: a charger that does not tell how much is asked for it.
func TestLimitsWithoutASchedule(t *testing.T) {
	profile := func(id, stack int, purpose string, limit int) string {
		return fmt.Sprintf(`{"id":%d,"stackLevel":%d,"chargingProfilePurpose":%q,"chargingProfileKind":"Recurring","recurrencyKind":"Daily","chargingSchedule":[{"id":1,"startSchedule":"2000-01-01T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":%d}]}]}`, id, stack, purpose, limit)
	}
	const outside = "ChargingStationExternalConstraints"
	report := func(request, evse int, source, tbc string, profiles ...string) string {
		return fmt.Sprintf(`[2,"r","ReportChargingProfiles",{"requestId":%d,"chargingLimitSource":%q,"evseId":%d%s,"chargingProfile":[%s]}]`, request, source, evse, tbc, strings.Join(profiles, ","))
	}
	for _, c := range []struct {
		name, answer string
		reports      []string
		want         string
	}{
		{"in two parts", `3,{"status":"Accepted"}`, []string{
			report(1, 1, "EMS", "", profile(-1, 0, outside, 1)), // nobody asked for it
			report(946684801, 1, "EMS", `,"tbc":true`, profile(-1, 0, outside, 9), profile(5, 0, "TxDefaultProfile", 6)),
			report(946684801, 2, "SO", `,"tbc":null`, profile(-2, 1, outside, 7)),
			report(946684801, 2, "SO", ``, profile(-3, 1, outside, 8)), // it had ended
		}, `all: [1 EMS -1/0 RecurringDaily from 00:00:00 +0s=9000] [2 SO -2/1 RecurringDaily from 00:00:00 +0s=7000]`},
		{"ours only", `3,{"status":"Accepted"}`, []string{report(946684801, 1, "CSO", "", profile(5, 0, outside, 6))}, `all:`},
		{"none", `3,{"status":"NoProfiles","statusInfo":null}`, nil, `all:`},
		{"not supported", `4,"NotSupported","",{}`, nil, ``},
		{"not known", `4,"NotImplemented","",{}`, nil, ``},
		{"nonsense", `3,{"status":7}`, nil, ``},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Config{})
			cp := r.raw2("CP1", ocpp.V201)
			cp.send(`[2,"1","NotifyChargingLimit",{"chargingLimit":{"chargingLimitSource":"EMS"}}]`)
			if got := cp.got(); got != `[3,"1",{}]` {
				t.Fatalf("%s: answered %s", c.name, got)
			}
			equal(t, c.name, cp.play(always(c.answer)), []string{`GetChargingProfiles {"requestId":946684801,"chargingProfile":{"chargingProfilePurpose":"ChargingStationExternalConstraints"}}`})
			for _, text := range c.reports {
				if got := cp.call(text); got != `[3,"r",{}]` {
					t.Errorf("%s: answered %s", c.name, got)
				}
			}
			var got strings.Builder
			for _, ev := range eventsOf[controller.OutsideLimits](r.loop.take()) {
				got.WriteString(describeOutside(ev))
			}
			equal(t, c.name, got.String(), c.want)
		})
	}
}
