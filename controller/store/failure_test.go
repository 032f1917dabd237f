package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"busbar/controller"
)

// expectDead checks what must hold after the first refused write: one JournalFailed,
// nothing acknowledged, nothing settled, nothing offered for sending.
func (b *box) expectDead() {
	b.t.Helper()
	await(b.t, b.inbox, func(controller.JournalFailed) bool { return true })
	if err := b.Submit(b.seq+1, nil); !errors.Is(err, ErrFailed) {
		b.t.Errorf("submit: %v", err)
	}
	ctx := b.t.Context()
	if err := b.Stamp(ctx, []int64{1}, "m", json.RawMessage("1")); !errors.Is(err, ErrFailed) {
		b.t.Errorf("stamp: %v", err)
	}
	if err := b.Settle(ctx, controller.Settlement{IDs: []int64{1}, Tx: 1, Kind: controller.OutboxStart, Outcome: controller.OutcomeRetry}); !errors.Is(err, ErrFailed) {
		b.t.Errorf("settle: %v", err)
	}
	if _, err := b.Heads(ctx, 1); !errors.Is(err, ErrFailed) {
		b.t.Errorf("heads: %v", err)
	}
	b.stop()
	failures := 0
	for _, ev := range b.inbox.all() {
		switch ev := ev.(type) {
		case controller.JournalFailed:
			failures++
		case controller.Committed:
			if failures > 0 || ev.Seq > b.seq {
				b.t.Errorf("Committed %d after the failure (durable is %d)", ev.Seq, b.seq)
			}
		}
	}
	if failures != 1 {
		b.t.Errorf("JournalFailed came %d times", failures)
	}
}

func TestRemovedDatabaseStopsTheJournal(t *testing.T) {
	for _, name := range []string{journalFile, journalFile + "-wal"} {
		dir := t.TempDir()
		b := open(t, dir, Options{Synchronous: SyncOff})
		b.save(startOf(1, "A")...)
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		if err := b.Submit(b.seq+1, startOf(2, "B")); err != nil {
			t.Fatal(err)
		}
		b.expectDead()
	}
}

func TestReplacedDatabaseStopsTheJournal(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)
	path := filepath.Join(dir, journalFile)
	if err := errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := b.Submit(b.seq+1, startOf(2, "B")); err != nil {
		t.Fatal(err)
	}
	b.expectDead()
}

func TestFullQueueStopsTheJournal(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{Synchronous: SyncOff, Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for seq := range controller.Seq(2) {
		if err := s.Submit(seq+1, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Submit(3, nil); !errors.Is(err, ErrFailed) || !errors.Is(err, ErrFull) {
		t.Errorf("third: %v", err)
	}
	if err := s.Submit(4, nil); !errors.Is(err, ErrFailed) {
		t.Errorf("after the gap: %v", err)
	}
}

// TestFullDiskStopsTheJournal runs the store in a process whose files may not grow
// beyond a bound, which fails writes as a full disk does.
func TestFullDiskStopsTheJournal(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "full", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Fields(string(out))
	if len(lines) < 2 || lines[len(lines)-1] != "failed" {
		t.Fatalf("the child says %q", out)
	}
	acknowledged := len(lines) - 1
	b := open(t, dir, Options{Synchronous: SyncOff})
	r, err := b.Recover(t.Context())
	if err != nil || r.Started < acknowledged {
		t.Errorf("%d acknowledged, %d found, %v", acknowledged, r.Started, err)
	}
	b.save(startOf(1_000_000, "again")...) // after a restart with space it works
	b.sound()
}

// TestMain lets this binary be the process that is killed.
func TestMain(m *testing.M) {
	switch os.Getenv("BUSBAR_STORE_CHILD") {
	case "":
		os.Exit(m.Run())
	case "full":
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 400 << 10, Max: 400 << 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			panic(err)
		}
		writeForever(os.Getenv("BUSBAR_STORE_DIR"))
	default:
		writeForever(os.Getenv("BUSBAR_STORE_DIR"))
	}
}

func child(t *testing.T, mode, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "BUSBAR_STORE_CHILD="+mode, "BUSBAR_STORE_DIR="+dir)
	return cmd
}

// writeForever writes transactions, four units in flight, and prints the id of each
// when its end was acknowledged; "failed" ends it when the journal fails.
func writeForever(dir string) {
	events := make(chan controller.Event, 64)
	s, err := Open(context.Background(), dir, Options{Post: func(ev controller.Event) error {
		select {
		case events <- ev:
			return nil
		default:
			return controller.ErrCongested
		}
	}})
	if err != nil {
		panic(err)
	}
	go s.Run(context.Background())
	r, err := s.Recover(context.Background())
	if err != nil {
		panic(err)
	}
	next, told := r.NextTx, controller.Seq(0)
	for seq := controller.Seq(1); ; seq++ {
		tx := next + controller.TxID(seq-1)
		if err := s.Submit(seq, append(startOf(tx, "A"), endOf(tx, "A", 1000+controller.WattHour(tx%1000))...)); err != nil {
			break
		}
		for seq-told >= 4 {
			switch ev := (<-events).(type) {
			case controller.Committed:
				for ; told < ev.Seq; told++ {
					fmt.Println(int64(next) + int64(told))
				}
			case controller.JournalFailed:
				fmt.Println("failed")
				return
			}
		}
	}
	for ev := range events {
		if _, ok := ev.(controller.JournalFailed); ok {
			fmt.Println("failed")
			return
		}
	}
}

// TestKilledProcessLosesNothing kills a writing process at random instants. What was
// acknowledged must be there; what was not may be there or not, but whole.
func TestKilledProcessLosesNothing(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	dir := t.TempDir()
	acknowledged := map[controller.TxID]bool{}
	for round := range rounds {
		cmd := child(t, "kill", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		readAcks(t, out, cmd.Process, round, acknowledged)
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
	}
	b := open(t, dir, Options{Synchronous: SyncOff})
	b.sound()
	stored := map[controller.TxID]bool{}
	for r, err := range b.Transactions(t.Context(), TxFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !r.Ended || r.Energy != controller.WattHour(r.Tx%1000) {
			t.Errorf("half a transaction: %+v", r)
		}
		stored[r.Tx] = true
	}
	for tx := range acknowledged {
		if !stored[tx] {
			t.Errorf("transaction %d was acknowledged and is lost", tx)
		}
	}
	if c := b.counts(); c.Pending != 2*len(stored) || c.Started != len(stored) {
		t.Errorf("%d transactions, but %+v", len(stored), c)
	}
	t.Logf("%d kills, %d acknowledged, %d stored", rounds, len(acknowledged), len(stored))
}

// TestKilledWhileItMakesItsDatabase: the folder is as before or complete, never half.
func TestKilledWhileItMakesItsDatabase(t *testing.T) {
	for round := range 20 {
		dir := t.TempDir()
		cmd := child(t, "kill", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			t.Fatalf("the child ended by itself: %v", err)
		case <-time.After(time.Duration(5+round) * time.Millisecond):
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		b := open(t, dir, Options{Synchronous: SyncOff})
		b.save(controller.SettingRow{Key: "k"})
		b.sound()
		b.stop()
	}
}

func TestLogBeforeTheDatabaseIsBounded(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)
	big, most := strings.Repeat("x", 8000), int64(0)
	for range 1500 {
		b.save(message(1, controller.OutboxMeter, "A", `"`+big+`"`))
		info, err := os.Stat(filepath.Join(dir, journalFile+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if most < walLimit || most > 2*walLimit {
		t.Errorf("the write-ahead log grew to %d bytes", most)
	}
	b.sound()
}

// readAcks reads acknowledgements and kills the process after some of them, at an
// instant that has nothing to do with its commits.
func readAcks(t *testing.T, out interface{ Read([]byte) (int, error) }, p *os.Process, round int, acknowledged map[controller.TxID]bool) {
	t.Helper()
	first := true
	var text strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		text.Write(buf[:n])
		if first && n > 0 {
			first = false
			time.AfterFunc(time.Duration(round*round*37%40000)*time.Microsecond, func() { p.Kill() })
		}
		if err != nil {
			break
		}
	}
	whole, _, _ := cutLast(text.String(), "\n")
	for line := range strings.Lines(whole) {
		var tx controller.TxID
		if _, err := fmt.Sscan(line, &tx); err != nil {
			t.Fatalf("the child says %q", line)
		}
		if acknowledged[tx] {
			t.Errorf("id %d was given twice", tx)
		}
		acknowledged[tx] = true
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}
