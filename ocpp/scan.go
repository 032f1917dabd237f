package ocpp

import (
	"encoding/binary"
	"math/bits"
)

// The scanner checks JSON (RFC 8259) and finds where its values end, in one pass and
// without memory of its own. encoding/json answers the same questions several times
// slower, and every message is asked them more than once.

// endless is the nesting that encoding/json allows.
const endless = 10_000

// scanValue returns the index after the JSON value that begins at i, or -1 if b holds
// none there or it is nested deeper than depth.
func scanValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return scanString(b, i)
	case c == '{' || c == '[':
		return scanNested(b, i, depth)
	case c == '-' || '0' <= c && c <= '9':
		return scanNumber(b, i)
	case c == 't':
		return scanLiteral(b, i, "true")
	case c == 'f':
		return scanLiteral(b, i, "false")
	case c == 'n':
		return scanLiteral(b, i, "null")
	}
	return -1
}

// scanNested is scanValue for an object or an array.
func scanNested(b []byte, i, depth int) int {
	if depth == 0 {
		return -1
	}
	object, end := b[i] == '{', byte(']')
	if object {
		end = '}'
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if object {
			if i = scanKey(b, i); i < 0 {
				return -1
			}
		}
		if i = scanValue(b, i, depth-1); i < 0 {
			return -1
		}
		if i = skipSpace(b, i); i >= len(b) {
			return -1
		}
		switch b[i] {
		case end:
			return i + 1
		case ',':
			i = skipSpace(b, i+1)
		default:
			return -1
		}
	}
}

// scanKey returns the index of the value whose key begins at i, or -1.
func scanKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = scanString(b, i); i < 0 {
		return -1
	}
	if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return skipSpace(b, i+1)
}

// scanString is scanValue for a string. Its bytes need not be UTF-8, as in encoding/json.
func scanString(b []byte, i int) int {
	for i++; ; i++ {
		if i = scanPlain(b, i); i == len(b) || b[i] != '"' && b[i] != '\\' {
			return -1
		}
		if b[i] == '"' {
			return i + 1
		}
		if i++; i >= len(b) {
			return -1
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if i+4 >= len(b) || !hexDigits(b[i+1:i+5]) {
				return -1
			}
			i += 4
		default:
			return -1
		}
	}
}

// scanPlain returns the index of the next byte that is a quote, a backslash or a control
// character, or len(b). It looks at eight at a time: most of a message is text.
func scanPlain(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, escape := w^ones*'"', w^ones*'\\'
		// The top bit of each byte that is below what is taken away; the lowest is right.
		if found := ((w-ones*' ')&^w | (quote-ones)&^quote | (escape-ones)&^escape) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

func hexDigits(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

func scanNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	default:
		if i = scanDigits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = scanDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return scanDigits(b, i)
	}
	return i
}

// scanDigits returns the index after one or more digits, or -1.
func scanDigits(b []byte, i int) int {
	from := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

func scanLiteral(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// validJSON reports whether b is one JSON value with nothing but white space around it.
func validJSON(b []byte) bool {
	i := scanValue(b, skipSpace(b, 0), endless)
	return i >= 0 && skipSpace(b, i) == len(b)
}

// elements splits a JSON array into its elements, which alias b and are appended to
// dst. ok is false for anything else; the list then means nothing.
func elements[E ~[]byte](dst []E, b []byte, depth int) (_ []E, ok bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return nil, false
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == ']' {
		return dst, skipSpace(b, i+1) == len(b)
	}
	for {
		end := scanValue(b, i, depth-1)
		if end < 0 {
			return nil, false
		}
		dst = append(dst, E(b[i:end:end]))
		if i = skipSpace(b, end); i >= len(b) {
			return nil, false
		}
		switch b[i] {
		case ']':
			return dst, skipSpace(b, i+1) == len(b)
		case ',':
			i = skipSpace(b, i+1)
		default:
			return nil, false
		}
	}
}
