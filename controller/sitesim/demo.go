package sitesim

import (
	"busbar/web"
)

// demo is what the page may do to a World.
type demo struct{ w *World }

var _ web.Demo = demo{}

// Faults are the buttons of the page.
func (d demo) Faults() []web.FaultButton {
	buttons := []web.FaultButton{}
	add := func(name, arg, label, help string) {
		buttons = append(buttons, web.FaultButton{Name: name, Arg: arg, Label: label, Help: help, On: d.w.faults.active(name, arg)})
	}
	if d.w.cloud != nil {
		add(FaultCloudCut, "", "Cut the cloud", "Charging goes on; the outbox grows and drains afterwards.")
	}
	if d.w.meter != nil {
		add(FaultMeterFreeze, "", "Freeze the meter", "It repeats its values; after 30 s that counts as lost.")
		add(FaultMeterLoss, "", "Lose the meter", "No increase after 3 s, fail-safe currents after 10 s.")
	}
	if len(d.w.chargers) > 0 {
		id := d.w.chargers[0].id
		add(FaultChargerKill, id, "Kill "+id, "Its power is gone; what it may still draw stays booked.")
	}
	add(FaultBaseStep, "15", "Building +15 A", "A load switches on; chargers make room.")
	return buttons
}

// SetFault implements web.Demo.
func (d demo) SetFault(name, arg string, on bool) error { return d.w.SetFault(name, arg, on) }
