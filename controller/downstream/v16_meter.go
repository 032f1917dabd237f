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

// meterValue16 is a meterValue as it is read; the words of its samples stay where they
// stand in the message.
type meterValue16 struct {
	Timestamp    ocpp.DateTime `json:"timestamp"`
	SampledValue []sampled16   `json:"sampledValue"`
}

type sampled16 struct {
	Value     ocpp.Text `json:"value"`
	Context   ocpp.Text `json:"context"`
	Format    ocpp.Text `json:"format"`
	Measurand ocpp.Text `json:"measurand"`
	Phase     ocpp.Text `json:"phase"`
	Location  ocpp.Text `json:"location"`
	Unit      ocpp.Text `json:"unit"`
}

// meterValues16 is a list of them, each with its bytes; a single one is a list, too.
type meterValues16 = ocpp.Exact[[]ocpp.Exact[meterValue16]]

// samples16 reads the elements of a list that came at received; zone is where times
// without one are local. Each element keeps its bytes. What can't be read of it is
// listed, the element stays.
func samples16(list meterValues16, received time.Time, zone *time.Location, seen func(controller.MeterSample, measured)) (samples []controller.MeterSample, problems []string) {
	if len(list.Raw) == 0 || list.Raw[0] != '[' && list.Raw[0] != '{' {
		return nil, nil
	}
	samples = make([]controller.MeterSample, 0, len(list.Value))
	for _, element := range list.Value {
		sample, m, wrong := sample16(element, received, zone)
		if seen != nil {
			seen(sample, m)
		}
		samples = append(samples, sample)
		problems = append(problems, wrong...)
	}
	return samples, problems
}

func sample16(element ocpp.Exact[meterValue16], received time.Time, zone *time.Location) (out controller.MeterSample, m measured, problems []string) {
	v := element.Value
	out = controller.MeterSample{Raw: element.Raw, SoC: -1, At: received, AtText: v.Timestamp.Text}
	m.at = inZone(v.Timestamp, zone)
	if at := plausible(m.at, received); !at.IsZero() {
		out.At = at
	}
	for i := range v.SampledValue {
		s := &v.SampledValue[i]
		out.Billing = out.Billing || s.billing()
		if problem := s.take(&m); problem != "" {
			problems = append(problems, problem)
		}
	}
	m.fill(&out)
	return out, m, problems
}

func (s *sampled16) signed() bool { return string(s.Format) == string(ocpp16.ValueFormatSignedData) }

// billing is decision 23: signed values and the contexts that frame a transaction or
// an aligned interval.
func (s *sampled16) billing() bool {
	switch ocpp16.ReadingContext(s.Context) {
	case ocpp16.ReadingContextTransactionBegin, ocpp16.ReadingContextTransactionEnd, ocpp16.ReadingContextSampleClock:
		return true
	}
	return s.signed()
}

// measurand is the one that is read, "" for one that is not ours to read.
func (s *sampled16) measurand() string {
	if len(s.Measurand) == 0 {
		return measurandEnergy // 16§7.31
	}
	switch string(s.Measurand) {
	case measurandCurrent:
		return measurandCurrent
	case measurandPower:
		return measurandPower
	case measurandVoltage:
		return measurandVoltage
	case measurandEnergy:
		return measurandEnergy
	case measurandSoC:
		return measurandSoC
	}
	return ""
}

// take reads the sampled value into m.
func (s *sampled16) take(m *measured) (problem string) {
	measurand := s.measurand()
	if measurand == "" || s.signed() {
		return ""
	}
	number, unit := splitUnit(string(s.Value))
	value, ok := milli(number)
	if !ok {
		return fmt.Sprintf("%s is not a number: %.40q", measurand, s.Value)
	}
	phase, mine := phaseOf(string(s.Phase))
	if !mine || string(s.Location) == string(ocpp16.LocationEV) && measurand != measurandSoC {
		return ""
	}
	return m.store(measurand, value, strings.ToLower(cmp.Or(string(s.Unit), unit)), phase)
}

// lastRegister finds the newest energy register in a transaction's data.
func lastRegister(data json.RawMessage, received time.Time, zone *time.Location) (controller.WattHour, bool) {
	var values meterValues16
	if _, err := ocpp.DecodeLenient(data, &values); err != nil {
		return 0, false
	}
	samples, _ := samples16(values, received, zone, nil)
	for _, s := range slices.Backward(samples) {
		if s.HasEnergy {
			return s.Energy, true
		}
	}
	return 0, false
}
