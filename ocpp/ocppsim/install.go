package ocppsim

import (
	"math"
	"time"
)

// Limits of profiles that the charger tells in its configuration and keeps.
const (
	maxStackLevel = 10
	maxPeriods    = 24
	maxProfiles   = 20
)

// install sets a profile on a connector, 0 is the station; false if the charger does
// not take it. Whether the transaction it names runs is the dialect's to know.
func (c *Charger) install(connector int, p *chargingProfile) bool {
	if !c.takes(connector, p) {
		return false
	}
	c.settle(time.Now())
	if !c.profiles.set(connector, *p, c.now()) {
		return false
	}
	c.endAtZero()
	return true
}

// takes reports whether a profile may be set on a connector (16§5.16, P2 K01).
func (c *Charger) takes(connector int, p *chargingProfile) bool {
	if c.has(QuirkNoSmartCharging) {
		return false
	}
	o := c.outlet(connector)
	switch p.purpose {
	case purposeTx:
		if c.fault.RefuseTxProfile || c.has(QuirkRefusesTxProfile) || o == nil || o.tx == nil {
			return false
		}
	case purposeStationMax:
		if connector != 0 || p.kind == kindRelative {
			return false
		}
	default:
		if connector != 0 && o == nil || connector == 0 && c.has(QuirkRefusesStationDefault) {
			return false
		}
	}
	return c.form(p) && acceptable(p)
}

// form reports whether the charger understands how a profile is written.
func (c *Charger) form(p *chargingProfile) bool {
	switch {
	case c.has(QuirkWattsOnly) && !p.watts,
		c.has(QuirkRelativeOnly) && p.kind != kindRelative && p.purpose != purposeStationMax,
		c.has(QuirkLevelZeroOnly) && p.level != 0:
		return false
	}
	return true
}

// endAtZero ends transactions that may draw nothing, where the charger does so.
func (c *Charger) endAtZero() {
	if !c.has(QuirkEndsAtZero) {
		return
	}
	for _, o := range c.outlets {
		if o.tx == nil {
			continue
		}
		if limit, _ := c.profiles.limit(c.question(o), c.now()); limit < 1 {
			c.stop(o, causeOther)
		}
	}
}

// step is a limit of a composite schedule from a second on: thousandths of A per phase
// or of W.
type step struct {
	at    int
	milli int64
}

// composite is what all profiles together come to, second by second; connector 0 is
// the sum. It is told for at most a day.
func (c *Charger) composite(connector, duration int, watts bool, now time.Time) ([]step, int, bool) {
	o := c.outlet(connector)
	if o == nil && connector != 0 || duration < 1 {
		return nil, 0, false
	}
	outlets := c.outlets
	if o != nil {
		outlets = []*outlet{o}
	}
	duration = min(duration, 24*60*60)
	var out []step
	for at, last := 0, int64(-1); at < duration; at++ {
		milli := c.allowance(outlets, watts, now.Add(time.Duration(at)*time.Second))
		if milli != last {
			out, last = append(out, step{at, milli}), milli
		}
	}
	return out, duration, true
}

// allowance is what outlets may draw together at t: thousandths of A per phase or of
// W, a multiple of 100, rounded down.
func (c *Charger) allowance(outlets []*outlet, watts bool, t time.Time) int64 {
	sum := 0.0
	for _, o := range outlets {
		amps, _ := c.profiles.limit(c.question(o), t)
		if watts {
			amps *= voltage * float64(o.Phases)
		}
		sum += amps
	}
	return int64(math.Floor(sum*10+1e-6)) * 100
}
