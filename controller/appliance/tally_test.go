package appliance

import (
	"fmt"
	"testing"

	"busbar/ocpp"
	"busbar/web"
)

// TestPeersMakeNoLabelsUp: whatever names come, the counters stay few.
func TestPeersMakeNoLabelsUp(t *testing.T) {
	tally := newTally(web.NewMetrics())
	for i := range 1000 {
		tally.count(ocpp.TraceEntry{Action: fmt.Sprint("Evil", i), Frame: ocpp.Frame{Type: ocpp.TypeCall}})
		tally.count(ocpp.TraceEntry{Action: "Heartbeat", Frame: ocpp.Frame{Type: ocpp.TypeCall}})
		tally.count(ocpp.TraceEntry{Out: true, Action: "Heartbeat", Frame: ocpp.Frame{Type: ocpp.TypeCallError}})
	}
	if n := len(tally.counters); n != 3 {
		t.Errorf("%d counters", n)
	}
}
