package upstream

import (
	"testing"

	"busbar/controller"
)

func TestEveryKeyIsReadable(t *testing.T) {
	snap := &controller.Snapshot{Settings: map[string]string{keyHeartbeat: "60"}, Connectors: []controller.ConnectorView{{Slot: 1, Phases: "L2L3L1"}, {Slot: 2, Phases: "L1"}, {Slot: 3}}}
	for _, k := range keys {
		v := k.read(snap)
		if k.accepts == nil {
			continue
		}
		if canonical, ok := k.accepts(v); !ok || canonical != v {
			t.Errorf("%s does not accept its own value %q", k.name, v)
		}
	}
	for name, want := range map[string]string{"numberofconnectors": "3", keyHeartbeat: "60", "ConnectorPhaseRotation": "0.RST,1.STR,2.NotApplicable,3.Unknown"} {
		k, ok := findKey(name)
		if got := k.read(snap); !ok || got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
