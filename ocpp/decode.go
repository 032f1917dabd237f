package ocpp

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
)

// DecodeStrict reads raw into v, a pointer to a message type, which must have all
// members that the type requires (those without omitempty: after decoding, a number
// that was not there looks like 0, which is a value). closed refuses members that it
// does not have (2.x). The error is a *Violation.
func DecodeStrict(raw json.RawMessage, v any, closed bool) error {
	if !validJSON(raw) {
		return &Violation{Code: CodeFormatViolation, Problem: "is not JSON"}
	}
	target := reflect.ValueOf(v).Elem()
	d := decoder{raw: raw, closed: closed}
	if _, wrong := d.read(skipSpace(raw, 0), target, planOf(target.Type())); wrong != nil {
		return wrong
	}
	return nil
}

// DecodeLenient reads raw, a JSON object, into v as far as possible: numbers and
// booleans as strings and the other way round, a single value where a list is
// expected, null as absent, names in any case. A member that can't be read stays
// zero and is listed in problems. The error (a *Violation) is left for what is not
// JSON at all.
func DecodeLenient(raw json.RawMessage, v any) (problems []string, err error) {
	if !validJSON(raw) {
		return nil, &Violation{Code: CodeFormatViolation, Problem: "is not JSON"}
	}
	return decodeLenient(raw, v), nil
}

// DecodeLenient is the function of that name for the payload, which is not checked again
// if it came from a connection.
func (r *Request) DecodeLenient(v any) (problems []string, err error) {
	if r.checked {
		return decodeLenient(r.Payload, v), nil
	}
	return DecodeLenient(r.Payload, v)
}

func decodeLenient(raw json.RawMessage, v any) (problems []string) {
	target := reflect.ValueOf(v).Elem()
	d := decoder{raw: raw, lenient: true}
	_, _ = d.read(skipSpace(raw, 0), target, planOf(target.Type()))
	return d.problems
}

// Exact is a value together with its text, byte for byte: a part of what was read, not
// a copy. It is read as T is.
type Exact[T any] struct {
	Raw   json.RawMessage
	Value T
}

func (Exact[T]) exact() {}

// Text is a member that is read as a string is: without its quotes a part of what was
// read, unless it has escapes.
type Text []byte

// decoder reads valid JSON into values in one pass.
type decoder struct {
	raw      []byte
	closed   bool
	lenient  bool
	at       []step // where in the message it is
	problems []string
}

// step is one level of a path: a member, or with a name of "" an element.
type step struct {
	name  string
	index int
}

func (d *decoder) path() string {
	var out strings.Builder
	for _, s := range d.at {
		switch {
		case s.name == "":
			fmt.Fprintf(&out, "[%d]", s.index)
		case out.Len() > 0:
			out.WriteString("." + s.name)
		default:
			out.WriteString(s.name)
		}
	}
	return out.String()
}

// maxProblems is enough to see what is wrong.
const maxProblems = 20

// wrong is the violation of a strict reading; a lenient one notes it and goes on.
func (d *decoder) wrong(code ErrorCode, problem string) *Violation {
	if !d.lenient {
		return &Violation{Path: d.path(), Code: code, Problem: problem}
	}
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, strings.TrimPrefix(d.path()+" "+problem, " "))
	}
	return nil
}

// read reads the value that begins at i and returns where it ends.
func (d *decoder) read(i int, v reflect.Value, p *plan) (end int, wrong *Violation) {
	if p.kind == planExact {
		if end, wrong = d.read(i, v.Field(1), p.elem); wrong == nil {
			v.Field(0).SetBytes(d.raw[i:end:end])
		}
		return end, wrong
	}
	if d.raw[i] == 'n' && p.kind != planRaw {
		end = i + len("null")
		if d.lenient {
			return end, nil
		}
		return end, d.wrong(CodeTypeConstraintViolation, "is null")
	}
	switch p.kind {
	case planPointer:
		fresh := reflect.New(p.elem.typ)
		before := len(d.problems)
		if end, wrong = d.read(i, fresh.Elem(), p.elem); wrong == nil && d.usable(before, p.elem) {
			v.Set(fresh)
		}
		return end, wrong
	case planStruct:
		return d.object(i, v, p)
	case planSlice:
		return d.list(i, v, p)
	}
	end = scanValue(d.raw, i, endless)
	return end, d.scalar(d.raw[i:end], v, p)
}

// usable tells that what was read is worth keeping: all of it, or an object of which
// some can be used.
func (d *decoder) usable(before int, p *plan) bool {
	if p.kind == planExact {
		p = p.elem
	}
	return len(d.problems) == before || p.kind == planStruct
}

func (d *decoder) object(i int, v reflect.Value, p *plan) (end int, wrong *Violation) {
	if d.raw[i] != '{' {
		return scanValue(d.raw, i, endless), d.wrong(CodeTypeConstraintViolation, "is not an object")
	}
	var seen uint64 // bit n: field n was there
	var next int    // the field that comes next if the order is the specification's
	for i = skipSpace(d.raw, i+1); d.raw[i] != '}'; {
		keyEnd := scanString(d.raw, i)
		f, exact := p.find(d.raw[i:keyEnd], next, d.lenient)
		begin := skipSpace(d.raw, skipSpace(d.raw, keyEnd)+1)
		switch {
		case f < 0 && d.closed:
			name, _ := unquote(d.raw[i:keyEnd])
			d.at = append(d.at, step{name: clip(name, 40)})
			return begin, d.wrong(CodeFormatViolation, "is not a member of this message")
		case f < 0, !exact && seen&(1<<f) != 0:
			end = scanValue(d.raw, begin, endless)
		case d.raw[begin] == 'n' && p.fields[f].plan.kind != planRaw:
			end = begin + len("null") // as if it were not there
		default:
			d.at = append(d.at, step{name: p.fields[f].name})
			if end, wrong = d.read(begin, v.Field(p.fields[f].index), p.fields[f].plan); wrong != nil {
				return end, wrong
			}
			d.at = d.at[:len(d.at)-1]
			seen |= 1 << f
			next = f + 1
		}
		if i = skipSpace(d.raw, end); d.raw[i] == ',' {
			i = skipSpace(d.raw, i+1)
		}
	}
	if missing := p.required &^ seen; missing != 0 && !d.lenient {
		d.at = append(d.at, step{name: p.fields[bits.TrailingZeros64(missing)].name})
		return i, Missing(d.path())
	}
	return i + 1, nil
}

// elementText is about how long an element of a list is: it saves growing.
const elementText = 160

func (d *decoder) list(i int, v reflect.Value, p *plan) (end int, wrong *Violation) {
	if d.raw[i] != '[' {
		if !d.lenient {
			return i, d.wrong(CodeTypeConstraintViolation, "is not a list")
		}
		return d.element(i, v, p, 0)
	}
	v.Set(reflect.MakeSlice(p.typ, 0, min(1+(len(d.raw)-i)/elementText, 16)))
	n := 0
	for i = skipSpace(d.raw, i+1); d.raw[i] != ']'; n++ {
		if end, wrong = d.element(i, v, p, n); wrong != nil {
			return end, wrong
		}
		if i = skipSpace(d.raw, end); d.raw[i] == ',' {
			i = skipSpace(d.raw, i+1)
		}
	}
	return i + 1, nil
}

// element reads one more element of a list.
func (d *decoder) element(i int, v reflect.Value, p *plan, n int) (end int, wrong *Violation) {
	size := v.Len()
	v.Grow(1)
	v.SetLen(size + 1)
	v.Index(size).SetZero()
	d.at = append(d.at, step{index: n})
	before := len(d.problems)
	if end, wrong = d.read(i, v.Index(size), p.elem); wrong != nil {
		return end, wrong
	}
	d.at = d.at[:len(d.at)-1]
	if !d.usable(before, p.elem) {
		v.SetLen(size)
	}
	return end, nil
}

// scalar reads a value without parts.
func (d *decoder) scalar(text []byte, v reflect.Value, p *plan) *Violation {
	switch p.kind {
	case planRaw:
		v.SetBytes(append([]byte(nil), text...))
		return nil
	case planCustom:
		if err := v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(text); err != nil {
			return d.wrong(CodeTypeConstraintViolation, err.Error())
		}
		return nil
	}
	quoted := text[0] == '"'
	if !d.lenient && quoted != (p.kind == planString || p.kind == planText) || text[0] == '{' || text[0] == '[' {
		return d.wrong(CodeTypeConstraintViolation, "is not "+p.kind.String())
	}
	if p.kind == planText {
		v.SetBytes(unquoteText(text))
		return nil
	}
	var s string
	if quoted {
		s, _ = unquote(text)
	} else {
		s = string(text)
	}
	switch p.kind {
	case planString:
		v.SetString(s)
	case planInt:
		return d.integer(s, v)
	case planBool:
		if d.lenient {
			s = strings.ToLower(s)
		}
		b, err := strconv.ParseBool(s)
		if err != nil || !d.lenient && s != "true" && s != "false" {
			return d.wrong(CodeTypeConstraintViolation, "is not a boolean: "+clip(s, 40))
		}
		v.SetBool(b)
	}
	return nil
}

func (d *decoder) integer(s string, v reflect.Value) *Violation {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && d.lenient {
		var milli int64
		milli, err = parseMilli(strings.Replace(strings.TrimSpace(s), ",", ".", 1))
		n = milli / 1000
	}
	if err != nil || v.OverflowInt(n) {
		return d.wrong(CodeTypeConstraintViolation, "is not an integer: "+clip(s, 40))
	}
	v.SetInt(n)
	return nil
}
