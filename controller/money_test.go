package controller

import (
	"math"
	"testing"
	"time"

	"busbar/loadbalance"
)

// TestPricesByTheClock: times of low prices are those of the site's clocks, over
// midnight too.
func TestPricesByTheClock(t *testing.T) {
	zone := berlin(t)
	week := [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}
	tariff := Tariff{Price: 0.3, Times: []TariffTime{{Days: week, From: 22 * time.Hour, To: 6 * time.Hour, Price: 0.2}, {Days: week, From: 12 * time.Hour, To: 13 * time.Hour, Price: 0.1}}}
	for _, c := range []struct {
		at    string
		price float64
	}{
		{"2026-03-02 05:59", 0.3}, // Sunday's night has the usual price
		{"2026-03-02 12:00", 0.1},
		{"2026-03-02 13:00", 0.3},
		{"2026-03-02 21:59", 0.3},
		{"2026-03-02 22:00", 0.2},
		{"2026-03-03 05:59", 0.2},
		{"2026-03-03 06:00", 0.3},
		{"2026-03-07 05:59", 0.2}, // Friday's
		{"2026-03-07 22:30", 0.3},
		{"2026-07-01 22:30", 0.2}, // summer time
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := tariff.price(at.UTC(), zone); got != c.price {
			t.Errorf("%s: %v, want %v", c.at, got, c.price)
		}
	}
}

// TestChargingWaitsForALowPrice: a car that is known to stay waits for the cheap hours and
// is ready all the same; one that nobody knows anything of charges at once.
func TestChargingWaitsForALowPrice(t *testing.T) {
	l := yardLayout(63000)
	l.Vehicles = []VehicleLayout{{ID: "van", Tokens: []string{"VAN"}, Max: 16000, Expected: Expected{Leaves: weekdays(12 * time.Hour), Energy: 8000}}}
	l.Tariff = Tariff{Price: 0.4, Times: []TariffTime{{Days: [7]bool{1: true}, From: 10 * time.Hour, To: 12 * time.Hour, Price: 0.1}}}
	y := newYard(t, l)
	y.planner = solving()
	van := y.arrive("CP1", "VAN", 16000, 8000)
	guest := y.arrive("CP2", "GUEST", 16000, 8000)
	y.run(epoch.Add(115*time.Minute), nil)
	if van.wh > 800 {
		t.Errorf("at the high price the van was given %.0f Wh", van.wh)
	}
	if guest.wh < 7900 {
		t.Errorf("the guest was given only %.0f Wh meanwhile", guest.wh)
	}
	y.run(epoch.Add(4*time.Hour), nil)
	if van.wh < 7800 {
		t.Errorf("the van leaves with %.0f of 8000 Wh", van.wh)
	}
}

// TestNoPriceIsWaitedForWithoutAPlan: the planner dies while a car waits.
func TestNoPriceIsWaitedForWithoutAPlan(t *testing.T) {
	l := yardLayout(63000)
	l.Vehicles = []VehicleLayout{{ID: "van", Tokens: []string{"VAN"}, Max: 16000, Expected: Expected{Leaves: weekdays(12 * time.Hour), Energy: 8000}}}
	l.Tariff = Tariff{Price: 0.4, Times: []TariffTime{{Days: [7]bool{1: true}, From: 10 * time.Hour, To: 12 * time.Hour, Price: 0.1}}}
	y := newYard(t, l)
	y.planner = solving()
	van := y.arrive("CP1", "VAN", 16000, 8000)
	y.run(epoch.Add(5*time.Minute), nil)
	y.planner = nil
	y.run(epoch.Add(60*time.Minute), nil)
	if van.wh < 5000 {
		t.Errorf("without a planner the van got %.0f Wh", van.wh)
	}
}

// TestThePeakIsKept: chargers add to no quarter hour above the limit, also where the
// building draws much at first.
func TestThePeakIsKept(t *testing.T) {
	l := yardLayout(63000)
	l.Tariff.Peak.Limit = 15000
	y := newYard(t, l)
	y.planner = solving()
	y.arrive("CP1", "A", 32000, 50000)
	y.arrive("CP2", "B", 32000, 50000)
	sum, n, most := 0., 0., 0.
	y.run(epoch.Add(2*time.Hour), func() {
		y.base = loadbalance.Uniform(3000)
		if y.now.Minute()%15 < 5 {
			y.base = loadbalance.Uniform(14000)
		}
		w := float64(y.base[0]) / 1000 * 690
		for _, c := range y.cars {
			w += float64(c.draw(y.now)) / 1000 * 690
		}
		sum, n = sum+w, n+1
		if y.now.Truncate(quarter).Equal(y.now) {
			if y.now.After(epoch.Add(20 * time.Minute)) {
				most = max(most, sum/n)
			}
			sum, n = 0, 0
		}
	})
	if most > 15000*1.01 {
		t.Errorf("the highest quarter hour is %.0f W of 15000", most)
	}
	if most < 12000 {
		t.Errorf("the limit is hardly used: %.0f W of 15000", most)
	}
}

// TestThePeakIsRemembered: the month's highest quarter hour outlives a restart, and the
// next month begins anew.
func TestThePeakIsRemembered(t *testing.T) {
	l := yardLayout(63000)
	l.Tariff.Peak = PeakTariff{Price: 100, Set: 5000}
	y := newYard(t, l)
	y.base = loadbalance.Uniform(14000)
	var rows []SettingRow
	for range 40 * 60 {
		y.now = y.now.Add(time.Second)
		for _, e := range y.do(MeterSampled{Meter: "grid", At: y.now, Current: y.base, Period: time.Second}) {
			if p, ok := e.(Persist); ok {
				rows = append(rows, rowsOf[SettingRow](p.Rows)...)
			}
		}
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row.Key] = row.Value
	}
	site, err := NewSite(SiteConfig{Layout: l, Recovered: Recovered{NextTx: 1, Settings: settings}, Plan: true})
	if err != nil {
		t.Fatal(err)
	}
	site.Step(y.now, Tick{})
	if got := site.peakSet(); math.Abs(float64(got)-9660) > 50 {
		t.Errorf("after a restart the peak is %d W, want 9660", got)
	}
	if v, known := site.forecast.node("main").at(y.now, y.now.Add(-30*time.Minute), time.UTC); !known || math.Abs(v[0]-14000) > 100 {
		t.Errorf("after a restart the base load is expected to be %v", v)
	}
	if snap := site.Snapshot(y.now); len(snap.Settings) > len(defaultSettings())+4 {
		t.Errorf("what was learnt is shown as settings: %v", snap.Settings)
	}
	site.Step(y.now.AddDate(0, 1, 0), Tick{})
	if got := site.peakSet(); got != 5000 {
		t.Errorf("in the next month the peak is %d W", got)
	}
}

// TestTheForecastKnowsTheWeek: the same quarter hour of last week counts, other days
// where there is none, and what is unusual now fades.
func TestTheForecastKnowsTheWeek(t *testing.T) {
	h := &history{key: "k"}
	load := func(at time.Time) float64 {
		switch {
		case at.Weekday() == time.Saturday || at.Weekday() == time.Sunday:
			return 2000
		case at.Hour() >= 9 && at.Hour() < 17:
			return 20000
		}
		return 5000
	}
	now := epoch
	for ; now.Before(epoch.AddDate(0, 0, 7)); now = now.Add(time.Minute) {
		h.observe(now, time.UTC, [3]float64{load(now)})
	}
	expect := func(what string, at time.Time, want float64) {
		t.Helper()
		if v, known := h.at(now, at, time.UTC); !known || math.Abs(v[0]-want) > 100 {
			t.Errorf("%s: %v, want %v", what, v[0], want)
		}
	}
	expect("at noon", now.Add(4*time.Hour), 20000)
	expect("on Saturday", now.AddDate(0, 0, 5), 2000)
	for end := now.Add(30 * time.Minute); now.Before(end); now = now.Add(time.Minute) {
		h.observe(now, time.UTC, [3]float64{load(now) + 4000})
	}
	expect("in a moment", now, 9000)
	expect("in an hour it fades", now.Add(time.Hour), 20000+4000/math.E)
	expect("tomorrow it is over", now.AddDate(0, 0, 1), 5000)
}
