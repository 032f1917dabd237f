package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"busbar/controller/trial"
)

func TestBenchTrial(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bench", "trial", "--count", "3", "--seed", "1", "--json"}, console{Out: &out, Err: &errs}); code != exitDone {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var r trial.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Count != 3 || r.Opened != 0 {
		t.Errorf("%s, %v", out.String(), err)
	}
	out.Reset()
	if code := run(t.Context(), []string{"bench", "trial", "--count", "2"}, console{Out: &out, Err: &errs}); code != exitDone || !strings.Contains(out.String(), "2 scenarios") {
		t.Errorf("exit %d: %s", code, out.String())
	}
	if code := run(t.Context(), []string{"bench", "trial", "--count", "0"}, console{Out: &out, Err: &errs}); code == exitDone {
		t.Error("nothing was run, and it is done")
	}
}

func TestBenchTrialReplay(t *testing.T) {
	sc := trial.Draw(1)
	sc.Seconds = 20
	text, err := json.Marshal(trial.Failure{Scenario: sc})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trial.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bench", "trial", "--replay", file}, console{Out: &out, Err: &errs}); code != exitDone || !strings.Contains(out.String(), "begins, car takes") {
		t.Errorf("exit %d: %s %s", code, out.String(), errs.String())
	}
	if code := run(t.Context(), []string{"bench", "trial", "--replay", file + "x"}, console{Out: &out, Err: &errs}); code == exitDone {
		t.Error("a file that isn't there was replayed")
	}
}
