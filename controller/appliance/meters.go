package appliance

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/devices"
	"busbar/devices/catalog"
	"busbar/devices/modbus"
	"busbar/devices/mqtt"
	"busbar/loadbalance"
)

// poller is a meter with its goroutine to be.
type poller interface {
	Run(ctx context.Context) error
}

// newPoller makes the poller of one configured meter. post takes the controller's
// events and must return at once.
func newPoller(m config.Meter, password string, nominal loadbalance.MilliAmp, dial devices.DialFunc, post func(controller.Event)) (poller, error) {
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
	case "mqtt", "mqtts":
		c := mqttConfig(m)
		c.Password, c.Dial, c.OnReading, c.OnFailure = password, dial, onReading, onFailure
		c.Limits = devices.Limits{Nominal: devices.MilliAmp(nominal)}
		s, err := mqtt.New(c)
		if err != nil {
			return nil, fmt.Errorf("cannot use meter %s: %w", m.ID, err)
		}
		return s, nil
	default:
		return nil, fmt.Errorf("cannot use meter %s: no driver for %s", m.ID, m.URL.Scheme)
	}
}

// mqttConfig is a meter that publishes JSON, as its URL describes it.
func mqttConfig(m config.Meter) mqtt.Config {
	c := mqtt.Config{Broker: "tcp://" + m.URL.Host, ClientID: "busbar-" + m.ID + "-" + rand.Text()[:8], Username: m.User, Quiet: max(10*time.Second, 3*m.Period),
		Mounting: devices.Mounting{Invert: m.URL.Inverted}, Nature: devices.Nature{Phases: 3, SignedCurrent: m.URL.Direction[0] == ""}}
	if m.URL.Scheme == "mqtts" {
		c.Broker = "ssl://" + m.URL.Host
	}
	for p := range m.URL.Current {
		c.Fields = append(c.Fields, mqtt.Field{Measurand: devices.CurrentL1 + devices.Measurand(p), Topic: m.URL.Topic, Path: bracketed(m.URL.Current[p]), Scale: m.URL.Scale})
		if !c.Nature.SignedCurrent {
			c.Fields = append(c.Fields, mqtt.Field{Measurand: devices.PowerL1 + devices.Measurand(p), Topic: m.URL.Topic, Path: bracketed(m.URL.Direction[p])})
		}
	}
	return c
}

// bracketed turns the places of a configuration ("ENERGY.Current.0") into paths of the
// driver ("ENERGY.Current[0]").
func bracketed(place string) string {
	var out strings.Builder
	for i, part := range strings.Split(place, ".") {
		switch _, err := strconv.Atoi(part); {
		case err == nil:
			out.WriteString("[" + part + "]")
		case i > 0:
			out.WriteString("." + part)
		default:
			out.WriteString(part)
		}
	}
	return out.String()
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
