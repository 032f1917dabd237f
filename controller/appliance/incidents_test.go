package appliance

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/loadbalance/record"
)

// Recordings get whole names once they are whole; the newest stay, and what a crash left of
// one doesn't.
func TestIncidentsOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "incidents")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".part"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	taken := record.New(loadbalance.Config{}, at).Recording()
	kept := &incidents{dir: dir, log: slog.New(slog.DiscardHandler)}
	for i := range incidentsKept + 2 {
		kept.Do(controller.KeepIncident{At: at.Add(time.Duration(i) * time.Minute), Cause: "node.overload", Recording: taken})
	}
	if err := kept.wait(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != incidentsKept {
		t.Fatalf("%d files: %v, %v", len(files), files, err)
	}
	if first := files[0].Name(); first < "20260601T1202" {
		t.Errorf("the oldest kept is %s", first)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 1000 {
			t.Errorf("%s: %v, %v", f.Name(), info, err)
		}
	}
}
