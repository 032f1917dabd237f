package devices

import (
	"errors"
	"math"
	"testing"
)

func values(set map[Measurand]float64) Values {
	v := Values{}
	for m, x := range map[Measurand]float64{
		VoltageL1: 230, VoltageL2: 230, VoltageL3: 230, CurrentL1: 6, CurrentL2: 10, CurrentL3: 0,
		PowerL1: 1380, PowerL2: 2300, PowerL3: 0, Power: 3680, Frequency: 50, EnergyImport: 12.5, EnergyExport: 1,
	} {
		v.Set(m, x)
	}
	for m, x := range set {
		v.Set(m, x)
	}
	return v
}

func TestMeasurandsHaveNamesAndPhases(t *testing.T) {
	for m := range measurands {
		got, ok := ParseMeasurand(m.String())
		if !ok || got != m {
			t.Errorf("%s parses as %v", m, got)
		}
	}
	if p, ok := PowerExportL2.Phased(); !ok || p != L2 {
		t.Errorf("power_export_l2 is of phase %v", p)
	}
	if _, ok := Power.Phased(); ok {
		t.Error("total power has a phase")
	}
}

func TestAssemble(t *testing.T) {
	three := Nature{Phases: 3}
	cases := []struct {
		name     string
		set      map[Measurand]float64
		drop     []Measurand
		nature   Nature
		mounting Mounting
		current  [3]MilliAmp
		reason   Reason
		bad      Measurand
		fails    bool
	}{
		{name: "import", nature: three, current: [3]MilliAmp{6000, 10000, 0}},
		{name: "rounded up", set: map[Measurand]float64{CurrentL1: 6.0001}, nature: three, current: [3]MilliAmp{6001, 10000, 0}},
		{name: "noise of a float is not rounded up", set: map[Measurand]float64{CurrentL1: 6.0000001}, nature: three, current: [3]MilliAmp{6000, 10000, 0}},
		{name: "export", set: map[Measurand]float64{PowerL1: -1380}, nature: three, current: [3]MilliAmp{-6000, 10000, 0}},
		{name: "export that is all reactive counts against the fuse", set: map[Measurand]float64{PowerL1: -1}, nature: three, current: [3]MilliAmp{5996, 10000, 0}},
		{name: "export without voltage", set: map[Measurand]float64{PowerL1: -1}, drop: []Measurand{VoltageL1}, nature: three, current: [3]MilliAmp{-6000, 10000, 0}},
		{name: "direction unknown is import", set: map[Measurand]float64{CurrentL1: -6}, drop: []Measurand{PowerL1}, nature: three, current: [3]MilliAmp{6000, 10000, 0}},
		{name: "signed current", set: map[Measurand]float64{CurrentL1: -6}, nature: Nature{Phases: 3, SignedCurrent: true}, current: [3]MilliAmp{-6000, 10000, 0}},
		{name: "upside down", nature: three, mounting: Mounting{Invert: true}, current: [3]MilliAmp{-6000, -10000, 0}},
		{name: "rotated", nature: three, mounting: Mounting{Grid: []Phase{L2, L3, L1}}, current: [3]MilliAmp{0, 6000, 10000}},
		{name: "one phase by total power", set: map[Measurand]float64{Power: -1380}, drop: []Measurand{PowerL1}, nature: Nature{Phases: 1},
			mounting: Mounting{Grid: []Phase{L3}}, current: [3]MilliAmp{0, 0, -6000}},
		{name: "two registers of power", set: map[Measurand]float64{PowerImportL1: 0, PowerExportL1: 1380}, drop: []Measurand{PowerL1}, nature: three, current: [3]MilliAmp{-6000, 10000, 0}},
		{name: "no number in what is not vital", set: map[Measurand]float64{Frequency: math.NaN(), Power: math.Inf(1), VoltageL2: math.NaN(), EnergyImport: 1e300}, nature: three, current: [3]MilliAmp{6000, 10000, 0}},
		{name: "missing phase", drop: []Measurand{CurrentL2}, nature: three, fails: true, reason: Missing, bad: CurrentL2},
		{name: "NaN current", set: map[Measurand]float64{CurrentL3: math.NaN()}, nature: three, fails: true, reason: NotANumber, bad: CurrentL3},
		{name: "infinite current", set: map[Measurand]float64{CurrentL3: math.Inf(-1)}, nature: three, fails: true, reason: NotANumber, bad: CurrentL3},
		{name: "huge current", set: map[Measurand]float64{CurrentL3: 3e38}, nature: three, fails: true, reason: OutOfRange, bad: CurrentL3},
		{name: "NaN power where it gives the direction", set: map[Measurand]float64{PowerL2: math.NaN()}, nature: three, fails: true, reason: NotANumber, bad: PowerL2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := values(c.set)
			for _, m := range c.drop {
				v.Drop(m)
			}
			r, err := Assemble(v, c.nature, c.mounting)
			if c.fails {
				bad, ok := errors.AsType[*Implausible](err)
				if !ok || bad.Reason != c.reason || bad.Measurand != c.bad {
					t.Fatalf("got %v, %v", r, err)
				}
				return
			}
			if err != nil || r.Current != c.current {
				t.Fatalf("current %v, %v; want %v", r.Current, err, c.current)
			}
		})
	}
}

func TestAbsentIsNotZero(t *testing.T) {
	v := values(map[Measurand]float64{VoltageL2: math.NaN(), EnergyImport: math.NaN()})
	v.Drop(Power)
	v.Drop(Frequency)
	r, err := Assemble(v, Nature{Phases: 3}, Mounting{})
	if err != nil || r.Given(HasVoltage) || r.Given(HasFrequency) || r.Given(HasImport) || !r.Given(HasExport|HasPower) || r.Power != 3680 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestExportHasNoJumpAtZero: the current that headroom is reckoned from moves with the
// power and never counts less than what adding a charger would find.
func TestExportHasNoJumpAtZero(t *testing.T) {
	const volts, reactive, limit = 230.0, 8.0, 63.0
	for active := -30.0; active <= 30; active += 0.5 {
		total := math.Hypot(active, reactive)
		got := importing(total, active*volts, volts)
		if next := importing(math.Hypot(active+0.5, reactive), (active+0.5)*volts, volts); next < got-1e-9 || next-got > 0.5+1e-9 {
			t.Fatalf("from %.1f A to %.1f A active: %.3f A to %.3f A", active, active+0.5, got, next)
		}
		charger := limit - got // all that seems free
		if with := math.Hypot(active+charger, reactive); with > limit+1e-9 {
			t.Fatalf("%.1f A active: a charger of %.2f A makes %.2f A", active, charger, with)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Reading{Phases: AllPhases, Current: [3]MilliAmp{6000, 10000, 0}, Has: HasPower | HasPhasePower | HasVoltage | HasFrequency,
		Power: 3680, PhasePower: [3]Watt{1380, 2300, 0}, Voltage: [3]MilliVolt{230000, 230000, 230000}, Frequency: 50000}
	cases := []struct {
		name   string
		change func(*Reading)
		limits Limits
		bad    Measurand
		fails  bool
	}{
		{name: "good", change: func(*Reading) {}},
		{name: "ten times nominal", change: func(r *Reading) { r.Current[1] = 630_000 }, limits: Limits{Nominal: 63_000}},
		{name: "more", change: func(r *Reading) { r.Current[1] = 630_001 }, limits: Limits{Nominal: 63_000}, fails: true, bad: CurrentL2},
		{name: "more export", change: func(r *Reading) { r.Current[2] = -630_001 }, limits: Limits{Nominal: 63_000}, fails: true, bad: CurrentL3},
		{name: "above 10 kA", change: func(r *Reading) { r.Current[0] = 10_000_001 }, fails: true, bad: CurrentL1},
		{name: "no voltage on a phase", change: func(r *Reading) { r.Voltage[2] = 0 }, fails: true, bad: VoltageL3},
		{name: "too much voltage", change: func(r *Reading) { r.Voltage[0] = 500_001 }, fails: true, bad: VoltageL1},
		{name: "voltage not given", change: func(r *Reading) { r.Voltage, r.Has = [3]MilliVolt{}, HasPower }},
		{name: "frequency", change: func(r *Reading) { r.Frequency = 20_000 }, fails: true, bad: Frequency},
		{name: "power of a phase", change: func(r *Reading) { r.PhasePower[1] = -5_000_001 }, fails: true, bad: PowerL2},
		{name: "total power", change: func(r *Reading) { r.Power = 1 << 62 }, fails: true, bad: Power},
		{name: "nothing measured", change: func(r *Reading) { r.Phases = 0 }, fails: true, bad: CurrentL1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := good
			c.change(&r)
			err := Check(r, c.limits)
			bad, isBad := errors.AsType[*Implausible](err)
			if isBad != c.fails || isBad && bad.Measurand != c.bad {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestDoubt(t *testing.T) {
	r, err := Assemble(values(nil), Nature{Phases: 3}, Mounting{})
	if err != nil || Doubt(r) != 0 {
		t.Fatalf("a good reading is doubted: %v, %v", Doubt(r), err)
	}
	r.Power = 1380
	if d := Doubt(r); d != SumMismatch || d.String() == "" {
		t.Errorf("a missing clamp gives %v", d)
	}
	r.Power = 3680
	r.Current[0] = 1000
	if d := Doubt(r); d != PowerTooLarge {
		t.Errorf("a wrong ratio gives %v", d)
	}
}

func TestFrequencyOfTheWrongDecadeIsCorrected(t *testing.T) {
	for _, hz := range []float64{50, 500, 5} {
		r, err := Assemble(values(map[Measurand]float64{Frequency: hz}), Nature{Phases: 3}, Mounting{})
		if err != nil || r.Frequency != 50_000 {
			t.Errorf("%v Hz became %v mHz, %v", hz, r.Frequency, err)
		}
	}
}
