package devices

import (
	"fmt"
	"math"
)

// Reason says why a sample is not usable.
type Reason uint8

// The reasons.
const (
	Missing    Reason = iota // a phase without current
	NotANumber               // NaN, infinite, or the device's mark for "no value"
	OutOfRange               // no such value exists at this connection
)

// Implausible is a sample that must not reach load management.
type Implausible struct {
	Reason    Reason
	Measurand Measurand
	Value     float64
	Limit     float64 // what it was compared with, if OutOfRange
}

func (e *Implausible) Error() string {
	switch e.Reason {
	case Missing:
		return fmt.Sprintf("cannot use sample: no value for %s", e.Measurand)
	case NotANumber:
		return fmt.Sprintf("cannot use sample: %s is not a number", e.Measurand)
	case OutOfRange:
		return fmt.Sprintf("cannot use sample: %s is %.6g, the limit is %.6g", e.Measurand, e.Value, e.Limit)
	}
	panic("devices: unknown reason")
}

// Limits of what is plausible at one connection. Zero values mean the defaults in
// parentheses.
type Limits struct {
	// Nominal is the rated current of the fuse that is measured; ten times as much
	// is out of range. (0: not known, only MaxCurrent holds)
	Nominal    MilliAmp
	MaxCurrent MilliAmp   // whatever is nominal (10 kA)
	MinVoltage MilliVolt  // (50 V)
	MaxVoltage MilliVolt  // (500 V)
	MinHertz   MilliHertz // (40 Hz)
	MaxHertz   MilliHertz // (70 Hz)
}

func (l Limits) withDefaults() Limits {
	if l.MaxCurrent <= 0 {
		l.MaxCurrent = 10_000_000
	}
	if l.Nominal > 0 {
		l.MaxCurrent = MilliAmp(min(int64(l.MaxCurrent), 10*int64(l.Nominal)))
	}
	if l.MinVoltage <= 0 {
		l.MinVoltage = 50_000
	}
	if l.MaxVoltage <= 0 {
		l.MaxVoltage = 500_000
	}
	if l.MinHertz <= 0 {
		l.MinHertz = 40_000
	}
	if l.MaxHertz <= 0 {
		l.MaxHertz = 70_000
	}
	return l
}

// Check reports whether a reading can be real: nil, or an *Implausible. It is pure.
//
// A single value out of range discards the whole sample, so a spike never moves a
// limit by itself. Spikes within the range pass in both directions and there is no
// filter of the rate: a real short circuit, motor start or overload looks the same,
// cutting current for nothing is safe, and load management raises only after its own
// proofs and pauses. A median would delay every real overload by a sample.
func Check(r Reading, l Limits) error {
	l = l.withDefaults()
	for p := range Phase(3) {
		if !r.Phases.Has(p) {
			continue
		}
		if err := inRange(CurrentL1+Measurand(p), r.Current[p], -l.MaxCurrent, l.MaxCurrent); err != nil {
			return err
		}
		if r.Given(HasVoltage) {
			if err := inRange(VoltageL1+Measurand(p), r.Voltage[p], l.MinVoltage, l.MaxVoltage); err != nil {
				return err
			}
		}
		if r.Given(HasPhasePower) {
			if err := checkPower(PowerL1+Measurand(p), r.PhasePower[p], 1, l); err != nil {
				return err
			}
		}
	}
	if r.Phases == 0 {
		return &Implausible{Reason: Missing, Measurand: CurrentL1}
	}
	if r.Given(HasPower) {
		if err := checkPower(Power, r.Power, 3, l); err != nil {
			return err
		}
	}
	if r.Given(HasFrequency) {
		return inRange(Frequency, r.Frequency, l.MinHertz, l.MaxHertz)
	}
	return nil
}

func inRange[T ~int32](m Measurand, x, low, high T) error {
	if x >= low && x <= high {
		return nil
	}
	limit := high
	if x < low {
		limit = low
	}
	return &Implausible{Reason: OutOfRange, Measurand: m, Value: float64(x) / 1000, Limit: float64(limit) / 1000}
}

func checkPower(m Measurand, p Watt, phases float64, l Limits) error {
	most := phases * float64(l.MaxCurrent) / 1000 * float64(l.MaxVoltage) / 1000
	if math.Abs(float64(p)) > most {
		return &Implausible{Reason: OutOfRange, Measurand: m, Value: float64(p), Limit: most}
	}
	return nil
}

// Doubts is a set of findings about the installation of a meter.
type Doubts uint8

// The doubts, each with its usual cause.
const (
	// SumMismatch: total power is not the sum of the phases. A clamp is missing or
	// reversed, or the register map is another model's.
	SumMismatch Doubts = 1 << iota
	// PowerTooLarge: a phase has more power than voltage times current. The clamps'
	// ratio or the phase order is wrong.
	PowerTooLarge
)

func (d Doubts) String() string {
	switch d {
	case 0:
		return ""
	case SumMismatch:
		return "total power is not the sum of the phases: check clamps and meter model"
	case PowerTooLarge:
		return "power exceeds voltage times current: check the clamps' ratio and phase order"
	}
	return SumMismatch.String() + "; " + PowerTooLarge.String()
}

// Doubt finds what is odd in a reading but no reason to discard it. It is pure.
// Tolerances: 100 W or 5 % for the sum, 50 W and 15 % for the power of a phase.
func Doubt(r Reading) Doubts {
	var d Doubts
	if !r.Given(HasPhasePower) {
		return d
	}
	var sum Watt
	for p := range Phase(3) {
		if !r.Phases.Has(p) {
			continue
		}
		sum += r.PhasePower[p]
		apparent := float64(r.Voltage[p]) / 1000 * math.Abs(float64(r.Current[p])) / 1000
		// The current of an exporting phase is reduced by its reactive part.
		if r.Given(HasVoltage) && r.PhasePower[p] > 0 && float64(r.PhasePower[p]) > 1.15*apparent+50 {
			d |= PowerTooLarge
		}
	}
	if r.Given(HasPower) {
		off := math.Abs(float64(r.Power - sum))
		if off > max(100, 0.05*math.Abs(float64(r.Power))) {
			d |= SumMismatch
		}
	}
	return d
}
