package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestMetricsHaveEachNumberOfTheStatus(t *testing.T) {
	m := NewMetrics()
	m.OCPPMessages("in", "StartTransaction", "ok").Inc()
	m.OCPPMessages("in", "StartTransaction", "ok").Inc()
	m.OCPPMessages("out", "Evil\"\n\\", "Internal\xffError").Inc()
	m.Step(50 * time.Microsecond)
	m.Commit(3 * time.Millisecond)
	m.LoopLag(time.Minute)
	s := rig(newBox(picture(t0)), demo, func(c *Config) { c.Metrics = m })
	text := ask(s, "GET", "/metrics", "").Body.String()
	has := func(line string) {
		t.Helper()
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the measures lack %q", line)
		}
	}
	has(`busbar_ocpp_messages_total{action="StartTransaction",direction="in",result="ok"} 2`)
	has(`busbar_step_seconds_count 1`)
	has(`busbar_commit_seconds_sum 0.003`)
	has(`busbar_loop_lag_seconds_bucket{le="+Inf"} 1`)
	has(`busbar_chargers_connected 5`)
	has(`busbar_upstream_connected 0`)
	has(`busbar_meter_age_ms 400`)
	has(`busbar_grid_current_a{phase="L2"} 64.1`)

	var status map[string]any
	if err := json.Unmarshal(ask(s, "GET", "/api/v1/status", "").Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	for name, v := range status {
		_, isText := v.(string)
		present := strings.Contains(text, "\nbusbar_"+name+" ") || strings.Contains(text, "\nbusbar_"+name+"{")
		if want := v != nil && !isText; present != want {
			t.Errorf("busbar_%s: present %v, want %v", name, present, want)
		}
	}
}
