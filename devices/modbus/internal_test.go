package modbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"busbar/devices"
	"busbar/devices/catalog"

	goburrow "github.com/goburrow/modbus"
)

func TestParseAddress(t *testing.T) {
	cases := map[string]Address{
		"tcp://10.0.0.5:502/1":                      {"10.0.0.5:502", 1, ""},
		"tcp://10.0.0.5":                            {"10.0.0.5:502", 1, ""},
		"tcp://10.0.0.5/0":                          {"10.0.0.5:502", 0, ""},
		"tcp://meter.lan:1502/71/":                  {"meter.lan:1502", 71, ""},
		"tcp://[fe80::1]:502/255":                   {"[fe80::1]:502", 255, ""},
		"tcp://h:9/1?model=eastron_sdm630":          {"h:9", 1, "eastron_sdm630"},
		"tcp://127.0.0.1:15020/1?model=abb_b23_b24": {"127.0.0.1:15020", 1, "abb_b23_b24"},
	}
	for text, want := range cases {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10.0.0.5:502", "udp://h/1", "tcp:///1", "tcp://h/256", "tcp://h/-1", "tcp://h/1/2", "tcp://h:0/1", "tcp://h:x/1", "tcp://u@h/1", "tcp://h:70000/1"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q was taken for %+v", text, got)
		}
	}
}

func lookup(t *testing.T, id string) catalog.Model {
	t.Helper()
	m, err := catalog.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPlanReadsWhatMattersAtOnce(t *testing.T) {
	fast, slow := plan(lookup(t, "eastron_sdm630"))
	if len(fast) != 1 || fast[0].Block != (catalog.Block{Address: 0, Count: 18}) || len(fast[0].registers) != 9 {
		t.Errorf("fast reads: %+v", fast)
	}
	if len(slow) != 2 || slow[0].Block != (catalog.Block{Address: 52, Count: 2}) || slow[1].Block != (catalog.Block{Address: 70, Count: 6}) {
		t.Errorf("slow reads: %+v", slow)
	}
}

func TestPlanKeepsTheLimitsOfEveryModel(t *testing.T) {
	models, err := catalog.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		fast, slow := plan(m)
		found := map[devices.Measurand]bool{}
		for _, r := range append(fast, slow...) {
			if r.Count < 1 || r.Count > m.Max {
				t.Errorf("%s: a read of %d registers, the most is %d", m.ID, r.Count, m.Max)
			}
			for _, reg := range r.registers {
				if !r.Holds(reg) || found[reg.Measurand] {
					t.Errorf("%s: %s is outside its read or read twice", m.ID, reg.Measurand)
				}
				found[reg.Measurand] = true
			}
		}
		if len(found) != len(m.Registers) {
			t.Errorf("%s: %d of %d registers are read", m.ID, len(found), len(m.Registers))
		}
	}
}

func TestRangesNeverCutANumberNorCrossAWideGap(t *testing.T) {
	reg := func(address uint16, typ catalog.Type) catalog.Register {
		return catalog.Register{Address: address, Type: typ, Scale: 1}
	}
	got := ranges([]catalog.Register{reg(30, catalog.F32), reg(0, catalog.U64), reg(4, catalog.U16), reg(13, catalog.F32), reg(24, catalog.F32)}, 10)
	want := []catalog.Block{{Address: 0, Count: 5}, {Address: 13, Count: 2}, {Address: 24, Count: 8}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].Block != want[i] {
			t.Errorf("read %d: %+v, want %+v", i, got[i].Block, want[i])
		}
	}
}

// FuzzModbusDecode: whatever a peer sends, an answer is either refused or exactly the
// registers that were asked for.
func FuzzModbusDecode(f *testing.F) {
	good := append([]byte{0, 1, 0, 0, 0, 39, 1, 4, 36}, make([]byte, 36)...)
	f.Add(good)
	f.Add(good[:12])
	f.Add([]byte{0, 1, 0, 0, 0, 3, 1, 0x84, 2})
	f.Add([]byte{0, 1, 0, 0, 0xFF, 0xFF, 1, 4, 36})
	f.Add([]byte{0, 1, 0, 0, 0, 2, 1, 0x84})
	f.Add([]byte{0, 1, 0, 0, 0, 2, 1, 4})
	handler := goburrow.NewTCPClientHandler("")
	handler.SlaveId = 1
	request, err := handler.Encode(&goburrow.ProtocolDataUnit{FunctionCode: 4, Data: []byte{0, 0, 0, 18}})
	if err != nil {
		f.Fatal(err)
	}
	model, err := catalog.Lookup("eastron_sdm630")
	if err != nil {
		f.Fatal(err)
	}
	fast, _ := plan(model)
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := readFrame(bytes.NewReader(data))
		if err != nil {
			if _, ok := errors.AsType[*devices.Fault](err); !ok && !errors.Is(err, io.EOF) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if len(frame) > 260 || len(frame) != 6+int(binary.BigEndian.Uint16(data[4:])) {
			t.Fatalf("frame of %d bytes", len(frame))
		}
		if handler.Verify(request, frame) != nil {
			return
		}
		pdu, err := handler.Decode(frame)
		if err != nil {
			return
		}
		raw, err := registers(pdu.FunctionCode, pdu.Data, 4, 18)
		if err != nil {
			return
		}
		if len(raw) != 36 {
			t.Fatalf("%d bytes for 18 registers", len(raw))
		}
		var v devices.Values
		fast[0].decode(raw, model.LowFirst, &v)
		r, err := devices.Assemble(v, model.Nature, devices.Mounting{})
		if err != nil || devices.Check(r, devices.Limits{Nominal: 63_000}) != nil {
			return
		}
		for _, c := range r.Current {
			if c > 630_000 || c < -630_000 {
				t.Fatalf("current %d passed", c)
			}
		}
	})
}
