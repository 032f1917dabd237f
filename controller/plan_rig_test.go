package controller

import (
	"testing"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

// yard is a rig with cars that follow their setpoints, a meter that sees them, and a
// planner, if one is alive.
type yard struct {
	*rig
	planner func(PlanWanted) PlanMade // nil: it never answers
	asked   []PlanWanted
	cars    []*yardCar
	base    loadbalance.PerPhase
}

// yardCar charges on three phases as its connector is told, up to most.
type yardCar struct {
	station StationID
	tx      TxID
	most    loadbalance.MilliAmp
	limit   loadbalance.MilliAmp
	until   time.Time // of the setpoint
	wh      float64
	wants   float64 // Wh, then it takes no more
}

// draw is what it takes per phase.
func (c *yardCar) draw(now time.Time) loadbalance.MilliAmp {
	switch a := min(c.present(now), c.most); {
	case c.wh >= c.wants, a < 6000:
		return 0
	default:
		return a
	}
}

func (c *yardCar) present(now time.Time) loadbalance.MilliAmp {
	if now.Before(c.until) {
		return c.limit
	}
	return 6000
}

// yardLayout is two places at one fuse.
func yardLayout(fuse loadbalance.MilliAmp) Layout {
	place := func(id StationID) ChargerLayout {
		return ChargerLayout{Station: id, Node: "main", Failsafe: 6000, Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: []loadbalance.Phase{0, 1, 2}}}}
	}
	return Layout{ID: "yard", NominalV: 230, Onboarding: "approve", UnknownAccepted: true, OfflineUnknownAccepted: true,
		Nodes:    []loadbalance.Node{{ID: "main", Limit: loadbalance.Uniform(fuse), Breaker: loadbalance.BreakerGG, Metered: true}},
		Meters:   []MeterLayout{{ID: "grid", Node: "main", Period: time.Second}},
		Chargers: []ChargerLayout{place("CP1"), place("CP2")}}
}

func newYard(t *testing.T, l Layout) *yard {
	t.Helper()
	r := newRig(t, l, Recovered{})
	site, err := NewSite(SiteConfig{Layout: l, Recovered: Recovered{NextTx: 1000001}, Plan: true})
	if err != nil {
		t.Fatal(err)
	}
	r.site = site
	y := &yard{rig: r}
	r.online("CP1")
	r.online("CP2")
	return y
}

// solving is a planner that is alive.
func solving() func(PlanWanted) PlanMade {
	var p planner.Planner
	return func(w PlanWanted) PlanMade {
		return PlanMade{Seq: w.Seq, Result: p.Solve(w.Problem, func(iteration int) bool { return iteration < 300 }), Took: time.Millisecond}
	}
}

// arrive plugs a car in.
func (y *yard) arrive(id StationID, token string, most loadbalance.MilliAmp, wants float64) *yardCar {
	y.t.Helper()
	c := &yardCar{station: id, most: most, wants: wants}
	c.tx = y.start(id, 1, token)
	y.do(StatusReported{Station: id, Reply: y.next(), Connector: 1, Status: StatusCharging, ErrorCode: NoError, At: y.now})
	y.cars = append(y.cars, c)
	return c
}

// leave unplugs it.
func (y *yard) leave(c *yardCar) {
	y.t.Helper()
	y.do(TxStopped{Station: c.station, Reply: y.next(), Tx: c.tx, MeterStop: 100 + WattHour(c.wh), At: y.now})
	y.do(StatusReported{Station: c.station, Reply: y.next(), Connector: 1, Status: StatusAvailable, ErrorCode: NoError, At: y.now})
	for i, o := range y.cars {
		if o == c {
			y.cars = append(y.cars[:i:i], y.cars[i+1:]...)
		}
	}
}

// run lets time pass, second by second; each, if given, looks at every one.
func (y *yard) run(until time.Time, each func()) {
	y.t.Helper()
	for y.now.Before(until) {
		y.second()
		if each != nil {
			each()
		}
	}
}

func (y *yard) second() {
	y.now = y.now.Add(time.Second)
	sum := y.base
	for p := range sum {
		sum[p] += loadbalance.MilliAmp(y.now.Second()%7) * 20 // no real meter stands still
	}
	for _, c := range y.cars {
		a := c.draw(y.now)
		c.wh += float64(a) / 1000 * 230 * 3 / 3600
		for p := range sum {
			sum[p] += a
		}
	}
	y.step(MeterSampled{Meter: "grid", At: y.now, Current: sum, Period: time.Second})
	if y.now.Second()%10 == 0 {
		for _, c := range y.cars {
			a := c.draw(y.now)
			y.step(MeterReported{Station: c.station, Reply: y.next(), Connector: 1, Tx: c.tx, Samples: []MeterSample{{At: y.now, SoC: -1,
				Current: loadbalance.Uniform(a), CurrentPhases: loadbalance.AllPhases, Energy: 100 + WattHour(c.wh), HasEnergy: true}}})
		}
	}
	y.all, y.rows = y.all[:0], y.rows[:0]
}

// step does an event; chargers obey at once, and the planner answers if it is alive.
func (y *yard) step(ev Event) {
	queue := []Event{ev}
	for len(queue) > 0 {
		ev, queue = queue[0], queue[1:]
		for _, e := range y.do(ev) {
			switch e := e.(type) {
			case SetLimit:
				for _, c := range y.cars {
					if c.tx == e.Tx {
						c.limit, c.until = e.Limit, y.now.Add(e.Lease)
					}
				}
				queue = append(queue, LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Accepted: true, Sent: true})
			case PlanWanted:
				y.asked = append(y.asked, e)
				if y.planner != nil {
					queue = append(queue, y.planner(e))
				}
			}
		}
	}
}
