package ocppsim

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller/sitesim/memnet"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// bench is a cloud and chargers that talk to it directly.
type bench struct {
	cloud    *Cloud
	chargers []*Charger
}

func run(t *testing.T, n int, plan func(connector, n int) (Session, bool), during func(t *testing.T, b *bench)) {
	t.Helper()
	runOn(t, ocpp.V16, n, ChargerConfig{Plan: plan}, during)
}

// runOn runs n chargers like one, each with one outlet of its own number unless it has
// some.
func runOn(t *testing.T, version ocpp.Protocol, n int, like ChargerConfig, during func(t *testing.T, b *bench)) {
	t.Helper()
	runWith(t, CloudConfig{Protocol: version}, n, like, during)
}

func runWith(t *testing.T, cloud CloudConfig, n int, like ChargerConfig, during func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		l, err := net.Listen("cloud:1")
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{cloud: NewCloud(cloud)}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.cloud.Serve(ctx, l); err != nil {
				t.Error(err)
			}
		})
		for i := range n {
			cfg := like
			cfg.ID, cfg.URL, cfg.Protocol, cfg.Dial, cfg.Seed = fmt.Sprintf("CP%d", i), "ws://cloud:1/ocpp", cloud.Protocol, net.DialContext, uint64(i)
			if cfg.Outlets == nil {
				cfg.Outlets = []Outlet{{Number: i + 1, Phases: 3, Max: 16}}
			}
			c := NewCharger(cfg)
			b.chargers = append(b.chargers, c)
			wg.Go(func() { _ = c.Run(ctx) })
		}
		during(t, b)
		cancel()
		wg.Wait()
	})
}

// wait lets virtual time pass, and everything that is due then happen. Outside a
// bubble it panics.
func (b *bench) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func once(s Session) func(int, int) (Session, bool) {
	return func(_, n int) (Session, bool) { return s, n == 0 }
}

func (b *bench) differences() []Difference {
	var all []Transaction
	for _, c := range b.chargers {
		all = append(all, c.Ledger()...)
	}
	return Compare(all, b.cloud.Ledger(), func(_ string, connector int) int { return connector })
}

func TestASessionIsTheSameInBothLedgers(t *testing.T) {
	run(t, 3, once(Session{Wait: 10 * time.Second, Token: "T", Lasts: time.Hour}), func(t *testing.T, b *bench) {
		b.wait(30 * time.Minute)
		if a := b.chargers[0].Current(1); math.Abs(a[0]-15.7) > 0.01 || a[2] != a[0] {
			t.Fatalf("draws %v, want 15.7 A on three phases", a)
		}
		b.wait(time.Hour)
		l := b.cloud.Ledger()
		if len(l.Transactions) != 3 || l.Boots != 3 {
			t.Fatalf("%d transactions, %d boots", len(l.Transactions), l.Boots)
		}
		for _, tx := range l.Transactions {
			want := 15.7 * 3 * voltage // Wh of one hour, less the ramp
			if got := float64(tx.MeterStop - tx.MeterStart); got < want-40 || got > want {
				t.Errorf("%v Wh, want nearly %v", got, want)
			}
			if tx.Samples < 58 || tx.Samples > 60 {
				t.Errorf("%d samples in an hour", tx.Samples)
			}
		}
		if d := b.differences(); len(d) != 0 {
			t.Error(d)
		}
	})
}

func TestNothingIsLostWhileTheCloudIsAway(t *testing.T) {
	run(t, 1, func(_, n int) (Session, bool) {
		return Session{Wait: time.Minute, Token: fmt.Sprint("T", n), Lasts: 10 * time.Minute}, n < 5
	}, func(t *testing.T, b *bench) {
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

func TestCompareFindsEachKindOfDifference(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	mine := Transaction{Station: "A", Connector: 1, IDTag: "T", MeterStart: 100, MeterStop: 500, StartedAt: at, StoppedAt: at.Add(time.Hour), Stopped: true, StartAcked: true, StopAcked: true}
	theirs := mine
	theirs.ID = 1
	for _, c := range []struct {
		name  string
		cloud []Transaction
		want  string
	}{
		{"equal", []Transaction{theirs}, ""},
		{"lost", nil, "lost"},
		{"stop lost", []Transaction{func() Transaction { c := theirs; c.Stopped = false; return c }()}, "lost"},
		{"doubled", []Transaction{theirs, func() Transaction { c := theirs; c.ID = 2; return c }()}, "doubled"},
		{"other energy", []Transaction{func() Transaction { c := theirs; c.MeterStop++; return c }()}, "unequal"},
		{"other token", []Transaction{func() Transaction { c := theirs; c.IDTag = "U"; return c }()}, "unequal"},
		{"other slot", []Transaction{func() Transaction { c := theirs; c.Connector = 2; return c }()}, "unequal"},
		{"other end", []Transaction{func() Transaction { c := theirs; c.StoppedAt = at; return c }()}, "unequal"},
		{"from nowhere", []Transaction{theirs, {ID: 9, Connector: 4, IDTag: "X"}}, "invented"},
	} {
		d := Compare([]Transaction{mine}, &CloudLedger{Transactions: c.cloud}, func(string, int) int { return 1 })
		if c.want == "" && len(d) != 0 || c.want != "" && (len(d) != 1 || d[0].Kind != c.want) {
			t.Errorf("%s: %v, want %q", c.name, d, c.want)
		}
	}
}

func profile(id, stack int, purpose ocpp16.ChargingProfilePurposeType, amps string, start time.Time, seconds int) ocpp16.ChargingProfile {
	p := ocpp16.ChargingProfile{ChargingProfileID: id, StackLevel: stack, ChargingProfilePurpose: purpose, ChargingProfileKind: ocpp16.ChargingProfileKindTypeAbsolute,
		ChargingSchedule: ocpp16.ChargingSchedule{ChargingRateUnit: ocpp16.ChargingRateUnitTypeA, StartSchedule: new(ocpp.NewDateTime(start)),
			ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{Limit: ocpp.Decimal(amps)}}}}
	if seconds > 0 {
		p.ChargingSchedule.Duration = &seconds
	}
	return p
}

func TestALeaseRunsOutIntoTheFallBack(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	ask := question{connector: 1, phases: 3, hardware: 32, start: at}
	var s profiles
	s.set(0, read16(profile(1, 0, ocpp16.ChargingProfilePurposeTypeTxDefaultProfile, "6", at.Add(-time.Hour), 0)), at)
	s.set(1, read16(profile(2, 1, ocpp16.ChargingProfilePurposeTypeTxProfile, "14.5", at.Add(-time.Minute), 180)), at)
	for _, c := range []struct {
		after time.Duration
		want  float64
	}{{0, 14.5}, {119 * time.Second, 14.5}, {120 * time.Second, 6}, {time.Hour, 6}} {
		if got, _ := s.limit(ask, at.Add(c.after)); got != c.want {
			t.Errorf("after %v: %v A, want %v", c.after, got, c.want)
		}
	}
	s.set(1, read16(profile(2, 1, ocpp16.ChargingProfilePurposeTypeTxProfile, "10", at.Add(time.Minute), 180)), at.Add(2*time.Minute))
	if got, _ := s.limit(ask, at.Add(3*time.Minute)); got != 10 || len(s.list) != 2 {
		t.Errorf("renewed: %v A with %d profiles", got, len(s.list))
	}
	s.dropTx(1)
	if got, _ := s.limit(ask, at.Add(3*time.Minute)); got != 6 {
		t.Errorf("after the transaction: %v A", got)
	}
}

func TestACarFollowsItsOfferAfterItsDeadTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	car := Car{}.withDefaults(1)
	offer := 16.0
	d := &draw{at: at}
	look := func(after time.Duration) float64 {
		d.advance(at.Add(after), &car, func() float64 { return 0 }, func(time.Time) float64 { return offer })
		return d.amps
	}
	if a := look(time.Second); a != 0 {
		t.Errorf("moves before its dead time: %v", a)
	}
	if a := look(30 * time.Second); math.Abs(a-15.7) > 0.01 {
		t.Errorf("settles at %v", a)
	}
	offer = 0
	if a := look(31 * time.Second); math.Abs(a-15.7) > 0.01 {
		t.Errorf("reacts at once: %v", a)
	}
	if a := look(34 * time.Second); a != 0 {
		t.Errorf("still draws %v", a)
	}
}

func TestCommandsOfTheCloud(t *testing.T) {
	run(t, 1, nil, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		conn := b.cloud.Conn("CP0")
		start, err := ocpp16.RemoteStartTransaction.Call(t.Context(), conn, ocpp16.RemoteStartTransactionRequest{ConnectorID: new(1), IDTag: "R"})
		if err != nil || start.Status != ocpp16.RemoteStartStopStatusAccepted {
			t.Fatalf("%+v %v", start, err)
		}
		b.wait(10 * time.Second)
		txs := b.cloud.Ledger().Transactions
		if len(txs) != 1 || txs[0].IDTag != "R" {
			t.Fatalf("%+v", txs)
		}
		stop, err := ocpp16.RemoteStopTransaction.Call(t.Context(), conn, ocpp16.RemoteStopTransactionRequest{TransactionID: txs[0].ID})
		if err != nil || stop.Status != ocpp16.RemoteStartStopStatusAccepted {
			t.Fatalf("%+v %v", stop, err)
		}
		b.wait(10 * time.Second)
		if l := b.cloud.Ledger(); !l.Transactions[0].Stopped || l.Statuses[1] != StatusAvailable {
			t.Fatalf("%+v", l)
		}
	})
}

func TestPowerLossEndsTheTransaction(t *testing.T) {
	run(t, 1, once(Session{Wait: time.Second, Token: "T", Lasts: time.Hour}), func(t *testing.T, b *bench) {
		b.wait(10 * time.Minute)
		b.chargers[0].Kill()
		b.wait(time.Minute)
		if a := b.chargers[0].Current(1); a[0] != 0 {
			t.Fatalf("a dead charger draws %v", a)
		}
		b.chargers[0].Revive()
		b.wait(time.Minute)
		if d := b.differences(); len(d) != 0 || !b.cloud.Ledger().Transactions[0].Stopped {
			t.Fatalf("%v", d)
		}
	})
}
