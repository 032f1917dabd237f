package ocppsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// interval between samples; an hour if they are off.
func (c *Charger) interval() time.Duration {
	if d := c.dialect.samples(); d > 0 {
		return d
	}
	return time.Hour
}

// retimed follows changed intervals.
func (c *Charger) retimed() {
	for _, o := range c.outlets {
		if o.tx != nil {
			o.sampleAt = time.Now().Add(c.interval())
		}
	}
	poke(c.stir)
	poke(c.kick)
}

// sample takes a metering sample of a running transaction.
func (c *Charger) sample(o *outlet, now time.Time) {
	o.sampleAt = o.sampleAt.Add(c.interval())
	if o.sampleAt.Before(now) {
		o.sampleAt = now.Add(c.interval())
	}
	if c.dialect.samples() == 0 {
		return
	}
	c.watch(o, now)
	c.dialect.sample(o, o.tx)
}

// watch tells whether the car still charges.
func (c *Charger) watch(o *outlet, now time.Time) {
	c.advance(o, now)
	o.watchAt = now.Add(watching)
	offer, _ := c.profiles.limit(c.question(o), c.now())
	switch {
	case o.draw.amps > 0.5:
		c.show(o, StatusCharging)
	case offer < 6 && !c.ignores():
		c.show(o, StatusSuspendedEVSE)
	case now.Sub(o.draw.changedAt) > o.car.Dead+time.Second:
		c.show(o, StatusSuspendedEV)
	}
}

// readings are the present values of measurands at a connector.
func (c *Charger) readings(o *outlet, measurands []string) []reading {
	c.advance(o, time.Now())
	amps := [3]float64{}
	power := 0.0
	if o.car != nil {
		for p := range o.car.Phases {
			amps[p] = o.draw.amps
			power += o.draw.amps * voltage
		}
	}
	var out []reading
	for _, m := range measurands {
		switch m = strings.TrimSpace(m); m {
		case energyRegister:
			out = append(out, reading{m, "", "Wh", strconv.Itoa(int(o.draw.register))})
		case "Power.Active.Import":
			out = append(out, reading{m, "", "W", fmt.Sprintf("%.1f", power)})
		case "Current.Import":
			for p := range o.Phases {
				out = append(out, reading{m, fmt.Sprintf("L%d", p+1), "A", fmt.Sprintf("%.2f", amps[p])})
			}
		case "Voltage":
			for p := range o.Phases {
				out = append(out, reading{m, fmt.Sprintf("L%d-N", p+1), "V", fmt.Sprintf("%.1f", float64(voltage))})
			}
		}
	}
	return out
}
