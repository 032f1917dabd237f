package controller

import (
	"encoding/json"
	"testing"
	"time"
)

func TestStartIsAnsweredOnlyAfterTheCommit(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.hold = true
	ev := r.startEvent("CP1", 1, "A")
	effects := r.do(ev)
	if r.answers[ev.Reply] != nil {
		t.Fatal("answered before the commit")
	}
	p := find[Persist](effects)
	if len(p) != 1 || len(rowsOf[TxRow](p[0].Rows)) != 1 || len(rowsOf[OutboxRow](p[0].Rows)) != 1 {
		t.Fatalf("want the transaction and its outbox row in one unit, got %+v", p)
	}
	r.do(Committed{Seq: p[0].Seq})
	if got := answer[StartAnswer](r, ev.Reply); got.Tx != 1000001 || got.Info.Status != TokenAccepted {
		t.Fatalf("got %+v", got)
	}
}

func TestAFailedJournalAcknowledgesNothing(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.hold = true
	ev := r.startEvent("CP1", 1, "A")
	p := find[Persist](r.do(ev))
	r.do(JournalFailed{Err: "no space left on device"})
	r.do(Committed{Seq: p[0].Seq})
	if r.answers[ev.Reply] != nil {
		t.Fatal("acknowledged after the disk failed")
	}
	if alarms := r.site.Snapshot(r.now).Alarms; len(alarms) == 0 || alarms[0].Code != "journal.failed" {
		t.Fatalf("no alarm: %+v", alarms)
	}
}

func TestARepeatedStartIsTheSameTransaction(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*TxStarted)
		same   bool
	}{
		{"identical", func(*TxStarted) {}, true},
		{"stamped anew within ten minutes", func(ev *TxStarted) { ev.At = ev.At.Add(time.Minute); ev.AtText = "x"; ev.MessageID = "other" }, true},
		{"same message id, any time", func(ev *TxStarted) { ev.At = ev.At.Add(time.Hour); ev.AtText = "x" }, true},
		{"token in other case", func(ev *TxStarted) { ev.Token.Value = "a" }, true},
		{"another register", func(ev *TxStarted) { ev.MeterStart++; ev.MessageID = "other" }, false},
		{"another token", func(ev *TxStarted) { ev.Token.Value = "B"; ev.MessageID = "other" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, layout(), Recovered{})
			r.online("CP1")
			ev := r.startEvent("CP1", 1, "A")
			r.do(ev)
			again := ev
			again.Reply = r.next()
			c.change(&again)
			r.do(again)
			first, second := answer[StartAnswer](r, ev.Reply), answer[StartAnswer](r, again.Reply)
			if (first.Tx == second.Tx) != c.same {
				t.Fatalf("transactions %d and %d, want same: %v", first.Tx, second.Tx, c.same)
			}
			want := 1
			if !c.same {
				want = 2
			}
			if n := len(rowsOf[OutboxRow](r.rows)); n != want {
				t.Fatalf("%d messages for the cloud, want %d", n, want)
			}
		})
	}
}

func TestStopEndsTheTransactionAndIsDeliveredOnce(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	stop := TxStopped{Station: "CP1", Reply: r.next(), Tx: id, MeterStop: 5100, At: r.now.Add(time.Hour), Data: json.RawMessage(`[{"x":1.10}]`)}
	r.do(stop)
	answer[StopAnswer](r, stop.Reply)
	again := stop
	again.Reply = r.next()
	r.do(again)
	answer[StopAnswer](r, again.Reply)
	out := rowsOf[OutboxRow](r.rows)
	if len(out) != 2 || out[1].Kind != OutboxStop {
		t.Fatalf("outbox %+v", out)
	}
	var body StopBody
	if err := json.Unmarshal(out[1].Body, &body); err != nil || body.MeterStop != 5100 || string(body.Data) != `[{"x":1.10}]` {
		t.Fatalf("stop body %s (%v): data must stay byte-exact", out[1].Body, err)
	}
}

func TestStopsOfUnknownTransactionsAreAnswered(t *testing.T) {
	for _, c := range []struct {
		name    string
		tx      TxID
		token   string
		meter   WattHour
		matched bool
	}{
		{"-1 with the token", -1, "A", 200, true},
		{"0 without token", 0, "", 200, true},
		{"unknown id with the token", 42, "a", 200, true},
		{"-1 with a foreign token", -1, "B", 200, false},
		{"of an older transaction: its register lies before the start of the running one", 42, "", 99, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, layout(), Recovered{})
			r.online("CP1")
			r.start("CP1", 1, "A")
			ev := TxStopped{Station: "CP1", Reply: r.next(), Tx: c.tx, MeterStop: c.meter, At: r.now}
			if c.token != "" {
				ev.Token = &IDToken{Value: c.token}
			}
			r.do(ev)
			answer[StopAnswer](r, ev.Reply)
			if ended := r.site.slots[0].tx == nil; ended != c.matched {
				t.Fatalf("transaction ended: %v, want %v", ended, c.matched)
			}
		})
	}
}

func TestAChargerCannotStopAnothersTransaction(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.online("CP2")
	id := r.start("CP1", 1, "A")
	ev := TxStopped{Station: "CP2", Reply: r.next(), Tx: id, MeterStop: 200, At: r.now}
	r.do(ev)
	answer[StopAnswer](r, ev.Reply)
	if r.site.slots[0].tx == nil {
		t.Fatal("a foreign charger ended the transaction")
	}
}

func TestTheCloudsWordReachesAWaitingStart(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.cloudUp()
	ev := r.startEvent("CP1", 1, "A")
	r.do(ev)
	if r.answers[ev.Reply] != nil {
		t.Fatal("did not wait for the cloud")
	}
	r.do(Delivered{Tx: 1000001, Kind: OutboxStart, UpTx: "77", Info: &TokenInfo{Status: TokenBlocked}})
	if got := answer[StartAnswer](r, ev.Reply); got.Info.Status != TokenBlocked || got.Tx != 1000001 {
		t.Fatalf("got %+v", got)
	}
}

func TestASilentCloudDoesNotHoldAStart(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.cloudUp()
	ev := r.startEvent("CP1", 1, "A")
	r.do(ev)
	r.later(startAnswerWithin)
	if got := answer[StartAnswer](r, ev.Reply); got.Info.Status != TokenAccepted {
		t.Fatalf("got %+v", got)
	}
}

func TestALateInvalidStopsTheCarAndSaysDeAuthorized(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	effects := r.do(Delivered{Tx: id, Kind: OutboxStart, UpTx: "77", Info: &TokenInfo{Status: TokenInvalid}})
	cmd := find[Command](effects)
	if len(cmd) != 1 || cmd[0].Kind != CommandStop || cmd[0].Tx != id {
		t.Fatalf("commands %+v", cmd)
	}
	r.do(CommandAnswered{Op: cmd[0].Op, Accepted: true, Status: "Accepted"})
	r.do(TxStopped{Station: "CP1", Reply: r.next(), Tx: id, MeterStop: 150, At: r.now, Reason: "Remote"})
	rows := rowsOf[TxRow](r.rows)
	if last := rows[len(rows)-1]; last.Reason != "DeAuthorized" || last.MeterStop != 150 {
		t.Fatalf("%+v: reason must be DeAuthorized, energy untouched", last)
	}
}

func TestConcurrentTxWhileOlderMessagesWaitIsOurOwnEcho(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	first := r.start("CP2", 1, "A")
	r.do(TxStopped{Station: "CP2", Reply: r.next(), Tx: first, MeterStop: 200, At: r.now})
	second := r.start("CP2", 2, "A")
	effects := r.do(Delivered{Tx: second, Kind: OutboxStart, UpTx: "78", Info: &TokenInfo{Status: TokenConcurrentTx}})
	if cmd := find[Command](effects); len(cmd) != 0 {
		t.Fatalf("a paying customer was stopped: %+v", cmd)
	}
}

func TestANewStartClosesTheForgottenOneAfterItsGrace(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	old := r.start("CP1", 1, "A")
	r.do(MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: old, Samples: []MeterSample{{At: r.now, Energy: 900, HasEnergy: true, SoC: -1}}})
	r.now = r.now.Add(time.Minute)
	young := r.start("CP1", 1, "B")
	if young == old {
		t.Fatal("two cars share a transaction")
	}
	r.later(lateStopWithin)
	for _, row := range rowsOf[TxRow](r.rows) {
		if row.Tx == old && row.Ended {
			if !row.Synthetic || row.MeterStop != 900 {
				t.Fatalf("closed as %+v, want the last register and the mark", row)
			}
			return
		}
	}
	t.Fatal("the old transaction stays open for ever")
}

func TestALateStopWithinTheGraceIsTaken(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	old := r.start("CP1", 1, "A")
	r.now = r.now.Add(time.Minute)
	r.start("CP1", 1, "B")
	r.do(TxStopped{Station: "CP1", Reply: r.next(), Tx: old, MeterStop: 1234, At: r.now})
	r.later(lateStopWithin)
	n := 0
	for _, row := range rowsOf[OutboxRow](r.rows) {
		if row.Tx == old && row.Kind == OutboxStop {
			n++
		}
	}
	if n != 1 || r.site.slots[0].tx == nil {
		t.Fatalf("%d stops for the cloud, open %v; want 1 and the new one running", n, r.site.slots[0].tx)
	}
}

func TestTenSecondMeteringBillsOncePerMinute(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	for i := range 60 {
		r.now = r.now.Add(10 * time.Second)
		raw := json.RawMessage(`{"n":` + string(rune('0'+i%10)) + `}`)
		r.do(MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: id, Samples: []MeterSample{{At: r.now, Raw: raw, SoC: -1}}})
	}
	n := 0
	for _, row := range rowsOf[OutboxRow](r.rows) {
		if row.Kind == OutboxMeter {
			n++
		}
	}
	if n != 10 {
		t.Fatalf("%d billing samples in ten minutes, want 10", n)
	}
}

func TestARepeatedBillingSampleGoesUpOnce(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	begin := MeterSample{At: r.now, Raw: json.RawMessage(`{"context":"Transaction.Begin"}`), Billing: true, SoC: -1}
	for range 3 {
		r.do(MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: id, Samples: []MeterSample{begin}})
	}
	if n := len(rowsOf[OutboxRow](r.rows)); n != 2 {
		t.Fatalf("%d outbox rows, want the start and one sample", n)
	}
}

func TestARepeatedBillingSampleWaitsForTheFirstOnesCommit(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	r.hold = true
	again := MeterReported{Station: "CP1", Connector: 1, Tx: id,
		Samples: []MeterSample{{At: r.now, Raw: json.RawMessage(`{"context":"Transaction.Begin"}`), Billing: true, SoC: -1}}}
	for range 2 {
		again.Reply = r.next()
		r.do(again)
		if body := r.answers[again.Reply]; body != nil {
			t.Fatalf("%#v before the values are on the disk", body)
		}
	}
}

func TestABillingSampleRepeatedAfterARestartGoesUpOnce(t *testing.T) {
	begin := MeterSample{At: epoch, Raw: json.RawMessage(`{"context":"Transaction.Begin"}`), Billing: true, SoC: -1}
	r := newRig(t, layout(), Recovered{
		Slots:  []SlotRow{{Slot: 1, UpEVSE: 1, UpConnector: 1, Station: "CP1", Connector: 1, State: SlotActive}},
		Open:   []TxRow{{Tx: 7, Slot: 1, Station: "CP1", Connector: 1, Token: IDToken{Value: "A"}, StartedAt: epoch}},
		Billed: map[TxID][]json.RawMessage{7: {begin.Raw}},
	})
	r.online("CP1")
	repeated := MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: 7, Samples: []MeterSample{begin}}
	r.do(repeated)
	answer[Done](r, repeated.Reply)
	if rows := rowsOf[OutboxRow](r.rows); len(rows) != 0 {
		t.Fatalf("it went into the outbox again: %+v", rows)
	}
}

func TestValuesAfterTheStopStayOutOfTheLane(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.start("CP1", 1, "A")
	r.do(TxStopped{Station: "CP1", Reply: r.next(), Tx: id, MeterStop: 1234, At: r.now})
	late := MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: id,
		Samples: []MeterSample{{At: r.now, Raw: json.RawMessage(`{}`), Billing: true, SoC: -1}}}
	r.do(late)
	answer[Done](r, late.Reply)
	out := rowsOf[OutboxRow](r.rows)
	if out[len(out)-1].Kind != OutboxStop {
		t.Fatal("a sample follows the stop in its lane")
	}
}

// TestTheNewestOfAConnectorRunsAfterARestart: an older one, whose Stop did not come before
// its successor's Start, gets its time and is closed.
func TestTheNewestOfAConnectorRunsAfterARestart(t *testing.T) {
	row := TxRow{Slot: 1, Station: "CP1", Connector: 1, StartedAt: epoch, MeterStart: 100, LastRegister: 900}
	old, young := row, row
	old.Tx, old.Token = 7, IDToken{Value: "A"}
	young.Tx, young.Token, young.LastRegister = 8, IDToken{Value: "B"}, 1500
	r := newRig(t, layout(), Recovered{Open: []TxRow{old, young}})
	r.online("CP1")
	sl := r.site.slots[0]
	if sl.tx == nil || sl.tx.id != 8 || sl.register != 1500 {
		t.Fatalf("%+v runs with register %d", sl.tx, sl.register)
	}
	r.later(forgottenAfter - time.Second)
	if r.site.txs[7].row.Ended {
		t.Error("closed before its Stop could come")
	}
	r.later(time.Minute)
	if got := r.site.txs[7].row; !got.Ended || !got.Synthetic || got.MeterStop != 900 || sl.tx == nil {
		t.Errorf("the older one is %+v, the newer one %+v", got, sl.tx)
	}
}
