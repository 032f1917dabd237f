package trial

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"busbar/loadbalance"
)

// small is a site of one breaker with two chargers of one phase, whose cars take 16 A.
func small(metered bool) Scenario {
	sc := Scenario{Seed: 1, Seconds: 300, Circuits: []Circuit{{ID: "main", Limit: 20 * loadbalance.Amp, WorstBase: loadbalance.Uniform(4 * loadbalance.Amp), Base: Base{Mean: [3]float64{2, 2, 2}, Noise: 0.1}}}}
	if metered {
		sc.Meters = []Meter{{ID: "meter", Circuit: "main", Period: 1, Noise: 0.002}}
	}
	for _, id := range []string{"A", "B"} {
		car := Car{Comes: 30, Goes: 1000, Phases: 1, Takes: 16, Dead: 2, Up: 2, Down: 10}
		sc.Chargers = append(sc.Chargers, Charger{ID: id, Circuit: "main", Failsafe: 6 * loadbalance.Amp, Latency: 0.3, Metering: 10, Comes: 1, Installed: true, Free: true,
			Connectors: []Connector{{Max: 16 * loadbalance.Amp, Wiring: Wires{loadbalance.L1}, Cars: []Car{car}}}})
	}
	return sc
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		metered bool
		change  func(*Scenario)
		want    Verdict
	}{
		"all do as they should":     {true, func(*Scenario) {}, Held},
		"nobody measures":           {false, func(*Scenario) {}, Held},
		"one disobeys":              {true, func(sc *Scenario) { sc.Faults = []Fault{{Kind: FaultMaximum, At: "B", From: 60}} }, Held},
		"the box takes 60 A for 20": {true, func(sc *Scenario) { sc.Told = 300 }, Opened},
		"the building alone":        {true, func(sc *Scenario) { sc.Faults = []Fault{{Kind: FaultBuilding, At: "main", From: 60, Arg: 30}} }, BaseOnly},
		"one takes more than there is": {true, func(sc *Scenario) {
			sc.Faults = []Fault{{Kind: FaultMaximum, At: "B"}}
			sc.Chargers[1].Connectors[0].Max = 40 * loadbalance.Amp
			sc.Chargers[1].Connectors[0].Cars[0].Takes = 40
		}, TooLate},
		"one disobeys and hides it": {false, func(sc *Scenario) {
			sc.Faults = []Fault{{Kind: FaultMaximum, At: "B"}, {Kind: FaultLies, At: "B"}}
			sc.Chargers[1].Connectors[0].Max = 32 * loadbalance.Amp
			sc.Chargers[1].Connectors[0].Cars[0].Takes = 20
		}, Unknown},
	} {
		sc := small(c.metered)
		c.change(&sc)
		r, err := Judge(sc)
		if err != nil || r.Verdict != c.want {
			t.Errorf("%s: %s, %+v, %v; want %s", name, r.Verdict, r.Tripped, err, c.want)
		}
	}
}

// TestEveryFaultHappens: a trial of faults that do nothing would be worthless.
func TestEveryFaultHappens(t *testing.T) {
	calm := small(true)
	calm.Cloud = true
	trace := func(sc Scenario) string {
		var text bytes.Buffer
		if _, err := Replay(sc, &text); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	before := trace(calm)
	for _, f := range []Fault{
		{Kind: FaultStuck, At: "B"}, {Kind: FaultMaximum, At: "B"}, {Kind: FaultHalf, At: "B"}, {Kind: FaultRefuses, At: "B"}, {Kind: FaultMute, At: "B"},
		{Kind: FaultSlow, At: "B", Arg: 9}, {Kind: FaultLow, At: "B", Arg: 0.5}, {Kind: FaultNoReports, At: "B"}, {Kind: FaultReboot, At: "B", From: 60, To: 80},
		{Kind: FaultOffline, At: "B", From: 60, To: 80, Arg: 5}, {Kind: FaultLate, At: "meter", Arg: 2}, {Kind: FaultOld, At: "meter", Arg: 2}, {Kind: FaultFrozen, At: "meter", From: 20},
		{Kind: FaultSilent, At: "meter", From: 60}, {Kind: FaultSign, At: "meter"}, {Kind: FaultPhaseZero, At: "meter"}, {Kind: FaultSwapped, At: "meter"}, {Kind: FaultTooLow, At: "meter", Arg: 0.7},
		{Kind: FaultGarbled, At: "meter"}, {Kind: FaultCloudDead, From: 60}, {Kind: FaultCap, From: 60, To: 90, Arg: 9}, {Kind: FaultProfile, From: 60, To: 90, Arg: 7}, {Kind: FaultStop, At: "B", From: 60},
		{Kind: FaultRemote, At: "B", From: 20}, {Kind: FaultBox, From: 60, To: 80}, {Kind: FaultDisk, Arg: 2}, {Kind: FaultBuilding, At: "main", From: 60, Arg: 5},
	} {
		sc := calm.clone()
		sc.Faults = []Fault{f}
		if trace(sc) == before {
			t.Errorf("%s changes nothing", f.Kind)
		}
	}
	for _, both := range [][]Fault{ // these show only beside another
		{{Kind: FaultLies, At: "B"}, {Kind: FaultMaximum, At: "B"}},
		{{Kind: FaultForgets, At: "B", From: 60, To: 300}, {Kind: FaultReboot, At: "B", From: 60, To: 70}},
		{{Kind: FaultNoZero, At: "B"}, {Kind: FaultCap, From: 60, Arg: 0}},
		{{Kind: FaultNoFallback, At: "B"}, {Kind: FaultOffline, At: "B", From: 60, To: 290, Arg: 5}, {Kind: FaultCap, From: 40, Arg: 4}},
	} {
		with, without := calm.clone(), calm.clone()
		with.Faults, without.Faults = both, both[1:]
		if trace(with) == trace(without) {
			t.Errorf("%s changes nothing beside %s", both[0].Kind, both[1].Kind)
		}
	}
}

func TestWires(t *testing.T) {
	text, err := json.Marshal(Connector{Wiring: Wires{2, 0}})
	if err != nil || !strings.Contains(string(text), `"wiring":[3,1]`) {
		t.Errorf("%s, %v", text, err)
	}
	var c Connector
	if err := json.Unmarshal(text, &c); err != nil || !reflect.DeepEqual(c.Wiring, Wires{2, 0}) {
		t.Errorf("%v, %v", c.Wiring, err)
	}
	if json.Unmarshal([]byte(`{"wiring":[4]}`), &c) == nil {
		t.Error("a fourth phase was read")
	}
}
