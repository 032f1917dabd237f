package main

import (
	"bytes"
	"fmt"
)

// validate writes the methods that check an object. Paths are put together only where
// something is wrong, so that checking what is right allocates nothing.
func (t *table) validate(b *bytes.Buffer, o object, name string) {
	parameter, argument := "", ""
	if t.two() {
		parameter, argument = "newer bool", fmt.Sprintf("p >= %s", protocols[t.versions[1]])
		fmt.Fprintf(b, "// Validate is ValidateFor OCPP %s.\nfunc (v *%s) Validate() error { return v.ValidateFor(%s) }\n\n", t.versions[1], name, protocols[t.versions[1]])
		fmt.Fprintf(b, "// ValidateFor returns a *ocpp.Violation for the first member that breaks the\n// specification of version p.\nfunc (v *%s) ValidateFor(p ocpp.Protocol) error {\n", name)
		if o.since != "" {
			fmt.Fprintf(b, "if p < %s {\nreturn ocpp.Unknown(\"\")\n}\n", protocols[o.since])
		}
	} else {
		fmt.Fprintf(b, "// Validate returns a *ocpp.Violation for the first member that breaks the specification.\nfunc (v *%s) Validate() error {\n", name)
	}
	fmt.Fprintf(b, "if problem := v.check(%s); problem != nil {\nreturn problem\n}\nreturn nil\n}\n\n", argument)
	fmt.Fprintf(b, "func (v *%s) check(%s) *ocpp.Violation {\n", name, parameter)
	for _, f := range o.fields {
		t.checkMember(b, f)
	}
	b.WriteString("return nil\n}\n\n")
}

// checkMember writes the checks of one member: whether it may and must be there, how
// many entries it has, and its values.
func (t *table) checkMember(b *bytes.Buffer, f field) {
	value := "v." + goName(f.name)
	if f.since != "" {
		fmt.Fprintf(b, "if !newer && %s != nil {\nreturn ocpp.Unknown(%q)\n}\n", value, f.name)
	}
	t.checkPresence(b, f, value)
	var inner bytes.Buffer
	switch {
	case f.list:
		if f.least != "" {
			fmt.Fprintf(b, "if %s != nil {\nif problem := ocpp.CheckCount(%q, len(%s), %s, %s); problem != nil {\nreturn problem\n}\n}\n", value, f.name, value, f.least, orZero(f.most))
		}
		t.checkValue(&inner, f, value+"[i]")
		if inner.Len() > 0 {
			fmt.Fprintf(b, "for i := range %s {\n%s}\n", value, inner.Bytes())
		}
	case f.absent():
		target := value
		if !t.isType(f.typ.new) && f.typ.new != "CustomData" { // their methods take pointers
			target = "*" + value
		}
		t.checkValue(&inner, f, target)
		if inner.Len() > 0 {
			fmt.Fprintf(b, "if %s != nil {\n%s}\n", value, inner.Bytes())
		}
	default:
		t.checkValue(b, f, value)
	}
}

func (t *table) checkPresence(b *bytes.Buffer, f field, value string) {
	cond := ""
	switch {
	case f.since != "" && !f.optional:
		cond = "newer && "
	case f.required == t.versions[0]:
		cond = "!newer && "
	case f.required != "":
		cond = "newer && "
	case f.optional:
		return
	case f.list || f.typ.new == "any":
	case f.typ.new == "dateTime":
		fmt.Fprintf(b, "if %s.Time.IsZero() {\nreturn ocpp.Missing(%q)\n}\n", value, f.name)
		return
	default:
		return // a missing value is seen only by who reads the text
	}
	fmt.Fprintf(b, "if %s%s == nil {\nreturn ocpp.Missing(%q)\n}\n", cond, value, f.name)
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// checkValue writes the checks of one value; value[i] is an entry of a list.
func (t *table) checkValue(b *bytes.Buffer, f field, value string) {
	w := writer{b: b, f: f}
	argument := ""
	if t.two() {
		argument = "newer"
	}
	switch typ := f.typ; {
	case t.isEnum(typ.old):
		e := t.enum(typ.old)
		known := fmt.Sprintf("(%s).Known()", value)
		if e.grows() {
			known = fmt.Sprintf("(%s).in(newer)", value)
		}
		if typ.new == "string" { // the newer version allows any text
			w.check(pair{old: "x"}, "CheckEnum", value, func(string) string { return known })
			w.check(f.len, "CheckLength", "string("+value+")", nil)
			return
		}
		w.check(pair{"x", "x"}, "CheckEnum", value, func(string) string { return known })
	case t.isType(typ.new):
		w.nested(fmt.Sprintf("%s.check(%s)", value, argument))
	case typ.new == "CustomData":
		w.nested(value + ".check()")
	case typ.new == "string":
		w.check(f.len, "CheckLength", value, nil)
	case typ.new == "decimal":
		step := milli(f.step)
		w.check(pair{"x", "x"}, "CheckDecimal", value, func(string) string { return step })
		if typ.old == "int" {
			w.check(pair{old: "x"}, "CheckInteger", value, func(string) string { return "" })
		}
		w.check(f.min, "CheckDecimalMin", value, nil)
		w.check(f.max, "CheckDecimalMax", value, nil)
	case typ.new == "int":
		w.check(f.min, "CheckMin", value, nil)
		w.check(f.max, "CheckMax", value, nil)
	}
}

// writer writes the checks of one member's value.
type writer struct {
	b *bytes.Buffer
	f field
}

// check writes a call of a check of package ocpp for the versions that have a limit.
// limit, if not nil, makes the last argument of it, "" is none.
func (w writer) check(limits pair, check, value string, limit func(string) string) {
	if limit == nil {
		limit = func(l string) string { return l }
	}
	call := func(l string) {
		name := w.f.name
		if w.f.list {
			name = ""
		}
		arguments := value
		if l = limit(l); l != "" {
			arguments += ", " + l
		}
		w.nestedOr(fmt.Sprintf("ocpp.%s(%q, %s)", check, name, arguments), w.f.list)
	}
	switch {
	case limits.none():
	case limits.always():
		call(limits.old)
	case limits.old == "":
		w.b.WriteString("if newer {\n")
		call(limits.new)
		w.b.WriteString("}\n")
	case limits.new == "":
		w.b.WriteString("if !newer {\n")
		call(limits.old)
		w.b.WriteString("}\n")
	default:
		call(fmt.Sprintf("pick(newer, %s, %s)", limits.old, limits.new))
	}
}

// nested writes a call whose violation is inside this member.
func (w writer) nested(call string) { w.nestedOr(call, true) }

func (w writer) nestedOr(call string, within bool) {
	result := "problem"
	switch {
	case w.f.list:
		result = fmt.Sprintf("problem.InEntry(%q, i)", w.f.name)
	case within:
		result = fmt.Sprintf("problem.In(%q)", w.f.name)
	}
	fmt.Fprintf(w.b, "if problem := %s; problem != nil {\nreturn %s\n}\n", call, result)
}

// milli is a step in thousandths: 0.1 is 100.
func milli(step string) string {
	switch step {
	case "0.1":
		return "100"
	case "0.01":
		return "10"
	}
	return "0"
}
