package sitesim

import (
	"fmt"
	"testing"
	"time"
)

func TestChargersOfAllVersions(t *testing.T) {
	for _, version := range []OCPP{OCPP201, OCPPMixed} {
		t.Run(string(version), func(t *testing.T) {
			span := time.Hour
			sc := Scenario{Chargers: 12, OCPP: version, Seed: 3, BaseSteps: true, CheckEvery: time.Second,
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
