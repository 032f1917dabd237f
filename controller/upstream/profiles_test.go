package upstream

import (
	"encoding/json"
	"testing"
	"time"

	"busbar/ocpp/ocpp16"
)

func TestFormOfChargingProfiles(t *testing.T) {
	good := func() ocpp16.ChargingProfile {
		var p ocpp16.ChargingProfile
		raw := `{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute",
			"chargingSchedule":{"startSchedule":"2026-03-01T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.1},{"startPeriod":60,"limit":8}]}}`
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p, why := profileOf(good()); why != "" || p.Periods[0].Limit != 16100 || p.Periods[1].From != time.Minute {
		t.Fatalf("%+v %s", p, why)
	}
	for name, spoil := range map[string]func(*ocpp16.ChargingProfile){
		"stack level too high":     func(p *ocpp16.ChargingProfile) { p.StackLevel = maxStackLevel + 1 },
		"negative stack level":     func(p *ocpp16.ChargingProfile) { p.StackLevel = -1 },
		"no periods":               func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod = nil },
		"first period not at 0":    func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[0].StartPeriod = 1 },
		"periods out of order":     func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].StartPeriod = 0 },
		"negative limit":           func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].Limit = "-1" },
		"four phases":              func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].NumberPhases = new(4) },
		"absolute without start":   func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.StartSchedule = nil },
		"recurring without a kind": func(p *ocpp16.ChargingProfile) { p.ChargingProfileKind = ocpp16.ChargingProfileKindTypeRecurring },
		"duration of nothing":      func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.Duration = new(0) },
	} {
		p := good()
		spoil(&p)
		if _, why := profileOf(p); why == "" {
			t.Errorf("%s: taken", name)
		}
	}
}
