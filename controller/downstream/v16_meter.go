package downstream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// reader16 reads meterValue elements of 1.6 that came at received; zone is where times
// without one are local.
func reader16(received time.Time, zone *time.Location) sampleReader {
	return func(element json.RawMessage) (controller.MeterSample, measured, []string) {
		return readSample16(element, received, zone)
	}
}

func readSample16(raw json.RawMessage, received time.Time, zone *time.Location) (controller.MeterSample, measured, []string) {
	var m measured
	out := controller.MeterSample{Raw: raw, SoC: -1, At: received}
	var v ocpp16.MeterValue
	problems, err := ocpp.DecodeLenient(raw, &v)
	if err != nil {
		return out, m, []string{err.Error()}
	}
	m.at = inZone(v.Timestamp, zone)
	if at := plausible(m.at, received); !at.IsZero() {
		out.At = at
	}
	out.AtText = v.Timestamp.Text
	for _, s := range v.SampledValue {
		out.Billing = out.Billing || billing(s)
		if problem := take16(&m, s); problem != "" {
			problems = append(problems, problem)
		}
	}
	m.fill(&out)
	return out, m, problems
}

// billing is decision 23: signed values and the contexts that frame a transaction or
// an aligned interval.
func billing(s ocpp16.SampledValue) bool {
	if deref(s.Format) == ocpp16.ValueFormatSignedData {
		return true
	}
	switch deref(s.Context) {
	case ocpp16.ReadingContextTransactionBegin, ocpp16.ReadingContextTransactionEnd, ocpp16.ReadingContextSampleClock:
		return true
	}
	return false
}

// take16 reads one sampled value into m.
func take16(m *measured, s ocpp16.SampledValue) (problem string) {
	if deref(s.Format) == ocpp16.ValueFormatSignedData {
		return ""
	}
	measurand := cmp.Or(deref(s.Measurand), ocpp16.MeasurandEnergyActiveImportRegister) // 16§7.31
	switch measurand {
	case ocpp16.MeasurandCurrentImport, ocpp16.MeasurandPowerActiveImport, ocpp16.MeasurandVoltage,
		ocpp16.MeasurandEnergyActiveImportRegister, ocpp16.MeasurandSoC:
	default:
		return "" // not ours to read
	}
	number, unit := splitUnit(s.Value)
	value, ok := milli(number)
	if !ok {
		return fmt.Sprintf("%s is not a number: %.40q", measurand, s.Value)
	}
	phase, mine := phaseOf(string(deref(s.Phase)))
	if !mine || deref(s.Location) == ocpp16.LocationEV && measurand != ocpp16.MeasurandSoC {
		return ""
	}
	return m.store(string(measurand), value, strings.ToLower(cmp.Or(string(deref(s.Unit)), unit)), phase)
}

// lastRegister finds the newest energy register in a transaction's data.
func lastRegister(data json.RawMessage, received time.Time, zone *time.Location) (controller.WattHour, bool) {
	samples, _ := readSamples(data, reader16(received, zone), nil)
	for _, s := range slices.Backward(samples) {
		if s.HasEnergy {
			return s.Energy, true
		}
	}
	return 0, false
}
