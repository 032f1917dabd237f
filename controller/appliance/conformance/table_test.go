package conformance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"busbar/ocpp"
)

// testCase is a case that is played here.
type testCase struct {
	id, what string
	play     func(c *station)
}

// official is a list of ids of a test plan, block by block.
type official struct{ profile, kind, ids string }

// octt16 is what OCTT has for a central system of OCPP 1.6 (revision 2025).
var octt16 = []official{
	{"Boot", "M", "001"}, {"Session", "M", "003 004_1 004_2 005_1"}, {"Cache", "M", "007 061"}, {"Remote", "M", "010 011_1 011_2 012 026 028"},
	{"Reset and unlock", "M", "013 014 017_1 017_2 018_1 030 031"}, {"Configuration", "M", "019_1 019_2 021 040_1 040_2"},
	{"Refusals and faults", "M", "023_1 023_2 023_3 024"}, {"Power loss and offline", "M", "032_1 037_1 037_3 039"},
	{"Local list", "M", "042_1 042_2 043_1 043_3 043_4 043_5"}, {"Firmware and diagnostics", "M", "044_1 044_2 044_3 045_1 045_2"},
	{"Reservation", "M", "046 047 048_1 048_2 048_3 048_4 049 051 052 053"}, {"Trigger", "M", "054 055"}, {"Smart charging", "M", "056 057 059 066 067"},
	{"Data transfer", "M", "064"}, {"Security", "M", "073 074 075_1 075_2 076 077 078 079 080 081 083 085 086 087 088"},
}

// elsewhere are cases shown by another test.
var elsewhere = map[string]string{
	"TC_085_CSMS": "controller/appliance: TestIndependentChargePointSaysAllOf16/profile_1, TestChargersPortsSpeakTLS",
	"TC_086_CSMS": "controller/appliance: TestIndependentChargePointSaysAllOf16/profile_2",
	"TC_087_CSMS": "controller/appliance: TestIndependentChargePointSaysAllOf16/profile_3",
}

// notApplicable are cases that a box does not have, and why.
var notApplicable = map[string]string{}

// open are cases that are not shown yet, and what is missing.
var open = map[string]string{
	"TC_073_CSMS": "a new key by the operator's command: see controller/adoption",
	"TC_083_CSMS": "raising the security profile by the operator's command: see controller/adoption",
}

func names(list []official, prefix, suffix string) (out []string) {
	for _, o := range list {
		for id := range strings.FieldsSeq(o.ids) {
			out = append(out, prefix+id+suffix)
		}
	}
	return out
}

func TestOCTT16(t *testing.T) { play(t, cases16, ocpp.V16) }

// play runs cases against one box, each with a charging station of its own.
func play(t *testing.T, cases []testCase, p ocpp.Protocol) {
	var chargers []string
	for _, c := range cases {
		chargers = append(chargers, c.id)
	}
	s := newSite(t, chargers)
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) { c.play(newStation(t, s, c.id, p)) })
	}
}

const document = "../../../ocpp/CONFORMANCE.md"

var update = flag.Bool("update", false, "write ocpp/CONFORMANCE.md")

// TestTheTableIsTrue holds ocpp/CONFORMANCE.md against the cases: every id of the
// official lists is played here, shown elsewhere, not applicable, or named as open.
func TestTheTableIsTrue(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil || string(got) != want {
		t.Errorf("ocpp/CONFORMANCE.md is not what the cases say (%v): go test ./controller/appliance/conformance -run Table -update, then read the difference", err)
	}
	for id := range known(cases16) {
		if !slices.Contains(names(octt16, "TC_", "_CSMS"), id) {
			t.Errorf("%s is not in the official list", id)
		}
	}
}

// known is where each id stands, in words.
func known(cases []testCase) map[string]string {
	out := map[string]string{}
	for _, c := range cases {
		out[c.id] = c.what
	}
	return out
}

func page() string {
	var b strings.Builder
	b.WriteString("# Conformance: the box as CSMS of chargers\n\n" +
		"Every case of the official test plans that concerns a CSMS, by its id. Cases with a name of their own are played by\n" +
		"`go test ./controller/appliance/conformance` as a subtest of that id, byte by byte over a real socket. The page is written by that\n" +
		"package's tests (`-update`) and held against them.\n\n## OCPP 1.6: OCTT\n\n")
	section(&b, octt16, "TC_", "_CSMS", known(cases16), "TestOCTT16")
	return b.String()
}

func section(b *strings.Builder, list []official, prefix, suffix string, played map[string]string, test string) {
	ids := names(list, prefix, suffix)
	counts := map[string]int{}
	var rows strings.Builder
	for _, o := range list {
		for id := range strings.FieldsSeq(o.ids) {
			id = prefix + id + suffix
			state, words := stateOf(id, played, test)
			counts[state]++
			fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", id, o.profile, o.kind, state, words)
		}
	}
	fmt.Fprintf(b, "%d ids:", len(ids))
	for i, state := range slices.Sorted(maps.Keys(counts)) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, " %d %s", counts[state], state)
	}
	b.WriteString(".\n\n| id | group | M/C | state | what |\n|---|---|---|---|---|\n" + rows.String())
}

func stateOf(id string, played map[string]string, test string) (state, words string) {
	if what, ok := played[id]; ok {
		return "passing", what + " (" + test + ")"
	}
	if where, ok := elsewhere[id]; ok {
		return "passing", where
	}
	if why, ok := notApplicable[id]; ok {
		return "not applicable", why
	}
	if missing, ok := open[id]; ok {
		return "open", missing
	}
	return "open", "not shown yet"
}
