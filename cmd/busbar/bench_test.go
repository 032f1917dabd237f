package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"busbar/controller/msgbench"
	"busbar/loadbalance/bench"
)

// TestBenchMessages measures a little with three real processes. Nothing is said of
// speed: only that the figures are there and agree with each other.
func TestBenchMessages(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{"busbar", "bench", "messages", "--chargers", "8", "--for", "1s", "--json", "--data", t.TempDir()}
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	var rows []msgbench.Row
	if err := dec.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	figures := map[msgbench.Row]float64{}
	kinds := map[msgbench.Row]float64{}
	for _, r := range rows {
		key := r
		key.Value, key.Bound = nil, nil
		if _, twice := figures[key]; twice {
			t.Errorf("%+v stands there twice", key)
		}
		if r.Value == nil {
			if r.Metric != "reaction_ms_p99" {
				t.Errorf("%+v has no value", r)
			}
			continue
		}
		if math.IsNaN(*r.Value) || math.IsInf(*r.Value, 0) {
			t.Errorf("%+v is not finite", r)
		}
		figures[key] = *r.Value
		if r.Metric == "messages" && r.Kind != "" {
			key.Kind = ""
			kinds[key] += *r.Value
		}
	}
	for _, mix := range []string{"non-billing", "billing"} {
		for _, mode := range []msgbench.Mode{msgbench.Paced, msgbench.Full} {
			for _, process := range []string{msgbench.Box, msgbench.Echo} {
				row := msgbench.Row{Process: process, Mode: mode, Mix: mix, Metric: "messages"}
				if figures[row] <= 0 || figures[row] != kinds[row] {
					t.Errorf("%+v: %g in all, %g by kind", row, figures[row], kinds[row])
				}
			}
			if r := figures[msgbench.Row{Process: "ratio", Mode: mode, Mix: mix, Metric: "cpu"}]; r <= 0 {
				t.Errorf("ratio of %s, %s is %g", mix, mode, r)
			}
		}
	}
	for _, metric := range []string{"start_rss_bytes", "idle_rss_bytes", "idle_heap_bytes", "idle_goroutines", "loaded_rss_bytes", "loaded_peak_rss_bytes", "loaded_heap_bytes"} {
		for _, process := range []string{msgbench.Box, msgbench.Echo} {
			if v := figures[msgbench.Row{Process: process, Metric: metric}]; v <= 0 {
				t.Errorf("%s of the %s is %g", metric, process, v)
			}
		}
	}
}

// TestBenchReaction lets the building rise once. Nothing is said of speed.
func TestBenchReaction(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{"busbar", "bench", "reaction", "--chargers", "6", "--for", "5s", "--json", "--data", t.TempDir()}
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var r msgbench.ReactionResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Steps < 1 || r.Readings < 1 || r.Frames < 5*r.Readings || r.Box.P50 <= 0 || r.Box.Max < r.Box.P50 || r.Outside.Max <= 0 {
		t.Errorf("%+v\n%s", r, errs.String())
	}
	for _, args := range [][]string{{"--chargers", "2"}, {"--chargers", "501"}, {"--for", "10ms"}, {"--rate", "0"}} {
		if code, out, errs := call(t, "", append([]string{"bench", "reaction"}, args...)...); code != exitBadInput || out != "" {
			t.Errorf("%v: exit code %d, %s%s", args, code, out, errs)
		}
	}
}

// TestBenchMessagesBadInput ends with exit code 2.
func TestBenchMessagesBadInput(t *testing.T) {
	for _, args := range [][]string{
		{"--chargers", "1"}, {"--chargers", "2001"}, {"--for", "10ms"}, {"--rate", "0"}, {"--rate", "NaN"}, {"--mix", "x"}, {"--mode", "x"},
	} {
		if code, out, errs := call(t, "", append([]string{"bench", "messages"}, args...)...); code != exitBadInput || out != "" {
			t.Errorf("%v: exit code %d, %s%s", args, code, out, errs)
		}
	}
}

// TestBenchBalance runs two scenarios and a foreign workload and reads their rows.
func TestBenchBalance(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bench", "balance", "--scenario", "W0-10,W1", "--root-a", "0", "--policy", "edf", "--json"}, console{Out: &out, Err: &errs}); code != exitDone {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var rows []bench.Row
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range rows {
		if r.Instance == "W0-10" && r.Metric == "Q2.delivered" && math.Abs(r.Value-36.94) < .1 || r.Scenario == "W1" && r.RootA == 25 && r.Metric == "Q1" && math.Abs(r.Value-.937) < .001 && r.Bound != nil {
			found++
		}
	}
	if found != 2 {
		t.Errorf("found %d of 2 figures in %s", found, out.String())
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"topology.json": `{"nodes":[{"id":"g","limit_a":10}],"connectors":[{"id":"a","node":"g"}]}`,
		"sessions.csv": "connector,arrive_s,depart_s,energy_kwh,grid_phases,imax_a\na,0,3600,9,L1L2L3,16\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out.Reset()
	if code := run(t.Context(), []string{"bench", "balance", "--workload", dir, "--policy", "busbar"}, console{Out: &out, Err: &errs}); code != exitDone || !strings.Contains(out.String(), "busbar") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	if code := run(t.Context(), []string{"bench", "balance", "--scenario", "W9"}, console{Out: &out, Err: &errs}); code != exitBadInput {
		t.Errorf("an unknown scenario exits with %d", code)
	}
}
