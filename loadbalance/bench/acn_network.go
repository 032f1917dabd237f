package bench

import (
	"cmp"
	"math"
	"math/cmplx"
	"slices"

	"busbar/loadbalance/planner"
)

// ACNNetwork is how the garage of Caltech is fed in scenario W0.
type ACNNetwork uint8

// The two models of the published results.
const (
	// ThreePhase is the true one: stations between two phases of 208 V behind a
	// delta-wye transformer, each line limited by the length of a vector sum.
	ThreePhase ACNNetwork = iota
	// SinglePhase adds up all currents and limits their power. It gives up to 0.9
	// points more than published.
	SinglePhase
)

// ACNPolicy is one of the policies of the published results.
type ACNPolicy string

// The policies of W0: largest feasible current in the order named, or turns; ACNBusbar
// is the project's planner.
const (
	ACNFCFS ACNPolicy = "FCFS"
	ACNLLF  ACNPolicy = "LLF"
	ACNEDF  ACNPolicy = "EDF"
	ACNRR   ACNPolicy = "RR"

	ACNBusbar ACNPolicy = "BUSBAR"
)

const (
	acnVolts  = 208.
	acnPilot  = 32.                      // A, the most of a station
	acnPerAmp = acnVolts * 5 / 60 / 1000 // kWh per A and slot
	acnMost   = 6.6 * 5 / 60             // kWh per slot, what a car takes at most
	acnPod    = 80.                      // A, limit of each of the two pods
	acnSlack  = 1e-9                     // A
	acnNarrow = .01                      // A, to which the largest current is searched
	acnTurn   = .2                       // A, one turn of RR
	primary   = 277.                     // V, of the transformer's other side
	secondary = 120.                     // V, phase to neutral
	ratio     = 4.                       // as the published model has it
)

// acnStations are the stations between lines A and B, and B and C, and the pods that
// have a limit of their own; the others are between C and A. Facts of acnportal.
func acnStations() (legs map[string]int, pods map[string]int) {
	legs, pods = map[string]int{}, map[string]int{}
	put := func(m map[string]int, value int, names ...string) {
		for _, n := range names {
			m["CA-"+n] = value
		}
	}
	av := []string{"324", "325", "326", "327", "489", "490", "491", "492"}
	cc := []string{"322", "493", "496", "320", "495", "321", "323", "494"}
	put(legs, 1, "304", "512", "305", "511", "313", "503", "311", "505", "317", "499", "148", "149", "212", "213")
	put(legs, 0, "308", "508", "303", "513", "310", "506", "316", "500", "318", "498")
	put(legs, 0, av...)
	put(legs, 0, cc...)
	put(pods, 0, av...)
	put(pods, 1, cc...)
	return legs, pods
}

// acnLoad is the sum of currents on each leg and pod.
type acnLoad struct {
	legs, pods [3]float64
}

func (l *acnLoad) add(leg, pod int, amps float64) {
	l.legs[leg] += amps
	l.pods[pod] += amps
}

// acnLines are the three lines on each side of the transformer, with the legs as phases.
func acnLines(kilowatts float64) [6]planner.Vector {
	var leg [3]complex128
	for i, degrees := range [3]float64{30, -90, 150} {
		leg[i] = cmplx.Rect(1, degrees*math.Pi/180)
	}
	var out [6]planner.Vector
	for i := range 3 {
		back := (i + 2) % 3
		near, far := &out[i], &out[3+i]
		near.Node, near.Limit = acnGarage, kilowatts*1000/3/secondary
		near.Gains[i], near.Gains[back] = leg[i], -leg[back]
		far.Node, far.Limit = acnGarage, kilowatts*1000/3/primary*ratio
		far.Gains = leg
		far.Gains[back] *= -2
	}
	return out
}

// acnRun is the state of one run of W0.
type acnRun struct {
	sessions  []ACNSession
	network   ACNNetwork
	kilowatts float64
	leg, pod  []int
	rem       []float64 // kWh
	amps      []float64
	load      acnLoad
	lines     [6]planner.Vector
	planner   planner.Planner
}

// feasible tells whether a load is within the limits.
func (r *acnRun) feasible(l *acnLoad) bool {
	if r.network == SinglePhase {
		return l.legs[0]+l.legs[1]+l.legs[2] <= r.kilowatts*1000/acnVolts+acnSlack
	}
	if l.pods[0] > acnPod+acnSlack || l.pods[1] > acnPod+acnSlack {
		return false
	}
	for i := range r.lines {
		var sum complex128
		for leg, gain := range r.lines[i].Gains {
			sum += gain * complex(l.legs[leg], 0)
		}
		if cmplx.Abs(sum) > r.lines[i].Limit+acnSlack {
			return false
		}
	}
	return true
}

// RunACN is scenario W0: the published runs of the month behind a transformer of some
// kilowatts, decisions every 5 minutes, continuous current without minimum, ideal
// cars. It gives the energy delivered in percent of the energy requested. ThreePhase
// proves the harness against load-balancing.md section 4.5; SinglePhase comes near.
func RunACN(sessions []ACNSession, network ACNNetwork, policy ACNPolicy, kilowatts float64) float64 {
	n := len(sessions)
	r := &acnRun{sessions: sessions, network: network, kilowatts: kilowatts, lines: acnLines(kilowatts), leg: make([]int, n), pod: make([]int, n), rem: make([]float64, n), amps: make([]float64, n)}
	legs, pods := acnStations()
	total, end := 0., 0
	for k, s := range sessions {
		r.leg[k], r.pod[k] = 2, 2
		if leg, ok := legs[s.Station]; ok {
			r.leg[k] = leg
		}
		if pod, ok := pods[s.Station]; ok {
			r.pod[k] = pod
		}
		r.rem[k] = s.KWh
		total += s.KWh
		end = max(end, s.Depart)
	}
	var active []int
	come := 0
	for t := range end {
		active = slices.DeleteFunc(active, func(k int) bool { return sessions[k].Depart <= t })
		for ; come < n && sessions[come].Arrive <= t; come++ {
			active = append(active, come)
		}
		var use []int
		for _, k := range active {
			if r.amps[k] = 0; r.rem[k] > hungry {
				use = append(use, k)
			}
		}
		r.decide(policy, t, use)
		for _, k := range use {
			r.rem[k] -= min(r.rem[k], r.amps[k]*acnPerAmp, acnMost)
		}
	}
	left := 0.
	for _, rem := range r.rem {
		left += rem
	}
	return 100 * (1 - left/total)
}

func (r *acnRun) decide(policy ACNPolicy, t int, use []int) {
	r.load = acnLoad{}
	rank := func(k int) float64 { return float64(r.sessions[k].Arrive) }
	switch policy {
	case ACNEDF:
		rank = func(k int) float64 { return float64(r.sessions[k].Depart) }
	case ACNLLF:
		rank = func(k int) float64 { return float64(r.sessions[k].Depart-t) - r.rem[k]/acnPerAmp/acnPilot }
	}
	slices.SortStableFunc(use, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	switch policy {
	case ACNRR:
		r.turns(use)
	case ACNBusbar:
		r.planned(t, use)
	default:
		for _, k := range use {
			r.most(k, min(acnPilot, r.rem[k]/acnPerAmp))
		}
	}
}

// most gives the largest current up to high that fits.
func (r *acnRun) most(k int, high float64) {
	if r.try(k, high) {
		return
	}
	low := 0.
	for high-low > acnNarrow {
		middle := (low + high) / 2
		if r.fits(k, middle) {
			low = middle
		} else {
			high = middle
		}
	}
	r.give(k, low)
}

// turns gives a little to each until nobody can take more.
func (r *acnRun) turns(use []int) {
	use = slices.Clone(use)
	for len(use) > 0 {
		use = slices.DeleteFunc(use, func(k int) bool {
			return r.amps[k]+acnTurn > min(acnPilot, r.rem[k]/acnPerAmp)+acnSlack || !r.try(k, acnTurn)
		})
	}
}

func (r *acnRun) give(k int, amps float64) {
	r.load.add(r.leg[k], r.pod[k], amps)
	r.amps[k] += amps
}

func (r *acnRun) fits(k int, amps float64) bool {
	with := r.load
	with.add(r.leg[k], r.pod[k], amps)
	return r.feasible(&with)
}

// try gives a current if it fits.
func (r *acnRun) try(k int, amps float64) bool {
	if !r.fits(k, amps) {
		return false
	}
	r.give(k, amps)
	return true
}
