package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

func TestTheCommittedFilesAreWhatTheTablesGive(t *testing.T) {
	for _, pkg := range []string{"ocpp16", "ocpp2"} {
		for name, source := range readTable(t, pkg).sources(pkg) {
			want, err := format.Source(source)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join("../..", pkg, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not what messages.txt gives: run go generate ./ocpp/%s", pkg, name, pkg)
			}
		}
	}
}

// edit replaces the text of a member; "" leaves it out.
type edit func(path string, f field, text string) string

func asIs(_ string, _ field, text string) string { return text }

// example is an object with all its members, or only the required ones.
func (v version) example(o object, full bool, e edit) string {
	var b strings.Builder
	v.writeExample(&b, o, "", full, e)
	return b.String()
}

func (v version) writeExample(b *strings.Builder, o object, path string, full bool, e edit) {
	b.WriteByte('{')
	sep := ""
	for _, f := range o.fields {
		if f.optional && !full {
			continue
		}
		at := path + f.name
		inner := at + "."
		if f.list {
			inner = at + "[0]."
		}
		text := v.exampleValue(f, inner, full, e)
		if f.list {
			text = "[" + text + "]"
		}
		if text = e(at, f, text); text == "" {
			continue
		}
		fmt.Fprintf(b, "%s%q:%s", sep, f.name, text)
		sep = ","
	}
	b.WriteByte('}')
}

func (v version) exampleValue(f field, inner string, full bool, e edit) string {
	typ := f.typ.new
	switch {
	case v.isType(typ):
		var b strings.Builder
		v.writeExample(&b, *v.object(typ), inner, full, e)
		return b.String()
	case v.isEnum(typ):
		return fmt.Sprintf("%q", v.enum(typ).values[0].text)
	case f.name == "location" && typ == "string":
		return `"ftp://a/b"`
	case typ == "int" && f.min.new != "":
		return f.min.new
	case typ == "decimal" && f.max.new != "":
		return f.max.new
	}
	return map[string]string{"string": `"a"`, "int": "0", "decimal": "1.5", "bool": "false", "dateTime": `"2026-03-01T08:00:00.123Z"`,
		"any": `{"a":[1,2.50]}`, "CustomData": `{"vendorId":"a","b":[1.50]}`}[typ]
}

// read reads strictly and validates.
func (v version) read(raw string, into checked) error {
	if err := ocpp.DecodeStrict(json.RawMessage(raw), into, true); err != nil {
		return err
	}
	return v.validate(into)
}

func TestEveryMessageSurvivesReadingAndWriting(t *testing.T) {
	for _, v := range versions(t) {
		t.Run(v.name, func(t *testing.T) {
			v.each(t, func(o object, fresh func() checked) {
				for _, full := range []bool{true, false} {
					raw, into := v.example(o, full, asIs), fresh()
					if err := v.read(raw, into); err != nil {
						t.Errorf("%s %s: %v", o.name, raw, err)
						continue
					}
					again, err := json.Marshal(into)
					if err != nil || string(again) != raw {
						t.Errorf("%s is written as\n%s, was\n%s (%v)", o.name, again, raw, err)
					}
				}
			})
		})
	}
}

func TestActionsAreThoseOfTheTables(t *testing.T) {
	sides := map[string]ocpp.Role{"station": ocpp.ChargingStation, "csms": ocpp.CSMS, "both": ocpp.Both}
	for _, v := range versions(t) {
		known := ocpp16.Known
		if v.protocol != ocpp.V16 {
			known = ocpp2.KnownIn(v.protocol)
		}
		spoken := 0
		for _, a := range v.types {
			if role, ok := known(a.name); ok != (a.since <= v.protocol) || ok && role != a.from {
				t.Errorf("OCPP %s: %s is known to be sent by %v (%v), its action says %v since %q", v.name, a.name, role, ok, a.from, a.since)
			} else if ok {
				spoken++
			}
		}
		for _, m := range v.messages {
			if role, ok := known(m.name); !ok || role != sides[m.role] {
				t.Errorf("OCPP %s: %s is known to be sent by %v (%v), the table says %s", v.name, m.name, role, ok, m.role)
			}
		}
		if spoken != len(v.messages) {
			t.Errorf("OCPP %s: %d typed actions, %d messages in the table", v.name, spoken, len(v.messages))
		}
		t.Logf("OCPP %s: %d actions", v.name, spoken)
	}
}

func TestNamesInGoSpelling(t *testing.T) {
	for name, want := range map[string]string{"idTag": "IDTag", "connectorId": "ConnectorID", "csChargingProfiles": "CSChargingProfiles",
		"parentIdTag": "ParentIDTag", "meterStart": "MeterStart", "IdTagInfo": "IDTagInfo", "limit_L2": "LimitL2", "evseId": "EVSEID",
		"ocppCsmsUrl": "OCPPCSMSURL", "v2xBaseline": "V2XBaseline", "EVSE": "EVSE", "prioritizedEMAIDs": "PrioritizedEMAIDs"} {
		if got := goName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if reflect.TypeFor[ocpp16.StartTransactionRequest]().Field(0).Name != "ConnectorID" {
		t.Error("StartTransaction begins with its connector")
	}
}
