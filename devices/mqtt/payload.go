package mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	// errAbsent: the message doesn't speak of this value, as in a partial update.
	errAbsent = errors.New("not in the message")
	// errNoValue: the message says that there is no value now.
	errNoValue = errors.New("device has no value")
)

// step is one part of a path: a member's name, or an index if name is empty.
type step struct {
	name  string
	index int
}

// parsePath reads "ENERGY.Power[0]": members apart by dots, indices in brackets. The
// empty path is the payload itself.
func parsePath(path string) ([]step, error) {
	var steps []step
	if path == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(path, ".") {
		name, rest, indexed := strings.Cut(part, "[")
		if name == "" && (!indexed || len(steps) > 0) {
			return nil, fmt.Errorf("cannot read path %q: a name is empty", path)
		}
		if name != "" {
			steps = append(steps, step{name: name})
		}
		for indexed {
			number, after, closed := strings.Cut(rest, "]")
			n, err := strconv.ParseUint(number, 10, 16)
			if !closed || err != nil || after != "" && after[0] != '[' {
				return nil, fmt.Errorf("cannot read path %q: an index must look like [0]", path)
			}
			steps = append(steps, step{index: int(n)})
			_, rest, indexed = strings.Cut(after, "[")
		}
	}
	return steps, nil
}

// document is a payload, decoded once for all fields of its topic.
type document struct {
	raw  []byte
	tree any
	err  error
}

// read parses payload. It is JSON if any field has a path.
func read(payload []byte, isJSON bool) document {
	d := document{raw: bytes.TrimSpace(payload)}
	if isJSON && len(d.raw) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(d.raw))
		decoder.UseNumber()
		if d.err = decoder.Decode(&d.tree); d.err == nil && decoder.More() {
			d.err = errors.New("more than one JSON value")
		}
	}
	return d
}

// number finds the number at the end of a path. A scalar where the path expects the
// first element of an array is taken as that element, since single-phase devices
// write it so.
func (d document) number(path []step) (float64, error) {
	if len(d.raw) == 0 {
		return 0, errNoValue
	}
	if len(path) == 0 {
		return parseNumber(string(d.raw))
	}
	if d.err != nil {
		return 0, fmt.Errorf("payload is no JSON: %w", d.err)
	}
	at := d.tree
	for _, s := range path {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[s.name]
			if !ok || s.name == "" {
				return 0, errAbsent
			}
			at = next
		case []any:
			if s.name != "" || s.index >= len(v) {
				return 0, errAbsent
			}
			at = v[s.index]
		case nil:
			return 0, errNoValue
		default:
			if s.name != "" || s.index != 0 {
				return 0, errAbsent
			}
		}
	}
	switch v := at.(type) {
	case json.Number:
		return parseNumber(v.String())
	case string:
		return parseNumber(strings.TrimSpace(v))
	case nil:
		return 0, errNoValue
	}
	return 0, errors.New("value is no number")
}

// parseNumber reads a decimal number with a point. It takes nothing else for a number:
// no comma, unit, hexadecimal, "inf" or "nan".
func parseNumber(text string) (float64, error) {
	switch strings.ToLower(text) {
	case "", "null", "nan", "none", "unavailable", "unknown":
		return 0, errNoValue
	}
	if strings.Trim(text, "+-0123456789.eE") != "" {
		return 0, fmt.Errorf("%.20q is no number", text)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%.20q is no number", text)
	}
	return x, nil
}
