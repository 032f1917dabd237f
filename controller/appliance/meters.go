package appliance

import (
	"context"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/devices"
	"busbar/devices/catalog"
	"busbar/devices/modbus"
	"busbar/loadbalance"
)

// poller is a meter with its goroutine to be.
type poller interface {
	Run(ctx context.Context) error
}

// newPoller makes the poller of one configured meter. post takes the controller's
// events and must return at once.
func newPoller(m config.Meter, nominal loadbalance.MilliAmp, dial devices.DialFunc, post func(controller.Event)) (poller, error) {
	onReading := func(r devices.Reading) { post(sample(m.ID, m.Period, r)) }
	onFailure := func(f *devices.Fault) { post(controller.MeterFailed{Meter: m.ID, Err: f.Words()}) }
	switch m.URL.Scheme {
	case "tcp":
		model, err := catalog.Lookup(m.Model)
		if err != nil {
			return nil, fmt.Errorf("cannot use meter %s: %w", m.ID, err)
		}
		source, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: m.URL.Host, Unit: m.URL.Unit}, Model: model, Dial: dial})
		if err != nil {
			return nil, fmt.Errorf("cannot use meter %s: %w", m.ID, err)
		}
		return devices.Poller{Source: source, Period: m.Period, Timeout: min(m.Period, 2*time.Second),
			Limits: devices.Limits{Nominal: devices.MilliAmp(nominal)}, OnReading: onReading, OnFailure: onFailure}, nil
	default:
		return nil, fmt.Errorf("cannot use meter %s: no driver for %s", m.ID, m.URL.Scheme)
	}
}

// sample translates a reading. A meter with one phase says nothing of the others,
// which count as loaded like it: the safe side.
func sample(id string, period time.Duration, r devices.Reading) controller.MeterSampled {
	ev := controller.MeterSampled{Meter: id, At: r.At, Power: controller.Watt(r.Power), Period: period}
	var most devices.MilliAmp
	for p, a := range r.Current {
		if r.Phases.Has(devices.Phase(p)) {
			most = max(most, a)
		}
	}
	for p, a := range r.Current {
		if !r.Phases.Has(devices.Phase(p)) {
			a = most
		}
		ev.Current[p] = loadbalance.MilliAmp(a)
	}
	return ev
}
