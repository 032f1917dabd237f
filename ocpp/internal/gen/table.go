package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table is the parsed field table of one OCPP version.
type table struct {
	version  string
	messages []message
	types    []object
	enums    []enum
}

type message struct {
	name, role        string // role: station, csms or both
	request, response object
}

type object struct {
	name   string
	fields []field
}

type enum struct {
	name   string
	values []string
}

// field is one member. Limits are "" where there are none.
type field struct {
	name     string
	typ      string // string, int, decimal, bool, dateTime, any, or a type or enum of the table
	list     bool
	optional bool
	len      string // characters
	min, max string // value, or number of entries
	step     string // granularity of a decimal
	since    string // first version that has it; "" the table's own
}

// parse reads a table. Errors name the line.
func parse(r io.Reader) (*table, error) {
	t := &table{}
	var into *object
	var values *enum
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if line[0] == ' ' {
			if err := t.member(words, into, values); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		var err error
		if into, values, err = t.section(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	return t, t.check()
}

func (t *table) section(words []string) (*object, *enum, error) {
	switch {
	case words[0] == "version" && len(words) == 2:
		t.version = words[1]
		return nil, nil, nil
	case words[0] == "message" && len(words) == 3 && slices.Contains([]string{"station", "csms", "both"}, words[2]):
		t.messages = append(t.messages, message{name: words[1], role: words[2],
			request: object{name: words[1] + "Request"}, response: object{name: words[1] + "Response"}})
		return &t.messages[len(t.messages)-1].request, nil, nil
	case words[0] == "response" && len(words) == 1 && len(t.messages) > 0:
		return &t.messages[len(t.messages)-1].response, nil, nil
	case words[0] == "type" && len(words) == 2:
		t.types = append(t.types, object{name: words[1]})
		return &t.types[len(t.types)-1], nil, nil
	case words[0] == "enum" && len(words) == 2:
		t.enums = append(t.enums, enum{name: words[1]})
		return nil, &t.enums[len(t.enums)-1], nil
	}
	return nil, nil, fmt.Errorf("cannot read %q: want version, message, response, type or enum", strings.Join(words, " "))
}

func (t *table) member(words []string, into *object, values *enum) error {
	switch {
	case values != nil:
		values.values = append(values.values, words...)
		return nil
	case into == nil || len(words) < 2:
		return fmt.Errorf("cannot place %q", strings.Join(words, " "))
	}
	f := field{}
	f.name, f.optional = strings.CutSuffix(words[0], "?")
	f.typ, f.list = strings.CutPrefix(words[1], "[]")
	for _, limit := range words[2:] {
		key, value, _ := strings.Cut(limit, "=")
		switch key {
		case "len":
			f.len = value
		case "min":
			f.min = value
		case "max":
			f.max = value
		case "step":
			f.step = value
		case "since":
			f.since = value
		default:
			return fmt.Errorf("unknown limit %q", limit)
		}
	}
	into.fields = append(into.fields, f)
	return nil
}

var scalars = []string{"string", "int", "decimal", "bool", "dateTime", "any"}

// check finds names that lead nowhere.
func (t *table) check() error {
	for _, o := range t.objects() {
		for _, f := range o.fields {
			if !slices.Contains(scalars, f.typ) && !t.isEnum(f.typ) && !t.isType(f.typ) {
				return fmt.Errorf("%s.%s: no type or enum %q in the table", o.name, f.name, f.typ)
			}
		}
	}
	return nil
}

func (t *table) objects() []object {
	var out []object
	for _, m := range t.messages {
		out = append(out, m.request, m.response)
	}
	return append(out, t.types...)
}

func (t *table) isEnum(name string) bool {
	return slices.ContainsFunc(t.enums, func(e enum) bool { return e.name == name })
}

func (t *table) isType(name string) bool {
	return slices.ContainsFunc(t.types, func(o object) bool { return o.name == name })
}
