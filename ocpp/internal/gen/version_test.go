package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"busbar/ocpp"
)

// version is one version of OCPP with what its table says about it alone.
type version struct {
	name     string // "2.0.1"
	protocol ocpp.Protocol
	schemas  string // folder
	types    []typed
	full     *table // of its package
	*table          // of this version only
}

// versions are all three.
func versions(t testing.TB) []version {
	t.Helper()
	t16, t2 := readTable(t, "ocpp16"), readTable(t, "ocpp2")
	return []version{
		{"1.6", ocpp.V16, "v16", typed16(), t16, t16.alone("1.6")},
		{"2.0.1", ocpp.V201, "v201", typed2(), t2, t2.alone("2.0.1")},
		{"2.1", ocpp.V21, "v21", typed2(), t2, t2.alone("2.1")},
	}
}

func readTable(t testing.TB, pkg string) *table {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", pkg, "messages.txt"))
	if err != nil {
		t.Fatal(err)
	}
	tab, err := parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// alone is the table as somebody would write it who knows only one of its versions.
func (t *table) alone(name string) *table {
	newest := name == t.versions[len(t.versions)-1]
	has := func(since string) bool { return newest || since == "" }
	out := &table{versions: []string{name}}
	object := func(o object) object {
		var fields []field
		for _, f := range o.fields {
			if has(f.since) {
				fields = append(fields, f.alone(name, newest))
			}
		}
		return object{name: o.name, fields: fields}
	}
	for _, m := range t.messages {
		if has(m.since) {
			out.messages = append(out.messages, message{name: m.name, role: m.role, send: m.send, request: object(m.request), response: object(m.response)})
		}
	}
	for _, o := range t.types {
		if has(o.since) {
			out.types = append(out.types, object(o))
		}
	}
	for _, e := range t.enums {
		if has(e.since) {
			e.since, e.values = "", slices.DeleteFunc(slices.Clone(e.values), func(v value) bool { return !has(v.since) })
			out.enums = append(out.enums, e)
		}
	}
	return out
}

func (f field) alone(version string, newest bool) field {
	pick := func(p pair) pair {
		if newest {
			return pair{p.new, p.new}
		}
		return pair{p.old, p.old}
	}
	f.typ, f.len, f.min, f.max = pick(f.typ), pick(f.len), pick(f.min), pick(f.max)
	f.optional = f.optional && f.required != version
	f.since, f.required = "", ""
	return f
}
