package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"busbar/ocpp"
)

// official compiles the schema of one half of a message; nil without facts.
func (v version) official(t *testing.T, o object) *jsonschema.Schema {
	t.Helper()
	name := o.name
	if m := strings.TrimSuffix(name, "Request"); v.name == "1.6" || m == "NotifyPeriodicEventStream" {
		name = m
	}
	file, err := os.Open(filepath.Join(factsDir(), v.schemas, name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mutation is a text for one member, and the code it is refused with; "" is accepted.
type mutation struct {
	text string
	code ocpp.ErrorCode
	at   string // path inside the member where it is refused
}

// TestEveryMemberIsChecked changes one member after the other, at every depth of every
// message, to what is just allowed and what just isn't. The official schema must
// think the same of each.
func TestEveryMemberIsChecked(t *testing.T) {
	all := versions(t)
	for i, v := range all {
		t.Run(v.name, func(t *testing.T) {
			newest := all[max(i, len(all)-1)]
			accepted, refused, asked, seen := 0, 0, 0, map[field]bool{}
			v.each(t, func(o object, fresh func() checked) {
				official := v.official(t, o)
				for _, c := range v.cases(o, newest, seen) {
					err := v.read(c.raw, fresh())
					if complaint := c.complaint(err); complaint != "" {
						t.Errorf("%s %s", o.name, complaint)
					}
					if official != nil && !excused[v.name+" "+o.name+" "+c.member] {
						asked++
						if said := judge(t, official, c.raw); (said == nil) != (c.code == "") {
							t.Errorf("%s.%s = %.60s: we say %v, the schema says %v", o.name, c.member, c.text, err, said)
						}
					}
					if c.code == "" {
						accepted++
					} else {
						refused++
					}
				}
			})
			t.Logf("OCPP %s: %d changes accepted, %d refused; the official schemas were asked about %d", v.name, accepted, refused, asked)
			if least := map[string]int{"1.6": 900, "2.0.1": 2500, "2.1": 5000}[v.name]; accepted+refused < least {
				t.Errorf("only %d cases", accepted+refused)
			}
		})
	}
}

// excused are members of which the tables say something else than the schema on
// purpose; see exceptions.
var excused = map[string]bool{
	"1.6 StopTransactionRequest transactionData[0].sampledValue":         true,
	"1.6 StopTransactionRequest transactionData[0].sampledValue[0].unit": true,
}

func judge(t *testing.T, s *jsonschema.Schema, raw string) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}

// testCase is a message with one member changed.
type testCase struct {
	member string
	raw    string
	mutation
}

func (c testCase) complaint(err error) string {
	if c.code == "" {
		if err != nil {
			return fmt.Sprintf("%s = %.60s: refused: %v", c.member, c.text, err)
		}
		return ""
	}
	v, ok := errors.AsType[*ocpp.Violation](err)
	switch {
	case !ok || v.Code != c.code:
	case c.code == ocpp.CodeTypeConstraintViolation: // the decoder names no entries
		return ""
	case v.Path == c.member+c.at:
		return ""
	}
	return fmt.Sprintf("%s = %.60s: got %v, want %s at %s", c.member, c.text, err, c.code, c.member+c.at)
}

// cases are all mutations of all members, and the two examples themselves.
// Of a member that is in seen only the first, unless BUSBAR_MUTATIONS is set.
func (v version) cases(o object, newest version, seen map[field]bool) []testCase {
	type member struct {
		path, text string
		f          field
	}
	var members []member
	full := v.example(o, true, func(path string, f field, text string) string {
		members = append(members, member{path, text, f})
		return text
	})
	out := []testCase{{"", full, mutation{}}, {"", v.example(o, false, asIs), mutation{}}}
	for _, m := range members {
		changes := append(v.mutations(m.f), v.fromTheFuture(m.f, m.text, newest)...)
		if seen[m.f] && os.Getenv("BUSBAR_MUTATIONS") == "" {
			changes = changes[:1] // one shows that the member is checked here too
		}
		seen[m.f] = true
		for _, mut := range changes {
			raw := v.example(o, true, func(path string, _ field, text string) string {
				if path == m.path {
					return mut.text
				}
				return text
			})
			out = append(out, testCase{m.path, raw, mut})
		}
	}
	for _, f := range v.added(o.name) {
		raw := fmt.Sprintf("%s,%q:%s}", strings.TrimSuffix(full, "}"), f.name, newest.wrapped(f))
		out = append(out, testCase{"", raw, mutation{f.name, ocpp.CodeFormatViolation, f.name}})
	}
	return out
}

// wrapped is the example of a field, as a list if it is one.
func (v version) wrapped(f field) string {
	text := v.exampleValue(f.alone(v.name, true), "", true, asIs)
	if f.list {
		return "[" + text + "]"
	}
	return text
}

// added are the members of an object that only the newer version has.
func (v version) added(name string) []field {
	var out []field
	for o := range v.full.objects() {
		if o.name != name || v.name == v.full.versions[len(v.full.versions)-1] {
			continue
		}
		for _, f := range o.fields {
			if f.since != "" && o.since == "" {
				out = append(out, f)
			}
		}
	}
	return out
}

// fromTheFuture are values of a member that only the newer version allows.
func (v version) fromTheFuture(f field, text string, newest version) []mutation {
	var out []mutation
	for _, g := range v.added(f.typ.new) {
		body, at := strings.TrimSuffix(strings.TrimSuffix(text, "]"), "}"), "."+g.name
		more := fmt.Sprintf("%s,%q:%s}", body, g.name, newest.wrapped(g))
		if f.list {
			more, at = more+"]", "[0]"+at
		}
		out = append(out, mutation{more, ocpp.CodeFormatViolation, at})
	}
	if e := v.full.enum(f.typ.new); e != nil && v.isEnum(f.typ.new) {
		for _, value := range e.values[len(v.enum(f.typ.new).values):] {
			out = append(out, f.entry(fmt.Sprintf("%q", value.text), ocpp.CodePropertyConstraintViolation))
		}
	}
	return out
}

// entry makes a mutation of one value, in a list if the field is one.
func (f field) entry(text string, code ocpp.ErrorCode) mutation {
	if !f.list {
		return mutation{text, code, ""}
	}
	return mutation{"[" + text + "]", code, "[0]"}
}

// mutations are what a member may and must not be.
func (v version) mutations(f field) []mutation {
	var out []mutation
	add := func(text string, code ocpp.ErrorCode) { out = append(out, f.entry(text, code)) }
	if f.typ.new == "any" {
		return []mutation{{"1", "", ""}, {`"a"`, "", ""}, {"[[]]", "", ""}}
	}
	if !f.optional {
		out = append(out, mutation{"", ocpp.CodeOccurrenceConstraintViolation, ""})
	}
	if f.list {
		out = append(out, v.counts(f)...)
	}
	add("[[]]", ocpp.CodeTypeConstraintViolation)
	typ := f.typ.new
	switch {
	case v.isEnum(typ):
		add(`"Nonsense"`, ocpp.CodePropertyConstraintViolation)
		for _, value := range v.enum(typ).values {
			add(fmt.Sprintf("%q", value.text), "")
		}
	case typ == "CustomData":
		out = append(out, mutation{`{"a":1}`, ocpp.CodeOccurrenceConstraintViolation, ".vendorId"},
			mutation{`{"vendorId":"` + strings.Repeat("ä", 256) + `"}`, ocpp.CodePropertyConstraintViolation, ".vendorId"},
			mutation{`{"vendorId":"` + strings.Repeat("ä", 255) + `"}`, "", ""}, mutation{`{"vendorId":1}`, ocpp.CodeTypeConstraintViolation, ".vendorId"})
	case f.len.new != "":
		most := atoi(f.len.new)
		add(`"`+strings.Repeat("ä", most)+`"`, "")
		add(`"`+strings.Repeat("ä", most+1)+`"`, ocpp.CodePropertyConstraintViolation)
	case typ == "int", typ == "decimal":
		out = append(out, numbers(f)...)
	case typ == "dateTime":
		add(`"2026-03-01T08:00:00+01:00"`, "")
		add(`"soon"`, ocpp.CodeTypeConstraintViolation)
	}
	return out
}

// counts are lists of all lengths that matter.
func (v version) counts(f field) []mutation {
	repeat := func(n int) string {
		one := v.exampleValue(f, "", true, asIs)
		return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
	}
	var out []mutation
	if f.least != "" {
		out = append(out, mutation{"[]", ocpp.CodeOccurrenceConstraintViolation, ""}, mutation{repeat(atoi(f.least)), "", ""})
	}
	if f.most != "" {
		out = append(out, mutation{repeat(atoi(f.most)), "", ""}, mutation{repeat(atoi(f.most) + 1), ocpp.CodeOccurrenceConstraintViolation, ""})
	}
	return out
}

// numbers are values at and just beyond the bounds of a member, and between its steps.
func numbers(f field) []mutation {
	var out []mutation
	add := func(text string, code ocpp.ErrorCode) { out = append(out, f.entry(text, code)) }
	below, above := func(n int) string { return fmt.Sprint(n - 1) }, func(n int) string { return fmt.Sprint(n + 1) }
	if f.typ.new == "decimal" { // finer than thousandths; none has a lower bound above 0
		below, above = func(n int) string { return fmt.Sprintf("-%d.0001", -n) }, func(n int) string { return fmt.Sprintf("%d.0001", n) }
	}
	if f.min.new != "" {
		add(f.min.new, "")
		add(below(atoi(f.min.new)), ocpp.CodePropertyConstraintViolation)
	} else if f.typ.new == "int" {
		add("-7", "")
	}
	if f.max.new != "" {
		add(f.max.new, "")
		add(above(atoi(f.max.new)), ocpp.CodePropertyConstraintViolation)
	}
	if f.step != "" {
		add("1.55", ocpp.CodePropertyConstraintViolation)
	}
	if f.typ.new == "int" {
		add("1.5", ocpp.CodeTypeConstraintViolation)
	}
	return out
}

func atoi(s string) int {
	var n int
	if _, err := fmt.Sscan(s, &n); err != nil {
		panic(err)
	}
	return n
}
