package ocpp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// DecodeStrict reads raw into v, which must have all members that v's type requires.
// closed refuses members that it does not have (2.x). The error is a *Violation.
func DecodeStrict(raw json.RawMessage, v any, closed bool) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if closed {
		d.DisallowUnknownFields()
	}
	err := d.Decode(v)
	if err == nil {
		if missing := checkPresence(raw, reflect.TypeOf(v), ""); missing != nil {
			return missing
		}
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &Violation{Path: wrong.Field, Code: CodeTypeConstraintViolation, Problem: "has the wrong type: " + wrong.Value}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &Violation{Path: strings.Trim(name, `"`), Code: CodeFormatViolation, Problem: "is not a member of this message"}
	}
	return &Violation{Code: CodeTypeConstraintViolation, Problem: "a value " + err.Error()}
}

// DecodeLenient reads raw, a JSON object, into v as far as possible: numbers and
// booleans as strings and the other way round, a single value where a list is
// expected, null as absent, names in any case. A member that can't be read stays
// zero and is listed in problems. The error (a *Violation) is left for what is no
// object at all.
func DecodeLenient(raw json.RawMessage, v any) (problems []string, err error) {
	target := reflect.ValueOf(v).Elem()
	if json.Unmarshal(raw, v) == nil {
		return nil, nil
	}
	target.SetZero()
	if _, err := ParseObject(raw); err != nil && !validJSON(raw) {
		return nil, &Violation{Code: CodeFormatViolation, Problem: err.Error()}
	}
	l := lenient{}
	l.read(raw, target, "")
	return l.problems, nil
}

// lenient walks a value and its type together.
type lenient struct{ problems []string }

func (l *lenient) fail(path, problem string) {
	if len(l.problems) < 20 { // enough to see what is wrong
		l.problems = append(l.problems, strings.TrimPrefix(path, ".")+" "+problem)
	}
}

func (l *lenient) read(raw json.RawMessage, v reflect.Value, path string) {
	if string(raw) == "null" {
		return
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(raw); err != nil {
			l.fail(path, err.Error())
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		before := len(l.problems)
		l.read(raw, fresh.Elem(), path)
		if len(l.problems) == before || fresh.Elem().Kind() == reflect.Struct {
			v.Set(fresh)
		}
	case reflect.Struct:
		l.readStruct(raw, v, path)
	case reflect.Slice:
		l.readSlice(raw, v, path)
	default:
		l.readScalar(raw, v, path)
	}
}

func (l *lenient) readStruct(raw json.RawMessage, v reflect.Value, path string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		l.fail(path, "is not an object")
		return
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		if value, ok := lookup(members, name); ok {
			l.read(value, v.Field(i), path+"."+name)
		}
	}
}

func lookup(members map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if value, ok := members[name]; ok {
		return value, true
	}
	for key, value := range members {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

func (l *lenient) readSlice(raw json.RawMessage, v reflect.Value, path string) {
	list, err := RawArray(raw)
	if err != nil {
		list = []json.RawMessage{raw}
	}
	for i, element := range list {
		fresh := reflect.New(v.Type().Elem()).Elem()
		before := len(l.problems)
		l.read(element, fresh, fmt.Sprintf("%s[%d]", path, i))
		if len(l.problems) == before || fresh.Kind() == reflect.Struct {
			v.Set(reflect.Append(v, fresh))
		}
	}
}

func (l *lenient) readScalar(raw json.RawMessage, v reflect.Value, path string) {
	text := strings.TrimSpace(string(raw))
	if raw[0] == '"' {
		if json.Unmarshal(raw, &text) != nil {
			l.fail(path, "is not a string")
			return
		}
	}
	switch v.Kind() {
	case reflect.String:
		if raw[0] == '{' || raw[0] == '[' {
			l.fail(path, "is not a string")
			return
		}
		v.SetString(text)
	case reflect.Int, reflect.Int64, reflect.Int32:
		milli, err := parseMilli(strings.Replace(strings.TrimSpace(text), ",", ".", 1))
		if err != nil || v.OverflowInt(milli/1000) {
			l.fail(path, "is not an integer: "+clip(text, 40))
			return
		}
		v.SetInt(milli / 1000)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			l.fail(path, "is not a boolean: "+clip(text, 40))
			return
		}
		v.SetBool(b)
	default:
		if json.Unmarshal(raw, v.Addr().Interface()) != nil {
			l.fail(path, "can't be read")
		}
	}
}
