package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table is the parsed field table of one OCPP version, or of two that share a package.
type table struct {
	versions []string // oldest first
	messages []message
	types    []object
	enums    []enum
	every    []field // members that every object ends with
}

type message struct {
	name, role string // role: station, csms or both
	send       bool   // has no response
	since      string
	request    object
	response   object
}

type object struct {
	name   string
	since  string // first version that has it; "" the table's own
	fields []field
}

type enum struct {
	name, since string
	values      []value
}

type value struct{ text, since string }

// pair is a limit in the older and the newer version; "" where there is none.
type pair struct{ old, new string }

func (p pair) none() bool   { return p.old == "" && p.new == "" }
func (p pair) always() bool { return p.old == p.new }

// field is one member.
type field struct {
	name     string
	typ      pair // string, int, decimal, bool, dateTime, any, or a type or enum of the table
	list     bool
	optional bool   // in one version at least
	required string // the only version that requires an optional member
	least    string // number of entries of a list
	most     string
	len      pair   // most characters
	min, max pair   // value
	step     string // granularity of a decimal
	since    string // first version that has it; "" the object's own
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
	for o := range t.objects() {
		o.fields = append(o.fields, t.every...)
	}
	return t, t.check()
}

func (t *table) section(words []string) (*object, *enum, error) {
	bad := fmt.Errorf("cannot read %q: want versions, every, message, send, response, type or enum", strings.Join(words, " "))
	kind, rest := words[0], words[1:]
	since := ""
	if n := len(rest); n > 1 {
		if v, ok := strings.CutPrefix(rest[n-1], "since="); ok && kind != "versions" {
			since, rest = v, rest[:n-1]
		}
	}
	switch n := len(rest); {
	case kind == "versions" && (n == 1 || n == 2):
		t.versions = rest
		return nil, nil, nil
	case kind == "every" && n >= 2:
		f, err := parseField(rest)
		t.every = append(t.every, f)
		return nil, nil, err
	case (kind == "message" || kind == "send") && n == 2 && slices.Contains([]string{"station", "csms", "both"}, rest[1]):
		t.messages = append(t.messages, message{name: rest[0], role: rest[1], send: kind == "send", since: since,
			request: object{name: rest[0] + "Request", since: since}, response: object{name: rest[0] + "Response", since: since}})
		return &t.messages[len(t.messages)-1].request, nil, nil
	case kind == "response" && n == 0 && len(t.messages) > 0 && !t.messages[len(t.messages)-1].send:
		return &t.messages[len(t.messages)-1].response, nil, nil
	case kind == "type" && n == 1:
		t.types = append(t.types, object{name: rest[0], since: since})
		return &t.types[len(t.types)-1], nil, nil
	case kind == "enum" && n == 1:
		t.enums = append(t.enums, enum{name: rest[0], since: since})
		return nil, &t.enums[len(t.enums)-1], nil
	}
	return nil, nil, bad
}

func (t *table) member(words []string, into *object, values *enum) error {
	switch {
	case values != nil:
		since := ""
		if n := len(values.values); n > 0 {
			since = values.values[n-1].since
		}
		for _, w := range words {
			if v, ok := strings.CutPrefix(w, "since="); ok {
				since = v
				continue
			}
			values.values = append(values.values, value{w, since})
		}
		return nil
	case into == nil || len(words) < 2:
		return fmt.Errorf("cannot place %q", strings.Join(words, " "))
	}
	f, err := parseField(words)
	into.fields = append(into.fields, f)
	return err
}

func parseField(words []string) (field, error) {
	f := field{}
	f.name, f.optional = strings.CutSuffix(words[0], "?")
	typ, list := strings.CutPrefix(words[1], "[]")
	f.typ, f.list = versioned(typ), list
	for _, limit := range words[2:] {
		key, value, _ := strings.Cut(limit, "=")
		switch key {
		case "len":
			f.len = versioned(value)
		case "min":
			f.min = versioned(value)
		case "max":
			f.max = versioned(value)
		case "items":
			f.least, f.most, _ = strings.Cut(value, "..")
		case "step":
			f.step = value
		case "since":
			f.since = value
		case "required":
			f.required = value
		default:
			return f, fmt.Errorf("unknown limit %q", limit)
		}
	}
	return f, nil
}

// versioned reads "a" or "a/b".
func versioned(text string) pair {
	old, newer, two := strings.Cut(text, "/")
	if !two {
		newer = old
	}
	return pair{old, newer}
}
