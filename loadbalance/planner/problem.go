package planner

import (
	"fmt"
	"slices"
	"time"

	"busbar/loadbalance"
)

// Problem is what is known at Now.
type Problem struct {
	Now time.Time
	// Volts is phase to neutral; 0 counts as 230.
	Volts float64
	// Slots are the lengths of the slots, the first beginning at Now. What lies beyond
	// the last is not planned. See Grid.
	Slots []time.Duration
	// Nodes are the fuses, in any order; a node whose Parent is empty or unknown is a root.
	Nodes []Node
	Cars  []Car
	// Prices of energy in each slot, any currency per kWh; nil: all the same. A missing
	// entry counts as the last one.
	Prices []float64
	// Power is the most all cars may take together in each slot, W; nil: no cap. A missing
	// entry counts as the last one. This is how a quarter-hour peak is kept.
	Power []float64
	// Step is what setpoints of the present slot are multiples of; 0 counts as 1 A.
	Step loadbalance.MilliAmp
}

// Node is one fuse. Room is what it leaves for cars in each slot: its limit less margin
// and the expected load of others, never counted below zero. A missing entry counts as
// the last one, none at all as no room.
type Node struct {
	ID, Parent loadbalance.NodeID
	Room       []loadbalance.PerPhase
}

// Car is a car that is plugged in.
type Car struct {
	Slot      int // of the connector; unique
	Node      loadbalance.NodeID
	Phases    loadbalance.PhaseSet // 0 counts as all
	Min, Max  loadbalance.MilliAmp // Max < Min: takes nothing
	Departure time.Time            // zero: at the end of the last slot
	Wants     int64                // Wh still wanted; 0: unknown, as much as it can take at half the value
	Priority  int                  // each class counts threefold the one below
	Weight    int                  // within a class, 0 counts as 1
	Held      loadbalance.MilliAmp // what it has now: small changes are avoided
}

// Result is a plan.
type Result struct {
	Cars []CarPlan // in the order of Problem.Cars
	// Value is what the schedule is worth, Bound what no schedule can exceed: in Wh, weighted
	// by priority and time of delivery. Their difference is what is left to gain at most.
	Value, Bound float64
	Iterations   int
}

// CarPlan is one car's part.
type CarPlan struct {
	Slot int
	// Now is 0 or Min to Max in whole steps; together with the other cars' Now it fits every
	// node and the power cap.
	Now loadbalance.MilliAmp
	// Rank is the order of admission, from 1: whom it would cost most to leave out comes first.
	Rank int
	// Schedule is the current in each slot up to the departure; it may lie between 0 and Min,
	// which then stands for a part of the slot. Valid until the next Solve.
	Schedule []loadbalance.MilliAmp
	// Shortfall is what the schedule leaves undelivered, Wh; 0 if Wants is unknown.
	Shortfall int64
}

// Grid are slots of five minutes for two hours and of a quarter of an hour from there to
// the end, at most a day.
func Grid(now, end time.Time) []time.Duration {
	const fine, coarse, most = 5 * time.Minute, 15 * time.Minute, 24 * time.Hour
	var out []time.Duration
	length := min(max(end.Sub(now), fine), most)
	for at := time.Duration(0); at < length; {
		step := fine
		if at >= 2*time.Hour {
			step = coarse
		}
		out = append(out, step)
		at += step
	}
	return out
}

// Check says what is wrong with a problem, nil if nothing. Solve takes any problem: it
// leaves out cars whose node is missing.
func (p *Problem) Check() error {
	if len(p.Slots) == 0 {
		return fmt.Errorf("cannot plan: no slots")
	}
	for _, c := range p.Cars {
		if !slices.ContainsFunc(p.Nodes, func(n Node) bool { return n.ID == c.Node }) {
			return fmt.Errorf("cannot plan the car at slot %d: node %q doesn't exist", c.Slot, c.Node)
		}
	}
	return nil
}

// entry is the i-th entry of a list whose last one goes on.
func entry[T any](list []T, i int) T { return list[min(i, len(list)-1)] }
