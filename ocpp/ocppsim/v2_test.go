package ocppsim

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

func TestASessionOf2xIsTheSameInBothLedgers(t *testing.T) {
	for _, version := range []ocpp.Protocol{ocpp.V201, ocpp.V21} {
		for _, point := range []StartPoint{StartEnergy, StartAuthorize, StartPlug} {
			for _, tokenFirst := range []bool{false, true} {
				t.Run(fmt.Sprint(version, point, tokenFirst), func(t *testing.T) {
					plan := once(Session{Wait: 10 * time.Second, Token: "T", TokenFirst: tokenFirst, Lasts: time.Hour})
					runOn(t, version, 2, ChargerConfig{Plan: plan, StartPoint: point}, func(t *testing.T, b *bench) {
						b.wait(30 * time.Minute)
						if a := b.chargers[0].Current(1); math.Abs(a[0]-15.7) > 0.01 || a[2] != a[0] {
							t.Fatalf("draws %v, want 15.7 A on three phases", a)
						}
						b.wait(time.Hour)
						l := b.cloud.Ledger()
						if len(l.Transactions) != 2 || l.Boots != 2 || !l.Transactions[0].Stopped {
							t.Fatalf("%+v", l)
						}
						for _, tx := range l.Transactions {
							want := 15.7 * 3 * voltage // Wh of one hour, less the ramp
							if got := float64(tx.MeterStop - tx.MeterStart); got < want-40 || got > want {
								t.Errorf("%v Wh, want nearly %v", got, want)
							}
							if tx.Samples < 60 || tx.Samples > 62 { // with those of begin and end
								t.Errorf("%d samples in an hour", tx.Samples)
							}
						}
						if d := b.differences(); len(d) != 0 {
							t.Error(d)
						}
						if got := b.cloud.Status("CP0", 1); got != "Available" {
							t.Error(got)
						}
					})
				})
			}
		}
	}
}

func TestAnOutageOf2xIsReplayedInOrder(t *testing.T) {
	plan := func(_, n int) (Session, bool) {
		return Session{Wait: time.Minute, Token: fmt.Sprint("T", n), Lasts: 10 * time.Minute}, n < 5
	}
	runOn(t, ocpp.V201, 1, ChargerConfig{Plan: plan, StartPoint: StartPlug}, func(t *testing.T, b *bench) {
		b.wait(5 * time.Minute)
		b.cloud.Cut(true)
		b.wait(40 * time.Minute)
		if b.chargers[0].Pending() == 0 {
			t.Fatal("the charger keeps nothing")
		}
		b.cloud.Cut(false)
		b.wait(time.Hour)
		if d := b.differences(); len(d) != 0 || len(b.cloud.Ledger().Transactions) != 5 {
			t.Fatalf("%d transactions, differences %v", len(b.cloud.Ledger().Transactions), d)
		}
	})
}

func TestAnEventThatIsAlwaysRefusedIsDropped(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{Plan: stay()}, func(t *testing.T, b *bench) {
		b.cloud.Refuse("TransactionEvent", true)
		b.wait(3 * time.Minute)
		full := b.chargers[0].Pending()
		b.cloud.Refuse("TransactionEvent", false)
		b.wait(5 * time.Minute)
		if full < 3 || b.chargers[0].Pending() != 0 {
			t.Errorf("%d events waited, %d still do", full, b.chargers[0].Pending())
		}
		if d := b.differences(); len(d) != 0 {
			t.Error("what was refused four times came in the end: ", d)
		}
		b.cloud.Refuse("TransactionEvent", true)
		b.wait(30 * time.Minute) // each is dropped after its fifth attempt
		b.cloud.Refuse("TransactionEvent", false)
		b.wait(30 * time.Minute)
		if !slices.ContainsFunc(b.cloud.Ledger().Faults, func(d Difference) bool { return d.Kind == "lost" }) {
			t.Error("no event was dropped")
		}
	})
}

func TestARefusedTokenOf2x(t *testing.T) {
	blocks := CloudConfig{Protocol: ocpp.V201, Judge: func(string) ocpp16.AuthorizationStatus { return ocpp16.AuthorizationStatusBlocked }}
	runWith(t, blocks, 1, ChargerConfig{Plan: stay(), StartPoint: StartPlug}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Minute)
		if l := b.cloud.Ledger(); len(l.Transactions) != 0 || len(l.Faults) != 0 || b.chargers[0].Energy() != 0 || b.chargers[0].Pending() != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestTransactionsOf2xFromAfar(t *testing.T) {
	outlets := []Outlet{{Number: 1, Phases: 3, Max: 16}, {Number: 2, Phases: 1, Max: 32}}
	runOn(t, ocpp.V201, 1, ChargerConfig{Outlets: outlets}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		p := profile2x(4, 1, ocpp2.ChargingProfilePurposeTxProfile, "8", "")
		r := ask(t, b, ocpp2.RequestStartTransaction, ocpp2.RequestStartTransactionRequest{EVSEID: new(2), RemoteStartID: 7, IDToken: idToken("R"), ChargingProfile: &p})
		if r.Status != ocpp2.RequestStartStopStatusAccepted {
			t.Fatal(r.Status)
		}
		b.wait(30 * time.Second)
		if a := b.chargers[0].Current(2)[0]; a < 7.69 || a > 7.71 {
			t.Errorf("draws %v A", a)
		}
		if r := ask(t, b, ocpp2.RequestStartTransaction, ocpp2.RequestStartTransactionRequest{EVSEID: new(2), RemoteStartID: 8, IDToken: idToken("R")}); r.Status != ocpp2.RequestStartStopStatusRejected {
			t.Error("a second transaction on one EVSE")
		}
		tx := b.cloud.Ledger().Transactions[0]
		if tx.Connector != 2 || tx.ChargerTx == "" {
			t.Fatalf("%+v", tx)
		}
		if s := ask(t, b, ocpp2.GetTransactionStatus, ocpp2.GetTransactionStatusRequest{TransactionID: &tx.ChargerTx}); s.OngoingIndicator == nil || !*s.OngoingIndicator || s.MessagesInQueue {
			t.Errorf("%+v", s)
		}
		if s := ask(t, b, ocpp2.Reset, ocpp2.ResetRequest{Type: ocpp2.ResetEnumOnIdle}); s.Status != ocpp2.ResetStatusScheduled {
			t.Error(s.Status)
		}
		if r := ask(t, b, ocpp2.RequestStopTransaction, ocpp2.RequestStopTransactionRequest{TransactionID: tx.ChargerTx}); r.Status != ocpp2.RequestStartStopStatusAccepted {
			t.Error(r.Status)
		}
		b.wait(time.Minute)
		if l := b.cloud.Ledger(); !l.Transactions[0].Stopped || l.Boots != 2 {
			t.Errorf("%+v", l)
		}
		if d := b.differences(); len(d) != 0 {
			t.Error(d)
		}
	})
}

func profile2x(id, level int, purpose ocpp2.ChargingProfilePurpose, amps, transaction string) ocpp2.ChargingProfile {
	p := ocpp2.ChargingProfile{ID: id, StackLevel: level, ChargingProfilePurpose: purpose, ChargingProfileKind: ocpp2.ChargingProfileKindAbsolute,
		ChargingSchedule: []ocpp2.ChargingSchedule{{ID: 1, ChargingRateUnit: ocpp2.ChargingRateUnitA, StartSchedule: new(ocpp.NewDateTime(time.Now().Add(-time.Minute))),
			ChargingSchedulePeriod: []ocpp2.ChargingSchedulePeriod{{Limit: new(ocpp.Decimal(amps))}}}}}
	if transaction != "" {
		p.TransactionID = &transaction
	}
	return p
}

func TestProfilesOf2x(t *testing.T) {
	runOn(t, ocpp.V201, 1, ChargerConfig{Plan: stay()}, func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		set := func(evse int, p ocpp2.ChargingProfile, want ocpp2.ChargingProfileStatus) {
			t.Helper()
			if r := ask(t, b, ocpp2.SetChargingProfile, ocpp2.SetChargingProfileRequest{EVSEID: evse, ChargingProfile: p}); r.Status != want {
				t.Errorf("%s, want %s", r.Status, want)
			}
		}
		tx := b.cloud.Ledger().Transactions[0].ChargerTx
		lease := profile2x(9, 1, ocpp2.ChargingProfilePurposeTxProfile, "14.5", tx)
		lease.ChargingSchedule[0].Duration = new(180)
		set(0, profile2x(1, 0, ocpp2.ChargingProfilePurposeTxDefaultProfile, "6", ""), ocpp2.ChargingProfileStatusAccepted)
		set(1, profile2x(8, 1, ocpp2.ChargingProfilePurposeTxProfile, "9", ""), ocpp2.ChargingProfileStatusRejected)
		set(1, profile2x(8, 1, ocpp2.ChargingProfilePurposeTxProfile, "9", "other"), ocpp2.ChargingProfileStatusRejected)
		set(1, lease, ocpp2.ChargingProfileStatusAccepted)
		resp := ask(t, b, ocpp2.GetCompositeSchedule, ocpp2.GetCompositeScheduleRequest{EVSEID: 1, Duration: 600})
		if resp.Status != ocpp2.GenericStatusAccepted {
			t.Fatalf("%+v", resp)
		}
		p := resp.Schedule.ChargingSchedulePeriod
		if len(p) != 2 || *p[0].Limit != "14.5" || p[1].StartPeriod != 120 {
			t.Fatalf("%+v", p)
		}
		if r := ask(t, b, ocpp2.GetChargingProfiles, ocpp2.GetChargingProfilesRequest{RequestID: 3}); r.Status != ocpp2.GetChargingProfileStatusAccepted {
			t.Fatalf("%+v", r)
		}
		b.wait(time.Second)
		if heard := of[ocpp2.ReportChargingProfilesRequest](b.cloud); len(heard) != 2 || heard[0].Tbc == nil || heard[1].EVSEID != 1 || *heard[1].ChargingProfile[0].TransactionID != tx {
			t.Errorf("%+v", heard)
		}
		if n := ask(t, b, ocpp2.ClearChargingProfile, ocpp2.ClearChargingProfileRequest{ChargingProfileID: new(9)}); n.Status != ocpp2.ClearChargingProfileStatusAccepted {
			t.Fatalf("%+v", n)
		}
		if limit, _, active := b.chargers[0].Allowed(1); limit != 6 || !active {
			t.Errorf("%v A after the lease was cleared", limit)
		}
		if r := ask(t, b, ocpp2.GetChargingProfiles, ocpp2.GetChargingProfilesRequest{RequestID: 4, EVSEID: new(1)}); r.Status != ocpp2.GetChargingProfileStatusNoProfiles {
			t.Errorf("%+v", r)
		}
	})
}

// of is what a cloud noted of one type.
func of[T any](c *Cloud) []T {
	var out []T
	for _, h := range c.Heard() {
		if v, ok := h.Request.(T); ok {
			out = append(out, v)
		}
	}
	return out
}
