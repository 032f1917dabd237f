package downstream

import (
	"sync"
	"time"

	"busbar/controller"
)

// outlet is what is known of a connector for limits in watts.
type outlet struct {
	phases int   // conductors it charges over, 1 to 3
	volts  int64 // mV
}

// outlets is what was measured at a charger's connectors. Its methods may be called
// from any goroutine.
type outlets struct {
	of *session

	outletMu sync.Mutex
	measured map[int]outlet // by connector
}

func newOutlets(s *session) *outlets { return &outlets{of: s, measured: map[int]outlet{}} }

// loaded is the current from which a conductor counts as one that a car charges over.
const loaded = 1000 // mA

// outletAt is a connector as limits in watts must see it: over as many conductors as
// the car was seen to charge, else as are wired, else one; at the lowest voltage that
// was measured, at most the nominal one. All of that errs towards less current.
func (d *outlets) outletAt(connector int) outlet {
	d.outletMu.Lock()
	defer d.outletMu.Unlock()
	o := outlet{phases: d.wired(connector), volts: d.nominal(connector)}
	if seen, ok := d.measured[connector]; ok {
		if seen.phases > 0 {
			o.phases = min(seen.phases, d.most(connector))
		}
		if seen.volts > 0 {
			o.volts = min(o.volts, seen.volts)
		}
	}
	return o
}

// narrowest is the outlet with the fewest conductors: a fall-back holds for all cars.
func (d *outlets) narrowest(connectors []int) outlet {
	o := outlet{phases: 3, volts: int64(d.of.hub.cfg.Voltage) * 1000}
	least := int64(0)
	for _, c := range connectors {
		one := outlet{phases: d.wired(c), volts: d.nominal(c)}
		if all := int64(one.phases) * one.volts; least == 0 || all < least {
			o, least = one, all
		}
	}
	if len(connectors) == 0 {
		o.phases = 1
	}
	return o
}

// nominal is the voltage of each of its conductors, mV.
func (d *outlets) nominal(connector int) int64 {
	if v := d.of.charger.Volts[connector]; v > 0 {
		return int64(v) * 1000
	}
	return int64(d.of.hub.cfg.Voltage) * 1000
}

// most is over how many conductors a car can charge: those that are wired, where a voltage
// says what they are.
func (d *outlets) most(connector int) int {
	if d.of.charger.Volts[connector] > 0 {
		return d.wired(connector)
	}
	return 3
}

// wired is the number of conductors by the configuration, else as the charger says.
func (d *outlets) wired(connector int) int {
	n := d.of.charger.Phases[connector]
	for _, c := range d.of.hub.memory.abilities(d.of.id).Connectors {
		if n == 0 && c.Connector == connector {
			n = c.Phases
		}
	}
	return max(1, min(3, n))
}

// seen takes from a sample over how many conductors the car charges, and the voltage.
func (d *outlets) seen(connector int, s controller.MeterSample, m measured, received time.Time) {
	if received.Sub(s.At).Abs() > time.Minute {
		return
	}
	d.outletMu.Lock()
	defer d.outletMu.Unlock()
	o := d.measured[connector]
	if n := m.current.conductors(); n > 0 {
		o.phases = n
	}
	if v := m.voltage.least(); v >= minMilliVolt {
		o.volts = v
	}
	d.measured[connector] = o
}

// unseen forgets the car of a connector.
func (d *outlets) unseen(connector int) {
	d.outletMu.Lock()
	defer d.outletMu.Unlock()
	delete(d.measured, connector)
}

// conductors counts the phases that carry current; 0 if that is not certain.
func (r reading) conductors() (n int) {
	for _, v := range r.phase {
		if v >= loaded {
			n++
		}
	}
	return n
}

// least is the smallest of the values, 0 if there are none.
func (r reading) least() int64 {
	var low int64
	for i, v := range r.phase {
		if r.given>>i&1 == 1 && v > 0 && (low == 0 || v < low) {
			low = v
		}
	}
	if r.total && r.whole > 0 && (low == 0 || r.whole < low) {
		low = r.whole
	}
	return low
}
