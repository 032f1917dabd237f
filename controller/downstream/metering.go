package downstream

import (
	"encoding/json"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// samples reads the meterValue elements of a MeterValues payload, and keeps each byte
// for byte. An element that can't be read is kept too: somebody may bill by it.
func samples(payload json.RawMessage, received time.Time) []controller.MeterSample {
	o, err := ocpp.ParseObject(payload)
	if err != nil {
		return nil
	}
	list, ok := o.Get("meterValue")
	if !ok {
		return nil
	}
	elements, err := ocpp.RawArray(list)
	if err != nil {
		elements = []json.RawMessage{list} // a single one instead of a list
	}
	out := make([]controller.MeterSample, 0, len(elements))
	for _, raw := range elements {
		out = append(out, sample(raw, received))
	}
	return out
}

func sample(raw json.RawMessage, received time.Time) controller.MeterSample {
	s := controller.MeterSample{Raw: raw, SoC: -1, At: received}
	var v ocpp16.MeterValue
	if _, err := ocpp.DecodeLenient(raw, &v); err != nil {
		return s
	}
	if !v.Timestamp.Time.IsZero() {
		s.At, s.AtText = v.Timestamp.Time, v.Timestamp.Text
	}
	for i := range v.SampledValue {
		read(&s, &v.SampledValue[i])
	}
	return s
}

// read takes one sampled value over. Defaults are those of 16§7.43: the energy
// register in Wh.
func read(s *controller.MeterSample, v *ocpp16.SampledValue) {
	if v.Context != nil {
		switch *v.Context {
		case ocpp16.ReadingContextTransactionBegin, ocpp16.ReadingContextTransactionEnd, ocpp16.ReadingContextSampleClock:
			s.Billing = true
		}
	}
	if v.Format != nil && *v.Format == ocpp16.ValueFormatSignedData {
		s.Billing = true
		return // opaque
	}
	measurand := ocpp16.MeasurandEnergyActiveImportRegister
	if v.Measurand != nil {
		measurand = *v.Measurand
	}
	milli, err := ocpp.Decimal(strings.Replace(strings.TrimSpace(v.Value), ",", ".", 1)).Milli()
	if err != nil {
		return
	}
	unit := ocpp16.UnitOfMeasure("")
	if v.Unit != nil {
		unit = *v.Unit
	}
	switch measurand {
	case ocpp16.MeasurandEnergyActiveImportRegister:
		if v.Phase != nil {
			return // of one phase only
		}
		s.Energy, s.HasEnergy = controller.WattHour(milli/1000), true
		if unit == ocpp16.UnitOfMeasureKWh {
			s.Energy = controller.WattHour(milli)
		}
	case ocpp16.MeasurandPowerActiveImport:
		watts := milli / 1000
		if unit == ocpp16.UnitOfMeasureKW {
			watts = milli
		}
		if v.Phase != nil {
			return // the total comes beside it, or nobody needs it
		}
		s.Power, s.HasPower = controller.Watt(watts), true
	case ocpp16.MeasurandCurrentImport:
		readCurrent(s, v.Phase, milli)
	case ocpp16.MeasurandSoC:
		s.SoC = int(min(max(milli/1000, 0), 100))
	}
}

// readCurrent books amperes at their phase; without one they count on all.
func readCurrent(s *controller.MeterSample, phase *ocpp16.Phase, milli int64) {
	a := loadbalance.MilliAmp(min(max(milli, 0), 1<<30))
	if phase == nil {
		s.Current, s.CurrentPhases = loadbalance.Uniform(a), loadbalance.AllPhases
		return
	}
	for p, names := range [3][2]ocpp16.Phase{{ocpp16.PhaseL1, ocpp16.PhaseL1N}, {ocpp16.PhaseL2, ocpp16.PhaseL2N}, {ocpp16.PhaseL3, ocpp16.PhaseL3N}} {
		if *phase == names[0] || *phase == names[1] {
			s.Current[p] = max(s.Current[p], a)
			s.CurrentPhases |= 1 << p
		}
	}
}
