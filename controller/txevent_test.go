package controller

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// event is a TransactionEvent of CP2's EVSE 1, in the order they are made.
func (r *rig) event(seq int, part TxPart, edit func(*TxReported)) TxReported {
	r.now = r.now.Add(time.Second)
	ev := TxReported{Station: "CP2", Reply: r.next(), MessageID: fmt.Sprint("m", seq), Part: part, ChargerTx: "T-1", SeqNo: seq, Connector: 1, At: r.now, AtText: utc(r.now)}
	if edit != nil {
		edit(&ev)
	}
	return ev
}

func energy(wh WattHour, billing bool) []MeterSample {
	return []MeterSample{{Raw: json.RawMessage(fmt.Sprintf(`{"wh":%d}`, wh)), Energy: wh, HasEnergy: true, SoC: -1, Billing: billing}}
}

func alice(ev *TxReported) { ev.Token = &IDToken{Value: "ALICE", Type: "ISO14443"} }

// lanes is what the outbox got, in order.
func lanes(rows []Row) (out []OutboxKind) {
	for _, o := range rowsOf[OutboxRow](rows) {
		out = append(out, o.Kind)
	}
	return out
}

func TestATransactionOfV2BeginsWhenAllIsKnown(t *testing.T) {
	token := func(ev *TxReported) { alice(ev) }
	register := func(ev *TxReported) { ev.Samples = energy(1000, true) }
	place := func(ev *TxReported) { ev.Connector = 1 }
	orders := [][]func(*TxReported){
		{token, register, place}, {token, place, register}, {register, token, place}, {register, place, token}, {place, token, register}, {place, register, token},
	}
	for i, order := range orders {
		r := newRig(t, layout(), Recovered{})
		r.online("CP2")
		for n, add := range order {
			part := TxGoesOn
			if n == 0 {
				part = TxBegins
			}
			ev := r.event(n, part, func(ev *TxReported) { ev.Connector = 0; add(ev) })
			r.do(ev)
			if n < 2 {
				answer[TxAnswer](r, ev.Reply)
				if len(lanes(r.rows)) != 0 {
					t.Fatalf("order %d: begun with part %d of 3", i, n+1)
				}
				continue
			}
			if got := answer[StartAnswer](r, ev.Reply); got.Tx == 0 || got.Info.Status != TokenAccepted {
				t.Errorf("order %d: %+v", i, got)
			}
			row := rowsOf[TxRow](r.rows)[0]
			if row.MeterStart != 1000 || row.Token.Value != "ALICE" || row.ChargerTx != "T-1" || !row.StartedAt.Equal(ev.At) {
				t.Errorf("order %d: %+v", i, row)
			}
		}
		if got := fmt.Sprint(lanes(r.rows)); got != "[start meter]" {
			t.Errorf("order %d: %s", i, got)
		}
	}
}

func TestAWholeTransactionOfV2(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
	r.do(r.event(1, TxGoesOn, func(ev *TxReported) { ev.Charging = ChargingCharging; ev.Samples = energy(1500, false) }))
	if sl := r.site.slots[1]; sl.tx == nil || sl.tx.row.LastRegister != 1500 || sl.status.Status != StatusCharging {
		t.Fatalf("%+v, %v", sl.tx, sl.status)
	}
	end := r.event(2, TxEnds, func(ev *TxReported) { alice(ev); ev.Samples = energy(2400, true); ev.Reason = "Local" })
	r.do(end)
	if got := answer[TxAnswer](r, end.Reply); got.Info == nil || got.Info.Status != TokenAccepted {
		t.Errorf("end: %+v", got)
	}
	again := end
	again.Reply = r.next()
	r.do(again)
	answer[TxAnswer](r, again.Reply)
	if got := fmt.Sprint(lanes(r.rows)); got != "[start meter meter stop]" {
		t.Errorf("%s", got)
	}
	var stop StopBody
	rows := rowsOf[OutboxRow](r.rows)
	if err := json.Unmarshal(rows[3].Body, &stop); err != nil || stop.MeterStop != 2400 || stop.Reason != "Local" {
		t.Errorf("%+v %v", stop, err)
	}
	var values MeterBody
	if err := json.Unmarshal(rows[1].Body, &values); err != nil || values.Form != FormV2 || string(values.Values[0]) != `{"wh":1000}` {
		t.Errorf("%+v %v", values, err)
	}
}

func TestEveryEventOfV2MayComeTwice(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	for _, ev := range []TxReported{
		r.event(0, TxBegins, func(ev *TxReported) { ev.Samples = energy(1000, true) }),
		r.event(1, TxGoesOn, alice),
		r.event(2, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(1100, true) }),
		r.event(3, TxEnds, func(ev *TxReported) { ev.Samples = energy(1200, true) }),
	} {
		for range 2 {
			ev.Reply = r.next()
			r.do(ev)
			if r.answers[ev.Reply] == nil {
				t.Fatalf("no answer to %d", ev.SeqNo)
			}
		}
	}
	if got := fmt.Sprint(lanes(r.rows)); got != "[start meter meter meter stop]" {
		t.Errorf("%s", got)
	}
}

func TestWhatIsHeldSurvivesARestart(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	r.hold = true
	ev := r.event(0, TxBegins, func(ev *TxReported) { alice(ev) })
	p := find[Persist](r.do(ev))
	if r.answers[ev.Reply] != nil || len(p) == 0 {
		t.Fatal("answered before it is on the disk")
	}
	r.do(Committed{Seq: p[len(p)-1].Seq})
	answer[TxAnswer](r, ev.Reply)
	settings := map[string]string{}
	for _, row := range rowsOf[SettingRow](r.rows) {
		settings[row.Key] = row.Value
	}
	second := newRig(t, layout(), Recovered{Settings: settings})
	second.now = r.now
	second.online("CP2")
	second.do(second.event(1, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(1000, false) }))
	row := rowsOf[TxRow](second.rows)
	if len(row) != 1 || row[0].Token.Value != "ALICE" {
		t.Fatalf("%+v", row)
	}
	last := rowsOf[SettingRow](second.rows)
	if got := last[len(last)-1]; got.Key != "held/CP2" || got.Value != "" {
		t.Errorf("it is still held: %+v", got)
	}
}

func TestEndedWithoutAStart(t *testing.T) {
	for _, c := range []struct {
		name   string
		events func(r *rig) []TxReported
		lanes  string
		alarm  bool
	}{
		{"no energy: nothing to bill", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, nil), r.event(1, TxEnds, func(ev *TxReported) { ev.Samples = energy(1000, true) })}
		}, "[]", false},
		{"energy and nobody: billed under a name that says so", func(r *rig) []TxReported {
			return []TxReported{r.event(0, TxBegins, func(ev *TxReported) { ev.Samples = energy(1000, true) }), r.event(1, TxEnds, func(ev *TxReported) { ev.Samples = energy(1700, true) })}
		}, "[start meter stop]", true},
		{"all in the end", func(r *rig) []TxReported {
			return []TxReported{r.event(5, TxEnds, func(ev *TxReported) { alice(ev); ev.Samples = append(energy(1000, true), energy(1900, true)...) })}
		}, "[start meter stop]", false},
	} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP2")
		for _, ev := range c.events(r) {
			r.do(ev)
			answer[TxAnswer](r, ev.Reply)
		}
		if got := fmt.Sprint(lanes(r.rows)); got != c.lanes {
			t.Errorf("%s: %s", c.name, got)
		}
		alarm := false
		for _, e := range r.site.log {
			alarm = alarm || e.Code == "tx.unauthorized"
		}
		if alarm != c.alarm {
			t.Errorf("%s: alarm %v", c.name, alarm)
		}
		if len(r.site.stations["CP2"].held) != 0 {
			t.Errorf("%s: still held", c.name)
		}
	}
}

func TestARefusedTokenIsNotHeld(t *testing.T) {
	l := layout()
	l.OfflineUnknownAccepted = false
	r := newRig(t, l, Recovered{})
	r.online("CP2")
	ev := r.event(0, TxBegins, alice)
	r.do(ev)
	if got := answer[TxAnswer](r, ev.Reply); got.Info == nil || got.Info.Status != TokenInvalid {
		t.Fatalf("%+v", got)
	}
	r.do(r.event(1, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(1000, true) }))
	if len(lanes(r.rows)) != 0 {
		t.Error("a transaction began with a refused token")
	}
}

func TestStatusOfAnOccupiedConnector(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	status := func(word ConnectorStatus) {
		r.do(StatusReported{Station: "CP2", Reply: r.next(), Connector: 1, Status: word})
	}
	is := func(want ConnectorStatus) {
		t.Helper()
		if got := r.site.slots[1].status.Status; got != want {
			t.Errorf("status %s, want %s", got, want)
		}
	}
	status(StatusAvailable)
	is(StatusAvailable)
	status(StatusOccupied)
	is(StatusPreparing)
	r.do(r.event(0, TxBegins, func(ev *TxReported) {
		alice(ev)
		ev.Samples, ev.Charging = energy(1000, true), ChargingEVConnected
	}))
	is(StatusSuspendedEV)
	for _, state := range []ChargingState{ChargingCharging, ChargingSuspendedEV, ChargingSuspendedEVSE} {
		r.do(r.event(1, TxGoesOn, func(ev *TxReported) { ev.Charging = state }))
		is(ConnectorStatus(state))
	}
	r.do(r.event(2, TxGoesOn, func(ev *TxReported) { ev.Charging = ChargingIdle }))
	is(StatusSuspendedEV)
	r.do(r.event(3, TxEnds, nil))
	is(StatusFinishing)
	status(StatusOccupied)
	is(StatusFinishing)
	status(StatusAvailable)
	is(StatusAvailable)
	status(StatusOccupied)
	is(StatusPreparing)
	status(StatusFaulted)
	is(StatusFaulted)
}
