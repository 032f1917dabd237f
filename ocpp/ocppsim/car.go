package ocppsim

import (
	"math"
	"time"
)

// Car is what is plugged in. Zero values mean the defaults in parentheses.
type Car struct {
	Phases int           // 1 to 3 of the connector's (all)
	Max    float64       // A per phase that its charger takes (32)
	Under  float64       // A that it stays below the offer (0.3)
	Dead   time.Duration // from a changed offer to its first reaction (1 s)
	Up     float64       // A/s it ramps up with (3)
	Down   float64       // A/s it ramps down with (8)
	Need   float64       // Wh after which it takes no more (no end)
}

func (c Car) withDefaults(phases int) Car {
	if c.Phases == 0 || c.Phases > phases {
		c.Phases = phases
	}
	if c.Max == 0 {
		c.Max = 32
	}
	if c.Under == 0 {
		c.Under = 0.3
	}
	if c.Dead == 0 {
		c.Dead = time.Second
	}
	if c.Up == 0 {
		c.Up = 3
	}
	if c.Down == 0 {
		c.Down = 8
	}
	return c
}

// wants is the current the car heads for under an offer: a pause below 6 A (IEC
// 61851-1), a taper over the last 2 % of what it needs.
func (c Car) wants(offer, taken float64) float64 {
	if offer < 6 || c.Need > 0 && taken >= c.Need {
		return 0
	}
	a := min(c.Max, offer-c.Under)
	if c.Need > 0 && taken > 0.98*c.Need {
		a = min(a, 6)
	}
	return a
}

// draw is a connector's true current over time. It is advanced lazily to the moment
// somebody looks.
type draw struct {
	at        time.Time
	amps      float64 // per phase
	offer     float64
	changedAt time.Time // of the offer
	register  float64   // Wh, over all sessions
}

// longestStep bounds one step of the integration.
const longestStep = 500 * time.Millisecond

// voltage between phase and neutral, V.
const voltage = 230

// advance moves the draw to now. offerAt is what the connector may offer at a time;
// car is nil while nothing may flow.
func (d *draw) advance(now time.Time, car *Car, taken func() float64, offerAt func(time.Time) float64) {
	if d.at.IsZero() || car == nil && d.amps == 0 {
		d.at = now
		return
	}
	for d.at.Before(now) {
		dt := min(now.Sub(d.at), longestStep)
		target, dead := 0.0, time.Duration(0)
		if car != nil {
			if offer := offerAt(d.at); math.Abs(offer-d.offer) > 0.01 {
				d.offer, d.changedAt = offer, d.at
			}
			target, dead = car.wants(d.offer, taken()), car.Dead
		}
		before := d.amps
		switch s := dt.Seconds(); {
		case car == nil:
			d.amps = 0 // the contactor opens
		case d.at.Sub(d.changedAt) < dead:
		case d.amps < target:
			d.amps = min(target, d.amps+car.Up*s)
		case d.amps > target:
			d.amps = max(target, d.amps-car.Down*s)
		}
		if car != nil {
			d.register += (before + d.amps) / 2 * voltage * float64(car.Phases) * dt.Hours()
		}
		d.at = d.at.Add(dt)
	}
}
