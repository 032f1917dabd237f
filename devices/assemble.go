package devices

import "math"

// Bounds of what Assemble converts at all; Check knows the tighter ones.
const (
	hugeCurrent = 1e6  // A, fits MilliAmp
	hugePower   = 1e12 // W
	hugeVoltage = 1e6  // V, fits MilliVolt
	hugeEnergy  = 1e12 // kWh
)

// Assemble makes a Reading of raw values. Every phase of the meter must have a current,
// and where the current takes its direction from the phase's power, a power that was
// given must be a number as well: all else is an *Implausible. Other quantities that
// were not given, or are no numbers, are absent. It is pure; At stays zero.
func Assemble(v Values, n Nature, m Mounting) (Reading, error) {
	for q := range measurands {
		if x, ok := v.Get(q); ok {
			if err := representable(q, x); err != nil {
				if n.Vital(q) {
					return Reading{}, err
				}
				v.Drop(q)
			}
		}
	}
	r := Reading{}
	phases := Phase(3)
	if n.Phases == 1 {
		phases = 1
	}
	sign := 1.0
	if m.Invert {
		sign = -1
	}
	r.Has = HasPhasePower | HasVoltage
	var sum float64
	for p := range phases {
		grid := m.phase(p)
		amps, ok := v.finite(CurrentL1 + Measurand(p))
		if !ok {
			return Reading{}, &Implausible{Reason: Missing, Measurand: CurrentL1 + Measurand(p)}
		}
		volts, okV := v.finite(VoltageL1 + Measurand(p))
		watts, okP := v.net(PowerL1+Measurand(p), PowerImportL1+Measurand(p), PowerExportL1+Measurand(p))
		if !okP && phases == 1 {
			watts, okP = v.net(Power, PowerImport, PowerExport)
		}
		watts *= sign
		switch {
		case n.SignedCurrent:
			amps *= sign
		case okP:
			amps = importing(amps, watts, volts)
		default: // direction unknown: all of it counts as import
			amps = math.Abs(amps)
		}
		r.Phases |= 1 << grid
		r.Current[grid] = MilliAmp(math.Ceil(round(amps * 1000)))
		r.put(HasPhasePower, okP, func() { r.PhasePower[grid] = Watt(math.Round(watts)) })
		r.put(HasVoltage, okV, func() { r.Voltage[grid] = MilliVolt(math.Round(volts * 1000)) })
		sum += watts
	}
	r.totals(&v, sign, sum)
	if m.Invert {
		v.swap(EnergyImport, EnergyExport)
	}
	r.energies(&v)
	return r, nil
}

// put keeps a quantity that must be there on every phase to count.
func (r *Reading) put(h Has, ok bool, set func()) {
	if !ok {
		r.Has &^= h
		return
	}
	set()
}

func (r *Reading) totals(v *Values, sign, sum float64) {
	if total, ok := v.net(Power, PowerImport, PowerExport); ok {
		r.Power = Watt(math.Round(total * sign))
		r.Has |= HasPower
	} else if r.Given(HasPhasePower) {
		r.Power = Watt(math.Round(sum))
		r.Has |= HasPower
	}
	if hz, ok := v.finite(Frequency); ok {
		r.Frequency = MilliHertz(math.Round(decade(hz) * 1000))
		r.Has |= HasFrequency
	}
}

func (r *Reading) energies(v *Values) {
	if kwh, ok := v.finite(EnergyImport); ok {
		r.Import = WattHour(math.Round(kwh * 1000))
		r.Has |= HasImport
	}
	if kwh, ok := v.finite(EnergyExport); ok {
		r.Export = WattHour(math.Round(kwh * 1000))
		r.Has |= HasExport
	}
}

func (v *Values) swap(a, b Measurand) {
	x, okX := v.Get(a)
	y, okY := v.Get(b)
	v.Drop(a)
	v.Drop(b)
	if okX {
		v.Set(b, x)
	}
	if okY {
		v.Set(a, y)
	}
}

// decade corrects a frequency that some firmware gives ten times too large or small.
func decade(hz float64) float64 {
	for _, f := range [...]float64{1, 0.1, 10} {
		if hz*f >= 45 && hz*f <= 65 {
			return hz * f
		}
	}
	return min(max(hz, -1e6), 1e6)
}

// round takes the noise of binary fractions away, so that 6.000 A does not become
// 6001 mA when it is rounded up.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// Vital reports whether a sample is lost when q was given but is no number: the
// current of a phase the meter has, and what gives it its direction.
func (n Nature) Vital(q Measurand) bool {
	p, phased := q.Phased()
	if phased && n.Phases == 1 && p != L1 {
		return false
	}
	if q >= CurrentL1 && q <= CurrentL3 {
		return true
	}
	direction := phased && q >= PowerL1 || n.Phases == 1 && q >= Power && q <= PowerExport
	return direction && !n.SignedCurrent
}

func representable(m Measurand, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return &Implausible{Reason: NotANumber, Measurand: m, Value: x}
	}
	huge := hugePower
	switch {
	case m <= VoltageL3:
		huge = hugeVoltage
	case m <= CurrentL3:
		huge = hugeCurrent
	case m == EnergyImport || m == EnergyExport:
		huge = hugeEnergy
	}
	if math.Abs(x) > huge {
		return &Implausible{Reason: OutOfRange, Measurand: m, Value: x, Limit: huge}
	}
	return nil
}
