package trial

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"
)

func TestNoBreakerOpens(t *testing.T) {
	count := 300
	if testing.Short() {
		count = 30
	}
	r, err := Run(t.Context(), Config{Count: count, Seed: 1_000_000, Workers: 2, Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d scenarios, %.0f h: %v, worst theta %.3f", r.Count, r.Hours, r.Verdicts, r.Theta)
	if r.Opened > 0 || len(r.Violations) > 0 || r.Count != count {
		t.Errorf("%d of %d scenarios opened a breaker, rules broken: %v", r.Opened, r.Count, r.Violations)
	}
	for _, f := range r.Failures {
		text, _ := json.Marshal(f)
		t.Errorf("seed %d: %s", f.Seed, text)
	}
}

// TestBrokenBoxIsFound lets the box take every breaker for twice as large as it is.
func TestBrokenBoxIsFound(t *testing.T) {
	dir := t.TempDir()
	r, err := Run(t.Context(), Config{Count: 20, Seed: 1, Keep: dir, Most: 1, Change: func(sc *Scenario) { sc.Told = 200 }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Opened == 0 || len(r.Failures) != 1 {
		t.Fatalf("a box that takes breakers for twice as large: %+v", r.Verdicts)
	}
	f := r.Failures[0]
	big := Draw(f.Seed)
	if len(f.Scenario.Chargers) >= len(big.Chargers) || f.Scenario.Seconds >= big.Seconds {
		t.Errorf("not made smaller: %d of %d chargers, %d of %d s", len(f.Scenario.Chargers), len(big.Chargers), f.Scenario.Seconds, big.Seconds)
	}
	kept, err := Load(f.File)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Judge(kept)
	if err != nil || !reflect.DeepEqual(again, f.Result) {
		t.Errorf("the file %s gives %+v, %v; it was %+v", filepath.Base(f.File), again, err, f.Result)
	}
}

func TestReplayIsTheSame(t *testing.T) {
	for seed := range uint64(5) {
		sc := Draw(seed)
		first, err := Judge(sc)
		if err != nil {
			t.Fatal(err)
		}
		var one, two bytes.Buffer
		again, err := Replay(sc, &one)
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("seed %d: %+v, then %+v, %v", seed, first, again, err)
		}
		if _, err := Replay(sc, &two); err != nil || one.Len() == 0 || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("seed %d: the traces of two runs differ, or there is none: %v", seed, err)
		}
	}
}

func TestDrawnSitesKeepTheStaticRule(t *testing.T) {
	for seed := range uint64(200) {
		d := &drawing{sc: Draw(seed)}
		if !d.staysSafe() {
			t.Errorf("seed %d: fall-backs and worst base exceed a limit", seed)
		}
	}
}

func TestBadScenarios(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that isn't there was read")
	}
	for _, change := range []func(*Scenario){
		func(sc *Scenario) { sc.Circuits = nil },
		func(sc *Scenario) { sc.Seconds = 0 },
		func(sc *Scenario) { sc.Chargers[0].Circuit = "nowhere" },
		func(sc *Scenario) { sc.Circuits[0].Parent = "nowhere" },
		func(sc *Scenario) { sc.Meters = []Meter{{ID: "m", Circuit: "nowhere", Period: 1}} },
	} {
		sc := Draw(1)
		change(&sc)
		if _, err := Judge(sc); err == nil {
			t.Errorf("a scenario that makes no world was run: %+v", sc.Circuits)
		}
	}
}
