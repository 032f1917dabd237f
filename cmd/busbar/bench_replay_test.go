package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/record"
)

// recordedIncident writes the recording of a site whose building load steps up.
func recordedIncident(t *testing.T) []byte {
	t.Helper()
	cfg := loadbalance.Config{Nodes: []loadbalance.Node{{ID: "main", Limit: loadbalance.Uniform(63_000), Metered: true}}}
	b, err := loadbalance.NewBalancer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := record.New(cfg, now)
	in := loadbalance.Input{Connectors: []loadbalance.Connector{{Slot: 1, Node: "main", Min: 6000, Max: 32_000, Wants: true, WantsSince: now, CanStartUnasked: true, Online: true}},
		Readings: make([]loadbalance.Reading, 1)}
	c := &in.Connectors[0]
	for second := range 60 {
		now = now.Add(time.Second)
		base := loadbalance.MilliAmp(20_000)
		if second > 40 {
			base = 45_000
		}
		c.Measured, c.MeasuredAt = loadbalance.Uniform(c.Held), now
		in.Readings[0] = loadbalance.Reading{Node: "main", At: now, Current: loadbalance.Uniform(base + c.Held), Period: time.Second}
		r.Before(b, now)
		plan := b.Step(now, in)
		r.After(now, in, plan)
		if sp := plan.Setpoints[0]; sp.Action != loadbalance.Keep {
			c.Held, c.HeldAt, c.LeaseUntil = sp.Limit, now, now.Add(sp.Lease)
		}
	}
	var out bytes.Buffer
	if err := r.Recording().Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A recorded incident is decided the same again, and what differs fails.
func TestReplayOfAnIncident(t *testing.T) {
	recording := recordedIncident(t)
	file := filepath.Join(t.TempDir(), "incident.jsonl")
	if err := os.WriteFile(file, recording, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bench", "balance", "--replay", file}, console{Out: &out, Err: &errs}); code != exitDone {
		t.Fatalf("exit %d: %s%s", code, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), ": 0 different.") || !strings.Contains(out.String(), "reduce at once") {
		t.Error(out.String())
	}
	other := filepath.Join(t.TempDir(), "other.jsonl")
	changed := bytes.Replace(recording, []byte(`"Limit":[63000,63000,63000]`), []byte(`"Limit":[50000,50000,63000]`), 1)
	if err := os.WriteFile(other, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	errs.Reset()
	if code := run(t.Context(), []string{"bench", "balance", "--json", "--replay", other}, console{Out: &out, Err: &errs}); code != exitFailed || !strings.Contains(errs.String(), "decides otherwise") {
		t.Errorf("another fuse: exit %d: %s", code, errs.String())
	}
	for _, bad := range []string{"testdata", "bench_replay.go", filepath.Join(t.TempDir(), "none")} {
		errs.Reset()
		if code := run(t.Context(), []string{"bench", "balance", "--replay", bad}, console{Out: &out, Err: &errs}); code != exitBadInput || !strings.Contains(errs.String(), "DIR/incidents") {
			t.Errorf("%s: exit %d: %s", bad, code, errs.String())
		}
	}
}
