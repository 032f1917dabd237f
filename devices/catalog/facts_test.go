package catalog

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"busbar/devices"

	"github.com/goccy/go-yaml"
)

// facts is what the collection of facts says of a meter.
type facts struct {
	Meters []struct {
		ID        string `yaml:"id"`
		Phases    int    `yaml:"phases"`
		Unit      int    `yaml:"unit_id"`
		Function  int    `yaml:"function"`
		WordOrder string `yaml:"word_order"`
		Max       *int   `yaml:"max_registers"`
		Registers map[string]struct {
			Address  int     `yaml:"address"`
			Type     string  `yaml:"type"`
			Scale    float64 `yaml:"scale"`
			Unit     string  `yaml:"unit"`
			Exponent *int    `yaml:"exponent_register"`
		} `yaml:"registers"`
	} `yaml:"meters"`
}

func loadFacts(t *testing.T) facts {
	t.Helper()
	dir := os.Getenv("BUSBAR_FACTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(dir, "devices", "meters.yaml"))
	if os.IsNotExist(err) {
		t.Skipf("NOT CHECKED: no facts about meters in %s; set BUSBAR_FACTS", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTheCatalogueFollowsTheFacts compares every model and register that Busbar reads.
func TestTheCatalogueFollowsTheFacts(t *testing.T) {
	types := map[string]Type{"uint16": U16, "int16": I16, "uint32": U32, "int32": I32, "uint64": U64, "int64": I64,
		"float32": F32, "float64": F64, "iskra_t5": T5, "iskra_t6": T6}
	seen, registers := map[string]bool{}, 0
	for _, f := range loadFacts(t).Meters {
		m, err := Lookup(f.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		seen[f.ID] = true
		most := 125
		if f.Max != nil {
			most = *f.Max
		}
		if m.Phases != f.Phases || int(m.Unit) != f.Unit || int(m.Function) != f.Function || m.LowFirst != (f.WordOrder == "lsw_first") || int(m.Max) != min(most, 125) {
			t.Errorf("%s: %+v differs from %+v", f.ID, m, f)
		}
		known := 0
		for name, want := range f.Registers {
			q, ok := devices.ParseMeasurand(name)
			if !ok || want.Exponent != nil {
				continue // not used, or needs another register to be understood
			}
			known++
			scale := want.Scale
			if want.Unit == "Wh" {
				scale /= 1000
			}
			got, ok := m.Register(q)
			if !ok || int(got.Address) != want.Address || got.Type != types[want.Type] || math.Abs(got.Scale-scale) > 1e-12 {
				t.Errorf("%s %s: %+v differs from %+v", f.ID, name, got, want)
			}
		}
		if known != len(m.Registers) {
			t.Errorf("%s has %d registers, the facts %d", f.ID, len(m.Registers), known)
		}
		registers += known
	}
	for _, m := range all(t) {
		if !seen[m.ID] {
			t.Errorf("%s is in no fact", m.ID)
		}
	}
	t.Logf("%d models, %d registers compared", len(seen), registers)
}
