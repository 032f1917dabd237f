package ocpp

import (
	"encoding/json"
	"math/big"
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

func FuzzDateTime(f *testing.F) {
	for _, seed := range []string{"2024-05-06T07:08:09Z", "2024-05-06T10:08:09+03", "2024-05-06 07:08:09.999999999", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err) // text can always be marshalled
		}
		var d DateTime
		if d.UnmarshalJSON(quoted) != nil {
			return
		}
		out, err := json.Marshal(d)
		if year := d.Time.Year(); err != nil {
			if year >= 0 && year <= 9999 {
				t.Fatalf("%q is read as %v and can't be written: %v", text, d.Time, err)
			}
			return
		}
		var again DateTime
		if err := again.UnmarshalJSON(out); err != nil || !again.Time.Equal(d.Time.Truncate(time.Millisecond)) {
			t.Fatalf("%q is written as %s and read as %v, %v", text, out, again.Time, err)
		}
	})
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
