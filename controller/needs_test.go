package controller

import (
	"testing"
	"time"
)

func TestACarsPlansReachTheBalancer(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP2")
	is := func(what string, departure time.Time, energy int64) {
		t.Helper()
		if c := r.site.demand(r.site.slots[1]); !c.Departure.Equal(departure) || c.Needs != energy {
			t.Errorf("%s: leaves %v and wants %d Wh, want %v and %d", what, c.Departure, c.Needs, departure, energy)
		}
	}
	tell := func(departure time.Time, energy WattHour) {
		r.do(CarNeeds{Station: "CP2", Connector: 1, Departure: departure, Energy: energy})
	}
	leaves := r.now.Add(2 * time.Hour)
	tell(leaves, 9000)
	is("without a session", time.Time{}, 0)
	r.do(r.event(0, TxBegins, func(ev *TxReported) { alice(ev); ev.Samples = energy(1000, true) }))
	tell(leaves, 9000)
	is("told", leaves, 9000)
	r.do(r.event(1, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(4000, true) }))
	is("a third is there", leaves, 6000)
	r.do(r.event(2, TxGoesOn, func(ev *TxReported) { ev.Samples = energy(14000, true) }))
	is("it took more", leaves, 0)
	tell(r.now.Add(-time.Hour), -5)
	is("nonsense", time.Time{}, 0)
	tell(leaves, 9000)
	r.do(r.event(3, TxEnds, func(ev *TxReported) { ev.Samples = energy(15000, true) }))
	is("the session is over", time.Time{}, 0)
	r.do(r.event(0, TxBegins, func(ev *TxReported) { ev.ChargerTx = "T-2"; alice(ev); ev.Samples = energy(15000, true) }))
	is("the next car", time.Time{}, 0)
	tell(leaves, 9000)
	r.do(r.event(0, TxBegins, func(ev *TxReported) { ev.ChargerTx = "T-3"; alice(ev); ev.Samples = energy(15500, true) }))
	is("the next car, and the end of the one before did not come", time.Time{}, 0)
	r.do(CarNeeds{Station: "CP2", Connector: 9, Energy: 1})
	r.do(CarNeeds{Station: "NOBODY", Connector: 1, Energy: 1})
}
