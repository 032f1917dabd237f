package ocpp

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestDateTimeReadsWhatChargersWrite(t *testing.T) {
	want := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for in, at := range map[string]time.Time{
		"2024-05-06T07:08:09Z":          want,
		"2024-05-06T07:08:09.123Z":      want.Add(123 * time.Millisecond),
		"2024-05-06T07:08:09.123456Z":   want.Add(123456 * time.Microsecond),
		"2024-05-06T10:08:09+03:00":     want,
		"2024-05-06T10:08:09+03":        want,
		"2024-05-06T10:08:09+0300":      want,
		"2024-05-06T07:08:09":           want,
		"2024-05-06T07:08:09.5":         want.Add(500 * time.Millisecond),
		"2024-05-06 07:08:09":           want,
		" 2024-05-06t07:08:09Z":         want,
		"2024-05-06T07:08Z":             want.Truncate(time.Minute),
		"2024-05-06T07:08:09.000+00:00": want,
	} {
		var d DateTime
		if err := json.Unmarshal([]byte(`"`+in+`"`), &d); err != nil || !d.Time.Equal(at) || d.Text != in {
			t.Errorf("%s: %v %q, %v", in, d.Time, d.Text, err)
		}
	}
	for _, in := range []string{`"yesterday"`, `5`, `""`, `"2024-13-01T00:00:00Z"`} {
		var d DateTime
		if err := json.Unmarshal([]byte(in), &d); err == nil {
			t.Errorf("%s was read as %v", in, d.Time)
		}
	}
}

func TestDateTimeIsWrittenInUTCWithAtMostMilliseconds(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	for want, at := range map[string]time.Time{
		`"2024-05-06T05:08:09.123Z"`: time.Date(2024, 5, 6, 7, 8, 9, 123456789, zone),
		`"2024-05-06T05:08:09Z"`:     time.Date(2024, 5, 6, 7, 8, 9, 0, zone),
	} {
		if got, err := json.Marshal(NewDateTime(at)); string(got) != want || err != nil {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for in, want := range map[string]int64{
		"16": 16000, "16.5": 16500, "0.0009": 0, "-0.0009": -1, "-0.001": -1, "1e2": 100000, "1.2345E1": 12345,
		"12345e-3": 12345, "0e300": 0, "0.1": 100, "-0": 0, "1e-400": 0, "9000000000000": 9e15,
	} {
		if got, err := Decimal(in).Milli(); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "1,5", "NaN", "1e400", "9000000000001", " 1", "01", "1e99999999999999999999"} {
		if got, err := Decimal(in).Milli(); err == nil {
			t.Errorf("%q: %d", in, got)
		}
	}
	for in, want := range map[int64]Decimal{0: "0", 16500: "16.5", 6000: "6", -1: "-0.001", 123: "0.123", -16000: "-16"} {
		if got := DecimalFromMilli(in); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]Decimal{`16.50`: "16.50", `"16,5"`: "16.5", `" 7 "`: "7"} {
		var d Decimal
		if err := json.Unmarshal([]byte(in), &d); d != want || err != nil {
			t.Errorf("%s: %s, %v", in, d, err)
		}
	}
}

// FuzzDecimal compares with exact arithmetic.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-0.0001", "1e3", "123456789.987654321", "1.2e-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Decimal(text).Milli()
		if err != nil || len(text) > 30 {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number but was read as %d", text, got)
		}
		exact.Mul(exact, big.NewRat(1000, 1))
		floor := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: floor for a positive divisor
		if floor.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%q: %d, want %s", text, got, floor)
		}
		if back, err := DecimalFromMilli(got).Milli(); err != nil || back != got {
			t.Fatalf("%d comes back as %d, %v", got, back, err)
		}
	})
}

type sample struct {
	Name  string    `json:"name"`
	Count int       `json:"count"`
	On    bool      `json:"on"`
	At    DateTime  `json:"at"`
	Limit *Decimal  `json:"limit,omitempty"`
	List  []inner   `json:"list"`
	Texts []string  `json:"texts"`
	Id    *int      `json:"id,omitempty"`
	Inner *inner    `json:"inner,omitempty"`
	Opt   *DateTime `json:"opt,omitempty"`
}

type inner struct {
	Value string `json:"value"`
}

func TestDecodeLenientTakesWhatItCan(t *testing.T) {
	for _, c := range []struct{ in, want, problems string }{
		{`{"name":5,"count":"7","on":"TRUE"}`, `{"name":"5","count":7,"on":true}`, ""},
		{`{"Name":"a","COUNT":"7.9","extra":{}}`, `{"name":"a","count":7}`, ""},
		{`{"list":{"value":1.50}}`, `{"list":[{"value":"1.50"}]}`, ""},
		{`{"texts":"one","id":null}`, `{"texts":["one"]}`, ""},
		{`{"limit":"16,5","count":"x"}`, `{"limit":16.5}`, "count is not an integer: x"},
		{`{"id":"","name":"n"}`, `{"name":"n"}`, `id is not an integer: `},
		{`{"list":[{"value":[]},7]}`, `{"list":[{},{}]}`, "list[0].value is not a string, list[1] is not an object"},
		{`{"name":{},"count":1}`, `{"count":1}`, "name is not a string"},
		{`{"inner":[],"on":2}`, `{"inner":{}}`, "on is not a boolean: 2, inner is not an object"},
		{`{"at":"never","count":true}`, `{}`, `count is not an integer: true, at is not a date-time: "never"`},
	} {
		var got, want sample
		problems, err := DecodeLenient(json.RawMessage(c.in), &got)
		if err != nil || strings.Join(problems, ", ") != c.problems {
			t.Errorf("%s: problems %q, %v\nwant %q", c.in, problems, err, c.problems)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		got.At = DateTime{}
		if text(t, got) != text(t, want) {
			t.Errorf("%s:\n got %s\nwant %s", c.in, text(t, got), text(t, want))
		}
	}
	var d sample
	if _, _ = DecodeLenient(json.RawMessage(`{"at":"1970","count":"x"}`), &d); d.At.Text != "1970" {
		t.Errorf("the text of an unreadable time is lost: %+v", d.At)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
