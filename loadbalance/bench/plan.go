package bench

import (
	"math"
	"slices"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

// planIterations is the budget of one solve: a bound on time that does not depend on
// the machine.
const planIterations = 100

// outer asks the planner for wishes.
type outer struct {
	w       *Workload
	planner planner.Planner
	problem planner.Problem
	at      []int // session of each car of the problem
	nextAt  int   // s, when it is to be asked again
	// base is the forecast of the base load in a slot of 5 minutes that begins at a
	// second of the workload, A.
	base func(second int) [3]float64
	// month bills the plan; nil: energy has no price.
	month *month
}

// ask plans for the cars given. wants, held tell about a session.
func (o *outer) ask(now int, cars []int, left func(k int) float64, held func(k int) loadbalance.MilliAmp, step loadbalance.MilliAmp) planner.Result {
	p := &o.problem
	p.Now, p.Step = epoch().Add(time.Duration(now)*time.Second), step
	p.Cars, o.at = p.Cars[:0], o.at[:0]
	last := p.Now
	for _, k := range cars {
		x := &o.w.Sessions[k]
		leaves := epoch().Add(time.Duration(x.Depart) * time.Second)
		p.Cars = append(p.Cars, planner.Car{Slot: x.Connector + 1, Node: loadbalance.NodeID(o.w.Nodes[o.w.Connectors[x.Connector].Node].ID), Phases: x.Phases,
			Min: loadbalance.MilliAmp(math.Ceil(x.Min * 1000)), Max: loadbalance.MilliAmp(x.Imax * 1000), Departure: leaves, Wants: int64(math.Ceil(left(k) * 1000)), Held: held(k)})
		o.at = append(o.at, k)
		if leaves.After(last) {
			last = leaves
		}
	}
	p.Slots = planner.Grid(p.Now, last)
	if o.month != nil {
		p.Slots = o.month.slots(p.Now, last)
		o.month.money(p, now)
	}
	o.rooms(now)
	return o.planner.Solve(p, func(iteration int) bool { return iteration < planIterations })
}

// rooms are the limits of each slot; only the root's change.
func (o *outer) rooms(now int) {
	p := &o.problem
	p.Nodes = p.Nodes[:0]
	for v, n := range o.w.Nodes {
		node := planner.Node{ID: loadbalance.NodeID(n.ID)}
		if n.Parent >= 0 {
			node.Parent = loadbalance.NodeID(o.w.Nodes[n.Parent].ID)
		}
		second := now
		for i, length := range p.Slots {
			varies := v == o.w.root && len(o.w.Base)+len(o.w.Events) > 0
			if i > 0 && !varies {
				break
			}
			var room loadbalance.PerPhase
			for ph, limit := range n.Limit {
				room[ph] = loadbalance.MilliAmp(limit * 1000)
			}
			if varies {
				base := o.mean(second, int(length/time.Second))
				for ph := range room {
					room[ph] -= loadbalance.MilliAmp(base[ph] * 1000)
				}
			}
			node.Room = append(node.Room, room)
			second += int(length / time.Second)
		}
		p.Nodes = append(p.Nodes, node)
	}
}

// mean is the forecast over some seconds.
func (o *outer) mean(from, seconds int) [3]float64 {
	var sum [3]float64
	n := 0.
	for at := from; at < from+seconds; at += SlotSeconds {
		for ph, a := range o.base(at) {
			sum[ph] += a
		}
		n++
	}
	for ph := range sum {
		sum[ph] /= n
	}
	return sum
}

// knowing is a planner that knows the base load in advance.
func knowing(w *Workload) *outer {
	g := newGrid(w)
	return &outer{w: w, base: func(second int) [3]float64 {
		base := w.Nodes[w.root].Limit
		for ph, free := range g.free[second/SlotSeconds%len(g.free)] {
			base[ph] -= free
		}
		return base
	}}
}

// RunPlanner runs the planner alone, as RunPlain runs the plain policies: what it plans
// for the present slot is set, in whole amperes, base load known in advance. It is what
// the rolling programme of the stored figures is to be compared with.
func RunPlanner(w *Workload) Result {
	o := knowing(w)
	return runSlots(w, "planner", "known", o.slot)
}

// slot sets what the planner wants in one slot.
func (o *outer) slot(s *slotted, t int, active []int) {
	cars := slices.DeleteFunc(slices.Clone(active), func(k int) bool { return s.tally.left(k) <= hungry || s.w.Sessions[k].Imax < s.w.Sessions[k].Min })
	if len(cars) == 0 {
		return
	}
	plan := o.ask(t*SlotSeconds, cars, s.tally.left, func(k int) loadbalance.MilliAmp { return loadbalance.MilliAmp(s.tally.last[k] * 1000) }, loadbalance.Amp)
	for i, k := range o.at {
		s.amps[k] = float64(plan.Cars[i].Now) / 1000
	}
}

// wish asks the planner every 5 minutes and when a car came or went, and hands its
// wishes to the Balancer.
func (s *site) wish(changed bool) {
	if !changed && s.now < s.outer.nextAt {
		return
	}
	s.outer.nextAt = s.now - s.now%SlotSeconds + SlotSeconds
	cars := slices.DeleteFunc(slices.Clone(s.active), func(k int) bool { return s.tally.left(k) <= hungry || s.w.Sessions[k].Imax < s.w.Sessions[k].Min })
	for _, k := range s.active {
		s.state[k].Target, s.state[k].Rank = 0, 0
	}
	if len(cars) == 0 {
		return
	}
	plan := s.outer.ask(s.now, cars, s.tally.left, func(k int) loadbalance.MilliAmp { return s.state[k].Held }, 100)
	for i, k := range s.outer.at {
		s.state[k].Target, s.state[k].Rank = plan.Cars[i].Now, plan.Cars[i].Rank
	}
}
