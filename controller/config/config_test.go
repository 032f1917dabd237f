package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"busbar/loadbalance"

	"github.com/google/go-cmp/cmp"
)

// known is what the tests' catalogue holds.
func known() Known {
	return Known{MeterModels: []string{"eastron_sdm630", "janitza_umg604", "one_phase"}, FuseMeters: []string{"eastron_sdm630", "janitza_umg604"}}
}

// good is the example other programs were written against.
func good(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustParse(t *testing.T, data string) *Config {
	t.Helper()
	c, err := Parse("site.yaml", []byte(data), known())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var exact = cmp.AllowUnexported(Secret{}, MeterURL{})

func TestContractExample(t *testing.T) {
	want := &Config{
		Version: 1,
		Site:    Site{ID: "depot1", Name: "Depot North", Timezone: "Europe/Berlin", NominalV: 230},
		Grid: []Supply{{Circuit: "main", Meter: "grid", Type: GridStar,
			WorstBase: loadbalance.Uniform(20_000), LargestStep: 25_000}},
		Circuits: []Circuit{{ID: "main", Limit: loadbalance.Uniform(63_000), Breaker: BreakerGG},
			{ID: "board-a", Parent: "main", Limit: loadbalance.Uniform(40_000), Breaker: BreakerC}},
		Meters: []Meter{{ID: "grid", Model: "eastron_sdm630", Period: time.Second,
			URL: MeterURL{text: "tcp://10.0.0.5:502/1", Scheme: "tcp", Host: "10.0.0.5:502", Unit: 1}}},
		Chargers: []Charger{{ID: "CP1", Circuit: "board-a", Protocol: ProtocolAny, SecurityProfile: 2, Password: NewSecret("env:CP1_KEY"), Failsafe: 6_000,
			Connectors: []Connector{{Number: 1, Min: 6_000, Max: 32_000, Wiring: []loadbalance.Phase{loadbalance.L2, loadbalance.L3, loadbalance.L1}, Bay: "A-01", EVSEID: "DE*ABC*E001"}}}},
		Upstream:      Upstream{Stations: []Station{{ID: "SITE1", URL: "wss://csms.example/ocpp", Protocol: OCPP16, SecurityProfile: 2, Password: NewSecret("file:key"), Dialect: "default"}}},
		Authorization: Authorization{Unknown: Reject, OfflineUnknown: Reject},
		Onboarding:    OnboardApprove,
		Listen:        Listen{UI: ":443", WSS: ":8888", MTLS: ":8889"},
		Sharing:       SharingFair,
	}
	if d := cmp.Diff(want, mustParse(t, good(t)), exact); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, mustParse(t, string(Example())), exact); d != "" {
		t.Errorf("the commented example differs from the contract:\n%s", d)
	}
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, `
version: 1
site: {id: s, timezone: UTC}
grid: [{circuit: main, type: star-230-400, worst_base_a: [0, 0, 0]}]
circuits: [{id: main, limit_a: [16, 16.5, 0], breaker: MCB-B}]
chargers: [{id: "a*b=c", circuit: main, password: secret-secret, failsafe_a: 0, connectors: [{n: 1, max_a: 16}]}]
`)
	want := &Config{
		Version:       1,
		Site:          Site{ID: "s", Timezone: "UTC", NominalV: 230},
		Grid:          []Supply{{Circuit: "main", Type: GridStar}},
		Circuits:      []Circuit{{ID: "main", Limit: loadbalance.PerPhase{16_000, 16_500, 0}, Breaker: BreakerB}},
		Chargers:      []Charger{{ID: "a*b=c", Circuit: "main", Protocol: ProtocolAny, SecurityProfile: 2, Password: NewSecret("secret-secret"), Connectors: []Connector{{Number: 1, Min: 6_000, Max: 16_000}}}},
		Authorization: Authorization{Unknown: Reject, OfflineUnknown: Reject},
		Onboarding:    OnboardApprove,
		Listen:        defaultListen(),
		Sharing:       SharingFair,
	}
	if d := cmp.Diff(want, c, exact); d != "" {
		t.Error(d)
	}
}

func TestCanonicalFormRoundTrips(t *testing.T) {
	odd := strings.ReplaceAll(good(t), `name: Depot North`, `name: "yes: \"#1\" \\ Ü 😀"`)
	odd = strings.ReplaceAll(odd, `"env:CP1_KEY"`, `"a:b#c'd\"e{[%&*!|>"`)
	fleet := strings.NewReplacer("groups: []", `groups: [{id: drivers, id_tokens: ["04ab", "1e5"], parent: FLEET, needs_kwh: 7.5, schedule: early}]`,
		"max_a: 32,", "max_a: 32, schedule: early,",
		"period: 1s}", `period: 1s}, {id: roof, url: "tcp://10.0.0.6:502/1", model: eastron_sdm630, role: pv}`,
		"schedules: []", `tariff: {price_kwh: 0.32, times: [{days: [sat, sun], from: "22:00", to: "06:00", price_kwh: -0.02125}], peak: {limit_kw: 60.5, price_kw: 12.5, set_kw: 40}}
schedules: [{id: early, leaves: [{days: [mon, fri], at: "05:30"}, {at: "00:00"}], needs_kwh: 40}]`,
		"vehicles: {}", `vehicles: [{id: van, name: Van, id_tokens: ["04cd"], battery_kwh: 60.125, max_a: 16, phases: 3, needs_kwh: 25, target_soc: 80, schedule: early}]`).Replace(good(t))
	for _, text := range []string{good(t), string(Example()), odd, fleet} {
		c := mustParse(t, text)
		once := c.YAML()
		again := mustParse(t, string(once))
		if d := cmp.Diff(c, again, exact); d != "" {
			t.Errorf("the canonical form reads differently:\n%s\n%s", d, once)
		}
		if d := cmp.Diff(string(once), string(again.YAML())); d != "" {
			t.Error(d)
		}
	}
}

func TestNodes(t *testing.T) {
	text := strings.Replace(good(t), "breaker: MCB-C}", "breaker: MCB-C, meter: sub, worst_base_a: [1, 2, 3]}", 1)
	text = strings.Replace(text, "meters: [", `meters: [{id: sub, url: "mqtt://broker/a?l1=x&l2=y&l3=z"}, `, 1)
	c := mustParse(t, text)
	want := []loadbalance.Node{
		{ID: "main", Limit: loadbalance.Uniform(63_000), Breaker: loadbalance.BreakerGG, Metered: true, WorstBase: loadbalance.Uniform(20_000), LargestStep: 25_000},
		{ID: "board-a", Parent: "main", Limit: loadbalance.Uniform(40_000), Breaker: loadbalance.BreakerMCB, Metered: true, WorstBase: loadbalance.PerPhase{1_000, 2_000, 3_000}},
	}
	if d := cmp.Diff(want, c.Nodes()); d != "" {
		t.Error(d)
	}
	if id, ok := c.MeterCircuit("sub"); !ok || id != "board-a" {
		t.Errorf("meter sub measures %q, %v", id, ok)
	}
	if id, ok := c.MeterCircuit("grid"); !ok || id != "main" {
		t.Errorf("meter grid measures %q, %v", id, ok)
	}
}

func TestAllProblemsAtOnceByLine(t *testing.T) {
	text := strings.NewReplacer("nominal_v: 230", "nominal_v: 100", "failsafe_a: 6", "failsafe_a: 3", "phases: [L2, L3, L1]", "phases: [L2, L2]",
		"parent: main", "parent: mian", "onboarding: approve", "onboarding: aprove").Replace(good(t))
	_, err := Parse("site.yaml", []byte(text), known())
	problems, ok := errors.AsType[Problems](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := `site.yaml:2: site.nominal_v: must be volts from phase to neutral from 110 to 240, got 100. Write a number from 110 to 240.
site.yaml:6: circuits[1].parent: "mian" is not in circuits. Did you mean main?
site.yaml:10: chargers[0].failsafe_a: must be 0 or 6 to 80 A, got 3. Write 0 or at least 6.
site.yaml:11: chargers[0].connectors[0].phases: names L2 twice. A connector's conductors sit on different phases: name each once.
site.yaml:14: onboarding: must be one of approve, closed, open; got "aprove". Did you mean approve?`
	if d := cmp.Diff(want, problems.Error()); d != "" {
		t.Error(d)
	}
}
