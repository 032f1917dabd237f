package plain

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

var base = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

type inner struct {
	Name  string
	count int64
}

type sample struct {
	At    time.Time
	On    bool
	Amps  [3]int32
	Kind  uint8
	Ratio float64
	Inner inner
	List  []inner
	until time.Duration
}

// samples are values of which each differs from the one before, by members that become
// something and members that become nothing.
var samples = []sample{
	{},
	{At: base.Add(3 * time.Second), On: true, Amps: [3]int32{6000, 0, -1}, Kind: 3, Ratio: 1.0 / 3, Inner: inner{"a \"b\"", 7}, List: []inner{{"x", 1}, {}}, until: time.Hour},
	{At: base.Add(-time.Hour), Amps: [3]int32{0, 1, 0}, Inner: inner{count: 8}, List: []inner{{"", 2}}, until: 1},
	{Inner: inner{Name: "only"}},
	{},
}

func TestValuesComeBack(t *testing.T) {
	for _, v := range samples {
		var got sample
		raw := Append(nil, &v, base)
		if err := Read(raw, &got, base); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s read as %+v, %v; wrote %+v", raw, got, err, v)
		}
	}
}

// What changed is enough to get from one value to the next, both ways.
func TestChangesComeBack(t *testing.T) {
	for i := range samples {
		for j := range samples {
			got := samples[i]
			got.List = append([]inner(nil), got.List...)
			raw := AppendChanged(nil, &samples[i], &samples[j], base)
			if err := Read(raw, &got, base); err != nil || !reflect.DeepEqual(got, samples[j]) {
				t.Errorf("%d to %d: %s gives %+v, %v; want %+v", i, j, raw, got, err, samples[j])
			}
		}
	}
	if raw := AppendChanged(nil, &samples[1], &samples[1], base); string(raw) != "{}" {
		t.Errorf("no change is %s", raw)
	}
}

func TestWhatCantBeRead(t *testing.T) {
	for text, want := range map[string]string{
		`{"Colour":1}`: `member "Colour"`, `{"Amps":[1,2]}`: "2 items", `{"At":"noon"}`: "a time", `{`: "unexpected end", `{"Kind":300}`: "300", `[]`: "array",
	} {
		var got sample
		if err := Read([]byte(text), &got, base); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
