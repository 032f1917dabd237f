package trial

import (
	"math/rand/v2"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// gauge is a meter at run time.
type gauge struct {
	sc      *Meter
	node    int
	rand    *rand.Rand
	faults  []*Fault
	due     float64
	past    [][3]float64 // what it measured, one for each reading, newest last
	frozen  *loadbalance.PerPhase
	late    []controller.MeterSampled // on their way
	lateAt  []float64
	shownAt float64 // time of the newest reading that reached the box
	heardAt float64 // when it did
	count   int
	last    loadbalance.PerPhase // that reached the box
	stood   [3]stood
}

func (g *gauge) fault(kind FaultKind, t float64) *Fault {
	for _, f := range g.faults {
		if f.Kind == kind && f.on(t) {
			return f
		}
	}
	return nil
}

// lies tells that the meter did not show the truth at some time until t.
func (g *gauge) lies(t float64) bool {
	for _, f := range g.faults {
		if f.Kind.lies() && t >= f.From {
			return true
		}
	}
	return false
}

// measure reads the meter when it is due, and hands over what arrives.
func (w *world) measure(g *gauge) {
	if w.t+epsilon >= g.due {
		g.due += g.sc.Period
		g.past = append(g.past, w.nodes[g.node].current)
		w.read(g)
	}
	for len(g.late) > 0 && w.t+epsilon >= g.lateAt[0] {
		ev := g.late[0]
		g.late, g.lateAt = g.late[1:], g.lateAt[1:]
		w.sampled(g, ev)
	}
}

func (w *world) read(g *gauge) {
	g.count++
	switch {
	case w.site == nil:
		return
	case g.fault(FaultSilent, w.t) != nil, g.fault(FaultGarbled, w.t) != nil && g.rand.IntN(3) == 0:
		if g.count%10 == 0 {
			w.post(controller.MeterFailed{Meter: g.sc.ID, Err: "no answer"})
		}
		return
	}
	ev := controller.MeterSampled{Meter: g.sc.ID, At: w.at(w.t), Current: g.shows(w.t), Period: time.Duration(g.sc.Period * float64(time.Second))}
	if f := g.fault(FaultOld, w.t); f != nil {
		g.late, g.lateAt = append(g.late, ev), append(g.lateAt, w.t+f.Arg)
		return
	}
	w.sampled(g, ev)
}

func (w *world) sampled(g *gauge, ev controller.MeterSampled) {
	g.heardAt = w.t
	g.shownAt = max(g.shownAt, ev.At.Sub(epoch).Seconds())
	w.seeMeter(g, ev.Current)
	w.seeStanding(g, g.last, ev.Current)
	g.last = ev.Current
	w.post(ev)
}

// shows is what the meter shows now, with its noise and its faults.
func (g *gauge) shows(t float64) loadbalance.PerPhase {
	back := 0
	if f := g.fault(FaultLate, t); f != nil {
		back = int(f.Arg/g.sc.Period + 0.5)
	}
	truth := g.past[max(0, len(g.past)-1-back)]
	var out loadbalance.PerPhase
	for p, a := range truth {
		out[p] = loadbalance.MilliAmp(a * (1 + g.sc.Noise*g.rand.NormFloat64()) * 1000)
	}
	if f := g.fault(FaultSwapped, t); f != nil {
		a, b := int(f.Arg), (int(f.Arg)+1)%3
		out[a], out[b] = out[b], out[a]
	}
	if f := g.fault(FaultTooLow, t); f != nil {
		for p := range out {
			out[p] = loadbalance.MilliAmp(float64(out[p]) * f.Arg)
		}
	}
	if f := g.fault(FaultSign, t); f != nil {
		out[int(f.Arg)] = -out[int(f.Arg)]
	}
	if f := g.fault(FaultPhaseZero, t); f != nil {
		out[int(f.Arg)] = 0
	}
	if g.fault(FaultFrozen, t) == nil {
		g.frozen = nil
		return out
	}
	if g.frozen == nil {
		g.frozen = &out
	}
	return *g.frozen
}
