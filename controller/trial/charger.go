package trial

import (
	"math/rand/v2"

	"busbar/controller"
	"busbar/loadbalance"
)

// point is a charger at run time.
type point struct {
	sc      *Charger
	id      controller.StationID
	node    int
	rand    *rand.Rand
	faults  []*Fault
	outlets []*outlet

	powered    bool
	linked     bool // the connection is there, as the charger sees it
	believed   bool // as the box does
	linksAt    float64
	goneAt     float64 // when the box notices that it is not; 0: nothing to notice
	lostAt     float64 // when the connection was lost last
	generation uint64
	boots      bool // says so when it is connected

	floor loadbalance.MilliAmp // the fall-back it was given; below 0: none
	nth   int                  // setpoints that came
	wire
	taken bool // the box heard that it took its fall-back
}

// outlet is one connector of a charger.
type outlet struct {
	drive
	of      *point
	sc      *Connector
	number  int
	slot    controller.Slot
	max     float64
	next    int // of its cars
	car     *Car
	began   bool    // current may flow: a transaction was begun
	wanted  bool    // its token was asked for
	beginAt float64 // a token was accepted: it begins then; 0: no
	opened  float64
	shownAt float64 // since when it is seen to draw too much; below 0: it is not
	startID string  // of the message that told its start
	tx      controller.TxID
	told    bool // its start was answered
	ended   bool // by the cloud, the car is still there

	limit    loadbalance.MilliAmp // the setpoint
	until    float64              // of its lease
	has      bool
	shown    float64 // when a report comes again
	energy   float64 // Wh
	held     float64 // pilot of a stuck charger
	heldOn   bool
	book     book
	lately   []promise
	reports  loadbalance.PerPhase // the newest one
	reportAt float64
}

func (p *point) fault(kind FaultKind, t float64) *Fault {
	for _, f := range p.faults {
		if f.Kind == kind && f.on(t) {
			return f
		}
	}
	return nil
}

// obeys tells that nothing was wrong with what the charger does so far, so that it can be
// led by anybody.
func (p *point) obeys(t float64) bool {
	for _, f := range p.faults {
		if f.Kind.disobeys() && t >= f.From {
			return false
		}
	}
	return true
}

// permits is what the charger's own profiles permit, A.
func (o *outlet) permits(t float64) float64 {
	switch {
	case !o.began || o.ended:
		return 0
	case o.has && (t < o.until || o.of.fault(FaultNoFallback, t) != nil):
		return min(float64(o.limit)/1000, o.max)
	case o.of.floor < 0:
		return o.max
	}
	return min(float64(o.of.floor)/1000, o.max)
}

// physics lets dt seconds pass at t.
func (p *point) physics(t, dt float64) {
	for _, o := range p.outlets {
		pilot := 0.0
		if p.powered && o.began {
			pilot = o.pilotAt(t)
		}
		o.offer(t, pilot)
		car := o.car
		if !o.began || !p.powered {
			car = nil
		}
		slow := 0.0
		if f := p.fault(FaultSlow, t); f != nil {
			slow = f.Arg
		}
		o.step(t, dt, car, slow)
		if car != nil {
			o.energy += o.draws * float64(o.phases()) * 230 * dt / 3600
		}
	}
}

// pilotAt is what the connector offers, with its charger's faults.
func (o *outlet) pilotAt(t float64) float64 {
	want := o.permits(t)
	switch {
	case o.ended:
		return 0
	case o.of.fault(FaultMaximum, t) != nil:
		return o.max
	case o.of.fault(FaultStuck, t) != nil:
		if !o.heldOn {
			o.held, o.heldOn = max(o.pilot, want), true
		}
		return o.held
	case want < least && o.of.fault(FaultNoZero, t) != nil:
		return max(o.pilot, least)
	}
	o.heldOn = false
	return want
}

// phases is how many conductors the car uses.
func (o *outlet) phases() int {
	if o.car == nil {
		return 0
	}
	return min(o.car.Phases, len(o.sc.Wiring))
}

// addTo adds what the connector draws, by phase of the grid.
func (o *outlet) addTo(sum *[3]float64) {
	if o.draws == 0 {
		return
	}
	for _, p := range o.sc.Wiring[:o.phases()] {
		sum[p] += o.draws
	}
}

// reported is what the connector says that it draws on its own conductors, and on which.
func (o *outlet) reported(t float64) (own loadbalance.PerPhase, given loadbalance.PhaseSet, ok bool) {
	amps := o.draws
	if o.of.fault(FaultNoReports, t) != nil {
		return own, 0, false
	}
	if o.of.fault(FaultLies, t) != nil {
		amps = min(amps, o.permits(t))
	}
	if f := o.of.fault(FaultLow, t); f != nil {
		amps *= f.Arg
	}
	for i := range o.sc.Wiring {
		given |= loadbalance.Phases(loadbalance.Phase(i))
		if i < o.phases() {
			own[i] = loadbalance.MilliAmp(max(0, amps+0.05*o.of.rand.NormFloat64()) * 1000)
		}
	}
	return own, given, true
}
