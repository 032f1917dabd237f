package controller

import (
	"testing"
	"time"

	"busbar/loadbalance"
)

// TestBackButUnheard: a charger that comes back may have begun to charge meanwhile; it is
// booked until it tells its status, or has had the time to.
func TestBackButUnheard(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	sl := r.site.slotBy(1)
	may := func() bool { return r.site.demand(sl).CanStartUnasked }
	available := func() {
		r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusAvailable, ErrorCode: NoError, At: r.now})
	}
	available()
	if may() {
		t.Error("an idle connector that has told its status is booked")
	}
	r.do(ChargerGone{Station: "CP1", Generation: 1})
	r.later(time.Second)
	r.do(ChargerConnected{Station: "CP1", Generation: 2, Protocol: "ocpp1.6"})
	if !may() {
		t.Error("a charger that is back is taken for idle before it has told")
	}
	r.later(tellsWithin)
	if may() {
		t.Error("a charger that tells nothing is booked for ever")
	}
	r.do(ChargerConnected{Station: "CP1", Generation: 3, Protocol: "ocpp1.6"})
	available()
	if may() {
		t.Error("what it tells after its return does not count")
	}
}

// TestDeafIsNotCountedOn: who refuses setpoints again and again can't be commanded until
// the next try, so that others give way.
func TestDeafIsNotCountedOn(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.start("CP1", 1, "A")
	sl := r.site.slotBy(1)
	for i := range deafAfter {
		if !r.site.demand(sl).Online {
			t.Fatalf("given up after %d refusals", i)
		}
		r.site.effects = nil
		r.site.sendLimit(sl, 6000, time.Minute, true)
		r.do(LimitAnswered{Station: "CP1", Slot: 1, Seq: r.site.seq, Sent: true, Err: "Rejected"})
	}
	if r.site.demand(sl).Online {
		t.Error("counted on after three refusals")
	}
	r.later(deafFor)
	if !r.site.demand(sl).Online {
		t.Error("never tried again")
	}
}

// TestReductionIsNoIncrease: after a restart the box books a car at the maximum; what it
// tells it first must not be more than it has.
func TestReductionIsNoIncrease(t *testing.T) {
	l := layout()
	row := TxRow{Tx: 1000001, Slot: 1, Station: "CP1", Connector: 1, StartedAt: epoch.Add(-time.Hour), Token: IDToken{Value: "A"}}
	r := newRig(t, l, Recovered{NextTx: 1000002, Open: []TxRow{row},
		Stations: []StationRow{{Station: "CP1", FailsafeInstalled: 6000}}, Slots: []SlotRow{{Slot: 1, UpEVSE: 1, UpConnector: 1, Station: "CP1", Connector: 1, State: SlotActive}}})
	r.do(ChargerConnected{Station: "CP1", Generation: 1, Protocol: "ocpp1.6"})
	sl := r.site.slotBy(1)
	to := func(sp loadbalance.Setpoint) loadbalance.MilliAmp {
		r.site.begin(r.now)
		r.site.apply(sp)
		if sent := find[SetLimit](r.site.effects); len(sent) == 1 {
			return sent[0].Limit
		}
		return -1
	}
	cut := loadbalance.Setpoint{Slot: 1, Limit: 20000, Action: loadbalance.Reduce, Lease: time.Minute}
	if got := to(cut); got != -1 {
		t.Errorf("told %v before anything is known of it", got)
	}
	urgent := cut
	urgent.Urgent = true
	if got := to(urgent); got != 6000 {
		t.Errorf("told %v in a hurry, want its fall-back", got)
	}
	r.now = r.now.Add(time.Second)
	sl.measured, sl.measuredAt = loadbalance.Uniform(13370), r.now
	if got := to(cut); got != 13300 {
		t.Errorf("told %v, it draws 13.37 A", got)
	}
	r.do(LimitAnswered{Station: "CP1", Slot: 1, Seq: r.site.seq, Accepted: true, Sent: true})
	if got := to(cut); got != 20000 {
		t.Errorf("told %v when it is known what it holds", got)
	}
}

// TestReductionBeforeTheAnswer: what came before the charger knew its transaction is sent
// again with the answer to its start.
func TestReductionBeforeTheAnswer(t *testing.T) {
	l := layout()
	l.Chargers[0].Failsafe = 16000
	r := newRig(t, l, Recovered{})
	r.online("CP1")
	r.cloudUp()
	r.do(r.startEvent("CP1", 1, "A")) // waits for the cloud
	r.site.begin(r.now)
	r.site.sendLimit(r.site.slotBy(1), 0, time.Minute, true)
	seq := r.site.seq
	r.do(LimitAnswered{Station: "CP1", Slot: 1, Seq: seq, Sent: true, Err: "Rejected"})
	effects := r.later(startAnswerWithin)
	sent := find[SetLimit](effects)
	if len(find[Answer](effects)) != 1 || len(sent) != 1 || sent[0].Limit != 0 || sent[0].Seq == seq {
		t.Errorf("with the answer: %+v", effects)
	}
	if sl := r.site.slotBy(1); sl.lim.refusals != 0 || sl.lim.failed != 0 {
		t.Error("a refusal before the answer counts")
	}
}
