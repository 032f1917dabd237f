package planner

import (
	"time"

	"busbar/loadbalance"
)

// Problem is what is known at Now. Of every list by slots a missing entry counts as the
// last one. The planner changes nothing in it.
type Problem struct {
	Now time.Time
	// Volts is phase to neutral; 0 counts as 230.
	Volts float64
	// Slots are the lengths of the slots, the first beginning at Now. What lies beyond
	// the last is not planned. nil: Grid up to the last departure.
	Slots []time.Duration
	// Nodes are the fuses, in any order; a node whose Parent is empty or unknown is a root.
	Nodes []Node
	// Vectors are conductors beside the fuses; none where phases are fed as they are.
	Vectors []Vector
	Cars    []Car // one whose Node is missing gets nothing
	// Prices of energy in each slot, any currency per kWh; nil: all the same.
	Prices []float64
	// Power is the most all cars may take together in each slot, W; nil: no cap.
	Power []float64
	// Surplus is power in each slot, W, that costs nothing (the sun's); Prices are for
	// what goes beyond it.
	Surplus []float64
	Peak    Peak
	// Worth is what a kWh that a car leaves without costs, in the currency of Prices and
	// Peak. 0: more than any price, so that money only decides when and how steadily.
	Worth float64
	// Step is what setpoints of the present slot are multiples of; 0 counts as 1 A.
	Step loadbalance.MilliAmp
}

// Node is one fuse. Room is what it leaves for cars in each slot: its limit less margin
// and the expected load of others, never counted below zero; none at all is no room.
type Node struct {
	ID, Parent loadbalance.NodeID
	Room       []loadbalance.PerPhase
}

// Car is a car that is plugged in.
type Car struct {
	Slot     int // of the connector; unique
	Node     loadbalance.NodeID
	Phases   loadbalance.PhaseSet // grid phases; 0 counts as all
	Min, Max loadbalance.MilliAmp // Max < Min: takes nothing
	// Departure is when it leaves or is expected to; zero: at the end of the last slot.
	// In the past: it may leave at any time, and is planned for the present slot only.
	Departure time.Time
	// Wants is what it still asks for, Wh. 0: unknown; it is then a member of the equal
	// share: planned at its fair part of each slot. Negative: it takes nothing.
	Wants int64
	// Got is what it has had in this stay, Wh. Who has had a smaller part of Got and Wants
	// goes first where the energy delivered is nearly the same.
	Got      int64
	Priority int // a class counts tenfold the one below
	// Weight is its share within a class, 0 counts as 1. Energy counts by it up to
	// threefold, the equal share without bound.
	Weight int
	Held   loadbalance.MilliAmp // what it has now: changes that gain little are avoided
}

// Peak is the price of the highest quarter hour, by the clock; the zero value is none.
type Peak struct {
	// Set is the mean power of the highest quarter hour so far in the period of billing,
	// or the level aimed at, W: up to it power costs nothing beyond its energy.
	Set float64
	// Price of each kW above Set, in the currency of Prices.
	Price float64
	// Limit, W, is kept in every quarter hour; 0: none.
	Limit float64
	// Base is the forecast of all other load in each slot, W.
	Base []float64
	// Used is the energy of the present quarter hour so far, all loads, Wh.
	Used float64
}

// Result is a plan.
type Result struct {
	Cars []CarPlan // in the order of Problem.Cars
	// Value is what the relaxed schedule is worth, Bound what no schedule can exceed: in
	// Wh, weighted by priority, time of delivery and money. Their difference, never
	// negative, is what is left to gain at most; minimum and step are not part of it.
	Value, Bound float64
	Iterations   int
}

// Gap is the relative distance of the plan to the best possible one, 0 to 1.
func (r *Result) Gap() float64 {
	if r.Bound <= 0 {
		return 0
	}
	return min((r.Bound-r.Value)/r.Bound, 1)
}

// CarPlan is one car's part.
type CarPlan struct {
	Slot int
	// Now is 0 or Min to Max in whole steps; together with the other cars' Now it fits every
	// node and the power cap.
	Now loadbalance.MilliAmp
	// Rank is the order of admission, from 1: whom it would cost most to leave out comes
	// first. 0: the planner has no order for it (it takes nothing, or its wish is unknown).
	Rank int
	// Schedule is the mean current in each slot, Now in the first; later ones may lie
	// between 0 and Min, which then stands for a part of the slot.
	Schedule []loadbalance.MilliAmp
	// Shortfall is what the schedule leaves undelivered, Wh; 0 if Wants is unknown.
	Shortfall int64
}

// Slots of Grid.
const (
	fineSlot   = 5 * time.Minute
	coarseSlot = 15 * time.Minute
	fineSpan   = 2 * time.Hour
	longest    = 24 * time.Hour
)

// Grid are slots of five minutes for two hours and of a quarter of an hour from there to
// the end, at most a day.
func Grid(now, end time.Time) []time.Duration {
	var out []time.Duration
	length := min(max(end.Sub(now), fineSlot), longest)
	for at := time.Duration(0); at < length; {
		step := fineSlot
		if at >= fineSpan {
			step = coarseSlot
		}
		out = append(out, step)
		at += step
	}
	return out
}

// grid is the slots given, or the usual ones.
func (p *Problem) grid() []time.Duration {
	if len(p.Slots) > 0 {
		return p.Slots
	}
	last := p.Now
	for i := range p.Cars {
		if d := p.Cars[i].Departure; d.After(last) {
			last = d
		}
	}
	return Grid(p.Now, last)
}

// entry is the i-th entry of a list whose last one goes on.
func entry[T any](list []T, i int) T { return list[min(i, len(list)-1)] }
