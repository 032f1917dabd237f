package controller

import (
	"testing"
	"time"
)

// says is MeterValues of CP1's connector 1 with a register; tx 0: without an id.
func (r *rig) says(tx TxID, register WattHour) {
	r.t.Helper()
	r.do(MeterReported{Station: "CP1", Reply: r.next(), Connector: 1, Tx: tx, Samples: []MeterSample{{At: r.now, Energy: register, HasEnergy: true, SoC: -1}}})
}

// TestOnlyASilentTransactionIsForgotten: the status Available alone ends nothing while
// something of the transaction comes.
func TestOnlyASilentTransactionIsForgotten(t *testing.T) {
	available := func(at time.Time) StatusReported {
		return StatusReported{Station: "CP1", Connector: 1, Status: StatusAvailable, At: at}
	}
	for _, c := range []struct {
		name  string
		hears func(r *rig, tx TxID, minute int)
		ends  bool // within half an hour
	}{
		{"nothing comes", func(*rig, TxID, int) {}, true},
		{"its values come", func(r *rig, tx TxID, _ int) { r.says(tx, 100) }, false},
		{"energy flows, values without an id", func(r *rig, _ TxID, minute int) { r.says(0, WattHour(200+100*minute)) }, false},
		{"the connector's values, nothing flows", func(r *rig, _ TxID, _ int) { r.says(0, 100) }, true},
		{"the same status again and again", func(r *rig, _ TxID, _ int) { r.do(available(r.now)) }, true},
	} {
		r := newRig(t, layout(), Recovered{})
		r.online("CP1")
		r.do(available(r.now))
		tx := r.start("CP1", 1, "A")
		for minute := range 30 {
			r.later(time.Minute)
			c.hears(r, tx, minute)
		}
		if got := r.site.txs[tx].row.Ended; got != c.ends {
			t.Errorf("%s: ended is %v", c.name, got)
		}
	}
}

// TestAClockThatIsSlowForgetsNothing: the ten minutes are the box's own.
func TestAClockThatIsSlowForgetsNothing(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	tx := r.start("CP1", 1, "A")
	r.do(StatusReported{Station: "CP1", Connector: 1, Status: StatusCharging, At: r.now.Add(-time.Hour)})
	r.later(2 * time.Hour)
	r.do(StatusReported{Station: "CP1", Connector: 1, Status: StatusAvailable, At: r.now.Add(-time.Hour)})
	r.later(forgottenAfter - time.Second)
	if r.site.txs[tx].row.Ended {
		t.Fatal("closed before its Stop could come")
	}
	if r.later(time.Second); !r.site.txs[tx].row.Ended {
		t.Fatal("not closed after ten minutes")
	}
}
