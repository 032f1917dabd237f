package translate

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func TestMeterValueTo16(t *testing.T) {
	const at = `"timestamp":"2026-03-02T10:00:00Z"`
	for _, c := range []struct{ name, in, out string }{
		{"a register", `{` + at + `,"sampledValue":[{"value":1234.50}]}`, `{` + at + `,"sampledValue":[{"value":"1234.50"}]}`},
		{"all members", `{` + at + `,"sampledValue":[{"value":16.1,"context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","location":"Outlet","unitOfMeasure":{"unit":"A","multiplier":0}}]}`,
			`{` + at + `,"sampledValue":[{"value":"16.1","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","location":"Outlet","unit":"A"}]}`},
		{"thousands have a unit", `{` + at + `,"sampledValue":[{"value":12.345,"unitOfMeasure":{"unit":"Wh","multiplier":3}}]}`,
			`{` + at + `,"sampledValue":[{"value":"12.345","unit":"kWh"}]}`},
		{"the default unit with a multiplier", `{` + at + `,"sampledValue":[{"value":12.345,"unitOfMeasure":{"multiplier":3}}]}`,
			`{` + at + `,"sampledValue":[{"value":"12.345","unit":"kWh"}]}`},
		{"other multipliers are written out", `{` + at + `,"sampledValue":[{"value":161,"measurand":"Current.Import","unitOfMeasure":{"unit":"A","multiplier":-1}}]}`,
			`{` + at + `,"sampledValue":[{"value":"16.1","measurand":"Current.Import","unit":"A"}]}`},
		{"no unit of frequency in 1.6", `{` + at + `,"sampledValue":[{"value":50.01,"measurand":"Frequency","unitOfMeasure":{"unit":"Hz"}}]}`,
			`{` + at + `,"sampledValue":[{"value":"50.01","measurand":"Frequency"}]}`},
		{"measurands of 2.x are left out", `{` + at + `,"sampledValue":[{"value":1,"measurand":"Energy.Active.Net"},{"value":2}]}`, `{` + at + `,"sampledValue":[{"value":"2"}]}`},
		{"2.1 names", `{` + at + `,"sampledValue":[{"value":32,"measurand":"Current.Import.Offered","location":"Upstream"}]}`,
			`{` + at + `,"sampledValue":[{"value":"32","measurand":"Current.Offered","location":"Inlet"}]}`},
		{"signed: the number, and the texts as they came", `{` + at + `,"sampledValue":[{"value":5,"context":"Transaction.End","signedMeterValue":{"signedMeterData":"T0NNRg\/\u003d","signingMethod":"ECDSA","encodingMethod":"OCMF","publicKey":""}}]}`,
			`{` + at + `,"sampledValue":[{"value":"5","context":"Transaction.End"},{"value":"{\"signedMeterData\":\"T0NNRg\\/\\u003d\",\"signingMethod\":\"ECDSA\",\"encodingMethod\":\"OCMF\",\"publicKey\":\"\"}","context":"Transaction.End","format":"SignedData"}]}`},
		{"nothing that 1.6 knows", `{` + at + `,"sampledValue":[{"value":1,"measurand":"Display.PresentSOC"}]}`, ``},
	} {
		got, left, err := MeterValueTo16(json.RawMessage(c.in))
		if err != nil || left != (c.out != "") || string(got) != c.out {
			t.Errorf("%s:\n got %s %v %v\nwant %s", c.name, got, left, err, c.out)
		}
	}
	for _, in := range []string{``, `{`, `{}`, `{"timestamp":"now","sampledValue":[]}`} {
		if _, _, err := MeterValueTo16(json.RawMessage(in)); err == nil {
			t.Errorf("%q is no meter value", in)
		}
	}
}

func FuzzShift(f *testing.F) {
	f.Add("12.345", 3)
	f.Add("-0.001", -4)
	f.Add("1.5e3", -2)
	f.Fuzz(func(t *testing.T, text string, by int) {
		if !json.Valid([]byte(text)) || strings.ContainsAny(text, " \t\r\n\"[{tfn") || len(text) > 60 || by > 20 || by < -20 {
			return
		}
		before, ok := new(big.Rat).SetString(text)
		if !ok || len(before.Num().String())+len(before.Denom().String()) > 100 {
			return
		}
		after, ok := new(big.Rat).SetString(shift(text, by))
		if !ok {
			t.Fatalf("%q by %d is %q", text, by, shift(text, by))
		}
		ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(by, -by))), nil))
		if by < 0 {
			ten.Inv(ten)
		}
		if after.Cmp(before.Mul(before, ten)) != 0 && shift(text, by) != text {
			t.Fatalf("%q by %d is %q", text, by, shift(text, by))
		}
	})
}

// FuzzMeterValue: whatever comes, what is written is valid in 1.6.
func FuzzMeterValue(f *testing.F) {
	f.Add([]byte(`{"timestamp":"2026-03-02T10:00:00Z","sampledValue":[{"value":1.5,"phase":"L1","signedMeterValue":{"signedMeterData":"x"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, left, err := MeterValueTo16(b)
		if err != nil || !left {
			return
		}
		var v ocpp16.MeterValue
		if err := ocpp.DecodeStrict(out, &v, true); err != nil {
			t.Fatalf("%q became %s: %v", b, out, err)
		}
		if err := v.Validate(); err != nil {
			t.Fatalf("%q became %s: %v", b, out, err)
		}
	})
}
