package bench

import (
	"fmt"

	"busbar/loadbalance"
)

// SlotSeconds is the length of a decision slot of the plain policies and of the bounds.
const SlotSeconds = 300

// kilovolt is the voltage between phase and neutral.
const kilovolt = 0.230

// Node is one fuse of the site. Parent is an index into Workload.Nodes, -1 at the
// root; parents may come after their children.
type Node struct {
	ID      string
	Parent  int
	Limit   [3]float64 // A on L1, L2, L3
	Breaker loadbalance.Breaker
}

// Connector is one charging point.
type Connector struct {
	ID   string
	Node int     // index into Workload.Nodes
	Imax float64 // A per phase
}

// Behaviour is how a generated car deviates from the ideal.
type Behaviour uint8

// The behaviours of the generator.
const (
	Normal  Behaviour = iota
	Limited           // takes less than it could
	Delayed           // starts late
	Slow              // follows late
	Ignores           // does not follow reductions
)

// Session is one stay of one car. Its energy is what the driver asked for, and may be
// more than the car can take.
type Session struct {
	ID             string
	Connector      int // index into Workload.Connectors
	Arrive, Depart int // s
	KWh            float64
	Phases         loadbalance.PhaseSet // grid phases
	Imax, Min      float64              // A per phase
	EVCap          float64              // A per phase that the car really takes at most; may be below Min
	Declared       int                  // departure the driver told, s; 0: none
	Priority       int                  // higher first
	Car            CarModel
}

// perAmp is the kWh that one ampere gives in one hour, perAmpSlot in one slot.
func (s *Session) perAmp() float64     { return kilovolt * float64(s.Phases.Count()) }
func (s *Session) perAmpSlot() float64 { return s.perAmp() * (SlotSeconds / 3600.) }

// CarModel is how a car follows a setpoint. The zero value follows at once.
type CarModel struct {
	Behaviour Behaviour
	// BatteryKWh and TaperFrom, a state of charge, belong to the files; no run tapers.
	BatteryKWh float64
	TaperFrom  float64
	Dead       float64 // s until it reacts
	Up, Down   float64 // A/s, 0: at once
	Underuse   float64 // A below its offer
	StartDelay float64 // s until it charges for the first time
}

// Workload is a site and what happens on it. It is read-only once it is made.
type Workload struct {
	Name       string
	Nodes      []Node // exactly one root
	Connectors []Connector
	Sessions   []Session
	// Base is the uncontrolled load at the root, one entry a second; past its end it
	// starts again from the first. Empty: none.
	Base   []loadbalance.PerPhase
	Events []Event

	paths [][]int // of each node: itself and all above
	root  int
}

// finish checks the tree and makes the paths. The errors name nodes and connectors.
func (w *Workload) finish() error {
	w.root = -1
	for i, n := range w.Nodes {
		if n.Parent >= 0 {
			continue
		}
		if w.root >= 0 {
			return fmt.Errorf("cannot use the tree: nodes %q and %q both have no parent", w.Nodes[w.root].ID, n.ID)
		}
		w.root = i
	}
	if w.root < 0 {
		return fmt.Errorf("cannot use the tree: no node without a parent")
	}
	w.paths = make([][]int, len(w.Nodes))
	for i := range w.Nodes {
		for v := i; v >= 0; v = w.Nodes[v].Parent {
			if len(w.paths[i]) == len(w.Nodes) {
				return fmt.Errorf("cannot use the tree: node %q lies on a circle", w.Nodes[i].ID)
			}
			w.paths[i] = append(w.paths[i], v)
		}
	}
	for _, c := range w.Connectors {
		if c.Node < 0 || c.Node >= len(w.Nodes) {
			return fmt.Errorf("cannot use connector %q: its node is unknown", c.ID)
		}
	}
	return nil
}

// path is the node of a session's connector and all above.
func (w *Workload) path(s *Session) []int { return w.paths[w.Connectors[s.Connector].Node] }

// Requested is the energy of all sessions, kWh.
func (w *Workload) Requested() float64 {
	sum := 0.0
	for i := range w.Sessions {
		sum += w.Sessions[i].KWh
	}
	return sum
}

// BaseAt is the base load of a second, A.
func (w *Workload) BaseAt(second int) [3]float64 {
	var base [3]float64
	if len(w.Base) > 0 {
		base = amps(w.Base[second%len(w.Base)])
	}
	for i := range w.Events {
		if e := &w.Events[i]; e.Kind == BaseStep && e.on(second) {
			for p, a := range e.Amps {
				base[p] += a
			}
		}
	}
	return base
}

// amps is a current in amperes.
func amps(c loadbalance.PerPhase) [3]float64 {
	return [3]float64{float64(c[0]) / 1000, float64(c[1]) / 1000, float64(c[2]) / 1000}
}

// free gives for each slot the mean of what the root leaves over, nil where that is
// always its limit. Without events it repeats with the base load, whose last slot may
// be shorter than the others.
func (w *Workload) free() [][3]float64 {
	seconds := len(w.Base)
	if len(w.Events) > 0 {
		for i := range w.Sessions {
			seconds = max(seconds, w.Sessions[i].Depart)
		}
	}
	if seconds == 0 {
		return nil
	}
	out := make([][3]float64, (seconds+SlotSeconds-1)/SlotSeconds)
	for i := range out {
		from, to := i*SlotSeconds, min(seconds, (i+1)*SlotSeconds)
		for at := from; at < to; at++ {
			for p, a := range w.rootRoom(at) {
				out[i][p] += max(0, a)
			}
		}
		for p := range out[i] {
			out[i][p] /= float64(to - from)
		}
	}
	return out
}
