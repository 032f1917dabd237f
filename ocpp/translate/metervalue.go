package translate

import (
	"encoding/json"
	"fmt"
	"strings"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// meterValue2 is what is read of a meterValue of 2.x.
type meterValue2 struct {
	Timestamp    ocpp.DateTime   `json:"timestamp"`
	SampledValue []sampledValue2 `json:"sampledValue"`
}

type sampledValue2 struct {
	Value            ocpp.Decimal    `json:"value"`
	Context          string          `json:"context,omitempty"`
	Measurand        string          `json:"measurand,omitempty"`
	Phase            string          `json:"phase,omitempty"`
	Location         string          `json:"location,omitempty"`
	SignedMeterValue *signedValue    `json:"signedMeterValue,omitempty"`
	UnitOfMeasure    *unitOfMeasure2 `json:"unitOfMeasure,omitempty"`
}

type unitOfMeasure2 struct {
	Unit       string `json:"unit,omitempty"`
	Multiplier int    `json:"multiplier,omitempty"`
}

// signedValue is a signed meter value in the order of the application note on 1.6; its
// texts pass byte for byte.
type signedValue struct {
	SignedMeterData json.RawMessage `json:"signedMeterData"`
	SigningMethod   json.RawMessage `json:"signingMethod"`
	EncodingMethod  json.RawMessage `json:"encodingMethod"`
	PublicKey       json.RawMessage `json:"publicKey"`
}

// MeterValueTo16 writes a meterValue element of 2.x as one of 1.6 (ocpp-gateway 5.4,
// 6.9). A signed value becomes two: the number, and the four texts of the signature
// as JSON in format SignedData. Measurands that 1.6 does not have are left out; left
// is false if nothing remains. It fails on what is not a meterValue.
func MeterValueTo16(raw json.RawMessage) (out json.RawMessage, left bool, err error) {
	var in meterValue2
	if _, err := ocpp.DecodeLenient(raw, &in); err != nil {
		return nil, false, fmt.Errorf("cannot read the meter value: %w", err)
	}
	if in.Timestamp.Time.IsZero() {
		return nil, false, fmt.Errorf("cannot read the meter value: its timestamp is %q", in.Timestamp.Text)
	}
	v := ocpp16.MeterValue{Timestamp: in.Timestamp, SampledValue: []ocpp16.SampledValue{}}
	for _, s := range in.SampledValue {
		v.SampledValue = append(v.SampledValue, s.to16()...)
	}
	if len(v.SampledValue) == 0 {
		return nil, false, nil
	}
	if err := v.Validate(); err != nil {
		return nil, false, fmt.Errorf("cannot write the meter value for OCPP 1.6: %w", err)
	}
	out, err = json.Marshal(v)
	return out, err == nil, err
}

func (s *sampledValue2) to16() []ocpp16.SampledValue {
	plain := ocpp16.SampledValue{
		Measurand: known(ocpp16.Measurand(measurand16(s.Measurand))), Context: known(ocpp16.ReadingContext(s.Context)),
		Phase: known(ocpp16.Phase(s.Phase)), Location: known(ocpp16.Location(location16(s.Location))),
	}
	if s.Measurand != "" && plain.Measurand == nil {
		return nil
	}
	var all []ocpp16.SampledValue
	if s.Value != "" {
		number := plain
		number.Value, number.Unit = value16(s.Value, s.UnitOfMeasure)
		all = append(all, number)
	}
	if s.SignedMeterValue != nil {
		signed := plain
		signed.Value, signed.Format = s.SignedMeterValue.text(), new(ocpp16.ValueFormatSignedData)
		all = append(all, signed)
	}
	return all
}

// known is a pointer to a value that the version has, else nil.
func known[E interface {
	~string
	Known() bool
}](v E) *E {
	if !v.Known() {
		return nil
	}
	return &v
}

func measurand16(name string) string {
	switch name { // 2.1 split what 1.6 calls offered
	case "Current.Import.Offered":
		return "Current.Offered"
	case "Power.Import.Offered":
		return "Power.Offered"
	}
	return name
}

func location16(name string) string {
	if name == "Upstream" { // 2.1: the meter before the charger
		return "Inlet"
	}
	return name
}

// value16 is a number with its multiplier as a text and a unit of 1.6: kWh and the
// like where the multiplier is theirs, the written-out number otherwise.
func value16(v ocpp.Decimal, u *unitOfMeasure2) (string, *ocpp16.UnitOfMeasure) {
	if u == nil {
		return string(v), nil
	}
	unit, multiplier := u.Unit, u.Multiplier
	if unit == "" {
		unit = "Wh"
	}
	if thousands := known(ocpp16.UnitOfMeasure("k" + unit)); multiplier == 3 && thousands != nil {
		return string(v), thousands
	}
	return shift(string(v), multiplier), known(ocpp16.UnitOfMeasure(unit))
}

// shift multiplies the text of a number by a power of ten, exactly. An exponent of
// its own is worked in; the bound keeps a hostile one harmless.
func shift(text string, by int) string {
	mantissa, exponent, has := strings.Cut(strings.ToLower(text), "e")
	if has {
		var e int
		if _, err := fmt.Sscanf(exponent, "%d", &e); err != nil {
			return text
		}
		by += e
	}
	if by == 0 && !has || by < -maxShift || by > maxShift {
		return text
	}
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if by >= 0 {
		fraction += strings.Repeat("0", max(0, by-len(fraction)))
		whole, fraction = whole+fraction[:by], fraction[by:]
	} else {
		whole = strings.Repeat("0", max(0, -by-len(whole)+1)) + whole
		at := len(whole) + by
		whole, fraction = whole[:at], whole[at:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

const maxShift = 30

// text is the container of the application note on signed values in 1.6.
func (s *signedValue) text() string {
	part := func(raw json.RawMessage) string {
		if len(raw) == 0 || raw[0] != '"' {
			return `""`
		}
		return string(raw)
	}
	return `{"signedMeterData":` + part(s.SignedMeterData) + `,"signingMethod":` + part(s.SigningMethod) +
		`,"encodingMethod":` + part(s.EncodingMethod) + `,"publicKey":` + part(s.PublicKey) + `}`
}
