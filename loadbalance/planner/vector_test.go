package planner

import (
	"math"
	"math/cmplx"
	"testing"
	"time"

	"pgregory.net/rapid"

	"busbar/loadbalance"
)

// length is what v carries with these currents, A.
func (v *Vector) length(sum loadbalance.PerPhase) float64 {
	var all complex128
	for ph, gain := range v.Gains {
		all += gain * complex(float64(sum[ph])/1000, 0)
	}
	return cmplx.Abs(all)
}

func phasor(length, degrees float64) complex128 {
	return cmplx.Rect(length, degrees*math.Pi/180)
}

// someVector draws a line of a transformer, or a neutral conductor.
func someVector(t *rapid.T, ids []loadbalance.NodeID) Vector {
	v := Vector{Node: rapid.SampledFrom(ids).Draw(t, "at"), Limit: float64(rapid.IntRange(0, 60).Draw(t, "most"))}
	v.Gains = rapid.SampledFrom([][3]complex128{
		{phasor(1, 30), 0, phasor(-1, 150)},
		{phasor(1, 30), phasor(1, -90), phasor(-2, 150)},
		{1, phasor(1, -120), phasor(1, 120)},
		{},
	}).Draw(t, "gains")
	return v
}

// Cars between two lines load both of them: three that stand between different lines
// reach together more than three between the same ones, and a plan uses that.
func TestVectorsAddUpAsSuch(t *testing.T) {
	line := func(out, back int) Vector {
		v := Vector{Node: "main", Limit: 32}
		degrees := [3]float64{30, -90, 150}
		v.Gains[out], v.Gains[back] = phasor(1, degrees[out]), phasor(-1, degrees[back])
		return v
	}
	p := &Problem{Now: start, Volts: 208, Step: 100, Nodes: []Node{{ID: "main", Room: amps(1000)}}, Vectors: []Vector{line(0, 2), line(1, 0), line(2, 1)}}
	for i := range 6 {
		p.Cars = append(p.Cars, Car{Slot: i + 1, Node: "main", Phases: loadbalance.Phases(loadbalance.Phase(i / 2)), Max: 32000, Departure: start.Add(4 * time.Hour), Wants: 50_000})
	}
	r := new(Planner).Solve(p, nil)
	sum := loadbalance.PerPhase{}
	for i, c := range r.Cars {
		sum[i/2] += c.Now
	}
	balanced := 32 / math.Sqrt(3) // A on each leg
	if total := float64(sum[0]+sum[1]+sum[2]) / 1000; total < .985*3*balanced || total > 3*balanced {
		t.Errorf("%v on the legs, together %.1f A; balanced ones may have %.1f A", sum, total, 3*balanced)
	}
}
