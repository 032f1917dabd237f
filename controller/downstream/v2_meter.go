package downstream

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// meter takes MeterValues: readings outside transactions. EVSE 0 is the charger's own
// supply.
func (d *v2) meter(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req struct {
		EVSEID int `json:"evseId"`
	}
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	if !has(r.Payload, "evseId") || req.EVSEID < 0 {
		d.logProblems(r, []string{"no values of an EVSE; dropped"})
		return empty(), nil
	}
	ev := controller.MeterReported{Station: d.id, Connector: req.EVSEID}
	var newest time.Time
	samples, more := d.samples(r, req.EVSEID, &newest)
	d.heardTime(newest, r.Received) // older ones of the same message say nothing of the clock
	d.logProblems(r, append(problems, more...))
	if ev.Samples = samples; len(samples) == 0 {
		return empty(), nil
	}
	if _, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev }); err != nil {
		return nil, err
	}
	return empty(), nil
}

// samples reads the meterValue of a message; what they show of the EVSE is noted, if
// it is known.
func (d *v2) samples(r *ocpp.Request, evse int, newest *time.Time) ([]controller.MeterSample, []string) {
	return readSamples(list(r.Payload, "meterValue"), reader2(r.Received, d.charger.Zone), func(s controller.MeterSample, m measured) {
		if evse > 0 {
			d.seen(evse, s, m, r.Received)
		}
		*newest = m.at
	})
}

// reader2 reads meterValue elements of 2.x that came at received; zone is where times
// without one are local.
func reader2(received time.Time, zone *time.Location) sampleReader {
	return func(element json.RawMessage) (controller.MeterSample, measured, []string) {
		return readSample2(element, received, zone)
	}
}

// sampled2 is a sampledValue as it is read: its number may be a string and then have
// what strings have in 1.6.
type sampled2 struct {
	Value         json.RawMessage      `json:"value"`
	Context       ocpp2.ReadingContext `json:"context"`
	Measurand     ocpp2.Measurand      `json:"measurand"`
	Phase         string               `json:"phase"`
	Location      ocpp2.Location       `json:"location"`
	Signed        json.RawMessage      `json:"signedMeterValue"`
	UnitOfMeasure struct {
		Unit       string `json:"unit"`
		Multiplier int    `json:"multiplier"`
	} `json:"unitOfMeasure"`
}

func readSample2(raw json.RawMessage, received time.Time, zone *time.Location) (controller.MeterSample, measured, []string) {
	var m measured
	out := controller.MeterSample{Raw: raw, SoC: -1, At: received}
	var v struct {
		Timestamp    ocpp.DateTime `json:"timestamp"`
		SampledValue []sampled2    `json:"sampledValue"`
	}
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
		out.Billing = out.Billing || s.bills()
		if problem := take2(&m, s); problem != "" {
			problems = append(problems, problem)
		}
	}
	m.fill(&out)
	return out, m, problems
}

// bills is decision 23, as billing for 1.6.
func (s sampled2) bills() bool {
	if len(s.Signed) > 0 && string(s.Signed) != "null" {
		return true
	}
	switch s.Context {
	case ocpp2.ReadingContextTransactionBegin, ocpp2.ReadingContextTransactionEnd, ocpp2.ReadingContextSampleClock:
		return true
	}
	return false
}

// locationUpstream is where 2.1 names the supply of a charger.
const locationUpstream = "Upstream"

// take2 reads one sampled value into m.
func take2(m *measured, s sampled2) (problem string) {
	measurand := cmp.Or(s.Measurand, ocpp2.MeasurandEnergyActiveImportRegister) // P2 SampledValueType
	switch measurand {
	case ocpp2.MeasurandCurrentImport, ocpp2.MeasurandPowerActiveImport, ocpp2.MeasurandVoltage,
		ocpp2.MeasurandEnergyActiveImportRegister, ocpp2.MeasurandSoC:
	default:
		return "" // not ours to read
	}
	phase, mine := phaseOf(s.Phase)
	if !mine || s.Location == locationUpstream || s.Location == ocpp2.LocationEV && measurand != ocpp2.MeasurandSoC {
		return ""
	}
	number, unit := splitUnit(unquoted(s.Value))
	value, ok := milliShifted(number, s.UnitOfMeasure.Multiplier)
	if !ok {
		return fmt.Sprintf("%s is not a number: %.40q", measurand, s.Value)
	}
	return m.store(string(measurand), value, strings.ToLower(cmp.Or(s.UnitOfMeasure.Unit, unit)), phase)
}

// unquoted is the text of a JSON number or string.
func unquoted(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '"' {
		return string(raw)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// maxMultiplier bounds the power of ten of a unit: more is no unit of a meter.
const maxMultiplier = 12

// milliShifted reads a number's text in thousandths after a shift by a power of ten.
// The shift is made in the text, because thousandths of a large unit would lose digits
// that count.
func milliShifted(number string, multiplier int) (int64, bool) {
	if multiplier == 0 {
		return milli(number)
	}
	if multiplier > maxMultiplier || multiplier < -maxMultiplier {
		return 0, false
	}
	mantissa, exponent := strings.TrimSpace(number), 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		e, err := strconv.Atoi(mantissa[i+1:])
		if err != nil {
			return 0, false
		}
		mantissa, exponent = mantissa[:i], e
	}
	return milli(fmt.Sprintf("%se%d", mantissa, exponent+multiplier))
}
