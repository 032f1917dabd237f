package catalog

import (
	"math"
	"strings"
	"testing"

	"busbar/devices"
)

func all(t *testing.T) []Model {
	t.Helper()
	models, err := Models()
	if err != nil {
		t.Fatal(err)
	}
	return models
}

func TestTheCatalogueIsSound(t *testing.T) {
	models := all(t)
	if len(models) < 30 {
		t.Fatalf("only %d models", len(models))
	}
	for i, m := range models {
		if i > 0 && models[i-1].ID == m.ID {
			t.Errorf("%s is there twice", m.ID)
		}
		if m.Name == "" || len(m.Transports) == 0 {
			t.Errorf("%s has no name or transport", m.ID)
		}
		if m.Confidence != "high" && m.Confidence != "medium" && m.Confidence != "low" {
			t.Errorf("%s: confidence %q", m.ID, m.Confidence)
		}
		if got, err := Lookup(m.ID); err != nil || got.ID != m.ID {
			t.Errorf("cannot find %s: %v", m.ID, err)
		}
	}
}

// TestBlocksHoldWhatEverySampleNeeds: what guards a fuse is read in blocks that are known to
// work, so that no gap is crossed by guess.
func TestBlocksHoldWhatEverySampleNeeds(t *testing.T) {
	for _, m := range all(t) {
		if !m.PerPhase() {
			continue
		}
		for _, r := range m.Registers {
			p, phased := r.Measurand.Phased()
			if !phased || int(p) >= m.Phases {
				continue
			}
			held := false
			for _, b := range m.Blocks {
				held = held || b.Holds(r)
			}
			if !held {
				t.Errorf("%s: no block holds %s", m.ID, r.Measurand)
			}
		}
	}
}

func TestRegistersDoNotOverlap(t *testing.T) {
	for _, m := range all(t) {
		owner := map[uint16]devices.Measurand{}
		for _, r := range m.Registers {
			for a := r.Address; a < r.Address+r.Type.Words(); a++ {
				if other, taken := owner[a]; taken {
					t.Errorf("%s: register %d is of %s and %s", m.ID, a, other, r.Measurand)
				}
				owner[a] = r.Measurand
			}
		}
	}
}

func TestLookupSuggestsModelsOfTheSameMaker(t *testing.T) {
	_, err := Lookup("eastron_sdm999")
	if err == nil || !strings.Contains(err.Error(), "eastron_sdm630") {
		t.Fatalf("got %v", err)
	}
	if _, err := Lookup("acme"); err == nil {
		t.Fatal("found a meter of no maker")
	}
}

func TestEncodeAndDecodeAgree(t *testing.T) {
	for typ := range numTypes {
		for _, low := range []bool{false, true} {
			for _, x := range []float64{0, 1, 230.5, 4000, -17.25, math.NaN()} {
				r := Register{Type: typ, Scale: 0.25}
				want := x
				switch typ {
				case U16, U32, U64:
					want = max(x, 0)
				}
				if typ == T5 && x < 0 || (typ == T5 || typ == T6) && (math.IsNaN(x) || x > 1000) {
					continue // the simulated decimal floats have three decimals and no NaN
				}
				got := r.Decode(r.Encode(x, low), low)
				if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-3 {
					t.Errorf("%s: %v came back as %v", typ, x, got)
				}
			}
		}
	}
}

// TestNoValue: the numbers that makers use for "no value" never come out as numbers.
func TestNoValue(t *testing.T) {
	cases := []struct {
		typ Type
		raw []byte
	}{
		{F32, []byte{0x7F, 0xC0, 0, 0}},
		{F32, []byte{0xFF, 0xC0, 0, 0}},
		{F32, []byte{0x7F, 0x80, 0, 0}},
		{F32, []byte{0xFF, 0x80, 0, 0}},
		{F32, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
		{F64, []byte{0x7F, 0xF0, 0, 0, 0, 0, 0, 0}},
		{F64, []byte{0x7F, 0xF8, 0, 0, 0, 0, 0, 0}},
		{I16, []byte{0x80, 0}},
		{I16, []byte{0x7F, 0xFF}},
		{U16, []byte{0xFF, 0xFF}},
		{I32, []byte{0x80, 0, 0, 0}},
		{I32, []byte{0x7F, 0xFF, 0xFF, 0xFF}},
		{U32, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
		{I64, []byte{0x80, 0, 0, 0, 0, 0, 0, 0}},
		{I64, []byte{0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
		{U64, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
		{T6, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
	}
	for _, c := range cases {
		if got := (Register{Type: c.typ, Scale: -0.1}).Decode(c.raw, false); !math.IsNaN(got) {
			t.Errorf("%s % x is %v", c.typ, c.raw, got)
		}
	}
}

func TestDecode(t *testing.T) {
	cases := []struct {
		typ  Type
		low  bool
		raw  []byte
		want float64
	}{
		{F32, false, []byte{0x43, 0x66, 0x33, 0x33}, 230.2},
		{F32, true, []byte{0x33, 0x33, 0x43, 0x66}, 230.2},
		{I16, false, []byte{0xFF, 0x38}, -200},
		{I32, true, []byte{0xFF, 0x38, 0xFF, 0xFF}, -200},
		{U32, false, []byte{0, 1, 0, 2}, 65538},
		{U64, true, []byte{0, 4, 0, 3, 0, 2, 0, 1}, 0x0001000200030004},
		{F64, false, []byte{0xC0, 0x34, 0, 0, 0, 0, 0, 0}, -20},
		{T5, false, []byte{0xFE, 0, 0x59, 0xD8}, 230},
		{T6, false, []byte{0xFD, 0xFF, 0xFF, 0x9C}, -0.1},
		{T6, false, []byte{0x01, 0, 0, 0x07}, 70},
	}
	for _, c := range cases {
		if got := (Register{Type: c.typ, Scale: 1}).Decode(c.raw, c.low); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%s % x is %v, want %v", c.typ, c.raw, got, c.want)
		}
	}
}

func TestParseNamesTheLineOfAnError(t *testing.T) {
	const head = "meter a\nfunction 4\n"
	cases := map[string]string{
		"order high": "line 1: order before",
		"meter":      "line 1",
		head + "current_l1 0 f32 1\ncurrent_l1 2":       "line 4",
		head + "current_l1 0 f32 1\ncurrent_l1 2 f32 1": "given twice",
		head + "current_l1 70000 f32 1":                 "line 3",
		head + "current_l1 0 f33 1":                     "unknown type",
		head + "current_l1 0 f32 0":                     "other than 0",
		head + "current_l1 0 f32 NaN":                   "other than 0",
		head + "current_l1 65535 f32 1":                 "address space",
		head + "colour red":                             "unknown word",
		head + "order upward":                           "must be low or high",
		head + "unit":                                   "needs a value",
		head:                                            "no registers",
		"meter a\ncurrent_l1 0 f32 1":                   "function must be",
		head + "max 126\ncurrent_l1 0 f32 1":            "max must be",
		head + "phases 2\ncurrent_l1 0 f32 1":           "phases must be",
		head + "block 0 126\ncurrent_l1 0 f32 1":        "block",
	}
	for text, want := range cases {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := models.ReadFile("models/abb.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("meter a\nfunction 3\ncurrent_l1 0xFFFF u16 -1e300 # last")
	f.Fuzz(func(t *testing.T, text string) {
		models, err := Parse(text)
		if err != nil {
			return
		}
		for _, m := range models {
			for _, r := range m.Registers {
				r.Decode(make([]byte, 2*r.Type.Words()), m.LowFirst)
			}
		}
	})
}
