package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"busbar/controller"
)

// TestFlippedBitsAreNeverBilled flips bits of a database and reads it: whatever
// comes out of the outbox is what went in, or nothing does (F4).
func TestFlippedBitsAreNeverBilled(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	for tx := range controller.TxID(60) {
		b.save(append(startOf(tx+1, fmt.Sprint(tx)), endOf(tx+1, fmt.Sprint(tx), 3000+controller.WattHour(tx))...)...)
		if tx%2 == 0 {
			b.deliver(tx+1, controller.OutboxStart, int64(2*tx+1))
		}
	}
	want := map[int64]string{}
	billed := func(it controller.OutboxItem) string {
		return fmt.Sprint(it.OutboxRow, it.UpTx, it.MessageID, string(it.Wire))
	}
	for _, it := range b.heads(100) {
		want[it.ID] = billed(it)
	}
	b.stop()
	image, err := os.ReadFile(filepath.Join(dir, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	rounds, refused, missing := 150, 0, 0
	if testing.Short() {
		rounds = 30
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		flipped := append([]byte(nil), image...)
		for range 1 + rnd.IntN(8) {
			flipped[rnd.IntN(len(flipped))] ^= 1 << rnd.IntN(8)
		}
		harmed := t.TempDir()
		if err := os.WriteFile(filepath.Join(harmed, journalFile), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), harmed, Options{Synchronous: SyncOff})
		if err != nil {
			refused++
			continue
		}
		items, damaged, err := s.readItems(t.Context(), `SELECT `+itemColumns+` FROM lane l JOIN outbox o ON o.id = l.head
			LEFT JOIN tx t ON t.tx = l.tx WHERE l.state = 'due'`)
		switch {
		case err != nil:
			refused++
		case len(damaged) > 0 || len(items) < len(want):
			missing++
		}
		for _, it := range items {
			// A row of a head that bits moved is still a true row; a changed one is not.
			if text, ok := want[it.ID]; ok && text != billed(it) {
				t.Errorf("a changed row came out:\n%s\n%s", billed(it), text)
			}
		}
		if err := s.Close(); err != nil {
			t.Log(err)
		}
	}
	t.Logf("%d databases with flipped bits: %d refused, %d with rows missing, the rest unharmed where it counts", rounds, refused, missing)
}
