package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"busbar/devices"
)

// Parse reads models from text: one statement per line, words apart by blanks, "#"
// begins a comment.
//
//	meter eastron_sdm630        begins a model
//	name Eastron SDM630         what is printed on it
//	confidence high             in the registers: high, medium, low
//	phases 3                    1 or 3
//	via rtu tcp_gateway         transports
//	unit 1                      usual unit id, 0 to 255
//	function 4                  3 holding, 4 input registers
//	order high                  high or low: which word of a number comes first
//	current unsigned            unsigned or signed
//	max 80                      most registers in one read, 1 to 125
//	block 0 18                  a read that works: address and count
//	current_l1 6 f32 1          measurand, address, type, scale
//
// Errors name the line. A model without function, order or registers is an error, and
// so is a register outside the address space or given twice.
func Parse(text string) ([]Model, error) {
	var all []Model
	var m *Model
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "meter" {
			if len(words) != 2 {
				return nil, fmt.Errorf("line %d: meter needs one id", number)
			}
			all = append(all, Model{ID: words[1], Nature: devices.Nature{Phases: 3}, Unit: 1, Max: 125})
			m = &all[len(all)-1]
			continue
		}
		if m == nil {
			return nil, fmt.Errorf("line %d: %s before the first meter", number, words[0])
		}
		if err := m.statement(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	for _, m := range all {
		if err := m.validate(); err != nil {
			return nil, fmt.Errorf("meter %s: %w", m.ID, err)
		}
	}
	return all, nil
}

func (m *Model) statement(words []string) error {
	key, rest := words[0], words[1:]
	if q, ok := devices.ParseMeasurand(key); ok {
		return m.register(q, rest)
	}
	if len(rest) == 0 {
		return fmt.Errorf("%s needs a value", key)
	}
	var err error
	switch key {
	case "name":
		m.Name = strings.Join(rest, " ")
	case "confidence":
		m.Confidence = rest[0]
	case "via":
		m.Transports = rest
	case "phases":
		m.Phases, err = strconv.Atoi(rest[0])
	case "unit":
		m.Unit, err = number[byte](rest[0], 8)
	case "function":
		m.Function, err = number[byte](rest[0], 8)
	case "max":
		m.Max, err = number[uint16](rest[0], 16)
	case "order":
		m.LowFirst, err = either(rest[0], "low", "high")
	case "current":
		m.SignedCurrent, err = either(rest[0], "signed", "unsigned")
	case "block":
		return m.block(rest)
	default:
		return fmt.Errorf("unknown word %q", key)
	}
	return err
}

func (m *Model) block(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("block needs address and count")
	}
	address, err := number[uint16](words[0], 16)
	if err != nil {
		return err
	}
	count, err := number[uint16](words[1], 16)
	m.Blocks = append(m.Blocks, Block{address, count})
	return err
}

func (m *Model) register(q devices.Measurand, words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("%s needs address, type and scale", q)
	}
	address, err := number[uint16](words[0], 16)
	if err != nil {
		return err
	}
	t, ok := parseType(words[1])
	if !ok {
		return fmt.Errorf("unknown type %q", words[1])
	}
	scale, err := strconv.ParseFloat(words[2], 64)
	if err != nil || scale == 0 || scale-scale != 0 {
		return fmt.Errorf("scale %q must be a number other than 0", words[2])
	}
	if _, twice := m.Register(q); twice {
		return fmt.Errorf("%s is given twice", q)
	}
	m.Registers = append(m.Registers, Register{q, address, t, scale})
	return nil
}

func (m *Model) validate() error {
	switch {
	case m.Phases != 1 && m.Phases != 3:
		return fmt.Errorf("phases must be 1 or 3")
	case m.Function != 3 && m.Function != 4:
		return fmt.Errorf("function must be 3 or 4")
	case m.Max < 1 || m.Max > 125:
		return fmt.Errorf("max must be 1 to 125")
	case len(m.Registers) == 0:
		return fmt.Errorf("no registers")
	}
	for _, b := range m.Blocks {
		if b.Count == 0 || b.Count > m.Max || int(b.Address)+int(b.Count) > 1<<16 {
			return fmt.Errorf("block %d %d must have 1 to %d registers", b.Address, b.Count, m.Max)
		}
	}
	if i := slices.IndexFunc(m.Registers, func(r Register) bool {
		return int(r.Address)+int(r.Type.Words()) > 1<<16 || r.Type.Words() > m.Max
	}); i >= 0 {
		return fmt.Errorf("%s does not fit the address space or one read", m.Registers[i].Measurand)
	}
	return nil
}

func number[T byte | uint16](word string, bits int) (T, error) {
	n, err := strconv.ParseUint(word, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of up to %d bits", word, bits)
	}
	return T(n), nil
}

func either(word, yes, no string) (bool, error) {
	if word != yes && word != no {
		return false, fmt.Errorf("%q must be %s or %s", word, yes, no)
	}
	return word == yes, nil
}
