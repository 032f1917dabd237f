package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"testing"

	"busbar/controller/msgbench"
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
