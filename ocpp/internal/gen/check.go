package main

import (
	"fmt"
	"iter"
	"slices"
)

var scalars = []string{"string", "int", "decimal", "bool", "dateTime", "any", "CustomData"}

// check finds names that lead nowhere or mean two things.
func (t *table) check() error {
	if len(t.versions) == 0 {
		return fmt.Errorf("no versions")
	}
	names := map[string]string{}
	take := func(name, by string) error {
		if other := names[name]; other != "" {
			return fmt.Errorf("%s is the name of both %s and %s", name, other, by)
		}
		names[name] = by
		return nil
	}
	for _, m := range t.messages {
		if err := take(m.name, "message "+m.name); err != nil {
			return err
		}
	}
	for o := range t.objects() {
		if err := take(t.objectName(*o), o.name); err != nil {
			return err
		}
		if err := t.checkFields(*o); err != nil {
			return err
		}
	}
	for _, e := range t.enums {
		if err := take(goName(e.name), "enum "+e.name); err != nil {
			return err
		}
		for _, v := range e.values {
			if err := take(goName(e.name)+constName(v.text), e.name+" "+v.text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) checkFields(o object) error {
	seen := map[string]bool{}
	for _, f := range o.fields {
		for _, typ := range []string{f.typ.old, f.typ.new} {
			if !slices.Contains(scalars, typ) && !t.isEnum(typ) && !t.isType(typ) {
				return fmt.Errorf("%s.%s: no type or enum %q in the table", o.name, f.name, typ)
			}
		}
		if seen[goName(f.name)] {
			return fmt.Errorf("%s.%s is there twice", o.name, f.name)
		}
		seen[goName(f.name)] = true
		for _, v := range []string{f.since, f.required, o.since} {
			if v != "" && !slices.Contains(t.versions, v) {
				return fmt.Errorf("%s.%s: the table has no version %q", o.name, f.name, v)
			}
		}
	}
	return nil
}

// objects are the halves of all messages, then the types.
func (t *table) objects() iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for i := range t.messages {
			m := &t.messages[i]
			if !yield(&m.request) || !m.send && !yield(&m.response) {
				return
			}
		}
		for i := range t.types {
			if !yield(&t.types[i]) {
				return
			}
		}
	}
}

func (t *table) isEnum(name string) bool { return t.enum(name) != nil }
func (t *table) isType(name string) bool { return t.object(name) != nil }

func (t *table) enum(name string) *enum {
	if i := slices.IndexFunc(t.enums, func(e enum) bool { return e.name == name }); i >= 0 {
		return &t.enums[i]
	}
	return nil
}

func (t *table) object(name string) *object {
	if i := slices.IndexFunc(t.types, func(o object) bool { return o.name == name }); i >= 0 {
		return &t.types[i]
	}
	return nil
}

// grows reports whether the newer version has values that the older has not.
func (e enum) grows() bool {
	return slices.ContainsFunc(e.values, func(v value) bool { return v.since != "" })
}
