package record

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"busbar/loadbalance"
	"busbar/loadbalance/internal/plain"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// site is a small site with places for three of six cars.
func site() loadbalance.Config {
	return loadbalance.Config{Nodes: []loadbalance.Node{
		{ID: "main", Limit: loadbalance.Uniform(63_000), Metered: true, WorstBase: loadbalance.Uniform(20_000), LargestStep: 30_000,
			States: []loadbalance.SupplyState{{Name: "generator", Limit: loadbalance.Uniform(35_000)}}},
		{ID: "board", Parent: "main", Limit: loadbalance.Uniform(20_000), Breaker: loadbalance.BreakerGG},
	}}
}

// drive runs passes of a changing site, with a pause now and then, and records each.
func drive(b *loadbalance.Balancer, r *Recorder, passes int, pause time.Duration, draw func(low, high int) int) {
	in := loadbalance.Input{}
	for i := range 6 {
		in.Connectors = append(in.Connectors, loadbalance.Connector{Slot: i + 1, Node: "board", Phases: loadbalance.PhaseSet(i % 4), Min: 6000, Max: 16000,
			Online: true, Failsafe: 6000, Wants: true, WantsSince: noon, CanStartUnasked: true})
	}
	now := noon
	for n := range passes {
		now = now.Add(time.Duration(draw(100, 1500)) * time.Millisecond)
		if n%90 == 89 {
			now = now.Add(pause)
		}
		if n%50 != 49 { // now and then the meter is silent
			base := loadbalance.MilliAmp(draw(0, 45) * 1000)
			in.Readings = []loadbalance.Reading{{Node: "main", At: now, Current: loadbalance.PerPhase{base, base / 2, base / 3}, Period: time.Second}}
		}
		if n%17 == 16 {
			c := &in.Connectors[draw(0, 5)]
			c.Wants, c.WantsSince = !c.Wants, now
			c.CanStartUnasked = c.Wants
		}
		if n%40 == 39 {
			in.Caps = append(in.Caps[:0], loadbalance.Cap{Node: "main", Limit: loadbalance.Uniform(loadbalance.MilliAmp(n * 100)), Rule: loadbalance.RuleSiteCap})
		}
		if n%30 == 29 {
			in.Supplies = []loadbalance.SupplyIn{{Node: "main", State: []string{"", "generator"}[n/30%2]}}
		}
		r.Before(b, now)
		plan := b.Step(now, in)
		r.After(now, in, plan)
		for _, sp := range plan.Setpoints {
			c := &in.Connectors[sp.Slot-1]
			switch sp.Action {
			case loadbalance.Raise, loadbalance.Reduce, loadbalance.Renew:
				if sp.Limit > c.Held {
					c.LastUp = now
				} else if sp.Limit < c.Held {
					c.LastDown = now
				}
				c.Held, c.HeldAt, c.LeaseUntil = sp.Limit, now, now.Add(sp.Lease)
			}
			if c.Wants {
				c.Measured, c.MeasuredAt = loadbalance.Uniform(min(c.Held, c.Max)*9/10), now
			}
		}
	}
}

// What was recorded is decided the same again, also where the recording begins in the
// middle of a day.
func TestReplayDecidesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := site()
		b, err := loadbalance.NewBalancer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := New(cfg, noon)
		drive(b, r, rapid.SampledFrom([]int{1, 60, 400}).Draw(t, "passes"), 20*time.Minute, func(low, high int) int { return rapid.IntRange(low, high).Draw(t, "draw") })
		var file bytes.Buffer
		if err := r.Recording().Write(&file); err != nil {
			t.Fatal(err)
		}
		out, err := Replay(&file, func(p Pass) {
			if !p.Same {
				t.Fatalf("line %d at %v: decided %+v, then %+v", p.Line, p.At, p.Plan.Setpoints, p.Did)
			}
		})
		if err != nil || out.Passes == 0 || out.Different != 0 || out.Drifted != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
	})
}

// A decision that is not what the recording says is found.
func TestReplayFindsDifferences(t *testing.T) {
	r := recorded(t, 60)
	var file bytes.Buffer
	if err := r.Recording().Write(&file); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(file.String(), `"ID":"main","Limit":[63000,63000,63000]`, `"ID":"main","Limit":[33000,33000,33000]`, 1)
	if changed == file.String() {
		t.Fatal("the head is not as expected")
	}
	out, err := Replay(strings.NewReader(changed), nil)
	if err != nil || out.Different == 0 {
		t.Errorf("another fuse makes no difference: %+v, %v", out, err)
	}
}

// recorded is a recording of so many passes.
func recorded(t *testing.T, passes int) *Recorder {
	cfg := site()
	b, err := loadbalance.NewBalancer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, random := New(cfg, noon), rand.New(rand.NewPCG(1, 2))
	drive(b, r, passes, 0, func(low, high int) int { return low + random.IntN(high-low+1) })
	return r
}

// The recording goes back ten minutes and not much more, however long it ran.
func TestHowFarBack(t *testing.T) {
	var file bytes.Buffer
	if err := recorded(t, 3000).Recording().Write(&file); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", file.Len())
	out, err := Replay(&file, nil)
	if back := out.To.Sub(out.From); err != nil || back < Reach || back > Reach+2*SegmentLength || out.Different > 0 || out.Drifted > 0 {
		t.Errorf("the recording goes back %v: %+v, %v", back, out, err)
	}
}

// Every field of the input comes back as it was, and as it became in the next pass.
func TestAllFieldsRoundTrip(t *testing.T) {
	cfg, n := site(), int64(0)
	b, err := loadbalance.NewBalancer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := New(cfg, noon)
	var given []loadbalance.Input
	for range 2 {
		var in loadbalance.Input
		for _, list := range reflect.ValueOf(&in).Elem().Fields() {
			list.Set(reflect.MakeSlice(list.Type(), 2, 2))
		}
		fill(reflect.ValueOf(&in).Elem(), &n)
		r.Before(b, noon)
		r.After(noon, in, b.Step(noon, in))
		given = append(given, in)
	}
	var file bytes.Buffer
	if err := r.Recording().Write(&file); err != nil {
		t.Fatal(err)
	}
	out, err := Replay(&file, func(p Pass) {
		if was := given[p.Line-3]; !reflect.DeepEqual(was, p.Input) {
			t.Errorf("wrote %+v\nread %+v", was, p.Input)
		}
	})
	if err != nil || out.Passes != len(given) {
		t.Fatalf("%+v, %v", out, err)
	}
}

// Every field of the configuration comes back as it was.
func TestConfigRoundTrip(t *testing.T) {
	n := int64(0)
	cfg := loadbalance.Config{Nodes: make([]loadbalance.Node, 2)}
	fill(reflect.ValueOf(&cfg).Elem(), &n)
	var same loadbalance.Config
	if err := plain.Read(plain.Append(nil, &cfg, noon), &same, noon); err != nil || !reflect.DeepEqual(cfg, same) {
		t.Errorf("wrote %+v\nread %+v, %v", cfg, same, err)
	}
}

// fill sets every field to another value that is not zero.
func fill(v reflect.Value, n *int64) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * time.Millisecond)))
		return
	case v.CanInt():
		v.SetInt(1 + *n%100)
		return
	case v.CanUint():
		v.SetUint(uint64(1 + *n%5))
		return
	case v.CanFloat():
		v.SetFloat(float64(*n) / 7)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strings.Repeat("x\"", int(*n%3)+1))
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, n)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	}
}

func TestWhatIsNoRecording(t *testing.T) {
	head := `{"recording":1,"base":"2026-06-01T12:00:00Z","config":{"Nodes":[{"ID":"main","Limit":[1000,1000,1000]}]}}` + "\n"
	for name, c := range map[string]struct{ file, want string }{
		"empty":             {"", "not a recording"},
		"text":              {"hello\n", "not a recording"},
		"JSON":              {"{}\n", "not a recording"},
		"pass first":        {head + `{"pass":1,"did":[],"sum":""}` + "\n", "before the first checkpoint"},
		"unknown member":    {strings.Replace(head, `"ID"`, `"Colour":1,"ID"`, 1), `member "Colour"`},
		"broken line":       {head + "{\n", "line 2"},
		"broken checkpoint": {head + `{"checkpoint":7}` + "\n", "line 2"},
	} {
		_, err := Replay(strings.NewReader(c.file), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Replay(strings.NewReader("x"), nil); !errors.Is(err, ErrNotARecording) {
		t.Error(err)
	}
}
