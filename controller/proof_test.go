package controller

import (
	"strings"
	"testing"
	"time"

	"busbar/loadbalance"
)

// proving is a site with one car whose charger the test plays second by second.
type proving struct {
	*rig
	tx    TxID
	limit SetLimit // the newest setpoint that the charger took
	until time.Time
	sent  []SetLimit
	draws func(p *proving) loadbalance.MilliAmp // what the car draws now
	deaf  bool                                  // the charger refuses setpoints
	mute  bool                                  // it sends no meter values
}

// obedient follows setpoint and fall-back, up to 16 A.
func obedient(p *proving) loadbalance.MilliAmp {
	if p.now.Before(p.until) {
		return min(p.limit.Limit, 16000)
	}
	return 6000
}

func newProving(t *testing.T, draws func(*proving) loadbalance.MilliAmp) *proving {
	t.Helper()
	p := &proving{rig: newRig(t, layout(), Recovered{}), draws: draws}
	p.online("CP1")
	p.pass(3)
	p.tx = p.start("CP1", 1, "A")
	p.do(StatusReported{Station: "CP1", Reply: p.next(), Status: StatusCharging, ErrorCode: NoError, Connector: 1})
	p.pass(40)
	return p
}

// pass lets seconds go by.
func (p *proving) pass(seconds int) {
	for range seconds {
		p.now = p.now.Add(time.Second)
		p.take(p.do(MeterSampled{Meter: "grid", At: p.now, Current: loadbalance.Uniform(loadbalance.MilliAmp(20000 + p.now.Unix()%7*100)), Period: time.Second}))
		if p.tx != 0 && !p.mute && p.now.Unix()%5 == 0 {
			a := p.draws(p)
			p.take(p.do(MeterReported{Station: "CP1", Connector: 1, Tx: p.tx, Reply: p.next(), Samples: []MeterSample{{At: p.now, SoC: -1, Current: loadbalance.Uniform(a), CurrentPhases: loadbalance.AllPhases}}}))
		}
	}
}

func (p *proving) take(effects []Effect) {
	for _, l := range find[SetLimit](effects) {
		p.sent = append(p.sent, l)
		if !p.deaf {
			p.limit, p.until = l, p.now.Add(l.Lease)
		}
		p.take(p.do(LimitAnswered{Station: l.Station, Slot: l.Slot, Seq: l.Seq, Sent: true, Accepted: !p.deaf, Err: "no"}))
	}
}

// ask requests the test; the answer comes with time.
func (p *proving) ask() ReplyID {
	id := p.next()
	p.take(p.do(ProofRequested{Reply: id, Slot: 1, Lease: 30 * time.Second, Watch: 45 * time.Second}))
	return id
}

func TestProofOfTheFallBack(t *testing.T) {
	p := newProving(t, obedient)
	before := p.limit
	if before.Limit < 16000 {
		t.Fatalf("the car has %v only", before.Limit)
	}
	p.sent = nil
	id := p.ask()
	p.pass(2)
	if len(p.sent) != 1 || p.sent[0].Lease != 30*time.Second || p.sent[0].Limit != before.Limit {
		t.Fatalf("sent %+v", p.sent)
	}
	p.pass(40)
	if got := answer[ProofAnswer](p.rig, id); got.Result != Yes || got.Fallback != 6000 || got.Took < 0 || got.Took > 10*time.Second {
		t.Errorf("got %+v", got)
	}
	p.pass(60)
	if p.limit.Limit < 16000 || !p.now.Before(p.until) {
		t.Errorf("the car did not get its current back: %+v", p.limit)
	}
}

func TestProofThatFails(t *testing.T) {
	p := newProving(t, func(*proving) loadbalance.MilliAmp { return 16000 })
	id := p.ask()
	p.pass(90)
	if got := answer[ProofAnswer](p.rig, id); got.Result != No || !strings.Contains(got.Why, "16.0 A") {
		t.Errorf("got %+v", got)
	}
}

func TestProofsThatStayOpen(t *testing.T) {
	for _, c := range []struct {
		name  string
		draws func(*proving) loadbalance.MilliAmp
		then  func(*proving)
		why   string
	}{
		{"a car that draws little", func(*proving) loadbalance.MilliAmp { return 6000 }, func(p *proving) { p.pass(100) }, "no car draws more"},
		{"the car is full before the end", func(p *proving) loadbalance.MilliAmp {
			if p.limit.Lease == 30*time.Second && p.until.Sub(p.now) < 6*time.Second {
				return 6000
			}
			return 16000
		}, func(p *proving) { p.pass(100) }, "before the setpoint ended"},
		{"the car stops at the end", func(p *proving) loadbalance.MilliAmp {
			if !p.now.Before(p.until) {
				return 0
			}
			return 16000
		}, func(p *proving) { p.pass(100) }, "stopped charging"},
		{"no meter values", obedient, func(p *proving) { p.pass(5); p.mute = true; p.pass(100) }, "no meter values"},
		{"a refusal", obedient, func(p *proving) { p.deaf = true; p.pass(5) }, "did not take"},
		{"the charger goes", obedient, func(p *proving) { p.pass(3); p.do(ChargerGone{Station: "CP1", Generation: 1}); p.pass(2) }, "connection was lost"},
		{"the driver goes", obedient, func(p *proving) {
			p.pass(3)
			p.do(TxStopped{Station: "CP1", Tx: p.tx, Reply: p.next(), MeterStop: 500, At: p.now, AtText: p.now.Format(time.RFC3339), Reason: "Local"})
			p.tx = 0
			p.pass(2)
		}, "transaction ended"},
		{"a reduction", obedient, func(p *proving) {
			p.pass(3)
			p.take(p.do(LimitRequested{Reply: p.next(), Slot: 1, Limit: 8000}))
			p.pass(10)
			if p.limit.Limit != 8000 {
				p.t.Errorf("the limit is %v, want 8 A at once", p.limit.Limit)
			}
		}, "reduced meanwhile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProving(t, c.draws)
			id := p.ask()
			c.then(p)
			if got := answer[ProofAnswer](p.rig, id); got.Result != "" || !strings.Contains(got.Why, c.why) {
				t.Errorf("got %+v, want %q", got, c.why)
			}
		})
	}
}

func TestProofNeedsACar(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	for _, slot := range []Slot{1, 99} {
		id := r.next()
		r.do(ProofRequested{Reply: id, Slot: slot, Lease: time.Second, Watch: time.Second})
		if got := answer[ProofAnswer](r, id); got.Result != "" || got.Why == "" {
			t.Errorf("slot %d: got %+v", slot, got)
		}
	}
	p := newProving(t, obedient)
	p.ask()
	if got := answer[ProofAnswer](p.rig, p.ask()); !strings.Contains(got.Why, "runs already") {
		t.Errorf("a second one: %+v", got)
	}
}
