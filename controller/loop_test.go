package controller

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is a journal and an adapter that remembers rows and commits none.
type sink struct {
	rows     []Row
	onLookup func()
}

func (k *sink) Submit(_ Seq, rows []Row) error { k.rows = append(k.rows, rows...); return nil }

func (k *sink) LookupToken(uint64, IDToken) {
	if k.onLookup != nil {
		k.onLookup()
	}
}

func (*sink) LookupTx(uint64, TxID) {}
func (*sink) Telemetry(Telemetry)   {}
func (*sink) Do(Effect)             {}

// runLoop runs a Loop until stop is called, which waits for its end.
func runLoop(t *testing.T, k *sink) (l *Loop, stop func()) {
	t.Helper()
	site, err := NewSite(SiteConfig{Layout: layout(), Recovered: Recovered{NextTx: 1000001}})
	if err != nil {
		t.Fatal(err)
	}
	l = NewLoop(LoopConfig{Site: site, Journal: k, Chargers: k, Cloud: k})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return l, stop
}

func auditOf(asker, text string) Audited {
	return Audited{Code: "test", Subject: asker, Text: text}
}

func TestAskFollowsWhatTheAskerPosted(t *testing.T) {
	const askers, each = 4, 300
	k := &sink{}
	var want []string
	for i := range each {
		want = append(want, strings.Repeat("p", i+1), strings.Repeat("a", i+1))
	}
	synctest.Test(t, func(t *testing.T) {
		l, stop := runLoop(t, k)
		var wg sync.WaitGroup
		for a := range askers {
			wg.Go(func() {
				name := string(rune('A' + a))
				for i := range each {
					if err := l.Post(auditOf(name, want[2*i])); err != nil {
						t.Errorf("post: %v", err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond) // its row is never committed
					_, _ = l.Ask(ctx, func(id ReplyID) Event {
						ev := auditOf(name, want[2*i+1])
						ev.Reply = id
						return ev
					})
					cancel()
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		stop()
	})
	for a := range askers {
		var got []string
		for _, r := range k.rows {
			if e, ok := r.(EventRow); ok && e.Entry.Subject == string(rune('A'+a)) {
				got = append(got, e.Entry.Text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("asker %d: %d events in another order than handed over", a, len(got))
		}
	}
}

func TestNobodyStepsALoopThatDoesNotRun(t *testing.T) {
	k := &sink{}
	l, stop := runLoop(t, k)
	stop()
	before := len(k.rows)
	if _, err := l.Ask(t.Context(), func(ReplyID) Event { return auditOf("late", "x") }); err != ErrStopped {
		t.Errorf("got %v, want ErrStopped", err)
	}
	if len(k.rows) != before {
		t.Error("a stopped loop was stepped")
	}
}

// TestPanicOfAStepEndsTheProcess: handlers of CALLs survive their panics, but a Site that
// was left half stepped must not go on.
func TestPanicOfAStepEndsTheProcess(t *testing.T) {
	if os.Getenv("BUSBAR_PANIC") != "" {
		k := &sink{onLookup: func() { panic("half stepped") }}
		l, _ := runLoop(t, k)
		defer func() { recover() }() //nolint:errcheck // as who handles a CALL does
		_, _ = l.Ask(t.Context(), func(id ReplyID) Event {
			return AuthorizeAsked{Reply: id, Station: "CP1", Token: IDToken{Value: "A"}}
		})
		time.Sleep(time.Second)
		os.Exit(0)
	}
	for range 5 { // by whoever has the turn
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicOfAStepEndsTheProcess$")
		cmd.Env = append(os.Environ(), "BUSBAR_PANIC=1")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "half stepped") {
			t.Fatalf("the process went on: %v\n%s", err, out)
		}
	}
}
