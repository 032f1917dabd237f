package sitesim

import (
	"fmt"
	"testing"
	"time"
)

func TestChargersOfAllVersions(t *testing.T) {
	for _, c := range []struct {
		version OCPP
		quirks  bool
	}{{OCPP201, false}, {OCPPMixed, false}, {OCPP16, true}, {OCPP201, true}} {
		t.Run(fmt.Sprint(c.version, c.quirks), func(t *testing.T) {
			span := time.Hour
			sc := Scenario{Chargers: 14, OCPP: c.version, Quirks: c.quirks, Seed: 3, BaseSteps: true, CheckEvery: time.Second,
				Sessions: Sessions{PlugWithin: 2 * time.Minute, Short: 5 * time.Minute, Long: 15 * time.Minute, Pause: 2 * time.Minute},
				Faults: []Fault{
					{Name: FaultCloudCut, From: span / 6, To: span / 3},
					{Name: FaultChargerKill, Arg: ChargerName(1), From: span / 5, To: span / 4},
					{Name: FaultBoxCrash, From: span / 2},
				}}
			live(t, sc, span, func(t *testing.T, w *World) {
				st := w.Final()
				for _, v := range w.Violations() {
					t.Error(v)
				}
				for _, d := range w.Differences() {
					t.Error(d)
				}
				if st.TransactionsDelivered < 24 || st.OutboxPending != 0 || *st.EnergyWhUpstream != st.EnergyWhDelivered {
					t.Errorf("%d delivered with %d Wh, %d Wh upstream, %d pending", st.TransactionsDelivered, st.EnergyWhDelivered, *st.EnergyWhUpstream, st.OutboxPending)
				}
				for _, c := range w.chargers {
					if len(c.sim.Ledger()) == 0 {
						t.Error(fmt.Errorf("%s had no transaction", c.id))
					}
				}
			})
		})
	}
}
