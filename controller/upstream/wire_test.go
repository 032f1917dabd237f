package upstream

import (
	"encoding/json"
	"testing"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

func item(t *testing.T, kind controller.OutboxKind, body any) controller.OutboxItem {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return controller.OutboxItem{ID: 1, OutboxRow: controller.OutboxRow{Tx: 7, Slot: 3, Kind: kind, Body: raw}, UpTx: "55"}
}

func TestMessagesOnTheWire(t *testing.T) {
	sample := `{"timestamp": "2026-03-01T08:01:00Z","sampledValue":[{"value":"1.10","signed":"a<b&c"}]}`
	for _, c := range []struct {
		name string
		item controller.OutboxItem
		want string
	}{
		{"start", item(t, controller.OutboxStart, controller.StartBody{Token: controller.IDToken{Value: "Tag1"}, MeterStart: 100, At: "2026-03-01T08:00:00.5Z"}),
			`{"connectorId":3,"idTag":"Tag1","meterStart":100,"timestamp":"2026-03-01T08:00:00.5Z"}`},
		{"meter values, byte for byte", item(t, controller.OutboxMeter, controller.MeterBody{Values: [][]byte{[]byte(sample), []byte(`{"x":1}`)}}),
			`{"connectorId":3,"transactionId":55,"meterValue":[` + sample + `,{"x":1}]}`},
		{"stop with data, byte for byte", item(t, controller.OutboxStop, controller.StopBody{MeterStop: 900, At: "2026-03-01T09:00:00Z", Reason: "Remote", Data: []byte(`[` + sample + `]`)}),
			`{"meterStop":900,"timestamp":"2026-03-01T09:00:00Z","transactionId":55,"reason":"Remote","transactionData":[` + sample + `]}`},
		{"a reason that 1.6 doesn't have", item(t, controller.OutboxStop, controller.StopBody{MeterStop: 900, At: "2026-03-01T09:00:00Z", Reason: "EnergyLimitReached"}),
			`{"meterStop":900,"timestamp":"2026-03-01T09:00:00Z","transactionId":55,"reason":"Other"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := build(c.item, nil)
			if err != nil || string(got) != c.want {
				t.Fatalf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestWhatOCPP16CannotCarryIsUnfit(t *testing.T) {
	long := item(t, controller.OutboxStart, controller.StartBody{Token: controller.IDToken{Value: "123456789012345678901"}, At: "2026-03-01T08:00:00Z"})
	noID := item(t, controller.OutboxStop, controller.StopBody{At: "2026-03-01T08:00:00Z"})
	noID.UpTx = ""
	for _, it := range []controller.OutboxItem{long, noID} {
		if _, _, err := build(it, nil); err == nil {
			t.Errorf("%+v was built", it)
		}
	}
}

func TestPackingIsBounded(t *testing.T) {
	one := func(size int) controller.OutboxItem {
		return item(t, controller.OutboxMeter, controller.MeterBody{Values: [][]byte{append([]byte(`{"v":"`), append(make9(size), `"}`...)...)}})
	}
	var small, large []controller.OutboxItem
	for range 100 {
		small, large = append(small, one(10)), append(large, one(5000))
	}
	if _, used, err := build(one(10), small); err != nil || used != packElements-1 {
		t.Errorf("%d small rows packed (%v), want %d", used, err, packElements-1)
	}
	if _, used, err := build(one(5000), large); err != nil || used != 2 {
		t.Errorf("%d large rows packed (%v), want 2", used, err)
	}
}

func make9(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '9'
	}
	return b
}

func heads(kinds ...controller.OutboxKind) []controller.OutboxItem {
	out := make([]controller.OutboxItem, len(kinds))
	for i, k := range kinds {
		out[i] = controller.OutboxItem{ID: int64(i + 1), OutboxRow: controller.OutboxRow{Tx: controller.TxID(i + 1), Kind: k}}
	}
	return out
}

func TestStartsAndStopsGoBeforeMeterValuesAndLiveTrafficBesideTheBacklog(t *testing.T) {
	l := newLanes()
	h := heads(controller.OutboxMeter, controller.OutboxStart, controller.OutboxMeter, controller.OutboxStop)
	now := time.Now()
	for i, want := range []controller.TxID{2, 4, 2, 4} {
		got, ok := l.pick(h, now)
		if !ok || got.Tx != want {
			t.Fatalf("pick %d: transaction %d, want %d", i, got.Tx, want)
		}
	}
}

func TestAPoisonousLaneIsParkedWhileOthersGoOn(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for i := range attempts {
		parked := l.failed(1, now)
		if parked != (i == attempts-1) {
			t.Fatalf("after failure %d: parked %v", i+1, parked)
		}
		if got, ok := l.pick(heads(controller.OutboxStart, controller.OutboxStart), now); !ok || got.Tx != 2 {
			t.Fatalf("the other lane waits too: %v %v", got, ok)
		}
		l.succeeded(2)
		now = now.Add(time.Hour)
	}
}

func TestWhenEverythingFailsNothingIsParked(t *testing.T) {
	l := newLanes()
	now := time.Now()
	for range 50 {
		for tx := range controller.TxID(3) {
			if l.failed(tx, now) {
				t.Fatal("parked although no lane succeeds")
			}
		}
		if _, ok := l.pick(heads(controller.OutboxStart), now); ok {
			t.Fatal("the breaker is closed")
		}
		now = now.Add(l.pause(now))
	}
	if l.pause(now.Add(-time.Nanosecond)) > breakerMax {
		t.Fatal("the breaker stays open too long")
	}
	if _, ok := l.pick(heads(controller.OutboxStart), now); !ok {
		t.Fatal("never tries again")
	}
}

func TestFormOfChargingProfiles(t *testing.T) {
	good := func() ocpp16.ChargingProfile {
		var p ocpp16.ChargingProfile
		raw := `{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute",
			"chargingSchedule":{"startSchedule":"2026-03-01T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.1},{"startPeriod":60,"limit":8}]}}`
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p, why := profileOf(good()); why != "" || p.Periods[0].Limit != 16100 || p.Periods[1].From != time.Minute {
		t.Fatalf("%+v %s", p, why)
	}
	for name, spoil := range map[string]func(*ocpp16.ChargingProfile){
		"stack level too high":     func(p *ocpp16.ChargingProfile) { p.StackLevel = maxStackLevel + 1 },
		"negative stack level":     func(p *ocpp16.ChargingProfile) { p.StackLevel = -1 },
		"no periods":               func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod = nil },
		"first period not at 0":    func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[0].StartPeriod = 1 },
		"periods out of order":     func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].StartPeriod = 0 },
		"negative limit":           func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].Limit = "-1" },
		"four phases":              func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.ChargingSchedulePeriod[1].NumberPhases = new(4) },
		"absolute without start":   func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.StartSchedule = nil },
		"recurring without a kind": func(p *ocpp16.ChargingProfile) { p.ChargingProfileKind = ocpp16.ChargingProfileKindTypeRecurring },
		"duration of nothing":      func(p *ocpp16.ChargingProfile) { p.ChargingSchedule.Duration = new(0) },
	} {
		p := good()
		spoil(&p)
		if _, why := profileOf(p); why == "" {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestEveryKeyIsReadable(t *testing.T) {
	snap := &controller.Snapshot{Settings: map[string]string{keyHeartbeat: "60"}, Connectors: []controller.ConnectorView{{Slot: 1, Phases: "L2L3L1"}, {Slot: 2, Phases: "L1"}, {Slot: 3}}}
	for _, k := range keys {
		v := k.read(snap)
		if k.accepts != nil && !k.accepts(v) {
			t.Errorf("%s does not accept its own value %q", k.name, v)
		}
	}
	for name, want := range map[string]string{"numberofconnectors": "3", keyHeartbeat: "60", "ConnectorPhaseRotation": "0.RST,1.STR,2.NotApplicable,3.Unknown"} {
		k, ok := findKey(name)
		if got := k.read(snap); !ok || got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
