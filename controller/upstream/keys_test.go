package upstream

import (
	"testing"
	"testing/synctest"
	"time"

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

// What was accepted is what the next question gets, also before the snapshot shows it.
func TestAChangeIsReadBackBeforeTheSnapshotShowsIt(t *testing.T) {
	k, _ := findKey(keyHeartbeat)
	synctest.Test(t, func(t *testing.T) {
		var s settings
		old := &controller.Snapshot{At: time.Now(), Settings: map[string]string{keyHeartbeat: "600"}}
		s.set(keyHeartbeat, "60")
		if got := s.read(k, old); got != "60" {
			t.Errorf("%s at once", got)
		}
		time.Sleep(time.Second)
		old.At = time.Now() // and somebody else changed it again
		if got := s.read(k, old); got != "600" {
			t.Errorf("%s of a newer snapshot", got)
		}
	})
}
