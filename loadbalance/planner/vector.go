package planner

import (
	"math"
	"math/cmplx"
	"slices"

	"busbar/loadbalance"
)

// Vector is a conductor below which the currents of a node's phases add up as a vector
// and not as a number, such as a line of the delta-wye transformer that feeds the node.
type Vector struct {
	Node  loadbalance.NodeID
	Gains [3]complex128 // A in the conductor for each A on L1, L2, L3 of the node
	Limit float64       // A, the most that the sum's length may be; in all slots
}

// polygon is how many sides stand for the circle that a Vector's limit is. They lie
// within it: what keeps them is at most 0.4 % below what would be allowed.
const polygon = 36

// side is one side of a polygon: a limit on a weighted sum of currents.
type side struct {
	node  int // index of the Vector's
	limit float64
	// per is what an ampere of a car adds, by the car's phases. What it takes off is not
	// counted, as a car may always take less than it is given.
	per [loadbalance.AllPhases + 1]float64
}

// newSide is the side of v whose middle lies at an angle in rad.
func newSide(v *Vector, node int, angle float64) side {
	out := side{node: node, limit: max(0, v.Limit) * math.Cos(math.Pi/polygon)}
	for set := range out.per {
		var sum complex128
		for ph, gain := range v.Gains {
			if loadbalance.PhaseSet(set).Has(loadbalance.Phase(ph)) {
				sum += gain
			}
		}
		out.per[set] = max(0, real(sum*cmplx.Rect(1, -angle)))
	}
	return out
}

// tighter reports whether whatever keeps d keeps other, too.
func (d *side) tighter(other *side) bool {
	for set := range d.per {
		if d.per[set] < other.per[set] {
			return false
		}
	}
	return true
}

// addSides makes the polygons of all vectors, without sides that cannot matter.
func (s *site) addSides(index map[loadbalance.NodeID]int) {
	for i := range s.problem.Vectors {
		v := &s.problem.Vectors[i]
		node, ok := index[v.Node]
		if !ok {
			continue
		}
		first := len(s.sides)
		for k := range polygon {
			next := newSide(v, node, 2*math.Pi*float64(k)/polygon)
			needed := true
			kept := s.sides[:first]
			for _, d := range s.sides[first:] {
				needed = needed && !d.tighter(&next)
				if !next.tighter(&d) || d.tighter(&next) {
					kept = append(kept, d)
				}
			}
			if s.sides = kept; needed {
				s.sides = append(s.sides, next)
			}
		}
	}
}

// addSideKeys adds the sides that c loads.
func (s *site) addSideKeys(c *car) {
	var set loadbalance.PhaseSet
	for _, ph := range c.phases {
		set |= loadbalance.Phases(loadbalance.Phase(ph))
	}
	for i := range s.sides {
		if d := &s.sides[i]; d.per[set] > 0 && slices.Contains(c.path, d.node) {
			c.keys = append(c.keys, load{3*len(s.parent) + i, d.per[set]})
		}
	}
}
