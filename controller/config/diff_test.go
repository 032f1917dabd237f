package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	before := mustParse(t, good(t))
	after := mustParse(t, strings.NewReplacer(
		"failsafe_a: 6", "failsafe_a: 0",
		`"env:CP1_KEY"`, hidden,
		", bay: \"A-01\"", "",
		"[L2, L3, L1]", "[L1]",
		"\nupstream: {stations: [{id: SITE1, url: \"wss://csms.example/ocpp\", protocol: ocpp1.6, security_profile: 2, password: \"file:key\", dialect: default}]}",
		"\n  - {id: CP2, circuit: main, password: \"file:k\", connectors: [{n: 1, max_a: 16}]}",
		"Depot North", "Depot South").Replace(good(t)))
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.String())
	}
	want := []string{
		`site.name: "Depot North" -> "Depot South"`,
		`chargers[CP1].password: "env:CP1_KEY" -> "(redacted)"`,
		`chargers[CP1].failsafe_a: 6 -> 0`,
		`chargers[CP1].connectors[1].phases: [L2, L3, L1] -> [L1]`,
		`chargers[CP1].connectors[1].bay: removed A-01`,
		`chargers[CP2]: added {id: CP2, circuit: main, protocol: any, security_profile: 2, password: "file:k", failsafe_a: 6, connectors: [{n: 1, min_a: 6, max_a: 16}]}`,
		`upstream.stations[SITE1]: removed {id: SITE1, url: "wss://csms.example/ocpp", protocol: ocpp1.6, security_profile: 2, password: "file:key", dialect: default}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if changes := Diff(before, mustParse(t, string(before.YAML()))); len(changes) != 0 {
		t.Errorf("equal revisions differ: %v", changes)
	}
}

func TestDiffIgnoresTheOrderOfEntries(t *testing.T) {
	swapped := strings.Replace(good(t), "  - {id: main, limit_a: [63, 63, 63], breaker: gG}\n  - {id: board-a, parent: main, limit_a: [40, 40, 40], breaker: MCB-C}",
		"  - {id: board-a, parent: main, limit_a: [40, 40, 40], breaker: MCB-C}\n  - {id: main, limit_a: [63, 63, 63], breaker: gG}", 1)
	if changes := Diff(mustParse(t, good(t)), mustParse(t, swapped)); len(changes) != 0 {
		t.Errorf("got %v", changes)
	}
}

// TestDiffShowsChangedSecretsWithoutThem: two literals differ, neither is shown.
func TestDiffShowsChangedSecretsWithoutThem(t *testing.T) {
	a := mustParse(t, strings.Replace(good(t), `"env:CP1_KEY"`, hidden, 1))
	b := mustParse(t, strings.Replace(good(t), `"env:CP1_KEY"`, hidden+"2", 1))
	changes := Diff(a, b)
	if len(changes) != 1 || changes[0].String() != `chargers[CP1].password: "(redacted)" -> "(redacted)"` {
		t.Errorf("got %v", changes)
	}
}
