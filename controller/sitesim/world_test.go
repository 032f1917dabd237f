package sitesim

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller/appliance"
	"busbar/controller/sitesim/memnet"
)

// live runs a world in virtual time for d, and hands it to after.
func live(t *testing.T, sc Scenario, d time.Duration, after func(t *testing.T, w *World)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)))
		net := memnet.New()
		env := Env{Network: appliance.Network{Listen: net.Listen, Dial: net.DialContext}, DataDir: dir, UI: "10.0.0.1:80", Chargers: "10.0.0.1:8887", Meter: "10.0.0.5:502", Cloud: "10.0.0.9:9000", Fast: true,
			Quiesce: synctest.Wait, BoxNetwork: func() (appliance.Network, func()) {
				h := net.Host()
				return appliance.Network{Listen: h.Listen, Dial: h.DialContext}, h.Unplug
			}}
		if testing.Verbose() {
			env.Tell = func(line string) { t.Log(time.Now().Format("15:04:05"), line) }
			env.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		}
		w, err := New(t.Context(), sc, env)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		after(t, w)
	})
}

func TestTheDemonstrationInVirtualTime(t *testing.T) {
	live(t, Scenario{Chargers: 12, Seed: 1, BaseSteps: true}, 90*time.Second, func(t *testing.T, w *World) {
		st := w.Final()
		t.Logf("%+v", st)
		for _, v := range w.Violations() {
			t.Error(v)
		}
		for _, d := range w.Differences() {
			t.Error(d)
		}
		if st.TransactionsStarted < 12 || st.TransactionsDelivered < 12 || st.OutboxPending > 40 {
			t.Errorf("%d started, %d delivered, %d pending", st.TransactionsStarted, st.TransactionsDelivered, st.OutboxPending)
		}
		if *st.EnergyWhUpstream != st.EnergyWhDelivered {
			t.Errorf("energy %d upstream, %d delivered", *st.EnergyWhUpstream, st.EnergyWhDelivered)
		}
	})
}

func TestADayOfFiftyChargers(t *testing.T) {
	day := 24 * time.Hour
	if testing.Short() {
		day = 3 * time.Hour
	}
	sc := Scenario{Chargers: 50, Seed: 7, BaseSteps: true, CheckEvery: time.Second,
		Sessions: Sessions{PlugWithin: 90 * time.Minute, Short: 90 * time.Minute, Long: 150 * time.Minute, Pause: 5 * time.Hour, Most: 3},
		Faults: []Fault{
			{Name: FaultCloudCut, From: day / 6, To: day/6 + day/4},
			{Name: FaultMeterFreeze, From: day / 3, To: day/3 + 10*time.Minute},
			{Name: FaultBoxCrash, From: day * 3 / 8},
		}}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // memory for time
	// A simulated day is one long chain of small steps. A second processor would only
	// be woken for each of them.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	began := time.Now()
	live(t, sc, day, func(t *testing.T, w *World) {
		st := w.Final()
		t.Logf("%+v", st)
		for _, v := range w.Violations() {
			t.Error(v)
		}
		for _, d := range w.Differences() {
			t.Error(d)
		}
		if st.OutboxPending != 0 {
			t.Errorf("outbox %d", st.OutboxPending)
		}
	})
	t.Logf("a simulated %v took %v", day, time.Since(began))
}
