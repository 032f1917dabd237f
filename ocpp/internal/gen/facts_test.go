package main

import (
	"bytes"
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

// schema has every keyword that the official schemas use; another one is an error, so
// that no rule goes by unnoticed.
type schema struct {
	Type                 string            `json:"type"`
	Ref                  string            `json:"$ref"`
	Properties           map[string]schema `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Items                *schema           `json:"items"`
	MinItems             int               `json:"minItems"`
	MaxItems             int               `json:"maxItems"`
	Enum                 []string          `json:"enum"`
	Format               string            `json:"format"`
	MaxLength            int               `json:"maxLength"`
	Minimum              *float64          `json:"minimum"`
	Maximum              *float64          `json:"maximum"`
	MultipleOf           *float64          `json:"multipleOf"`
	Definitions          map[string]schema `json:"definitions"`
	// No rules:
	Schema          string          `json:"$schema"`
	ID              string          `json:"$id"`
	ID4             string          `json:"id"`
	Title           string          `json:"title"`
	Comment         string          `json:"comment"`
	Description     string          `json:"description"`
	JavaType        string          `json:"javaType"`
	Default         json.RawMessage `json:"default"`
	AdditionalItems *bool           `json:"additionalItems"` // means nothing beside items that are one schema
}

// factsDir is where the official schemas should be.
func factsDir() string {
	dir := os.Getenv("BUSBAR_FACTS")
	if dir == "" {
		dir = "../../../../shared"
	}
	return filepath.Join(dir, "ocpp", "schemas")
}

// facts is the folder of official schemas, or the test skips and says so.
func facts(t *testing.T) string {
	t.Helper()
	dir := factsDir()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("NOT COMPARED: no official OCPP schemas in %s; set BUSBAR_FACTS to the folder that has ocpp/schemas", dir)
	}
	return dir
}

// exceptions are where the tables differ from the official schemas on purpose: the
// difference as the comparison words it, and why. Each must occur.
var exceptions = map[string]map[string]string{
	"1.6": {
		`GetDiagnosticsRequest.location: format "uri" in the schema`:                                                         "the specification bounds nothing; what scheme is understood is the charger's",
		`UpdateFirmwareRequest.location: format "uri" in the schema`:                                                         "as above",
		"ExtendedTriggerMessageRequest.requestedMessage is a ExtendedMessageTrigger, the schema says MessageTriggerEnumType": "the name is taken by the list of TriggerMessage",
		"SignedFirmwareStatusNotificationRequest.status is a SignedFirmwareStatus, the schema says FirmwareStatusEnumType":   "the name is taken by the list of FirmwareStatusNotification",
		"StopTransactionRequest.transactionData.sampledValue: 1.. entries, the schema says 0..0":                             "the schema of MeterValues asks for one, as does the specification (16§7.33: 1..*)",
		`StopTransactionRequest.transactionData.sampledValue.unit: "Hertz" of UnitOfMeasure is not in the schema`:            "the schema of MeterValues has it",
	},
}

func TestTablesAgreeWithTheOfficialSchemas(t *testing.T) {
	dir := facts(t)
	for _, v := range versions(t) {
		t.Run(v.name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(dir, v.schemas, "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			c := &comparison{t: t, tab: v.table, rest: files, except: exceptions[v.name], met: map[string]bool{}}
			for _, m := range v.messages {
				request := m.name + "Request.json"
				if v.name == "1.6" || m.send {
					request = m.name + ".json"
				}
				c.message(filepath.Join(dir, v.schemas, request), m.request)
				if !m.send {
					c.message(filepath.Join(dir, v.schemas, m.name+"Response.json"), m.response)
				}
			}
			for _, file := range c.rest {
				t.Errorf("%s has no message in the table", file)
			}
			for difference := range c.except {
				if !c.met[difference] {
					t.Errorf("the exception %q does not occur", difference)
				}
			}
			if want := map[string]int{"1.6": 78, "2.0.1": 128, "2.1": 181}[v.name]; c.files != want {
				t.Errorf("%d files compared, want %d", c.files, want)
			}
			t.Logf("OCPP %s: %d schema files, %d members, %d enums with %d values compared; %d exceptions", v.name, c.files, c.fields, c.enums, c.values, len(c.except))
		})
	}
}

type comparison struct {
	t      *testing.T
	tab    *table
	rest   []string // files not compared yet
	except map[string]string
	met    map[string]bool
	defs   map[string]schema

	files, fields, enums, values int
}

// differ reports a difference that is no exception.
func (c *comparison) differ(format string, args ...any) {
	difference := fmt.Sprintf(format, args...)
	if c.except[difference] == "" {
		c.t.Error(difference)
	}
	c.met[difference] = true
}

func (c *comparison) message(file string, o object) {
	i := slices.Index(c.rest, file)
	if i < 0 {
		c.t.Errorf("no schema %s", file)
		return
	}
	c.rest = slices.Delete(c.rest, i, i+1)
	c.files++
	raw, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	var s schema
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		c.t.Fatalf("%s: %v", file, err)
	}
	c.defs = s.Definitions
	c.object(o.name, o, s)
}

// resolve follows a reference; name is what it refers to.
func (c *comparison) resolve(s schema) (_ schema, name string) {
	if s.Ref == "" {
		return s, ""
	}
	name = s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	return c.defs[name], name
}

// named checks that a type of the table is what the schema calls so.
func (c *comparison) named(path, typ, schema string) {
	short := strings.TrimSuffix(schema, "Type")
	if schema != "" && typ != schema && typ != short && typ != strings.TrimSuffix(short, "Enum") {
		c.differ("%s is a %s, the schema says %s", path, typ, schema)
	}
}

func (c *comparison) object(path string, o object, s schema) {
	if s.Type != "object" || s.AdditionalProperties == nil || *s.AdditionalProperties {
		c.differ("%s: %s with additionalProperties in the schema", path, s.Type)
	}
	for name := range s.Properties {
		if !slices.ContainsFunc(o.fields, func(f field) bool { return f.name == name }) {
			c.differ("%s.%s is missing", path, name)
		}
	}
	for _, name := range s.Required {
		if _, ok := s.Properties[name]; !ok {
			c.differ("%s.%s is required in the schema, but not described", path, name)
		}
	}
	for _, f := range o.fields {
		p, ok := s.Properties[f.name]
		if !ok {
			c.differ("%s.%s is not in the schema", path, f.name)
			continue
		}
		if required := slices.Contains(s.Required, f.name); required == f.optional {
			c.differ("%s.%s: required is %v in the schema", path, f.name, required)
		}
		c.field(path+"."+f.name, f, p)
	}
}

func (c *comparison) field(path string, f field, s schema) {
	c.fields++
	s, name := c.resolve(s)
	if f.list != (s.Type == "array") {
		c.differ("%s: list in one of table and schema only", path)
		return
	}
	if f.list {
		if zero(f.least) != fmt.Sprint(s.MinItems) || zero(f.most) != fmt.Sprint(s.MaxItems) {
			c.differ("%s: %s..%s entries, the schema says %d..%d", path, f.least, f.most, s.MinItems, s.MaxItems)
		}
		s, name = c.resolve(*s.Items)
	}
	typ := f.typ.new
	switch {
	case c.tab.isType(typ):
		c.named(path, typ, name)
		c.object(path, *c.tab.object(typ), s)
	case c.tab.isEnum(typ):
		c.named(path, typ, name)
		c.enum(path, *c.tab.enum(typ), s)
	case typ == "CustomData":
		vendor := s.Properties["vendorId"]
		if s.Type != "object" || s.AdditionalProperties != nil || len(s.Properties) != 1 || !slices.Equal(s.Required, []string{"vendorId"}) || vendor.Type != "string" || vendor.MaxLength != 255 {
			c.differ("%s is other custom data in the schema", path)
		}
	default:
		c.scalar(path, f, s)
	}
}

func (c *comparison) enum(path string, e enum, s schema) {
	c.enums++
	if s.Type != "string" {
		c.differ("%s: an enumeration, the schema says %s", path, s.Type)
	}
	for _, v := range s.Enum {
		c.values++
		if !slices.ContainsFunc(e.values, func(have value) bool { return have.text == v }) {
			c.differ("%s: %q is missing in %s", path, v, e.name)
		}
	}
	for _, v := range e.values {
		if !slices.Contains(s.Enum, v.text) {
			c.differ("%s: %q of %s is not in the schema", path, v.text, e.name)
		}
	}
}

func (c *comparison) scalar(path string, f field, s schema) {
	want := map[string]string{"string": "string", "integer": "int", "number": "decimal", "boolean": "bool", "": "any"}[s.Type]
	switch s.Format {
	case "":
	case "date-time":
		want = "dateTime"
	default:
		c.differ("%s: format %q in the schema", path, s.Format)
	}
	if len(s.Enum) > 0 || len(s.Properties) > 0 {
		c.differ("%s: more than a %s in the schema", path, s.Type)
	}
	have := fmt.Sprintf("%s len=%s min=%s max=%s step=%s", f.typ.new, zero(f.len.new), f.min.new, f.max.new, f.step)
	if in := fmt.Sprintf("%s len=%d min=%s max=%s step=%s", want, s.MaxLength, number(s.Minimum), number(s.Maximum), number(s.MultipleOf)); have != in {
		c.differ("%s is %s, the schema says %s", path, have, in)
	}
}

// number is a limit as the table writes it.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
