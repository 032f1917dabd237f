// Package plain writes values that consist of numbers, words, times, arrays, slices and
// structs as JSON, and reads them back, fields of other packages' types that are not
// exported included: so that the state of a balancer can be kept without a second copy of
// its types, and no field is forgotten that is added later. Times are nanoseconds from a
// base, by the monotonic clock where both have one.
package plain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unsafe"
)

// never stands for the zero time.
const never = "-"

var timeType = reflect.TypeFor[time.Time]()

// Append writes what v points to. Members that are zero, and lists without
// items, are left out. It panics on types
// that are not plain.
func Append[T any](out []byte, v *T, base time.Time) []byte {
	return appendValue(out, reflect.ValueOf(v).Elem(), base)
}

// AppendChanged writes the members of the struct at is that may differ from those at was,
// those that are zero now included. Members whose bytes are the same are the same; where
// only the bytes differ a member is written for nothing.
func AppendChanged[T any](out []byte, was, is *T, base time.Time) []byte {
	old, now := unsafe.Slice((*byte)(unsafe.Pointer(was)), unsafe.Sizeof(*was)), unsafe.Slice((*byte)(unsafe.Pointer(is)), unsafe.Sizeof(*is))
	v := reflect.ValueOf(is).Elem()
	t := v.Type()
	out = append(out, '{')
	first := true
	for i := range t.NumField() {
		f := t.Field(i)
		if bytes.Equal(old[f.Offset:f.Offset+f.Type.Size()], now[f.Offset:f.Offset+f.Type.Size()]) {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(out, '"')
		out = append(out, f.Name...)
		out = append(out, '"', ':')
		out = appendValue(out, open(v.Field(i)), base)
	}
	return append(out, '}')
}

// Read puts what Append or AppendChanged wrote into what v points to; members that were
// not written stay as they are. A member that the type doesn't have is an error.
func Read[T any](raw json.RawMessage, v *T, base time.Time) error {
	return readValue(raw, reflect.ValueOf(v).Elem(), base)
}

// open is a field that may be read and set though it is not exported; v is addressable.
func open(v reflect.Value) reflect.Value {
	if v.CanSet() {
		return v
	}
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

func appendValue(out []byte, v reflect.Value, base time.Time) []byte {
	if v.Type() == timeType {
		at := v.Interface().(time.Time)
		if at.IsZero() {
			return append(out, '"', never[0], '"')
		}
		return strconv.AppendInt(out, int64(at.Sub(base)), 10)
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(out, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(out, v.Uint(), 10)
	case reflect.Float64, reflect.Float32:
		return strconv.AppendFloat(out, v.Float(), 'g', -1, 64)
	case reflect.String:
		text, _ := json.Marshal(v.String()) // a string can always be marshalled
		return append(out, text...)
	case reflect.Array, reflect.Slice:
		out = append(out, '[')
		for i := range v.Len() {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendValue(out, v.Index(i), base)
		}
		return append(out, ']')
	case reflect.Struct:
		out = append(out, '{')
		first := true
		for i := range v.NumField() {
			if f := v.Field(i); f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
				continue
			}
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(out, '"')
			out = append(out, v.Type().Field(i).Name...)
			out = append(out, '"', ':')
			out = appendValue(out, open(v.Field(i)), base)
		}
		return append(out, '}')
	}
	panic(fmt.Sprintf("plain: a %v can't be written", v.Type())) // the round-trip tests walk all types
}

// readValue is the way back from appendValue; what was left out because it was zero must
// be zero already.
func readValue(raw json.RawMessage, v reflect.Value, base time.Time) error {
	if v.Type() == timeType {
		if string(raw) == `"`+never+`"` {
			return nil
		}
		ns, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return fmt.Errorf("cannot read a time: %w", err)
		}
		v.Set(reflect.ValueOf(base.Add(time.Duration(ns))))
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return err
		}
		for name, member := range members {
			f := v.FieldByName(name)
			if !f.IsValid() {
				return fmt.Errorf("cannot read member %q of %v: this version doesn't know it", name, v.Type())
			}
			f = open(f)
			f.SetZero()
			if err := readValue(member, f, base); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case reflect.Array, reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return err
		}
		if v.Kind() == reflect.Slice {
			if len(items) == 0 {
				return nil // no items and no list are the same
			}
			v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		} else if len(items) != v.Len() {
			return fmt.Errorf("cannot read %d items into %v", len(items), v.Type())
		}
		for i, item := range items {
			if err := readValue(item, v.Index(i), base); err != nil {
				return err
			}
		}
		return nil
	}
	return json.NewDecoder(bytes.NewReader(raw)).Decode(v.Addr().Interface())
}
