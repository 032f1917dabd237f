package ocpp

import (
	"encoding/json"
	"testing"
)

// FuzzScan holds the scanner against encoding/json.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `tru`, `true `, `nul`, `-`, `-0`, `01`, `1.`, `1.5e+3`, `1e`, `1E-9 `, `.5`, `+1`, `"a`, `"a"`, `"\u00e4"`, `"\u00g4"`, `"\x"`, `"\u12`, "\"\x01\"", "\"\xff\"",
		`[]`, `[ ]`, `[1,]`, `[,1]`, `[1 2]`, `[1,"a",{"b":[null]}]`, `[[[[]]]]`, `{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `{"a":1 "b":2}`, `{"a" : 1 , "b":{"c":[] } } `, `[1]x`, `[`, `{`, `{"a":1`, `[1`,
		`[2,"1","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"1.5"}]}]}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := validJSON(b), json.Valid(b); got != want {
			t.Fatalf("validJSON(%q) = %v, encoding/json says %v", b, got, want)
		}
		var want []json.RawMessage
		err := json.Unmarshal(b, &want)
		isArray := err == nil && want != nil
		if !isArray {
			want = nil
		}
		got, ok := elements([]json.RawMessage(nil), b, endless)
		if ok != isArray || ok && len(got) != len(want) {
			t.Fatalf("elements(%q) = %q, %v; encoding/json: %q, %v", b, got, ok, want, err)
		}
		for i := range want {
			if string(got[i]) != string(want[i]) {
				t.Fatalf("element %d of %q is %q, encoding/json says %q", i, b, got[i], want[i])
			}
		}
	})
}
