package controller

import (
	"bytes"
	"testing"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/record"
)

// A finding of the balancer keeps the recording around it, with its aftermath, and not
// again while it flickers.
func TestIncidentsAreKept(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.site.cfg.Record = true
	var kept []KeepIncident
	run := func(seconds int, amps loadbalance.MilliAmp) {
		for range seconds {
			r.now = r.now.Add(time.Second)
			kept = append(kept, find[KeepIncident](r.do(MeterSampled{Meter: "grid", At: r.now, Current: loadbalance.Uniform(amps * loadbalance.Amp), Period: time.Second}))...)
		}
	}
	run(60, 10)
	if len(kept) != 0 {
		t.Fatalf("kept %d recordings of a quiet minute", len(kept))
	}
	from := r.now
	run(20, 100)
	run(20, 10)
	if len(kept) != 1 || kept[0].Cause != "node.overload" || kept[0].At.Before(from) {
		t.Fatalf("an overload kept %+v", kept)
	}
	var file bytes.Buffer
	if err := kept[0].Recording.Write(&file); err != nil {
		t.Fatal(err)
	}
	out, err := record.Replay(&file, nil)
	if err != nil || out.Different != 0 || out.Passes < 80 || !out.From.Before(from) || out.To.Before(kept[0].At.Add(incidentAftermath-time.Second)) {
		t.Errorf("the recording replays as %+v, %v", out, err)
	}
	run(20, 100)
	run(60, 10)
	if len(kept) != 1 {
		t.Errorf("%d recordings of one flickering alarm", len(kept))
	}
	run(600, 10)
	run(20, 100)
	run(40, 10)
	if len(kept) != 2 {
		t.Errorf("%d recordings after ten quiet minutes, want 2", len(kept))
	}
}
