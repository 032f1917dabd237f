package ocppsim

import (
	"testing"
	"time"

	"busbar/ocpp/ocpp16"
)

func TestAHalfOpenSocketIsReplaced(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(5 * time.Minute)
		old := b.cloud.Conn("CP0")
		b.chargers[0].Freeze()
		b.wait(20 * time.Second)
		if b.cloud.Conn("CP0") != old {
			t.Fatal("the cloud was told")
		}
		b.wait(3 * time.Minute)
		if now := b.cloud.Conn("CP0"); now == old || now == nil || !b.chargers[0].Connected() {
			t.Fatal("the charger didn't come back")
		}
		b.wait(time.Hour)
		l := b.cloud.Ledger()
		if d := b.differences(); len(d) != 0 || len(l.Transactions) != 1 || l.Boots != 1 {
			t.Fatalf("%d transactions, %d boots, %v", len(l.Transactions), l.Boots, d)
		}
	})
}

func TestAPowerCutIsNotTold(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(5 * time.Minute)
		b.chargers[0].Freeze()
		b.chargers[0].Kill()
		b.wait(10 * time.Second)
		if b.cloud.Conn("CP0") == nil {
			t.Fatal("the cloud was told of a power cut")
		}
		b.wait(5 * time.Minute)
		if b.cloud.Conn("CP0") != nil {
			t.Fatal("a dead charger is still connected")
		}
		b.chargers[0].Revive()
		b.wait(time.Minute)
		l := b.cloud.Ledger()
		if d := b.differences(); len(d) != 0 || !l.Transactions[0].Stopped || l.Boots != 2 {
			t.Fatalf("%+v %v", l, d)
		}
	})
}

func TestAStartWithoutAnswerIsSentAgain(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.cloud.Refuse("StartTransaction", true)
		b.wait(10 * time.Minute)
		if len(b.cloud.Ledger().Transactions) != 0 || b.chargers[0].Current(1)[0] == 0 || b.chargers[0].Pending() < 5 {
			t.Fatalf("%d messages wait", b.chargers[0].Pending())
		}
		b.cloud.Refuse("StartTransaction", false)
		b.wait(time.Minute)
		if l := b.cloud.Ledger(); len(l.Transactions) != 1 || len(l.Faults) != 0 || b.chargers[0].Pending() != 0 {
			t.Fatalf("%+v", l)
		}
	})
}

func TestALiarDrawsWhatItLikes(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		b.chargers[0].SetFault(Fault{IgnoreProfiles: true})
		if r := ask(t, b, ocpp16.SetChargingProfile, lease("6")); r.Status != ocpp16.ChargingProfileStatusAccepted {
			t.Fatal(r.Status)
		}
		b.wait(30 * time.Second)
		if a := b.chargers[0].Current(1)[0]; a < 15 {
			t.Errorf("draws %v A", a)
		}
		b.chargers[0].SetFault(Fault{RefuseTxProfile: true})
		if r := ask(t, b, ocpp16.SetChargingProfile, lease("6")); r.Status != ocpp16.ChargingProfileStatusRejected {
			t.Error(r.Status)
		}
	})
}

func TestDuplicatesAreSeenByTheLedger(t *testing.T) {
	run(t, 1, once(Session{Wait: 10 * time.Second, Token: "T", Lasts: time.Minute}), func(t *testing.T, b *bench) {
		b.chargers[0].SetFault(Fault{Duplicate: true})
		b.wait(5 * time.Minute)
		if d := b.differences(); len(d) == 0 {
			t.Error("a doubled start is no difference")
		}
	})
}

func TestLateAnswersLoseNothing(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		b.cloud.Slow(25 * time.Second)
		b.chargers[0].SetFault(Fault{AnswerDelay: 5 * time.Second})
		before := time.Now()
		ask(t, b, ocpp16.ClearCache, ocpp16.ClearCacheRequest{})
		if d := time.Since(before); d < 5*time.Second {
			t.Errorf("answered after %v", d)
		}
		b.wait(2 * time.Hour)
		if d := b.differences(); len(d) != 0 {
			t.Error(d)
		}
	})
}
