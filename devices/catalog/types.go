package catalog

import (
	"encoding/binary"
	"math"
)

// Type is how a number lies in registers. Bytes of a register are always big endian.
type Type uint8

// The types. T5 and T6 are decimal floats: one byte of signed exponent, then 24 bits
// of mantissa, unsigned or signed.
const (
	U16 Type = iota
	I16
	U32
	I32
	U64
	I64
	F32
	F64
	T5
	T6
	numTypes
)

var typeNames = [numTypes]string{"u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "t5", "t6"}

func (t Type) String() string { return typeNames[t] }

// Words is how many registers a number takes: 1, 2 or 4.
func (t Type) Words() uint16 {
	switch t {
	case U16, I16:
		return 1
	case U64, I64, F64:
		return 4
	}
	return 2
}

func parseType(name string) (Type, bool) {
	for t, n := range typeNames {
		if n == name {
			return Type(t), true
		}
	}
	return 0, false
}

// Decode reads the number at the start of raw, which holds at least Words registers as
// they came from the wire. What the makers use for "no value" comes out as NaN: every
// NaN and infinity, all ones of the unsigned types, and both the least and the
// greatest number of the signed ones. No meter means those as a value.
func (r Register) Decode(raw []byte, lowFirst bool) float64 {
	u := bits(raw[:2*r.Type.Words()], lowFirst)
	nan := math.NaN()
	switch r.Type {
	case U16:
		if u == math.MaxUint16 {
			return nan
		}
		return float64(u) * r.Scale
	case U32:
		if u == math.MaxUint32 {
			return nan
		}
		return float64(u) * r.Scale
	case U64:
		if u == math.MaxUint64 {
			return nan
		}
		return float64(u) * r.Scale
	case I16:
		return signed(int64(int16(u)), math.MinInt16, math.MaxInt16) * r.Scale
	case I32:
		return signed(int64(int32(u)), math.MinInt32, math.MaxInt32) * r.Scale
	case I64:
		return signed(int64(u), math.MinInt64, math.MaxInt64) * r.Scale
	case F32:
		return real(float64(math.Float32frombits(uint32(u)))) * r.Scale
	case F64:
		return real(math.Float64frombits(u)) * r.Scale
	case T5:
		return decimal(u, float64(u&0xFFFFFF)) * r.Scale
	case T6:
		return decimal(u, float64(int32(u<<8)>>8)) * r.Scale
	}
	panic("catalog: unknown type")
}

// Encode is the inverse of Decode for simulators: value in the measurand's unit to
// registers. Numbers that the type can't hold saturate; NaN becomes the type's mark
// for "no value".
func (r Register) Encode(value float64, lowFirst bool) []byte {
	raw := value / r.Scale
	var u uint64
	switch r.Type {
	case U16:
		u = unsigned(raw, math.MaxUint16)
	case U32:
		u = unsigned(raw, math.MaxUint32)
	case U64:
		u = unsigned(raw, math.MaxUint64)
	case I16:
		u = uint64(saturate(raw, math.MinInt16, math.MaxInt16))
	case I32:
		u = uint64(saturate(raw, math.MinInt32, math.MaxInt32))
	case I64:
		u = uint64(saturate(raw, math.MinInt64, math.MaxInt64))
	case F32:
		u = uint64(math.Float32bits(float32(raw)))
	case F64:
		u = math.Float64bits(raw)
	case T5, T6: // three decimals
		u = uint64(0xFD)<<24 | uint64(saturate(raw*1000, -1<<23, 1<<23-1))&0xFFFFFF
	}
	out := binary.BigEndian.AppendUint64(nil, u)[8-2*r.Type.Words():]
	if lowFirst {
		swapWords(out)
	}
	return out
}

func bits(raw []byte, lowFirst bool) uint64 {
	var u uint64
	for i := 0; i < len(raw); i += 2 {
		at := i
		if lowFirst {
			at = len(raw) - 2 - i
		}
		u = u<<16 | uint64(raw[at])<<8 | uint64(raw[at+1])
	}
	return u
}

func swapWords(b []byte) {
	for i, j := 0, len(b)-2; i < j; i, j = i+2, j-2 {
		b[i], b[i+1], b[j], b[j+1] = b[j], b[j+1], b[i], b[i+1]
	}
}

func signed(x, least, greatest int64) float64 {
	if x == least || x == greatest {
		return math.NaN()
	}
	return float64(x)
}

func real(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

func decimal(u uint64, mantissa float64) float64 {
	if uint32(u) == math.MaxUint32 {
		return math.NaN()
	}
	return mantissa * math.Pow10(int(int8(u>>24)))
}

func unsigned(x float64, most uint64) uint64 {
	switch {
	case math.IsNaN(x):
		return most
	case x <= 0:
		return 0
	case x >= float64(most):
		return most - 1
	}
	return uint64(math.Round(x))
}

// saturate stays one below the marks for "no value".
func saturate(x float64, least, most int64) int64 {
	switch {
	case math.IsNaN(x):
		return least
	case x <= float64(least):
		return least + 1
	case x >= float64(most):
		return most - 1
	}
	return int64(math.Round(x))
}
