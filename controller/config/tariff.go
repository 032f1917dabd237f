package config

import (
	"fmt"
	"slices"
)

// Tariff is what energy and the highest quarter hour cost; plans go by it. The zero
// value is none.
type Tariff struct {
	Price float64 // per kWh where no time holds; any currency
	Times []TariffTime
	Peak  Peak
}

// TariffTime is a part of the day with a price of its own, by the site's clocks. The
// first of several that holds counts.
type TariffTime struct {
	Days     []Weekday // of the beginning; none: every day
	From, To TimeOfDay // To at or before From is on the day after
	Price    float64   // per kWh
}

// Peak is what the mean power of a quarter hour, of all that the supplies feed, may be
// and costs. 0: no limit, no price.
type Peak struct {
	Limit Watt
	Price float64 // of each kW of a month's highest quarter hour
	Set   Watt    // what is paid for anyhow
}

// Watt is power; the file says kilowatts with at most three decimals.
type Watt int64

// MeterRole is what a meter measures if not a circuit.
type MeterRole string

// RoleSun is what is produced on the site.
const RoleSun MeterRole = "pv"

func tariffKind() kind[Tariff] {
	return object(
		optional("price_kwh", "price of a kWh at all times that are not in times, in any currency", number("a price", -10, 100), 0, func(t *Tariff) *float64 { return &t.Price }),
		maybe("times", "times with another price, the first that holds counts", list(tariffTimeKind(), 0, 100), func(t *Tariff) *[]TariffTime { return &t.Times }),
		maybe("peak", "what a quarter hour's mean power may be and costs", peakKind(), func(t *Tariff) *Peak { return &t.Peak }),
	)
}

func tariffTimeKind() kind[TariffTime] {
	return object(
		maybe("days", "days it begins on; every day if absent", weekdays(), func(t *TariffTime) *[]Weekday { return &t.Days }),
		required("from", "beginning by the site's clocks, such as \"22:00\"", timeOfDay(), func(t *TariffTime) *TimeOfDay { return &t.From }),
		required("to", "end, such as \"06:00\"; at or before from it is on the day after", timeOfDay(), func(t *TariffTime) *TimeOfDay { return &t.To }),
		required("price_kwh", "price of a kWh, in the same currency as all others", number("a price", -10, 100), func(t *TariffTime) *float64 { return &t.Price }),
	)
}

func peakKind() kind[Peak] {
	return object(
		maybe("limit_kw", "mean power of a quarter hour that chargers do not add to; loads of the building alone may exceed it", power(), func(p *Peak) *Watt { return &p.Limit }),
		maybe("price_kw", "price of each kW of a month's highest quarter hour", number("a price", 0, 100000), func(p *Peak) *float64 { return &p.Price }),
		maybe("set_kw", "power that is paid for anyhow", power(), func(p *Peak) *Watt { return &p.Set }),
	)
}

// power is kilowatts above zero.
func power() kind[Watt] {
	const most = 10_000
	return kind[Watt]{
		read: func(r *reader, n node, path string) Watt {
			v, ok := milliAmp(n) // thousandths, whatever of
			if !ok || v <= 0 || v > most*1000 {
				r.problem(path, fmt.Sprintf("must be a power above 0 up to %d kW as a plain number, got %s", most, n.describe()), "Write kilowatts with at most three decimals, such as 60 or 7.5, without quotes and unit.")
				return 0
			}
			return Watt(v)
		},
		write: func(v Watt) node { return node{kind: numberNode, text: decimal(float64(v) / 1000)} },
		schema: func() schema {
			return schema{"type": "number", "exclusiveMinimum": 0, "maximum": most}
		},
	}
}

// checkTariff wants a peak that somebody can measure.
func (r *reader) checkTariff(c *Config) {
	peak := c.Tariff.Peak
	if peak == (Peak{}) || !r.ok("tariff") || !r.ok("grid") {
		return
	}
	if peak.Price == 0 && peak.Limit == 0 {
		r.problem("tariff.peak.set_kw", "says nothing without a price or a limit", "Add price_kw or limit_kw, or remove peak.")
	}
	if i := slices.IndexFunc(c.Grid, func(s Supply) bool { return s.Meter == "" }); i >= 0 {
		r.problem("tariff.peak", fmt.Sprintf("supply %s has no meter, so nobody knows its quarter hours", c.Grid[i].Circuit), "Add meter to its entry in grid, or remove peak.")
	}
}

// checkSun wants a meter of the sun to guard no fuse.
func (r *reader) checkSun(c *Config) {
	for i, m := range c.Meters {
		if circuit, used := c.MeterCircuit(m.ID); used && m.Role == RoleSun {
			r.problem(index("meters", i)+".role", fmt.Sprintf("the meter also measures circuit %s", circuit), "Remove role, or name another meter there.")
		}
	}
}
