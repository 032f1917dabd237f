package downstream

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

// Names of the measurands that are read, the same in all versions.
const (
	measurandCurrent = "Current.Import"
	measurandPower   = "Power.Active.Import"
	measurandVoltage = "Voltage"
	measurandEnergy  = "Energy.Active.Import.Register"
	measurandSoC     = "SoC"
)

// reading is one measurand of one element: a value per phase, or one for all.
type reading struct {
	phase [3]int64
	given loadbalance.PhaseSet
	whole int64
	total bool // whole was given
}

// measured collects the values of one element, in thousandths of A, W, V; energy in
// Wh.
type measured struct {
	current, power, voltage reading
	energy                  int64
	hasEnergy               bool
	soc                     int
	hasSoC                  bool
	at                      time.Time // as the charger says, also where that can't be
}

// Bounds of what a connector can measure, in thousandths: more is a wrong unit.
const (
	maxMilliAmp = 10_000_000
	maxMilliW   = 10_000_000_000
)

// sampleReader reads one meterValue element. What can't be read of it is listed.
type sampleReader func(element json.RawMessage) (controller.MeterSample, measured, []string)

// readSamples reads a list of meterValue elements; each keeps its bytes. What can't
// be read of an element is listed, the element stays.
func readSamples(raw json.RawMessage, read sampleReader, seen func(controller.MeterSample, measured)) (samples []controller.MeterSample, problems []string) {
	elements, err := ocpp.RawArray(raw)
	if len(raw) > 0 && err != nil {
		return nil, []string{err.Error()}
	}
	for _, element := range elements {
		sample, m, wrong := read(element)
		if seen != nil {
			seen(sample, m)
		}
		samples = append(samples, sample)
		problems = append(problems, wrong...)
	}
	return samples, problems
}

// store takes one value in thousandths of its unit; unit is lower case, "" the
// measurand's own; phase 0 to 2, or -1 for all together.
func (m *measured) store(measurand string, value int64, unit string, phase int) string {
	switch measurand {
	case measurandCurrent:
		switch unit {
		case "ka":
			value *= 1000
		case "ma":
			value = (value + 999) / 1000
		}
		return m.current.set(max(0, value), phase, maxMilliAmp, measurand)
	case measurandPower:
		if unit == "kw" {
			value *= 1000
		}
		return m.power.set(value, phase, maxMilliW, measurand)
	case measurandVoltage:
		return m.voltage.set(value, phase, maxMilliAmp, measurand)
	case measurandSoC:
		m.soc, m.hasSoC = int(min(100_000, max(0, value))/1000), true
	case measurandEnergy:
		if phase >= 0 {
			return "" // the register of one conductor
		}
		if unit == "kwh" {
			m.energy, m.hasEnergy = value, value >= 0 // thousandths of kWh are Wh
		} else {
			m.energy, m.hasEnergy = value/1000, value >= 0
		}
	}
	return ""
}

func (r *reading) set(value int64, phase int, most int64, measurand string) string {
	if value > most || value < -most {
		return fmt.Sprintf("%s is out of range", measurand)
	}
	if phase < 0 {
		r.whole, r.total = value, true
		return ""
	}
	r.phase[phase] = value
	r.given |= loadbalance.Phases(loadbalance.Phase(phase))
	return ""
}

// fill turns the values into the sample.
func (m *measured) fill(out *controller.MeterSample) {
	if m.hasEnergy { // a register below zero is none
		out.Energy, out.HasEnergy = controller.WattHour(m.energy), true
	}
	if m.hasSoC {
		out.SoC = m.soc
	}
	switch {
	case m.power.total:
		out.Power, out.HasPower = controller.Watt(m.power.whole/1000), true
	case m.power.given != 0:
		out.Power, out.HasPower = controller.Watt((m.power.phase[0]+m.power.phase[1]+m.power.phase[2])/1000), true
	}
	switch {
	case m.current.given != 0:
		out.CurrentPhases = m.current.given
		for i, v := range m.current.phase {
			out.Current[i] = loadbalance.MilliAmp(v)
		}
	case m.current.total: // of which phase is not said: it counts on all
		out.CurrentPhases = loadbalance.AllPhases
		out.Current = loadbalance.Uniform(loadbalance.MilliAmp(m.current.whole))
	default:
		out.Current, out.CurrentPhases = m.derive()
	}
}

// minMilliVolt is the lowest voltage taken for one under load.
const minMilliVolt = 80_000

// derive finds the current from power and voltage, rounded up, where the phases are
// certain: power per phase, or one voltage, that of L1, from a charger of one phase.
// A total power over three voltages may all be on one phase; it is left unmeasured,
// and the connector stays booked at what it may draw.
func (m *measured) derive() (loadbalance.PerPhase, loadbalance.PhaseSet) {
	var out loadbalance.PerPhase
	volts := func(i int) int64 {
		v := m.voltage.whole
		if m.voltage.given.Has(loadbalance.Phase(i)) {
			v = m.voltage.phase[i]
		}
		return v
	}
	if m.power.given == 0 && m.power.total && m.voltage.given == loadbalance.Phases(loadbalance.L1) && volts(0) >= minMilliVolt {
		out[0] = currentOf(m.power.whole, volts(0))
		return out, loadbalance.Phases(loadbalance.L1)
	}
	for i, p := range m.power.phase {
		if !m.power.given.Has(loadbalance.Phase(i)) {
			continue
		}
		if volts(i) < minMilliVolt {
			return loadbalance.PerPhase{}, 0
		}
		out[i] = currentOf(p, volts(i))
	}
	return out, m.power.given
}

// currentOf is mW / mV in mA, rounded up.
func currentOf(power, volts int64) loadbalance.MilliAmp {
	return loadbalance.MilliAmp(min(maxMilliAmp, (max(0, power)*1000+volts-1)/volts))
}

// phaseOf is 0 to 2 for a conductor, -1 for none named; mine is false for N and for
// values between two conductors.
func phaseOf(p string) (phase int, mine bool) {
	if p == "" {
		return -1, true
	}
	name, _ := strings.CutSuffix(strings.ToUpper(p), "-N")
	phase = slices.Index([]string{"L1", "L2", "L3"}, name)
	return phase, phase >= 0
}

// splitUnit takes off a unit that was written behind the number ("12.3 kWh").
func splitUnit(text string) (number, unit string) {
	number = strings.TrimRightFunc(text, func(r rune) bool { return unicode.IsLetter(r) || r == '%' })
	return number, text[len(number):]
}

// milli reads a value's text in thousandths: blanks and a decimal comma are met in
// the field.
func milli(text string) (int64, bool) {
	s := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "+"), " ", "")
	s = strings.Replace(s, ",", ".", 1)
	if trimmed := strings.TrimLeft(s, "0"); trimmed != s { // "007.5", which JSON would refuse
		if trimmed == "" || trimmed[0] == '.' || trimmed[0] == 'e' || trimmed[0] == 'E' {
			trimmed = "0" + trimmed
		}
		s = trimmed
	}
	v, err := ocpp.Decimal(s).Milli()
	return v, err == nil
}
