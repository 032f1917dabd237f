package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func table16(t testing.TB) *table {
	t.Helper()
	text, err := os.ReadFile("../../ocpp16/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	tab, err := parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestTheCommittedFileIsWhatItsTableGives(t *testing.T) {
	want, err := format.Source(table16(t).source("ocpp16"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../ocpp16/messages_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("messages_gen.go is not what messages.txt gives: run go generate ./ocpp/ocpp16")
	}
}

// checked is what every generated message is.
type checked interface{ Validate() error }

// typed makes empty values of a message's two halves.
type typed struct {
	name              string
	request, response func() checked
}

func of[Req, Resp any](a ocpp.Action[Req, Resp]) typed {
	return typed{a.Name, func() checked { return any(new(Req)).(checked) }, func() checked { return any(new(Resp)).(checked) }}
}

func typed16() []typed {
	return []typed{of(ocpp16.Authorize), of(ocpp16.BootNotification), of(ocpp16.CancelReservation), of(ocpp16.CertificateSigned),
		of(ocpp16.ChangeAvailability), of(ocpp16.ChangeConfiguration), of(ocpp16.ClearCache), of(ocpp16.ClearChargingProfile),
		of(ocpp16.DataTransfer), of(ocpp16.DeleteCertificate), of(ocpp16.DiagnosticsStatusNotification), of(ocpp16.ExtendedTriggerMessage),
		of(ocpp16.FirmwareStatusNotification), of(ocpp16.GetCompositeSchedule), of(ocpp16.GetConfiguration), of(ocpp16.GetDiagnostics),
		of(ocpp16.GetInstalledCertificateIds), of(ocpp16.GetLocalListVersion), of(ocpp16.GetLog), of(ocpp16.Heartbeat),
		of(ocpp16.InstallCertificate), of(ocpp16.LogStatusNotification), of(ocpp16.MeterValues), of(ocpp16.RemoteStartTransaction),
		of(ocpp16.RemoteStopTransaction), of(ocpp16.ReserveNow), of(ocpp16.Reset), of(ocpp16.SecurityEventNotification),
		of(ocpp16.SendLocalList), of(ocpp16.SetChargingProfile), of(ocpp16.SignCertificate), of(ocpp16.SignedFirmwareStatusNotification),
		of(ocpp16.SignedUpdateFirmware), of(ocpp16.StartTransaction), of(ocpp16.StatusNotification), of(ocpp16.StopTransaction),
		of(ocpp16.TriggerMessage), of(ocpp16.UnlockConnector), of(ocpp16.UpdateFirmware)}
}

// each calls f with both halves of every message of the table.
func each(t testing.TB, f func(o object, fresh func() checked)) {
	t.Helper()
	tab, all := table16(t), typed16()
	if len(all) != len(tab.messages) {
		t.Fatalf("%d typed actions, %d messages in the table", len(all), len(tab.messages))
	}
	for _, m := range tab.messages {
		i := slices.IndexFunc(all, func(a typed) bool { return a.name == m.name })
		if i < 0 {
			t.Fatalf("%s is not among the typed actions", m.name)
		}
		f(m.request, all[i].request)
		f(m.response, all[i].response)
	}
}

// example writes an object with all its members, or only the required ones. edit
// replaces the text of a member; "" leaves it out.
func (t *table) example(b *strings.Builder, o object, path string, full bool, edit func(path string, f field, text string) string) {
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
		text := t.exampleValue(f, inner, full, edit)
		if f.list {
			text = "[" + text + "]"
		}
		if text = edit(at, f, text); text == "" {
			continue
		}
		fmt.Fprintf(b, "%s%q:%s", sep, f.name, text)
		sep = ","
	}
	b.WriteByte('}')
}

func (t *table) exampleValue(f field, inner string, full bool, edit func(string, field, string) string) string {
	switch {
	case t.isType(f.typ):
		var b strings.Builder
		t.example(&b, t.types[slices.IndexFunc(t.types, func(o object) bool { return o.name == f.typ })], inner, full, edit)
		return b.String()
	case t.isEnum(f.typ):
		return fmt.Sprintf("%q", t.enums[slices.IndexFunc(t.enums, func(e enum) bool { return e.name == f.typ })].values[0])
	}
	return map[string]string{"string": `"a"`, "int": "0", "decimal": "1.5", "bool": "false", "dateTime": `"2026-03-01T08:00:00.123Z"`}[f.typ]
}

func asIs(_ string, _ field, text string) string { return text }

func read(raw string, v checked) error {
	if err := ocpp.DecodeStrict(json.RawMessage(raw), v, true); err != nil {
		return err
	}
	return v.Validate()
}

func TestEveryMessageSurvivesReadingAndWriting(t *testing.T) {
	tab := table16(t)
	each(t, func(o object, fresh func() checked) {
		for _, full := range []bool{true, false} {
			var b strings.Builder
			tab.example(&b, o, "", full, asIs)
			v := fresh()
			if err := read(b.String(), v); err != nil {
				t.Errorf("%s %s: %v", o.name, b.String(), err)
				continue
			}
			again, err := json.Marshal(v)
			if err != nil || string(again) != b.String() {
				t.Errorf("%s is written as\n%s, was\n%s (%v)", o.name, again, b.String(), err)
			}
		}
	})
}

// TestEveryMemberIsChecked breaks one member after the other, at every depth.
func TestEveryMemberIsChecked(t *testing.T) {
	tab := table16(t)
	cases := 0
	each(t, func(o object, fresh func() checked) {
		var members []string
		var fields []field
		var b strings.Builder
		tab.example(&b, o, "", true, func(path string, f field, text string) string {
			members, fields = append(members, path), append(fields, f)
			return text
		})
		for i, member := range members {
			for _, c := range tab.breaks(fields[i]) {
				var bad strings.Builder
				tab.example(&bad, o, "", true, func(path string, _ field, text string) string {
					if path == member {
						return c.text
					}
					return text
				})
				err := read(bad.String(), fresh())
				v, ok := errors.AsType[*ocpp.Violation](err)
				if !ok || v.Code != c.code || v.Path != member && v.Path != member+"[0]" && c.code != ocpp.CodeTypeConstraintViolation {
					t.Errorf("%s.%s = %.40s: got %v, want %s", o.name, member, c.text, err, c.code)
				}
				cases++
			}
		}
	})
	if cases < 480 {
		t.Fatalf("only %d cases", cases)
	}
}

type broken struct {
	text string
	code ocpp.ErrorCode
}

// breaks is what a member must not be.
func (t *table) breaks(f field) []broken {
	var out []broken
	add := func(text string, code ocpp.ErrorCode) {
		if f.list && text != "" {
			text = "[" + text + "]"
		}
		out = append(out, broken{text, code})
	}
	if !f.optional {
		add("", ocpp.CodeOccurrenceConstraintViolation)
	}
	if f.list && f.min != "" {
		out = append(out, broken{"[]", ocpp.CodeOccurrenceConstraintViolation})
	}
	add("[[]]", ocpp.CodeTypeConstraintViolation)
	if t.isEnum(f.typ) {
		add(`"Nonsense"`, ocpp.CodePropertyConstraintViolation)
	}
	if f.len != "" {
		add(`"`+strings.Repeat("ä", 10001)+`"`, ocpp.CodePropertyConstraintViolation)
	}
	if f.step != "" {
		add("1.55", ocpp.CodePropertyConstraintViolation)
	}
	return out
}

func FuzzDecode16(f *testing.F) {
	tab, all := table16(f), typed16()
	for i, m := range tab.messages {
		for response, o := range map[bool]object{false: m.request, true: m.response} {
			var b strings.Builder
			tab.example(&b, o, "", true, asIs)
			f.Add(i, response, []byte(b.String()))
		}
	}
	f.Fuzz(func(t *testing.T, i int, response bool, raw []byte) {
		a := all[max(0, i%len(all))]
		fresh := a.request
		if response {
			fresh = a.response
		}
		_, _ = ocpp.DecodeLenient(raw, fresh())
		v := fresh()
		if ocpp.DecodeStrict(raw, v, false) != nil || v.Validate() != nil {
			return
		}
		once, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("valid, but can't be written: %v", err)
		}
		second := fresh()
		if err := read(string(once), second); err != nil {
			t.Fatalf("%s is not read again: %v", once, err)
		}
		if twice, err := json.Marshal(second); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s (%v)", once, twice, err)
		}
	})
}

func TestNamesInGoSpelling(t *testing.T) {
	for name, want := range map[string]string{"idTag": "IDTag", "connectorId": "ConnectorID", "csChargingProfiles": "CSChargingProfiles",
		"parentIdTag": "ParentIDTag", "meterStart": "MeterStart", "IdTagInfo": "IDTagInfo"} {
		if got := goName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if reflect.TypeFor[ocpp16.StartTransactionRequest]().Field(0).Name != "ConnectorID" {
		t.Error("StartTransaction begins with its connector")
	}
}
