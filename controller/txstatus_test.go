package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// entries are the log's lines of one code.
func entries(r *rig, code string) (out []string) {
	for _, e := range r.site.log {
		if e.Code == code {
			out = append(out, fmt.Sprintf("%s: %s", e.Severity, e.Text))
		}
	}
	return out
}

// asked are the transactions whose state a charger was asked for, with the answer given.
func (r *rig) saysOfTx(effects []Effect, accepted bool, data string) (asked []string) {
	r.t.Helper()
	for _, c := range find[Command](effects) {
		if c.Kind == CommandTxStatus {
			asked = append(asked, c.ChargerTx)
			r.do(CommandAnswered{Op: c.Op, Accepted: accepted, Data: []byte(data)})
		}
	}
	return asked
}

func TestAGapIsAskedAboutAndNoted(t *testing.T) {
	begin := func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }
	for _, c := range []struct {
		name   string
		events func(r *rig) []TxReported
		asked  int
		ok     bool
		data   string
		says   []string
	}{
		{"none", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, begin), r.event(1, TxGoesOn, nil), r.event(1, TxGoesOn, nil), r.event(2, TxEnds, nil)}
		}, 0, true, `{}`, nil},
		{"counts from 1", func(r *rig) []TxReported {
			return []TxReported{r.event(1, TxBegins, begin), r.event(2, TxEnds, nil)}
		}, 0, true, `{}`, nil},
		{"two, lost", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, begin), r.event(3, TxGoesOn, nil), r.event(7, TxEnds, nil)}
		}, 2, true, `{"ongoing":true,"waiting":false}`, []string{"messages 1 to 2", "messages 4 to 6", "they are lost"}},
		{"in the queue", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, begin), r.event(2, TxGoesOn, nil)}
		}, 1, true, `{"waiting":true}`, []string{"messages 1 to 1", "still has messages"}},
		{"begun unheard", func(r *rig) []TxReported {
			return []TxReported{r.event(4, TxGoesOn, begin)}
		}, 1, true, `{"waiting":false}`, []string{"messages 0 to 3"}},
		{"held, then a gap", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, nil), r.event(2, TxGoesOn, begin)}
		}, 1, true, `{"waiting":false}`, []string{"messages 1 to 1"}},
		{"not supported", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, begin), r.event(2, TxGoesOn, nil)}
		}, 1, false, ``, []string{"does not say"}},
		{"nonsense", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, begin), r.event(2, TxGoesOn, nil)}
		}, 1, true, `{"waiting":"maybe"}`, []string{"does not say"}},
	} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP2")
		asked := 0
		for _, ev := range c.events(r) {
			asked += len(r.saysOfTx(r.do(ev), c.ok, c.data))
		}
		got := entries(r, "tx.gap")
		if asked != c.asked || len(got) != c.asked {
			t.Errorf("%s: asked %d times, noted %q", c.name, asked, got)
		}
		for _, part := range c.says {
			if !strings.Contains(strings.Join(got, "\n"), part) {
				t.Errorf("%s: no %q in %q", c.name, part, got)
			}
		}
	}
}

// TestGapsAreRationed: a charger that leaps on with each message fills no disk.
func TestGapsAreRationed(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	asked := 0
	for i := range 1000 {
		asked += len(find[Command](r.do(r.event(5*i, TxGoesOn, func(ev *TxReported) { ev.ChargerTx = fmt.Sprint("T", i%3) }))))
	}
	if asked == 0 || asked > 2*notesPerHour {
		t.Errorf("asked %d times", asked)
	}
}

func TestAnEndThatWasNotHeard(t *testing.T) {
	for _, c := range []struct {
		name, data string
		ok         bool
		after      time.Duration // without a word of the charger
		ends       bool
		code       string
	}{
		{"goes on", `{"ongoing":true,"waiting":true}`, true, time.Hour, false, ""},
		{"not told", `{"waiting":false}`, true, time.Hour, false, ""},
		{"not supported", ``, false, time.Hour, false, ""},
		{"lost", `{"ongoing":false,"waiting":false}`, true, forgottenAfter, true, "tx.ended-unheard"},
		{"lost, not yet", `{"ongoing":false,"waiting":false}`, true, forgottenAfter - time.Second, false, "tx.ended-unheard"},
		{"in the queue", `{"ongoing":false,"waiting":true}`, true, time.Hour, false, "tx.queued"},
	} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP2")
		r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
		r.do(ChargerGone{Station: "CP2", Generation: 1})
		asked := r.saysOfTx(r.do(ChargerConnected{Station: "CP2", Generation: 2, Protocol: "ocpp2.0.1"}), c.ok, c.data)
		if !slices.Equal(asked, []string{"T-1"}) {
			t.Errorf("%s: asked for %q", c.name, asked)
		}
		r.later(c.after)
		tx := r.site.txOfCharger(r.site.stations["CP2"], "T-1")
		if tx.row.Ended != c.ends || c.code != "" && len(entries(r, c.code)) != 1 {
			t.Errorf("%s: ended is %v, log %v", c.name, tx.row.Ended, r.site.log)
		}
	}
}

// TestATransactionThatSpeaksIsNotClosed: a charger that was wrong about it goes on, and is
// closed once it has been silent for ten minutes.
func TestATransactionThatSpeaksIsNotClosed(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
	r.saysOfTx(r.do(ChargerConnected{Station: "CP2", Generation: 2, Protocol: "ocpp2.0.1"}), true, `{"ongoing":false,"waiting":false}`)
	tx := r.site.txOfCharger(r.site.stations["CP2"], "T-1")
	for i := range 30 {
		r.later(forgottenAfter - time.Minute)
		r.do(r.event(1+i, TxGoesOn, nil))
	}
	if r.later(forgottenAfter - time.Second); tx.row.Ended {
		t.Fatal("closed while it went on")
	}
	if r.later(time.Second); !tx.row.Ended {
		t.Error("not closed when it was silent")
	}
}

// TestANewWordOnATransactionCounts: what a charger says when it is back once more takes the
// place of what it said before.
func TestANewWordOnATransactionCounts(t *testing.T) {
	for _, data := range []string{`{"ongoing":true,"waiting":false}`, `{"ongoing":false,"waiting":true}`} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP2")
		r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
		r.saysOfTx(r.do(ChargerConnected{Station: "CP2", Generation: 2, Protocol: "ocpp2.0.1"}), true, `{"ongoing":false,"waiting":false}`)
		r.later(forgottenAfter / 2)
		r.saysOfTx(r.do(ChargerConnected{Station: "CP2", Generation: 3, Protocol: "ocpp2.0.1"}), true, data)
		r.later(time.Hour)
		if r.site.txOfCharger(r.site.stations["CP2"], "T-1").row.Ended {
			t.Errorf("closed, and the charger said %s", data)
		}
	}
}

// TestEventsKeepATransactionOpen: neither the status Available nor an end in the queue
// closes one within ten minutes of its last word.
func TestEventsKeepATransactionOpen(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
	r.do(StatusReported{Station: "CP2", Connector: 1, Status: StatusAvailable})
	for i := range 5 {
		r.later(forgottenAfter - time.Minute)
		r.do(r.event(1+i, TxGoesOn, nil))
	}
	asked := r.do(ChargerConnected{Station: "CP2", Generation: 2, Protocol: "ocpp2.0.1"})
	r.later(5 * time.Second) // it takes its time
	r.saysOfTx(asked, true, `{"ongoing":false,"waiting":true}`)
	tx := r.site.txOfCharger(r.site.stations["CP2"], "T-1")
	if r.later(forgottenAfter - time.Second); tx.row.Ended {
		t.Error("closed while its end was in the queue")
	}
	if r.later(time.Second); !tx.row.Ended {
		t.Error("not closed when nothing came")
	}
}

func TestAMessageAfterTheEndIsNoted(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
	r.do(r.event(2, TxEnds, func(ev *TxReported) { ev.Samples = energy(3000, true) }))
	rows := len(lanes(r.rows))
	r.do(r.event(2, TxEnds, func(ev *TxReported) { ev.Samples = energy(3000, true) })) // again
	late := r.event(1, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(2000, true) })
	r.do(late)
	if got := entries(r, "tx.late"); len(got) != 1 || !strings.Contains(got[0], "message 1 came after") {
		t.Errorf("noted %q", got)
	}
	if answer[TxAnswer](r, late.Reply); len(lanes(r.rows)) != rows {
		t.Error("something followed the Stop")
	}
}
