package store

import (
	"maps"
	"testing"
)

func TestDocumentsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	for _, d := range [][3]string{{"credential", "CP1", "old"}, {"credential", "CP1", "new"}, {"credential", "CP2", "x"}, {"certificate", "CP1", "c"}} {
		if err := b.SaveDocument(t.Context(), d[0], d[1], d[2]); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is none
		if err := b.DeleteDocument(t.Context(), "credential", "CP2"); err != nil {
			t.Fatal(err)
		}
	}
	b.stop()
	again := open(t, dir, Options{Synchronous: SyncOff})
	got, err := again.Documents(t.Context(), "credential")
	if want := map[string]string{"CP1": "new"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
}

func TestDocumentsAreReadBeforeRun(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{Synchronous: SyncOff})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Documents(t.Context(), "credential"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}
