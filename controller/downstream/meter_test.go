package downstream

import (
	"encoding/json"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

func TestWhatIsReadOfMeterValues(t *testing.T) {
	received := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	full := func(value string) string {
		return `{"connectorId":1,"meterValue":[{"timestamp":"2026-03-01T07:59:58Z","sampledValue":[` + value + `]}]}`
	}
	for _, c := range []struct {
		name, payload string
		want          controller.MeterSample
	}{
		{"register by default, Wh", full(`{"value":"1234.9"}`), controller.MeterSample{Energy: 1234, HasEnergy: true, SoC: -1}},
		{"kWh with a decimal comma and spaces", full(`{"value":" 1,5 ","unit":"kWh"}`), controller.MeterSample{Energy: 1500, HasEnergy: true, SoC: -1}},
		{"a number instead of text", full(`{"value":77}`), controller.MeterSample{Energy: 77, HasEnergy: true, SoC: -1}},
		{"currents per phase", full(`{"value":"10.5","measurand":"Current.Import","phase":"L1"},{"value":"6","measurand":"Current.Import","phase":"L3-N"}`),
			controller.MeterSample{Current: loadbalance.PerPhase{10500, 0, 6000}, CurrentPhases: loadbalance.Phases(0, 2), SoC: -1}},
		{"current without a phase counts on all", full(`{"value":"7","measurand":"Current.Import"}`),
			controller.MeterSample{Current: loadbalance.Uniform(7000), CurrentPhases: loadbalance.AllPhases, SoC: -1}},
		{"negative current is none", full(`{"value":"-3","measurand":"Current.Import","phase":"L1"}`), controller.MeterSample{CurrentPhases: loadbalance.Phases(0), SoC: -1}},
		{"power in kW", full(`{"value":"11.04","measurand":"Power.Active.Import","unit":"kW"}`), controller.MeterSample{Power: 11040, HasPower: true, SoC: -1}},
		{"state of charge", full(`{"value":"81","measurand":"SoC","unit":"Percent"}`), controller.MeterSample{SoC: 81}},
		{"begin of a transaction is billing", full(`{"value":"5","context":"Transaction.Begin"}`), controller.MeterSample{Energy: 5, HasEnergy: true, Billing: true, SoC: -1}},
		{"signed data is billing and opaque", full(`{"value":"OCMF|{...}","format":"SignedData","context":"Sample.Periodic"}`), controller.MeterSample{Billing: true, SoC: -1}},
		{"no number", full(`{"value":"n/a"}`), controller.MeterSample{SoC: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := samplesOf(t, c.payload, received)
			if len(got) != 1 {
				t.Fatalf("%d samples", len(got))
			}
			s := got[0]
			if !s.At.Equal(received.Add(-2*time.Second)) || len(s.Raw) == 0 {
				t.Errorf("at %v, raw %q", s.At, s.Raw)
			}
			s.At, s.AtText, s.Raw = time.Time{}, "", nil
			if gotText, _ := json.Marshal(s); string(gotText) != mustJSON(t, c.want) {
				t.Errorf("got %s\nwant %s", gotText, mustJSON(t, c.want))
			}
		})
	}
}

// samplesOf reads the meterValue of a message of 1.6.
func samplesOf(t *testing.T, payload string, received time.Time) ([]controller.MeterSample, []string) {
	t.Helper()
	var req struct {
		MeterValue meterValues16 `json:"meterValue"`
	}
	if _, err := ocpp.DecodeLenient(json.RawMessage(payload), &req); err != nil {
		t.Fatal(err)
	}
	return samples16(req.MeterValue, received, nil, nil)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestElementsAreKeptByteForByte(t *testing.T) {
	element := `{"timestamp": "2026-03-01T08:00:00.000Z","sampledValue":[{"value":"1.10","vendor":{"b":1,"a":20000000000000000001}}]}`
	got, _ := samplesOf(t, `{"connectorId":1,"meterValue":[`+element+`,5]}`, time.Now())
	if len(got) != 2 || string(got[0].Raw) != element || string(got[1].Raw) != "5" {
		t.Fatalf("got %+v", got)
	}
}

func TestKeysInTheirThreeForms(t *testing.T) {
	key := "0123456789abcdef0123"
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{key, key, true},
		{key, "3031323334353637383961626364656630313233", true},
		{"3031323334353637383961626364656630313233", key, true},
		{"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff", "\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff", true},
		{"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff", "00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF", true},
		{key, key + "x", false},
		{key, "", false},
	} {
		if got := keyMatches(c.want, c.got); got != c.ok {
			t.Errorf("record %q, sent %q: %v, want %v", c.want, c.got, got, c.ok)
		}
	}
}

// FuzzReadSamples: whatever a charger sends, each element passes as it came.
func FuzzReadSamples(f *testing.F) {
	f.Add(`[{"timestamp":"2000-01-01T00:00:00Z","sampledValue":[{"value":"1,5","unit":"kWh"},{"value":"7","measurand":"Current.Import","phase":"L1"}]}]`)
	f.Add(`[{"sampledValue":{"value":-1e99,"measurand":"Power.Active.Import"}},null,7,"x",[]]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		var elements []json.RawMessage
		if json.Unmarshal([]byte(text), &elements) != nil {
			return
		}
		got, _ := samplesOf(t, `{"meterValue":`+text+`}`, time.Now())
		if len(got) != len(elements) {
			t.Fatalf("%d samples of %d elements", len(got), len(elements))
		}
		for i, s := range got {
			if string(s.Raw) != string(elements[i]) || s.SoC < -1 || s.SoC > 100 || s.Energy < 0 {
				t.Fatalf("element %d: %+v", i, s)
			}
			for _, a := range s.Current {
				if a < 0 || a > maxMilliAmp {
					t.Fatalf("element %d: %v", i, s.Current)
				}
			}
		}
	})
}
