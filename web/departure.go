package web

import (
	"fmt"
	"net/http"
	"time"

	"busbar/controller"
)

// departureOrder tells of the plans of the car at a connector. What is left out is not
// told; {} forgets what was told before.
type departureOrder struct {
	// Departure is when it leaves, at most 14 days ahead.
	Departure *time.Time `json:"departure,omitempty"`
	// EnergyWh is what it still wants from now on.
	EnergyWh int64 `json:"energy_wh,omitempty"`
	// TargetSoC is the percentage to charge to, of BatteryWh or the vehicle's capacity.
	TargetSoC int   `json:"target_soc,omitempty"`
	BatteryWh int64 `json:"battery_wh,omitempty"`
}

// mostEnergy bounds what a car may want or hold, Wh.
const mostEnergy = 2_000_000

func (s *Server) departure(w http.ResponseWriter, r *http.Request) {
	var o departureOrder
	slot, ok := s.order(w, r, &o)
	if !ok {
		return
	}
	if o.EnergyWh < 0 || o.EnergyWh > mostEnergy || o.BatteryWh < 0 || o.BatteryWh > mostEnergy || o.TargetSoC < 0 || o.TargetSoC > 100 {
		fail(w, r, http.StatusBadRequest, "The energy or the state of charge can't be used.",
			`Send {"departure":"2026-03-02T05:30:00+01:00","energy_wh":20000}, or "target_soc":80 with "battery_wh" in place of energy_wh; {} forgets.`)
		return
	}
	ask := controller.DepartureRequested{Origin: controller.FromLocal, Slot: slot, Energy: controller.WattHour(o.EnergyWh), TargetSoC: o.TargetSoC, Battery: controller.WattHour(o.BatteryWh)}
	if o.Departure != nil {
		ask.Departure = o.Departure.UTC()
	}
	s.command(w, r, slot, o.words(), func(id controller.ReplyID) controller.Event {
		ask.Reply = id
		return ask
	})
}

// words is the order for the audit log.
func (o departureOrder) words() string {
	if o == (departureOrder{}) {
		return "the car's departure was to be forgotten"
	}
	text := "the car's plans were told:"
	if o.Departure != nil {
		text += " leaves " + o.Departure.UTC().Format(time.RFC3339)
	}
	if o.EnergyWh > 0 {
		text += fmt.Sprintf(" wants %d Wh", o.EnergyWh)
	}
	if o.TargetSoC > 0 {
		text += fmt.Sprintf(" to %d %%", o.TargetSoC)
	}
	return text
}
