package ocpp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// plan is how values of a type are read. It is worked out once per type.
type plan struct {
	kind     planKind
	typ      reflect.Type
	elem     *plan       // of a pointer, slice or Exact
	fields   []planField // of a struct, in its order; at most 64
	required uint64      // bit n: field n must be there
}

type planField struct {
	name  string
	index int
	plan  *plan
}

type planKind uint8

const (
	planString planKind = iota
	planInt
	planBool
	planRaw    // json.RawMessage
	planText   // Text
	planExact  // Exact
	planCustom // reads itself
	planPointer
	planSlice
	planStruct
)

func (k planKind) String() string {
	switch k {
	case planString, planText:
		return "a string"
	case planInt:
		return "an integer"
	case planBool:
		return "a boolean"
	}
	return "something else"
}

// plans remembers the plan of each type that was read; types are few and fixed.
var plans sync.Map // reflect.Type -> *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := newPlan(t)
	plans.Store(t, p)
	return p
}

// newPlan panics on a type that no message has.
func newPlan(t reflect.Type) *plan {
	p := &plan{typ: t}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		p.kind = planRaw
	case t == reflect.TypeFor[Text]():
		p.kind = planText
	case t.Implements(reflect.TypeFor[interface{ exact() }]()):
		p.kind, p.elem = planExact, planOf(t.Field(1).Type)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		p.kind = planCustom
	case t.Kind() == reflect.String:
		p.kind = planString
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		p.kind = planInt
	case t.Kind() == reflect.Bool:
		p.kind = planBool
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
		p.kind, p.elem = planPointer, planOf(t.Elem())
		if t.Kind() == reflect.Slice {
			p.kind = planSlice
		}
	case t.Kind() == reflect.Struct && t.NumField() <= 64:
		p.kind = planStruct
		for i := range t.NumField() {
			p.field(t.Field(i), i)
		}
	default:
		panic(fmt.Sprintf("ocpp: messages can't have members of type %v", t))
	}
	return p
}

func (p *plan) field(f reflect.StructField, index int) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		return
	}
	if !strings.Contains(options, "omitempty") {
		p.required |= 1 << len(p.fields)
	}
	p.fields = append(p.fields, planField{name: name, index: index, plan: planOf(f.Type)})
}

// find is the field of a quoted key, tried at next first; -1 if there is none. With
// anyCase a name in another case is found as well, but not exact.
func (p *plan) find(key []byte, next int, anyCase bool) (field int, exact bool) {
	inner := key[1 : len(key)-1]
	if next < len(p.fields) && string(inner) == p.fields[next].name {
		return next, true
	}
	for i := range p.fields {
		if string(inner) == p.fields[i].name {
			return i, true
		}
	}
	name, _ := unquote(key)
	for i := range p.fields {
		if p.fields[i].name == name {
			return i, true // written with escapes
		}
		if anyCase && strings.EqualFold(p.fields[i].name, name) {
			return i, false
		}
	}
	return -1, false
}
