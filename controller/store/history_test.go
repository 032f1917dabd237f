package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"busbar/controller"
	"busbar/loadbalance"
)

func (b *box) transactions(f TxFilter) (out []TxRecord) {
	b.t.Helper()
	for r, err := range b.Transactions(b.t.Context(), f) {
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestTransactionsOfTheHistory(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	const many = page + 10
	for tx := range controller.TxID(many) {
		rows := startOf(tx+1, fmt.Sprintf("T%d", tx%3))
		row := rows[0].(controller.TxRow)
		row.StartedAt = noon.Add(time.Duration(tx) * time.Minute)
		row.LastRegister = 1234
		rows[0] = row
		b.save(rows...)
	}
	b.save(endOf(1, "T0", 5000)...)
	b.deliver(1, controller.OutboxStart, 1)
	b.stamp(2)
	b.settle(controller.Settlement{IDs: []int64{2}, Tx: 2, Kind: controller.OutboxStart, Outcome: controller.OutcomeParked, Err: "no"})
	all := b.transactions(TxFilter{})
	if len(all) != many || all[0].Tx != many || all[many-1].Tx != 1 {
		t.Fatalf("%d transactions", len(all))
	}
	one, two := all[many-1], all[many-2]
	if one.Energy != 4000 || !one.StartDelivered || one.StopDelivered || one.UpTx != "up-1" || one.Damaged {
		t.Errorf("%+v", one)
	}
	if two.Energy != 234 || !two.Parked || two.Err != "no" {
		t.Errorf("%+v", two)
	}
	for i, c := range []struct {
		filter TxFilter
		want   int
	}{
		{TxFilter{Limit: 7}, 7}, {TxFilter{Before: 11}, 10}, {TxFilter{Token: "t0"}, 89}, {TxFilter{Open: true}, many - 1}, {TxFilter{Due: true}, many},
		{TxFilter{From: noon.Add(time.Minute), To: noon.Add(3 * time.Minute)}, 2}, {TxFilter{Slot: 4}, 0}, {TxFilter{Station: "CP-1", Slot: 3}, many},
	} {
		if got := len(b.transactions(c.filter)); got != c.want {
			t.Errorf("filter %d: %d, not %d", i, got, c.want)
		}
	}
}

func TestMeterValuesAreByteExact(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	b.save(startOf(1, "A")...)
	var want []string
	for i := range page + 3 {
		raw := fmt.Sprintf(`{"timestamp":"2026-03-01T12:00:00+01:00", "sampledValue":[{"value":"%d.10","x":1e2}]}`, i)
		want = append(want, raw)
		body, err := json.Marshal(controller.MeterBody{Values: [][]byte{[]byte(raw)}})
		if err != nil {
			t.Fatal(err)
		}
		b.save(message(1, controller.OutboxMeter, "A", string(body)))
	}
	var got []string
	for raw, err := range b.BillingValues(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(raw))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d values, first %q", len(got), got[:1])
	}
}

func TestSamplesComeBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, dir, Options{Synchronous: SyncOff})
		full := controller.Telemetry{Slot: 2, Tx: 9, Sample: controller.MeterSample{At: noon, Raw: []byte(`{"a":1.0}`), Current: loadbalance.PerPhase{1, 2, 3},
			CurrentPhases: loadbalance.AllPhases, Power: -5, HasPower: true, Energy: 7, HasEnergy: true, SoC: 40}}
		bare := controller.Telemetry{Slot: 3, Sample: controller.MeterSample{At: noon.Add(time.Hour), SoC: -1}}
		b.Telemetry(full)
		b.Telemetry(bare)
		time.Sleep(2 * historyEvery)
		read := func(f SampleFilter) (out []controller.Telemetry) {
			for s, err := range b.Samples(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
			return out
		}
		if d := cmp.Diff([]controller.Telemetry{full, bare}, read(SampleFilter{})); d != "" {
			t.Error(d)
		}
		for i, f := range []SampleFilter{{Slot: 2}, {Tx: 9}, {To: noon.Add(time.Minute)}, {From: noon.Add(time.Minute)}} {
			if n := len(read(f)); n != 1 {
				t.Errorf("filter %d: %d samples", i, n)
			}
		}
		b.stop()
	})
}

func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, dir, Options{Synchronous: SyncOff, TelemetryRows: 50, TelemetryAge: time.Hour})
		for range 200 {
			b.Telemetry(controller.Telemetry{Slot: 1, Sample: controller.MeterSample{At: time.Now()}})
			time.Sleep(time.Minute)
		}
		var n int
		if err := b.history.db.QueryRow(`SELECT count(*) FROM sample`).Scan(&n); err != nil || n < 50 || n > 50+int(pruneEvery/time.Minute) {
			t.Errorf("%d samples kept, %v", n, err)
		}
		b.stop()
		b = open(t, dir, Options{Synchronous: SyncOff, TelemetryRows: 5000, TelemetryAge: 10 * time.Minute})
		b.Telemetry(controller.Telemetry{Slot: 1, Sample: controller.MeterSample{At: time.Now()}})
		time.Sleep(2 * historyEvery)
		if err := b.history.db.QueryRow(`SELECT count(*) FROM sample`).Scan(&n); err != nil || n > 12 {
			t.Errorf("%d samples of 10 minutes kept, %v", n, err)
		}
		if b.TelemetryDropped() != 0 {
			t.Error("samples were dropped")
		}
		b.stop()
	})
}

func TestDamagedHistoryIsReplaced(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{Synchronous: SyncOff}).stop()
	path := filepath.Join(dir, historyFile)
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, Options{Synchronous: SyncOff})
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}

func TestEventsOfTheLog(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	var want []controller.LogEntry
	for i := range 5 {
		e := controller.LogEntry{At: noon, Severity: controller.SeverityWarning, Code: fmt.Sprint(i), Subject: "s", Text: "t"}
		b.save(controller.EventRow{Entry: e})
		want = append(want, e)
	}
	got, err := b.Events(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want[2:], got); d != "" {
		t.Error(d)
	}
}
