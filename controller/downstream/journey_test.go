package downstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// disk is a journal that commits at once and knows nothing of earlier days.
type disk struct{ loop *controller.Loop }

func (d *disk) Submit(seq controller.Seq, _ []controller.Row) error {
	return d.loop.Post(controller.Committed{Seq: seq})
}
func (d *disk) LookupToken(lookup uint64, _ controller.IDToken) {
	_ = d.loop.Post(controller.Found{Lookup: lookup})
}
func (d *disk) LookupTx(lookup uint64, _ controller.TxID) {
	_ = d.loop.Post(controller.Found{Lookup: lookup})
}
func (d *disk) Telemetry(controller.Telemetry) {}

type nobody struct{}

func (nobody) Do(controller.Effect) {}

// wired is the loop before it exists: Hub and Loop need each other.
type wired struct {
	*controller.Loop
	hub  *Hub
	cars atomic.Int64 // what they draw, mA per phase; the rest of the building 10 A
}

func (w *wired) Do(e controller.Effect) { w.hub.Do(e) }

// withSite runs f in a bubble with a Hub before the real controller. The Hub is closed
// before the controller stops.
func withSite(t *testing.T, onboarding string, f func(t *testing.T, r *rig, w *wired)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		layout := controller.Layout{ID: "depot", NominalV: 230, Onboarding: onboarding, UnknownAccepted: true,
			Nodes: []loadbalance.Node{
				{ID: "main", Limit: loadbalance.Uniform(63000), Breaker: loadbalance.BreakerGG, Metered: true, WorstBase: loadbalance.Uniform(20000)}},
			Meters: []controller.MeterLayout{{ID: "grid", Node: "main", Period: time.Second}},
			Chargers: []controller.ChargerLayout{{Station: "CP1", Node: "main", Failsafe: 6000,
				Connectors: []controller.ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: []loadbalance.Phase{0, 1, 2}}}}}}
		site, err := controller.NewSite(controller.SiteConfig{Layout: layout, Recovered: controller.Recovered{NextTx: 1000001}})
		if err != nil {
			t.Fatal(err)
		}
		w := &wired{}
		journal := &disk{}
		w.Loop = controller.NewLoop(controller.LoopConfig{Site: site, Journal: journal, Chargers: w, Cloud: nobody{}})
		journal.loop = w.Loop
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		defer func() { // after the hub's own end
			stop()
			running.Wait()
		}()
		r := newRig(t, Config{Loop: w, Onboarding: onboarding})
		w.hub = r.hub
		running.Go(func() { _ = w.Run(ctx) })
		running.Go(func() {
			for ctx.Err() == nil {
				_ = w.Post(controller.MeterSampled{Meter: "grid", At: time.Now(), Current: loadbalance.Uniform(loadbalance.MilliAmp(10000 + w.cars.Load())), Period: time.Second})
				time.Sleep(time.Second)
			}
		})
		f(t, r, w)
		if err := r.hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// settled is a snapshot that has everything so far.
func (w *wired) settled() *controller.Snapshot {
	w.Snapshot()
	time.Sleep(2 * time.Second) // the one before may be a second old
	return w.Snapshot()
}

// TestJourneyWithTheRealController is a session from the charger's first Boot to its
// Stop, over a reconnect without Boot.
func TestJourneyWithTheRealController(t *testing.T) {
	withSite(t, "closed", func(t *testing.T, r *rig, w *wired) {
		cp := r.connect("CP1")
		if got := cp.call("BootNotification", `{"chargePointVendor":"ACME","chargePointModel":"X"}`); !strings.Contains(got, `"Accepted"`) {
			t.Fatalf("boot: %s", got)
		}
		if told := cp.heard(); len(told) < 3 || !strings.Contains(told[0], "TxDefaultProfile") {
			t.Fatalf("prepared by %v", told)
		}
		cp.call("StatusNotification", `{"connectorId":1,"status":"Preparing","errorCode":"NoError"}`)
		if got := cp.call("StartTransaction", `{"connectorId":1,"idTag":"AABB","meterStart":100,"timestamp":"2000-01-01T00:00:00Z"}`); got != `{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}` {
			t.Fatalf("start: %s", got)
		}
		cp.call("StatusNotification", `{"connectorId":1,"status":"Charging","errorCode":"NoError"}`)
		for range 30 {
			cp.call("MeterValues", fmt.Sprintf(`{"connectorId":1,"transactionId":1000001,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"6","measurand":"Current.Import","phase":"L1"}]}]}`,
				time.Now().UTC().Format(time.RFC3339)))
			time.Sleep(2 * time.Second)
		}
		last := limitOf(t, cp.heard())
		if last < 6 || last > 32 {
			t.Errorf("setpoint after a minute: %v A", last)
		}
		if v := w.Snapshot().Connectors[0]; v.Tx == 0 {
			t.Errorf("connector: %+v", v)
		}

		cp.Close(1001, "")
		<-cp.Done()
		cp = r.connect("CP1") // without Boot
		time.Sleep(time.Second)
		if told := strings.Join(cp.heard(), "\n"); !strings.Contains(told, "TxDefaultProfile") || !strings.Contains(told, `TriggerMessage {"requestedMessage":"StatusNotification"}`) {
			t.Errorf("after the reconnect: %s", told)
		}
		if got := cp.call("StopTransaction", `{"transactionId":1000001,"meterStop":900,"timestamp":"2000-01-01T00:02:00Z","reason":"Local"}`); got != `{}` {
			t.Errorf("stop: %s", got)
		}
		if v := w.settled().Connectors[0]; v.Tx != 0 {
			t.Errorf("after the stop: %+v", v)
		}
	})
}

// TestPitfallsThroughTheRealController: what odd bytes become in the end.
func TestPitfallsThroughTheRealController(t *testing.T) {
	withSite(t, "approve", func(t *testing.T, r *rig, w *wired) {
		cp := r.raw("CP1")
		cp.call(`[2,"1","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"X"}]`)
		yes := always(`3,{"status":"Accepted"}`)
		cp.play(yes)
		if got := cp.call(`[2,"2","StartTransaction",{"connectorId":1,"idTag":"AABB","meterStart":1000,"timestamp":"1970-01-01T00:00:07Z"}]`); got != `[3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1000001}]` {
			t.Fatalf("start: %s", got)
		}
		cp.play(yes)
		for i, id := range []string{`"transactionId":,`, `"transactionId":-1,`, `"transactionId":0,`, `"transactionId":"",`, ``} {
			cp.send(fmt.Sprintf(`[2,"m%d","MeterValues",{"connectorId":1,%s"meterValue":[{"timestamp":"1970-01-01T00:01:00Z","sampledValue":[{"value":"1,%d0","unit":"kWh"}]}]}]`, i, id, i+1))
			cp.skim(yes)
			if v := w.settled().Connectors[0]; v.Energy != controller.WattHour(100*(i+1)) || v.Tx != 1000001 {
				t.Errorf("pitfall 7, %q: %d Wh in %d", id, v.Energy, v.Tx)
			}
			cp.skim(yes)
		}
		cp.send(`[2,"s","StopTransaction",{"transactionId":424242,"idTag":"OTHER","meterStop":10,"timestamp":"2000-01-01T00:00:00Z"}]`)
		if got := strings.Join(cp.skim(yes), " "); got != `[3,"s",{}]` {
			t.Errorf("pitfall 6: %s", got)
		}
		if v := w.settled().Connectors[0]; v.Tx != 1000001 {
			t.Errorf("pitfall 6: it ended another transaction: %+v", v)
		}
		stranger := r.raw("NEW")
		for _, x := range []struct{ send, want string }{
			{`[2,"1","BootNotification",{"chargePointVendor":"ACME","chargePointModel":"Y"}]`, `"Pending"`},
			{`[2,"2","StartTransaction",{"connectorId":1,"idTag":"AABB","meterStart":1000,"timestamp":"2000-01-01T00:00:07Z"}]`, `"SecurityError"`},
		} {
			if got := stranger.call(x.send); !strings.Contains(got, x.want) {
				t.Errorf("pitfall 29: %s", got)
			}
		}
		snap := w.settled()
		if len(snap.Waiting) != 1 || snap.Waiting[0].Station != "NEW" || snap.Waiting[0].Info.Model != "Y" || len(snap.Chargers) != 1 {
			t.Errorf("pitfall 29: waiting %+v, chargers %d", snap.Waiting, len(snap.Chargers))
		}
	})
}

// limitOf is the last TxProfile's limit in A.
func limitOf(t *testing.T, told []string) float64 {
	t.Helper()
	last := 0.0
	for _, line := range told {
		text, ok := strings.CutPrefix(line, "SetChargingProfile ")
		if !ok || !strings.Contains(text, `"TxProfile"`) {
			continue
		}
		var req struct {
			P struct {
				S struct {
					P []struct {
						Limit float64 `json:"limit"`
					} `json:"chargingSchedulePeriod"`
				} `json:"chargingSchedule"`
			} `json:"csChargingProfiles"`
		}
		if err := json.Unmarshal([]byte(text), &req); err != nil {
			t.Fatal(err)
		}
		last = req.P.S.P[0].Limit
	}
	return last
}
