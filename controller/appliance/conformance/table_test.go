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

// strangers are the cases whose station is not in the configuration.
var strangers = map[string]bool{"TC_B_02_CSMS": true, "TC_B_30_CSMS": true, "TC_B_31_CSMS": true}

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

// part6 is what Part 5 of 2.0.1 asks of a CSMS, and what Part 6 has beside it, in the
// blocks that concern a box with chargers behind it. M is mandatory in its profile.
var part6 = []official{
	{"Core", "M", "A_01 A_02 A_03 A_04 A_06 A_09 A_10 A_19 B_01 B_06 B_09 B_20 B_21 B_22 B_42 B_44"},
	{"Core", "M", "C_02 C_06 C_07 C_08 C_20 C_37 C_38 C_39 C_47 C_48 C_49"},
	{"Core", "M", "E_01 E_02 E_03 E_04 E_07 E_08 E_09 E_10 E_11 E_12 E_14 E_15 E_16 E_17 E_19 E_20 E_21 E_22 E_26 E_38 E_39 E_53"},
	{"Core", "M", "F_01 F_02 F_03 F_04 F_20 F_27 G_03 G_04 G_05 G_06 G_07 G_08 G_11 G_14 G_17 G_20"},
	{"Core", "M", "J_01 J_02 J_03 J_04 J_07 J_08 J_09 J_10 J_11 L_01 L_04 L_05 L_06 L_07 L_08 L_09 L_10 L_11 L_13"},
	{"Core", "M", "M_01 M_02 M_05 M_13 M_18 M_19 M_20 M_21 N_25 N_27 N_28 N_29 N_30 N_31 N_32 N_34 N_35 N_36 P_02 P_03"},
	{"Core", "C", "B_02 B_07 B_10 B_12 B_13 B_25 B_26 B_27 B_30 B_31 E_29 E_30 E_31 E_33 E_34 F_06 F_11 F_12 F_13 F_14 F_15 F_18 F_23 F_24 L_02 L_03 N_62"},
	{"Advanced Security", "M", "A_07 A_08 A_11 A_14"},
	{"Smart Charging", "M", "K_01 K_03 K_04 K_05 K_06 K_08 K_15 K_19 K_29 K_30 K_31 K_32 K_33 K_34 K_35 K_36 K_37 K_43 K_44 K_60 K_70"},
	{"Smart Charging", "C", "K_10"},
	{"Local Authorization List", "M", "C_40 C_43 D_01 D_02 D_03 D_04 D_09 N_46"},
	{"Local Authorization List", "C", "D_08"},
	{"Reservation", "M", "H_01 H_07 H_17 H_19 H_20 H_22"},
	{"Reservation", "C", "H_08 H_14 H_15"},
	{"Advanced Device Management", "M", "B_14 B_18 N_01 N_02 N_03 N_05 N_08 N_16 N_17 N_18 N_21 N_24 N_44 N_47 N_49 N_50 N_60"},
	{"ISO 15118", "M", "A_12 C_50 C_51 C_52 K_53 K_55 K_57 K_58 K_59 M_03 M_04 M_14 M_15 M_16 M_24 M_26 M_28"},
	{"ISO 15118", "C", "A_13 N_63"},
	{"not in Part 5", "-", "B_08 K_48 K_50 K_51 K_52 L_17 L_19 L_20 L_21 L_22 L_23 L_24"},
}

// notApplicable are cases that a box does not have, and why. All are of the optional
// profile ISO 15118, of which the box has the plans of cars and no contracts.
var notApplicable = map[string]string{
	"TC_A_12_CSMS": noContracts, "TC_A_13_CSMS": noContracts,
	"TC_C_50_CSMS": noContracts, "TC_C_51_CSMS": noContracts, "TC_C_52_CSMS": noContracts,
	"TC_M_24_CSMS": noContracts, "TC_M_26_CSMS": noContracts, "TC_M_28_CSMS": noContracts,
}

const noContracts = "Plug and Charge is not offered: contracts are judged and signed by the cloud, whose OCPP 1.6 has no message for it"

func names(list []official, prefix, suffix string) (out []string) {
	for _, o := range list {
		for id := range strings.FieldsSeq(o.ids) {
			out = append(out, prefix+id+suffix)
		}
	}
	return out
}

func TestOCTT16(t *testing.T) { play(t, cases16, ocpp.V16) }

func TestPart6(t *testing.T) { play(t, cases201, ocpp.V201) }

// TestPart6On21 plays the same cases by stations of 2.1, which has no test plan of its own
// yet: what 2.0.1 may say 2.1 may say, too.
func TestPart6On21(t *testing.T) { play(t, cases201, ocpp.V21) }

// play runs cases against one box, each with a charging station of its own.
func play(t *testing.T, cases []testCase, p ocpp.Protocol) {
	t.Parallel()
	var chargers []string
	for _, c := range cases {
		if !strangers[c.id] {
			chargers = append(chargers, c.id)
		}
	}
	s := newSite(t, chargers)
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) { c.play(newStation(t, s, c.id, p)) })
	}
}

const document = "../../../ocpp/CONFORMANCE.md"

var update = flag.Bool("update", false, "write ocpp/CONFORMANCE.md")

// TestTheTableIsTrue holds ocpp/CONFORMANCE.md against the cases: every id of the
// official lists is played here or not applicable; what is left is open.
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
	for _, list := range []struct {
		cases []testCase
		ids   []official
	}{{cases16, octt16}, {cases201, part6}} {
		for id := range known(list.cases) {
			if !slices.Contains(names(list.ids, "TC_", "_CSMS"), id) {
				t.Errorf("%s is not in the official list", id)
			}
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
		"Every case of the official test plans that concerns a CSMS, by its id. Those that pass are played by\n" +
		"`go test ./controller/appliance/conformance` as a subtest of that id, byte by byte over a real socket. The page is written by that\n" +
		"package's tests (`-update`) and held against them. The cases of 2.0.1 are played by stations of 2.1, too (TestPart6On21).\n\n## OCPP 1.6: OCTT\n\n")
	section(&b, octt16, "TC_", "_CSMS", known(cases16), "TestOCTT16")
	b.WriteString("\n## OCPP 2.0.1: Part 6\n\n")
	section(&b, part6, "TC_", "_CSMS", known(cases201), "TestPart6")
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
	if why, ok := notApplicable[id]; ok {
		return "not applicable", why
	}
	return "open", "not shown yet"
}
