// Package catalog is what Busbar knows of meters: their registers, types, order of
// words and signs, as data in models/*.txt and in a format that an installer can
// write as well (Parse).
//
// Addresses are those of the protocol, from 0. A value is the raw number times its
// scale, in V, A, W, Hz and kWh, import positive. Models are values; all functions are
// pure and may be called from any goroutine. The package knows no connection.
package catalog

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"busbar/devices"
)

// Model is one family of meters with the same registers.
type Model struct {
	ID   string // "eastron_sdm630"
	Name string // what is printed on it
	devices.Nature
	// Confidence in these registers: high, medium or low. What is below high should
	// be compared with the meter's display when it is set up.
	Confidence string
	// Transports it speaks: tcp, rtu, rtu_over_tcp, tcp_gateway, modbus_udp.
	Transports []string
	Unit       byte   // usual unit id
	Function   byte   // 3 holding, 4 input registers
	LowFirst   bool   // least significant word first
	Max        uint16 // most registers it gives at once
	// Blocks are reads that are known to work although they cross gaps; together
	// they hold what load management needs of every sample.
	Blocks    []Block
	Registers []Register
}

// Block is a range of registers read in one request.
type Block struct{ Address, Count uint16 }

// Holds reports whether all of r is inside the block.
func (b Block) Holds(r Register) bool {
	return r.Address >= b.Address && int(r.Address)+int(r.Type.Words()) <= int(b.Address)+int(b.Count)
}

// Register is where one measurand is.
type Register struct {
	Measurand devices.Measurand
	Address   uint16
	Type      Type
	Scale     float64
}

// Register finds the register of a measurand.
func (m Model) Register(q devices.Measurand) (Register, bool) {
	i := slices.IndexFunc(m.Registers, func(r Register) bool { return r.Measurand == q })
	if i < 0 {
		return Register{}, false
	}
	return m.Registers[i], true
}

// PerPhase reports whether the model measures each phase's current, without which it
// can't protect a fuse.
func (m Model) PerPhase() bool {
	for p := range devices.Measurand(m.Phases) {
		if _, ok := m.Register(devices.CurrentL1 + p); !ok {
			return false
		}
	}
	return true
}

//go:embed models/*.txt
var models embed.FS

// Models returns all models, by id.
func Models() ([]Model, error) {
	files, err := models.ReadDir("models")
	if err != nil {
		return nil, fmt.Errorf("cannot read catalogue: %w", err)
	}
	var all []Model
	for _, f := range files {
		text, err := models.ReadFile("models/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("cannot read catalogue: %w", err)
		}
		some, err := Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("cannot read catalogue: %s: %w", f.Name(), err)
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Model) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Lookup finds a model by its id. The error names models that come close.
func Lookup(id string) (Model, error) {
	all, err := Models()
	if err != nil {
		return Model{}, err
	}
	var close []string
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
		if maker, _, _ := strings.Cut(m.ID, "_"); strings.HasPrefix(id, maker) {
			close = append(close, m.ID)
		}
	}
	if len(close) > 0 {
		return Model{}, fmt.Errorf("cannot find meter model %q: did you mean %s?", id, strings.Join(close, ", "))
	}
	return Model{}, fmt.Errorf("cannot find meter model %q", id)
}
