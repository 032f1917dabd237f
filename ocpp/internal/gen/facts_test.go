package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// schema is what the comparison needs of a JSON schema.
type schema struct {
	Type        string            `json:"type"`
	Ref         string            `json:"$ref"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
	Enum        []string          `json:"enum"`
	Format      string            `json:"format"`
	MaxLength   int               `json:"maxLength"`
	MinItems    int               `json:"minItems"`
	MaxItems    int               `json:"maxItems"`
	MultipleOf  float64           `json:"multipleOf"`
	Definitions map[string]schema `json:"definitions"`
}

// facts is the folder of official schemas, or the test skips and says so.
func facts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("BUSBAR_FACTS")
	if dir == "" {
		dir = "../../../../shared"
	}
	dir = filepath.Join(dir, "ocpp", "schemas")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("NOT COMPARED: no official OCPP schemas in %s; set BUSBAR_FACTS to the folder that has ocpp/schemas", dir)
	}
	return dir
}

func TestTablesAgreeWithTheOfficialSchemas(t *testing.T) {
	dir := filepath.Join(facts(t), "v16")
	text, err := os.Open("../../ocpp16/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	tab, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 2*len(tab.messages) {
		t.Fatalf("%d schemas for %d messages (%v)", len(files), len(tab.messages), err)
	}
	c := &comparison{t: t, tab: tab}
	for _, m := range tab.messages {
		c.message(filepath.Join(dir, m.name+".json"), m.request)
		c.message(filepath.Join(dir, m.name+"Response.json"), m.response)
	}
	if c.fields < 230 {
		t.Fatalf("only %d fields compared", c.fields)
	}
}

type comparison struct {
	t      *testing.T
	tab    *table
	defs   map[string]schema
	fields int
}

func (c *comparison) message(file string, o object) {
	raw, err := os.ReadFile(file)
	if err != nil {
		c.t.Error(err)
		return
	}
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		c.t.Fatal(err)
	}
	c.defs = s.Definitions
	c.object(o.name, o, s)
}

func (c *comparison) resolve(s schema) schema {
	if s.Ref != "" {
		return c.defs[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	return s
}

func (c *comparison) object(path string, o object, s schema) {
	if len(o.fields) != len(s.Properties) {
		c.t.Errorf("%s has %d members, the schema %d", path, len(o.fields), len(s.Properties))
	}
	for _, f := range o.fields {
		p, ok := s.Properties[f.name]
		if !ok {
			c.t.Errorf("%s.%s is not in the schema", path, f.name)
			continue
		}
		if required := slices.Contains(s.Required, f.name); required == f.optional {
			c.t.Errorf("%s.%s: required is %v in the schema", path, f.name, required)
		}
		c.field(path+"."+f.name, f, c.resolve(p))
	}
}

func (c *comparison) field(path string, f field, s schema) {
	c.fields++
	if f.list != (s.Type == "array") {
		c.t.Errorf("%s: list in one of table and schema only", path)
		return
	}
	if f.list {
		// One schema asks for at least one sampled value, its twin does not say.
		if fmt.Sprint(s.MinItems) != zero(f.min) && (s.MinItems != 0 || f.name != "sampledValue") || fmt.Sprint(s.MaxItems) != zero(f.max) {
			c.t.Errorf("%s: %s to %s entries, the schema says %d to %d", path, f.min, f.max, s.MinItems, s.MaxItems)
		}
		s = c.resolve(*s.Items)
	}
	switch {
	case c.tab.isType(f.typ):
		i := slices.IndexFunc(c.tab.types, func(o object) bool { return o.name == f.typ })
		c.object(path, c.tab.types[i], s)
	case c.tab.isEnum(f.typ):
		i := slices.IndexFunc(c.tab.enums, func(e enum) bool { return e.name == f.typ })
		for _, v := range s.Enum {
			if !slices.Contains(c.tab.enums[i].values, v) {
				c.t.Errorf("%s: %q is missing in %s", path, v, f.typ)
			}
		}
		if len(s.Enum) == 0 || len(c.tab.enums[i].values)-len(s.Enum) > 1 { // one schema of units lacks Hertz
			c.t.Errorf("%s: %d values, the schema has %d", path, len(c.tab.enums[i].values), len(s.Enum))
		}
	default:
		want := map[string]string{"string": "string", "integer": "int", "number": "decimal", "boolean": "bool"}[s.Type]
		if s.Format == "date-time" {
			want = "dateTime"
		}
		step := ""
		if s.MultipleOf != 0 {
			step = strconv.FormatFloat(s.MultipleOf, 'g', -1, 64)
		}
		if f.typ != want || zero(f.len) != fmt.Sprint(s.MaxLength) || f.step != step {
			c.t.Errorf("%s is %s len=%s step=%s, the schema says %s %d %s", path, f.typ, f.len, f.step, want, s.MaxLength, step)
		}
	}
}

func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
