package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"busbar/ocpp"
)

func FuzzDecode16(f *testing.F)  { fuzzDecode(f, "1.6") }
func FuzzDecode201(f *testing.F) { fuzzDecode(f, "2.0.1") }
func FuzzDecode21(f *testing.F)  { fuzzDecode(f, "2.1") }

// fuzzDecode reads any bytes as any half of any message of a version, both ways. What
// is valid can be written, and read again as the same.
func fuzzDecode(f *testing.F, name string) {
	for _, v := range versions(f) {
		if v.name != name {
			continue
		}
		var halves []func() checked
		v.each(f, func(o object, fresh func() checked) {
			for _, full := range []bool{true, false} {
				f.Add(uint(len(halves)), []byte(v.example(o, full, asIs)))
			}
			halves = append(halves, fresh)
		})
		f.Fuzz(func(t *testing.T, i uint, raw []byte) {
			fresh := halves[i%uint(len(halves))]
			lenient := fresh()
			if _, err := ocpp.DecodeLenient(raw, lenient); err == nil {
				_ = v.validate(lenient)
			}
			v.keeps(t, raw, fresh)
		})
	}
}

// keeps checks that a valid message is the same after writing and reading it.
func (v version) keeps(t *testing.T, raw []byte, fresh func() checked) {
	first := fresh()
	if ocpp.DecodeStrict(raw, first, v.protocol != ocpp.V16) != nil || v.validate(first) != nil {
		return
	}
	once, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("valid, but can't be written: %v", err)
	}
	second := fresh()
	if err := v.read(string(once), second); err != nil {
		t.Fatalf("%s is not read again: %v", once, err)
	}
	if twice, err := json.Marshal(second); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%s became %s (%v)", once, twice, err)
	}
}
