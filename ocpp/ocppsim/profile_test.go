package ocppsim

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// Short names of the purposes.
const (
	stationMax = ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile
	txDefault  = ocpp16.ChargingProfilePurposeTypeTxDefaultProfile
	txProfile  = ocpp16.ChargingProfilePurposeTypeTxProfile
)

// read16 is a profile as the charger keeps it.
func read16(p ocpp16.ChargingProfile) chargingProfile {
	out, ok := profile16(&p)
	if !ok {
		panic("a profile that can't be read")
	}
	return out
}

// TestStacking asks what a three-phase connector 1 of 32 A may offer at 12:00, an
// hour after its transaction began.
func TestStacking(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	begun := noon.Add(-time.Hour)
	on := func(connector int, p ocpp16.ChargingProfile, edits ...func(*ocpp16.ChargingProfile)) installed {
		for _, e := range edits {
			e(&p)
		}
		return installed{connector: connector, at: begun, p: read16(p)}
	}
	watts := func(phases int) func(*ocpp16.ChargingProfile) {
		return func(p *ocpp16.ChargingProfile) {
			p.ChargingSchedule.ChargingRateUnit = ocpp16.ChargingRateUnitTypeW
			if phases > 0 {
				p.ChargingSchedule.ChargingSchedulePeriod[0].NumberPhases = &phases
			}
		}
	}
	relative := func(p *ocpp16.ChargingProfile) {
		p.ChargingProfileKind, p.ChargingSchedule.StartSchedule = ocpp16.ChargingProfileKindTypeRelative, nil
	}
	daily := func(p *ocpp16.ChargingProfile) {
		p.ChargingProfileKind, p.RecurrencyKind = ocpp16.ChargingProfileKindTypeRecurring, new(ocpp16.RecurrencyKindTypeDaily)
	}
	weekly := func(p *ocpp16.ChargingProfile) {
		daily(p)
		p.RecurrencyKind = new(ocpp16.RecurrencyKindTypeWeekly)
	}
	validTo := func(at time.Time) func(*ocpp16.ChargingProfile) {
		return func(p *ocpp16.ChargingProfile) { p.ValidTo = new(ocpp.NewDateTime(at)) }
	}
	validFrom := func(at time.Time) func(*ocpp16.ChargingProfile) {
		return func(p *ocpp16.ChargingProfile) { p.ValidFrom = new(ocpp.NewDateTime(at)) }
	}
	steps := func(p *ocpp16.ChargingProfile) {
		p.ChargingSchedule.ChargingSchedulePeriod = append(p.ChargingSchedule.ChargingSchedulePeriod,
			ocpp16.ChargingSchedulePeriod{StartPeriod: 3600, Limit: "9"}, ocpp16.ChargingSchedulePeriod{StartPeriod: 7200, Limit: "11"})
	}
	for _, c := range []struct {
		name    string
		list    []installed
		sharing int
		want    float64
	}{
		{"nothing: the hardware", nil, 1, 32},
		{"more than the hardware", []installed{on(0, profile(1, 0, txDefault, "63", begun, 0))}, 1, 32},
		{"default of all", []installed{on(0, profile(1, 0, txDefault, "6", begun, 0))}, 1, 6},
		{"default of another", []installed{on(2, profile(1, 0, txDefault, "6", begun, 0))}, 1, 32},
		{"its own default before that of all", []installed{on(0, profile(1, 5, txDefault, "6", begun, 0)), on(1, profile(2, 0, txDefault, "8", begun, 0))}, 1, 8},
		{"the transaction's before any default", []installed{on(1, profile(1, 5, txDefault, "6", begun, 0)), on(1, profile(2, 0, txProfile, "20", begun, 0))}, 1, 20},
		{"the higher level", []installed{on(1, profile(1, 2, txProfile, "12", begun, 0)), on(1, profile(2, 1, txProfile, "10", begun, 0))}, 1, 12},
		{"the lower level when the higher ran out", []installed{on(1, profile(1, 2, txProfile, "12", begun, 3600)), on(1, profile(2, 1, txProfile, "10", begun, 0))}, 1, 10},
		{"the last second", []installed{on(1, profile(1, 2, txProfile, "12", begun, 3601))}, 1, 12},
		{"the default when the transaction's ran out", []installed{on(0, profile(1, 0, txDefault, "6", begun, 0)), on(1, profile(2, 1, txProfile, "12", begun, 60))}, 1, 6},
		{"not begun yet", []installed{on(0, profile(1, 0, txDefault, "6", begun, 0)), on(1, profile(2, 1, txProfile, "12", noon.Add(time.Second), 60))}, 1, 6},
		{"no longer valid", []installed{on(1, profile(2, 1, txProfile, "12", begun, 0), validTo(noon))}, 1, 32},
		{"not valid yet", []installed{on(1, profile(2, 1, txProfile, "12", begun, 0), validFrom(noon.Add(time.Second)))}, 1, 32},
		{"relative to the transaction", []installed{on(1, profile(1, 0, txDefault, "16", noon, 0), relative, steps)}, 1, 9},
		{"every day since the day before yesterday", []installed{on(1, profile(1, 0, txDefault, "16", begun.AddDate(0, 0, -2), 0), daily, steps)}, 1, 9},
		{"every day, its hours over", []installed{on(1, profile(1, 0, txDefault, "16", begun.AddDate(0, 0, -2), 600), daily)}, 1, 32},
		{"every week, today", []installed{on(1, profile(1, 0, txDefault, "7", begun.AddDate(0, 0, -14), 7200), weekly)}, 1, 7},
		{"every week, yesterday", []installed{on(1, profile(1, 0, txDefault, "7", begun.AddDate(0, 0, -15), 7200), weekly)}, 1, 32},
		{"watts on three phases", []installed{on(1, profile(1, 0, txProfile, "6900", begun, 0), watts(0))}, 1, 10},
		{"watts on one phase", []installed{on(1, profile(1, 0, txProfile, "2300", begun, 0), watts(1))}, 1, 10},
		{"the station's maximum", []installed{on(0, profile(1, 0, stationMax, "20", begun, 0)), on(1, profile(2, 1, txProfile, "25", begun, 0))}, 1, 20},
		{"the station's maximum for two", []installed{on(0, profile(1, 0, stationMax, "20", begun, 0))}, 2, 10},
		{"zero is a limit", []installed{on(1, profile(1, 0, txProfile, "0", begun, 0))}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := profiles{list: c.list}
			got, _ := s.limit(question{connector: 1, phases: 3, hardware: 32, start: begun, sharing: c.sharing}, noon)
			if math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%v A, want %v", got, c.want)
			}
		})
	}
}

func TestProfilesThatReplace(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var s profiles
	for _, c := range []struct {
		connector, id, stack, kept int
	}{{0, 1, 0, 1}, {1, 2, 0, 2}, {1, 3, 0, 2}, {1, 4, 1, 3}, {2, 4, 1, 3}, {2, 4, 1, 3}} {
		if !s.set(c.connector, read16(profile(c.id, c.stack, txDefault, "6", at, 0)), at) || len(s.list) != c.kept {
			t.Fatalf("after %+v there are %d profiles", c, len(s.list))
		}
	}
	for id := 10; s.set(0, read16(profile(id, id-9, txDefault, "6", at, 0)), at); id++ {
		if len(s.list) > maxProfiles {
			t.Fatal("there is room without end")
		}
	}
}

func TestProfilesThatAChargerCannotCarryOut(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, spoil := range map[string]func(*ocpp16.ChargingProfile){
		"level too high":      func(p *ocpp16.ChargingProfile) { p.StackLevel = maxStackLevel + 1 },
		"no period":           func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod = nil },
		"first period later":  func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[0].StartPeriod = 1 },
		"negative":            func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[0].Limit = "-1" },
		"recurring, not told": func(p *ocpp16.ChargingProfile) { p.ChargingProfileKind = ocpp16.ChargingProfileKindTypeRecurring },
		"periods not in order": func(p *ocpp16.ChargingProfile) {
			s := &p.ChargingSchedule
			s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, s.ChargingSchedulePeriod[0])
		},
	} {
		p := profile(1, 0, txProfile, "6", at, 0)
		if good := read16(p); !acceptable(&good) {
			t.Fatal("refuses a good one")
		}
		spoil(&p)
		if bad := read16(p); acceptable(&bad) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWhatIsRememberedOfALimitIsWhatItIs(t *testing.T) {
	begin := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s profiles
		q := question{connector: 1, phases: 3, hardware: 32, start: begin, sharing: 1}
		for id := range 3 {
			p := ocpp16.ChargingProfile{ChargingProfileID: id, StackLevel: id, ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxProfile,
				ChargingProfileKind: []ocpp16.ChargingProfileKindType{ocpp16.ChargingProfileKindTypeAbsolute, ocpp16.ChargingProfileKindTypeRelative, ocpp16.ChargingProfileKindTypeRecurring}[rng.IntN(3)],
				RecurrencyKind:      new([]ocpp16.RecurrencyKindType{ocpp16.RecurrencyKindTypeDaily, ocpp16.RecurrencyKindTypeWeekly}[rng.IntN(2)]),
				ValidTo:             new(ocpp.NewDateTime(begin.Add(time.Duration(rng.IntN(200)) * time.Hour))),
				ChargingSchedule: ocpp16.ChargingSchedule{ChargingRateUnit: ocpp16.ChargingRateUnitTypeA, Duration: new(rng.IntN(100_000)),
					StartSchedule:          new(ocpp.NewDateTime(begin.Add(time.Duration(rng.IntN(7200)-3600) * time.Second))),
					ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{Limit: "16"}, {StartPeriod: 1 + rng.IntN(5000), Limit: "10"}}}}
			s.set(1, read16(p), begin)
		}
		for at := begin; at.Before(begin.Add(300 * time.Hour)); at = at.Add(time.Duration(1+rng.IntN(1_200_000)) * time.Millisecond) {
			limit, expires := s.limit(q, at)
			if want, until := s.evaluate(q, at); limit != want || !expires.Equal(until) {
				t.Fatalf("at %v: %v until %v, evaluated %v until %v", at.Sub(begin), limit, expires, want, until)
			}
		}
	}
}
