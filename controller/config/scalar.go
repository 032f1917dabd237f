package config

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"busbar/loadbalance"
)

// text is a string of least to most characters. what names it in messages.
func text(what string, least, most int) kind[string] {
	return kind[string]{
		read: func(r *reader, n node, path string) string {
			if n.kind != textNode {
				r.notText(n, path, what)
				return ""
			}
			if l := len([]rune(n.text)); l < least || l > most {
				remedy := "Make it shorter."
				if l < least {
					remedy = "Write something here, or leave the key out if it may be absent."
				}
				r.problem(path, fmt.Sprintf("must be %s of %d to %d characters, got %d", what, least, most, l), remedy)
				return ""
			}
			if strings.ContainsFunc(n.text, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
				r.problem(path, "must be one line of text without control characters", "Write it in one line.")
				return ""
			}
			return n.text
		},
		write:  func(s string) node { return node{kind: textNode, text: s} },
		schema: func() schema { return schema{"type": "string", "minLength": least, "maxLength": most} },
	}
}

func (r *reader) notText(n node, path, what string) {
	remedy := "Write it in quotes."
	if n.kind == nullNode || n.kind == listNode || n.kind == dictNode {
		remedy = "Write one text."
	}
	r.problem(path, "must be "+what+" as text, got "+n.describe(), remedy)
}

// matching is text that follows a pattern; it may be part of the schema as it stands.
func matching(what string, most int, pattern, remedy string) kind[string] {
	k := text(what, 1, most)
	k.schema = func() schema { return schema{"type": "string", "pattern": pattern, "maxLength": most} }
	expression := regexp.MustCompile(pattern)
	return k.checked(func(s string) (string, string) {
		if !expression.MatchString(s) {
			return "must be " + what + ", got " + quote(s), remedy
		}
		return "", ""
	})
}

// identifier is the rule for ids: [A-Za-z0-9][A-Za-z0-9._-]{0,47}.
func identifier() kind[string] {
	return matching("an id", 48, `^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$`, "Use 1 to 48 letters, digits, dots, underscores and hyphens; begin with a letter or digit.")
}

// identity is an OCPP identity: identifierString without the colon that separates
// user and password (OCPP 2.0.1 part 2, 1.6 the same).
func identity() kind[string] {
	return matching("an OCPP identity", 48, `^[A-Za-z0-9*=_+|@.-]{1,48}$`, "Use 1 to 48 letters, digits and * - _ = + | @ . (no colon).")
}

// enum is one of a few words. Their order is the order in messages.
func enum[T ~string](values ...T) kind[T] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return kind[T]{
		read: func(r *reader, n node, path string) T {
			for _, v := range values {
				if n.kind == textNode && n.text == string(v) {
					return v
				}
			}
			remedy := "Write one of them."
			if like := nearest(n.text, words); like != "" && n.kind == textNode {
				remedy = "Did you mean " + like + "?"
			}
			if len(words) == 1 {
				r.problem(path, "must be "+words[0]+" in this version, got "+n.describe(), "Write "+words[0]+"; nothing else is supported yet.")
			} else {
				r.problem(path, "must be one of "+strings.Join(words, ", ")+"; got "+n.describe(), remedy)
			}
			return ""
		},
		write:  func(v T) node { return node{kind: textNode, text: string(v)} },
		schema: func() schema { return schema{"enum": words} },
	}
}

// integer is a whole number from least to most. what names it with its unit.
func integer(what string, least, most int) kind[int] {
	return kind[int]{
		read: func(r *reader, n node, path string) int {
			v, err := strconv.Atoi(n.text)
			if least == most && (n.kind != numberNode || n.text != strconv.Itoa(least)) {
				r.problem(path, fmt.Sprintf("must be %d, got %s", least, n.describe()), fmt.Sprintf("Write %d.", least))
				return 0
			}
			if n.kind != numberNode || err != nil || !plainNumber.MatchString(n.text) {
				r.problem(path, fmt.Sprintf("must be %s as a whole number from %d to %d, got %s", what, least, most, n.describe()), "Write plain digits, without quotes.")
				return 0
			}
			if v < least || v > most {
				r.problem(path, fmt.Sprintf("must be %s from %d to %d, got %d", what, least, most, v), fmt.Sprintf("Write a number from %d to %d.", least, most))
				return 0
			}
			return v
		},
		write:  func(v int) node { return node{kind: numberNode, text: strconv.Itoa(v)} },
		schema: func() schema { return schema{"type": "integer", "minimum": least, "maximum": most} },
	}
}

// plainNumber keeps out 0x1F, 017, 1e3, .inf and 1_000: an installer's file says what
// it means.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,3})?$`)

// amps is a current: 0 if zero is set, or least to most amperes.
func amps(zero bool, least, most int) kind[loadbalance.MilliAmp] {
	rangeText := fmt.Sprintf("%d to %d A", least, most)
	remedy := fmt.Sprintf("Write at least %d.", least)
	if zero {
		rangeText = "0 or " + rangeText
		remedy = fmt.Sprintf("Write 0 or at least %d.", least)
	}
	return kind[loadbalance.MilliAmp]{
		read: func(r *reader, n node, path string) loadbalance.MilliAmp {
			v, ok := milliAmp(n)
			switch {
			case !ok:
				r.problem(path, "must be "+rangeText+" as a plain number, got "+n.describe(), "Write amperes with at most three decimals, such as 16 or 12.5, without quotes and unit.")
				return 0
			case v == 0 && zero:
			case v > loadbalance.MilliAmp(most)*loadbalance.Amp:
				r.problem(path, "must be "+rangeText+", got "+n.text, fmt.Sprintf("Write at most %d.", most))
				return 0
			case v < loadbalance.MilliAmp(least)*loadbalance.Amp:
				r.problem(path, "must be "+rangeText+", got "+n.text, remedy)
				return 0
			}
			return v
		},
		write: func(v loadbalance.MilliAmp) node { return node{kind: numberNode, text: ampText(v)} },
		schema: func() schema {
			s := schema{"type": "number", "minimum": least, "maximum": most}
			if zero && least > 0 {
				return schema{"anyOf": []any{schema{"const": 0}, s}}
			}
			return s
		},
	}
}

// milliAmp reads amperes without going through floating point.
func milliAmp(n node) (loadbalance.MilliAmp, bool) {
	if n.kind != numberNode || !plainNumber.MatchString(n.text) {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(n.text, ".")
	v, err := strconv.ParseInt(whole+(fraction + "000")[:3], 10, 64)
	if err != nil || v > math.MaxInt32 || v < math.MinInt32 {
		return 0, false
	}
	return loadbalance.MilliAmp(v), true
}

// ampText is amperes in the fewest digits: 63, 12.5.
func ampText(v loadbalance.MilliAmp) string {
	return json.Number(strconv.FormatFloat(float64(v)/1000, 'f', -1, 64)).String()
}

// perPhase is one current for each of L1, L2, L3.
func perPhase(each kind[loadbalance.MilliAmp]) kind[loadbalance.PerPhase] {
	return kind[loadbalance.PerPhase]{
		read: func(r *reader, n node, path string) (out loadbalance.PerPhase) {
			if n.kind != listNode || len(n.items) != 3 {
				got, example := n.describe(), "63, 63, 63"
				if n.kind == listNode {
					got = fmt.Sprintf("%d values", len(n.items))
				}
				if _, ok := milliAmp(n); ok {
					example = strings.Join([]string{n.text, n.text, n.text}, ", ")
				}
				r.problem(path, "must be three currents for L1, L2, L3 in amperes, got "+got, "Write ["+example+"].")
				return out
			}
			for i, item := range n.items {
				p := index(path, i)
				r.at[p] = place{item.line, item.col}
				out[i] = each.read(r, item, p)
			}
			return out
		},
		write: func(v loadbalance.PerPhase) node {
			return node{kind: listNode, items: []node{each.write(v[0]), each.write(v[1]), each.write(v[2])}}
		},
		schema: func() schema {
			return schema{"type": "array", "items": each.schema(), "minItems": 3, "maxItems": 3}
		},
	}
}

// wiring is the grid phase on a connector's L1, L2, L3: one to three different ones.
func wiring() kind[[]loadbalance.Phase] {
	const remedy = "Write the grid phase that sits on the connector's L1, then L2, L3, such as [L2, L3, L1]; leave the key out if unknown."
	return kind[[]loadbalance.Phase]{
		read: func(r *reader, n node, path string) []loadbalance.Phase {
			if n.kind != listNode || len(n.items) < 1 || len(n.items) > 3 {
				got := n.describe()
				if n.kind == listNode {
					got = fmt.Sprintf("%d values", len(n.items))
				}
				r.problem(path, "must be a list of one to three of L1, L2, L3, got "+got, remedy)
				return nil
			}
			var out []loadbalance.Phase
			var seen loadbalance.PhaseSet
			for i, item := range n.items {
				p := index(path, i)
				r.at[p] = place{item.line, item.col}
				phase, ok := phaseNamed(item)
				if !ok {
					r.problem(p, "must be L1, L2 or L3, got "+item.describe(), remedy)
					return nil
				}
				if seen.Has(phase) {
					r.problem(path, "names "+phase.String()+" twice", "A connector's conductors sit on different phases: name each once.")
					return nil
				}
				seen |= loadbalance.Phases(phase)
				out = append(out, phase)
			}
			return out
		},
		write: func(ps []loadbalance.Phase) node {
			out := node{kind: listNode}
			for _, p := range ps {
				out.items = append(out.items, node{kind: textNode, text: p.String()})
			}
			return out
		},
		schema: func() schema {
			return schema{"type": "array", "items": schema{"enum": []string{"L1", "L2", "L3"}}, "minItems": 1, "maxItems": 3, "uniqueItems": true}
		},
	}
}

func phaseNamed(n node) (loadbalance.Phase, bool) {
	for p := loadbalance.L1; p <= loadbalance.L3; p++ {
		if n.kind == textNode && n.text == p.String() {
			return p, true
		}
	}
	return 0, false
}

// duration is a time such as 500ms, 1s, 2m.
func duration(least, most time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		read: func(r *reader, n node, path string) time.Duration {
			v, err := time.ParseDuration(n.text)
			if n.kind != textNode || err != nil {
				r.problem(path, "must be a time with its unit, got "+n.describe(), "Write such as 500ms, 1s or 2m.")
				return 0
			}
			if v < least || v > most {
				r.problem(path, fmt.Sprintf("must be %s to %s, got %s", durationText(least), durationText(most), durationText(v)), fmt.Sprintf("Write %s to %s.", durationText(least), durationText(most)))
				return 0
			}
			return v
		},
		write:  func(d time.Duration) node { return node{kind: textNode, text: durationText(d)} },
		schema: func() schema { return schema{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`} },
	}
}

// durationText is the shortest form: 1m, not 1m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
