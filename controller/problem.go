package controller

import (
	"fmt"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

const (
	// usualStay is taken for the stay of a car whose departure nobody told, and leastStay
	// for what it still stays if it is there for longer.
	usualStay = 4 * time.Hour
	leastStay = time.Hour
)

// problem is what is known now, for the planner. Nothing in it is shared.
func (s *Site) problem(cars []planCar) *planner.Problem {
	p := &planner.Problem{Now: s.now, Volts: float64(s.cfg.Layout.NominalV), Step: 100} // mA, as the balancer's
	last := s.now
	for _, c := range cars {
		car := s.problemCar(s.slots[c.slot-1], c)
		p.Cars = append(p.Cars, car)
		last = later(last, car.Departure)
	}
	p.Slots = planner.Grid(s.now, last)
	times := middles(s.now, p.Slots)
	s.problemNodes(p, times)
	s.problemCeilings(p, times)
	s.problemMoney(p, times)
	return p
}

// middles are the times that stand for the slots.
func middles(now time.Time, slots []time.Duration) []time.Time {
	times := make([]time.Time, len(slots))
	at := now
	for i, d := range slots {
		times[i] = at.Add(d / 2)
		at = at.Add(d)
	}
	return times
}

func (s *Site) problemCar(sl *slot, c planCar) planner.Car {
	look := s.outlook(sl)
	row := &sl.tx.row
	car := planner.Car{Slot: int(sl.number), Node: sl.node, Phases: sl.wires.set, Min: sl.layout.Min, Max: c.ceiling,
		Departure: look.departure, Wants: int64(look.energy), Got: int64(max(0, row.LastRegister-row.MeterStart)), Held: sl.lim.present(s.now, sl.failsafe())}
	switch left := look.departure.Sub(s.now); {
	case look.departure.IsZero() && look.energy > 0:
		car.Departure = later(sl.tx.createdAt.Add(usualStay), s.now.Add(leastStay))
	case left > 2*readyBefore:
		car.Departure = look.departure.Add(-max(readyBefore, left/20))
	}
	car.Phases = s.loadedPhases(sl, look.vehicle)
	car.Max = min(car.Max, sl.carMost(look.vehicle))
	return car
}

// readyBefore is how long before its departure a car should be ready, or a twentieth of
// the time left: a plan that puts things off to the last minute has no room for a
// mishap.
const readyBefore = 5 * time.Minute

// carMost is the most the car takes, by what was seen of it and what is known of the
// vehicle.
func (sl *slot) carMost(v *VehicleLayout) loadbalance.MilliAmp {
	most := sl.layout.Max
	if v != nil && v.Max > 0 {
		most = min(most, v.Max)
	}
	if seen := sl.tx.takes.most; seen > 0 {
		most = min(most, max(seen, sl.layout.Min))
	}
	return most
}

// loadedPhases is the grid phases the car charges on: as seen, else as the vehicle is
// known, else all that the connector has.
func (s *Site) loadedPhases(sl *slot, v *VehicleLayout) loadbalance.PhaseSet {
	switch wiring := sl.layout.Wiring; {
	case sl.tx.takes.on != 0:
		return sl.tx.takes.on
	case v != nil && v.Phases > 0 && v.Phases < len(wiring):
		return loadbalance.Phases(wiring[:v.Phases]...)
	}
	return sl.wires.set
}

// problemNodes is the room that each fuse leaves for cars in each slot.
func (s *Site) problemNodes(p *planner.Problem, times []time.Time) {
	for _, n := range s.nodes {
		node := planner.Node{ID: n.ID, Parent: n.Parent}
		state := s.nodeState(n.ID)
		for _, at := range times {
			room := state.Limit
			if isStation(n.ID) {
				room = n.Limit
				if limit, ok := s.siteCap(at); ok {
					limit = s.shareCap(limit, at)[s.stationIndex(n.ID)]
					for ph := range room {
						room[ph] = min(room[ph], limit)
					}
				}
				node.Room = append(node.Room, room)
				continue
			}
			base := s.baseAt(&n, state, at)
			for ph := range room {
				room[ph] = max(0, room[ph]-max(0, base[ph]))
			}
			node.Room = append(node.Room, room)
		}
		p.Nodes = append(p.Nodes, node)
	}
}

// nodeState is what the last pass found at a node.
func (s *Site) nodeState(id loadbalance.NodeID) loadbalance.NodeState {
	for _, st := range s.plan {
		if st.Node == id {
			return st
		}
	}
	return loadbalance.NodeState{Node: id}
}

// baseAt is the load beside the chargers that is expected below a node: by its history
// where it is metered, else what the balancer reckons with.
func (s *Site) baseAt(n *loadbalance.Node, state loadbalance.NodeState, at time.Time) loadbalance.PerPhase {
	if n.Metered && !state.Lost {
		if v, known := s.forecast.node(n.ID).at(s.now, at, s.zone()); known {
			return loadbalance.PerPhase{loadbalance.MilliAmp(v[0]), loadbalance.MilliAmp(v[1]), loadbalance.MilliAmp(v[2])}
		}
	}
	return state.Base
}

// problemCeilings gives a car whose ceiling changes within the plan a fuse of its own.
func (s *Site) problemCeilings(p *planner.Problem, times []time.Time) {
	for i := range p.Cars {
		car := &p.Cars[i]
		sl := s.slots[car.Slot-1]
		if len(s.profiles) == 0 && len(sl.station.outside) == 0 {
			continue
		}
		room := make([]loadbalance.PerPhase, len(times))
		most, varies := car.Max, false
		first := s.ceilingAt(sl, times[0])
		for t, at := range times {
			ceiling := s.ceilingAt(sl, at)
			room[t] = loadbalance.Uniform(ceiling)
			varies = varies || ceiling != first
			most = max(most, ceiling)
		}
		if !varies {
			continue
		}
		own := loadbalance.NodeID(fmt.Sprintf("@car/%d", car.Slot))
		p.Nodes = append(p.Nodes, planner.Node{ID: own, Parent: car.Node, Room: room})
		car.Max, car.Node = min(most, sl.carMost(s.garage.vehicle(sl.tx.row.Token))), own
	}
}

// ceilingAt is the most a connector may get at a time to come.
func (s *Site) ceilingAt(sl *slot, at time.Time) loadbalance.MilliAmp {
	most := sl.layout.Max
	if o := &sl.operator; o.set && (o.until.IsZero() || at.Before(o.until)) {
		most = min(most, o.limit)
	}
	if limit, ok := s.profileCeiling(sl, at); ok {
		most = min(most, limit)
	}
	if limit, ok := s.outsideCeiling(sl, at); ok {
		most = min(most, limit)
	}
	return most
}

// problemMoney adds prices, the peak and the sun.
func (s *Site) problemMoney(p *planner.Problem, times []time.Time) {
	t := &s.cfg.Layout.Tariff
	if t.priced() {
		for _, at := range times {
			p.Prices = append(p.Prices, t.price(at, s.zone()))
		}
	}
	if t.Peak.Price == 0 && t.Peak.Limit == 0 && len(s.cfg.Layout.Sun) == 0 {
		return
	}
	base := make([]float64, len(times))
	for i, at := range times {
		base[i] = s.basePower(at)
	}
	if t.Peak.Price > 0 || t.Peak.Limit > 0 {
		p.Peak = planner.Peak{Set: float64(s.peakSet()), Price: t.Peak.Price, Limit: float64(t.Peak.Limit), Base: base, Used: max(0, s.peak.used)}
	}
	for i, at := range times {
		if len(s.cfg.Layout.Sun) > 0 {
			p.Surplus = append(p.Surplus, min(max(0, -base[i]), s.sunAt(at)))
		}
	}
}

// basePower is the power of all loads beside the chargers at a time, W, with the sun's
// taken off.
func (s *Site) basePower(at time.Time) float64 {
	sum := 0.
	for i := range s.nodes {
		if n := &s.nodes[i]; n.Parent == "" && n.Metered {
			if v, known := s.forecast.node(n.ID).at(s.now, at, s.zone()); known {
				sum += (v[0] + v[1] + v[2]) / 1000 * float64(s.cfg.Layout.NominalV)
			}
		}
	}
	return sum
}

// sunAt is what the site is expected to produce, W.
func (s *Site) sunAt(at time.Time) float64 {
	sum := 0.
	for _, m := range s.cfg.Layout.Sun {
		if v, known := s.forecast.meter(m.ID).at(s.now, at, s.zone()); known {
			sum += max(0, v[0])
		}
	}
	return sum
}
