package bench

import (
	"math"

	"busbar/loadbalance"
)

// officeBase is a building's load per second and phase: a mean-reverting noise on the
// day's curve, switched one-phase appliances, air conditioning, lifts, and a kitchen
// twice a day. It grows with the root's limit and stays below 0.97 of it. It begins
// at second from of the day.
func officeBase(seconds, from int, rootAmps float64, t *twister) []loadbalance.PerPhase {
	b := &base{scale: rootAmps / 125}
	for p := range b.load {
		b.load[p] = make([]float64, seconds)
	}
	for p := range b.load {
		b.noise(p, from, t)
	}
	b.appliances(from, t)
	for at := 120; at < seconds; at += 700 + t.below(600) {
		b.switchAll(at, 480, 9) // air conditioning
	}
	for at := 60; at < seconds; at += 60 + int(t.expovariate(1./240)) {
		b.switchAll(at, 18, 12) // a lift and its start
		b.switchAll(at, 2, 14)
	}
	for day := range seconds/86400 + 1 {
		for _, hour := range [2]int{9, 12} {
			b.switchAll(day*86400+hour*3600-from, 2700, 20) // kitchen
		}
	}
	out := make([]loadbalance.PerPhase, seconds)
	for p := range b.load {
		for s, a := range b.load[p] {
			out[s][p] = loadbalance.MilliAmp(math.RoundToEven(10*min(a, .97*rootAmps))) * 100
		}
	}
	return out
}

type base struct {
	scale float64
	load  [3][]float64 // A
}

func (b *base) noise(p, from int, t *twister) {
	x := 0.
	for s := range b.load[p] {
		hour := math.Mod(float64(from+s)/3600, 24)
		bend := (hour - 13) / 4.2
		x += -x/600 + t.gauss(0, .2)
		b.load[p][s] = max(0, (11+15*math.Exp(-(bend*bend))+x+t.gauss(0, .25))*b.scale)
	}
}

func (b *base) appliances(from int, t *twister) {
	for at := 0; at < len(b.load[0]); {
		bend := (math.Mod(float64(from+at)/3600, 24) - 13) / 5
		busy := .15 + math.Exp(-(bend * bend))
		p := t.below(3)
		lasts := 30 + int(t.expovariate(1./150))
		b.switchOn(p, at, lasts, t.uniform(3, 10))
		at += 1 + int(t.expovariate(busy/75))
	}
}

func (b *base) switchAll(at, seconds int, amps float64) {
	for p := range b.load {
		b.switchOn(p, at, seconds, amps)
	}
}

func (b *base) switchOn(p, at, seconds int, amps float64) {
	for s := max(0, at); s < min(len(b.load[p]), at+seconds); s++ {
		b.load[p][s] += amps * b.scale
	}
}
