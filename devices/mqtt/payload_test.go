package mqtt

import (
	"errors"
	"math"
	"testing"
	"time"

	"busbar/devices"
)

func TestNumber(t *testing.T) {
	const tasmota = `{"Time":"2026-03-04T10:22:31","ENERGY":{"Total":512.331,"Power":[212,0,31],"Current":["1.039",null,"unavailable"]},"em:0":{"a":-1e3}}`
	cases := []struct {
		payload, path string
		want          float64
		err           error // nil with want NaN: any error
	}{
		{"-412.37", "", -412.37, nil},
		{" 6\n", "", 6, nil},
		{tasmota, "ENERGY.Power[2]", 31, nil},
		{tasmota, "ENERGY.Total[0]", 512.331, nil},
		{tasmota, "ENERGY.Total", 512.331, nil},
		{tasmota, "ENERGY.Current[0]", 1.039, nil},
		{tasmota, "em:0.a", -1000, nil},
		{`[[1,2],[3,4]]`, "[1][0]", 3, nil},
		{tasmota, "ENERGY.Current[1]", 0, errNoValue},
		{tasmota, "ENERGY.Current[2]", 0, errNoValue},
		{tasmota, "ENERGY.Current[3]", 0, errAbsent},
		{tasmota, "ENERGY.Total[1]", 0, errAbsent},
		{tasmota, "ENERGY.Voltage[0]", 0, errAbsent},
		{tasmota, "SML.Power_curr", 0, errAbsent},
		{`{"value":null}`, "value", 0, errNoValue},
		{`{"em":null}`, "em.a", 0, errNoValue},
		{"", "", 0, errNoValue},
		{"", "value", 0, errNoValue},
		{"null", "", 0, errNoValue},
		{"NaN", "", 0, errNoValue},
		{"None", "", 0, errNoValue},
		{"1,5", "", math.NaN(), nil},
		{"230 V", "", math.NaN(), nil},
		{"0x1p4", "", math.NaN(), nil},
		{"Inf", "", math.NaN(), nil},
		{"1e999", "", math.NaN(), nil},
		{tasmota, "Time", math.NaN(), nil},
		{tasmota, "ENERGY", math.NaN(), nil},
		{`{"value":true}`, "value", math.NaN(), nil},
		{`{"value":1} {"value":2}`, "value", math.NaN(), nil},
		{`{"value":`, "value", math.NaN(), nil},
	}
	for _, c := range cases {
		path, err := parsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read([]byte(c.payload), c.path != "").number(path)
		switch {
		case c.err != nil:
			if !errors.Is(err, c.err) {
				t.Errorf("%s of %.30s: %v, want %v", c.path, c.payload, err, c.err)
			}
		case math.IsNaN(c.want):
			if err == nil || errors.Is(err, errAbsent) || errors.Is(err, errNoValue) {
				t.Errorf("%s of %.30s: %v, %v; want a complaint", c.path, c.payload, got, err)
			}
		case err != nil || got != c.want:
			t.Errorf("%s of %.30s: %v, %v; want %v", c.path, c.payload, got, err, c.want)
		}
	}
}

func TestPathsThatCannotBeRead(t *testing.T) {
	for _, path := range []string{".", "a..b", "a.", "a[", "a[x]", "a[-1]", "a[0", "a[0]b", "a.[0]", "a[99999999]"} {
		if steps, err := parsePath(path); err == nil {
			t.Errorf("%q became %v", path, steps)
		}
	}
}

func TestAPartialUpdateKeepsTheRest(t *testing.T) {
	a := newAssembly(Config{Fields: JSONFields("m"), Nature: devices.Nature{Phases: 3}})
	now := time.Unix(1000, 0)
	apply := func(payload string) error {
		now = now.Add(time.Second)
		return a.apply(message{topic: "m", payload: []byte(payload), at: now})
	}
	if err := apply(`{"current":[1,2,3],"power":[230,460,690],"voltage":[230,230,230]}`); err != nil {
		t.Fatal(err)
	}
	first := now
	if err := apply(`{"power":[-230,460,690]}`); err != nil {
		t.Fatal(err)
	}
	r, ok, err := a.reading(now)
	if err != nil || !ok || r.Current != [3]devices.MilliAmp{-1000, 2000, 3000} || !r.At.Equal(first) {
		t.Fatalf("%+v, %v, %v", r, ok, err)
	}
	if _, again, _ := a.reading(now); again {
		t.Fatal("the same values made a second reading")
	}
	if err := apply(`{"current":[1,null,3]}`); err == nil {
		t.Fatal("a lost phase was not reported")
	}
	if _, ok, _ := a.reading(now); ok {
		t.Fatal("a sample without a phase was posted")
	}
}

// FuzzMQTTPayload: no payload brings a reading that isn't finite and in range.
func FuzzMQTTPayload(f *testing.F) {
	f.Add([]byte(`{"current":[6,16,9],"power":[1380,-3680,2070],"voltage":[230,230,230],"total_power":-230,"frequency":50,"energy_import":1.5}`), "current[0]")
	f.Add([]byte(`{"current":["6","1e400",null]}`), "current")
	f.Add([]byte(`-412.37`), "")
	f.Add([]byte(`[[[[[[1]]]]]]`), "[0][0]")
	f.Fuzz(func(t *testing.T, payload []byte, path string) {
		if steps, err := parsePath(path); err == nil {
			if x, err := read(payload, path != "").number(steps); err == nil && x-x != 0 {
				t.Fatalf("%v passed for a number", x)
			}
		}
		a := newAssembly(Config{Fields: JSONFields("m"), Nature: devices.Nature{Phases: 3}, Limits: devices.Limits{Nominal: 63_000}})
		now := time.Unix(1000, 0)
		_ = a.apply(message{topic: "m", payload: payload, at: now})
		r, ok, _ := a.reading(now)
		if !ok {
			return
		}
		for _, c := range r.Current {
			if c > 630_000 || c < -630_000 {
				t.Fatalf("current %d passed", c)
			}
		}
	})
}

// FuzzGuard: the guard finds the ends of packets wherever reads cut them, and lets
// nothing larger through.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0x30, 3, 0, 1, 'a', 0x20, 0}, 2)
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, 1)
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x80}, 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size < 1 || size > 1000 {
			return
		}
		g := &guard{Conn: &scripted{data: data}}
		buf := make([]byte, size)
		for {
			if _, err := g.Read(buf); err != nil {
				break
			}
			if g.left > maxPacket || g.left < 0 {
				t.Fatalf("a packet of %d bytes passed", g.left)
			}
		}
	})
}
