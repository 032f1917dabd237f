package modbus

import (
	"slices"
	"time"

	"busbar/devices"
	"busbar/devices/catalog"
)

// read is one request and what is in its answer.
type read struct {
	catalog.Block
	registers []catalog.Register
	due       time.Time // of a slow read
}

// gap is how many registers that nobody asked for one read may cross where the
// catalogue doesn't know a block: few, since some devices refuse a read that touches
// an address they don't have.
const gap = 8

// plan makes the requests of one sample: fast ones hold what every sample needs
// (current, voltage and power), slow ones the rest.
//
// Registers inside a block that the catalogue knows are read with it, all others by
// ranges of their own. No number is ever cut in two.
func plan(m catalog.Model) (fast, slow []read) {
	rest := slices.Clone(m.Registers)
	for _, b := range m.Blocks {
		r := read{Block: b}
		rest = slices.DeleteFunc(rest, func(reg catalog.Register) bool {
			if b.Holds(reg) {
				r.registers = append(r.registers, reg)
				return true
			}
			return false
		})
		if len(r.registers) > 0 {
			fast = append(fast, r)
		}
	}
	var now, later []catalog.Register
	for _, reg := range rest {
		if needed(m, reg.Measurand) {
			now = append(now, reg)
		} else {
			later = append(later, reg)
		}
	}
	return append(fast, ranges(now, m.Max)...), ranges(later, m.Max)
}

// needed reports whether every sample needs q: what belongs to a phase, and the total
// where it stands in for a phase or for all three.
func needed(m catalog.Model, q devices.Measurand) bool {
	if _, phased := q.Phased(); phased {
		return true
	}
	_, signed := m.Register(devices.PowerL1)
	_, split := m.Register(devices.PowerImportL1)
	total := q == devices.Power || q == devices.PowerImport || q == devices.PowerExport
	return total && !signed && !split
}

// ranges joins registers that are at most gap apart into reads of at most most.
func ranges(regs []catalog.Register, most uint16) []read {
	slices.SortFunc(regs, func(a, b catalog.Register) int { return int(a.Address) - int(b.Address) })
	var out []read
	for _, reg := range regs {
		words := int(reg.Type.Words())
		if n := len(out); n > 0 {
			last := &out[n-1]
			end := int(last.Address) + int(last.Count)
			count := max(int(last.Count), int(reg.Address)+words-int(last.Address))
			if int(reg.Address)-end <= gap && count <= int(most) {
				last.Count = uint16(count)
				last.registers = append(last.registers, reg)
				continue
			}
		}
		out = append(out, read{catalog.Block{Address: reg.Address, Count: uint16(words)}, []catalog.Register{reg}, time.Time{}})
	}
	return out
}

// decode puts the registers of an answer into v.
func (r read) decode(raw []byte, lowFirst bool, v *devices.Values) {
	for _, reg := range r.registers {
		v.Set(reg.Measurand, reg.Decode(raw[2*(reg.Address-r.Address):], lowFirst))
	}
}
