package bench

import (
	"cmp"
	"math"
	"slices"

	"busbar/loadbalance"
)

// Plain is one of the plain policies that decide once in a slot.
type Plain string

// The plain policies. All know what a car still wants; EDF and LLF its departure.
const (
	FCFS     Plain = "fcfs"     // by arrival, each in turn takes what fits
	EDF      Plain = "edf"      // by departure
	LLF      Plain = "llf"      // by laxity: the time that would be left over at full current
	Equal    Plain = "equal"    // minimum by arrival, then one ampere each in turn
	Rotation Plain = "rotation" // the same, least energy first, who charges stays for 3 slots
)

// stay is how many slots Rotation lets a car charge before its turn may end.
const stay = 3

// grid keeps what is left at each node and phase within one slot.
type grid struct {
	w    *Workload
	free [][3]float64 // at the root, nil: its limit
	room [][3]float64
}

func newGrid(w *Workload) *grid {
	return &grid{w: w, free: w.free(), room: make([][3]float64, len(w.Nodes))}
}

// open starts slot t with everything left over.
func (g *grid) open(t int) {
	for i := range g.room {
		g.room[i] = g.w.Nodes[i].Limit
	}
	if g.free != nil {
		g.room[g.w.root] = g.free[t%len(g.free)]
	}
}

// fits is the largest whole current up to most that is left for s.
func (g *grid) fits(s *Session, most float64) float64 {
	for _, v := range g.w.path(s) {
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if s.Phases.Has(p) {
				most = min(most, g.room[v][p])
			}
		}
	}
	return math.Floor(most + 1e-9)
}

func (g *grid) take(s *Session, amps float64) {
	for _, v := range g.w.path(s) {
		for p := loadbalance.L1; p <= loadbalance.L3; p++ {
			if s.Phases.Has(p) {
				g.room[v][p] -= amps
			}
		}
	}
}

// slotted is a run of a plain policy.
type slotted struct {
	w      *Workload
	policy Plain
	grid   *grid
	tally  *tally
	run    []int     // slots that a car has charged in a row
	cap    []float64 // most that is of use to a car in this slot, A
	amps   []float64 // setpoints of this slot
}

// RunPlain runs a plain policy: decisions every 5 minutes in whole amperes, 0 or at
// least the minimum; ideal cars; true departures and energies; the slot's mean of the
// base load known in advance. A car that comes within a slot waits for the next.
func RunPlain(w *Workload, policy Plain) Result {
	departures := "unknown"
	if policy == EDF || policy == LLF {
		departures = "known"
	}
	return runSlots(w, string(policy), departures, func(s *slotted, t int, active []int) {
		s.policy = policy
		s.decide(t, active)
	})
}

// runSlots lets decide set the currents of each slot.
func runSlots(w *Workload, name, departures string, decide func(s *slotted, t int, active []int)) Result {
	n := len(w.Sessions)
	s := &slotted{w: w, grid: newGrid(w), tally: newTally(w), run: make([]int, n), cap: make([]float64, n), amps: make([]float64, n)}
	next := byArrival(w)
	first := func(k int) int { return (w.Sessions[k].Arrive + SlotSeconds - 1) / SlotSeconds }
	var active []int
	var line []Point
	for t := 0; len(active) > 0 || len(next) > 0; t++ {
		if len(active) == 0 {
			t = max(t, first(next[0]))
		}
		for len(next) > 0 && first(next[0]) <= t {
			active, next = append(active, next[0]), next[1:]
		}
		active = slices.DeleteFunc(active, func(k int) bool { return w.Sessions[k].Depart <= t*SlotSeconds })
		for _, k := range active {
			s.amps[k] = 0
		}
		decide(s, t, active)
		line = s.let(t, active, line)
	}
	r := s.tally.result(name, departures)
	r.Timeline = line
	return r
}

// byArrival are the sessions in order of arrival.
func byArrival(w *Workload) []int {
	out := make([]int, len(w.Sessions))
	for k := range out {
		out[k] = k
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(w.Sessions[a].Arrive, w.Sessions[b].Arrive) })
	return out
}

// decide sets amps for the cars that are there.
func (s *slotted) decide(t int, active []int) {
	s.grid.open(t)
	var want []int
	for _, k := range active {
		x := &s.w.Sessions[k]
		s.cap[k] = math.Floor(min(x.Imax, max(x.Min, math.Ceil(s.tally.left(k)/x.perAmpSlot()-1e-9))))
		if s.tally.left(k) > hungry && s.cap[k] >= x.Min {
			want = append(want, k)
		}
	}
	s.sort(t, want)
	switch s.policy {
	case FCFS, EDF, LLF:
		for _, k := range want {
			x := &s.w.Sessions[k]
			if a := s.grid.fits(x, s.cap[k]); a >= x.Min {
				s.give(k, a)
			}
		}
	case Equal, Rotation:
		s.level(want)
	default:
		panic("bench: unknown plain policy " + string(s.policy))
	}
}

func (s *slotted) give(k int, amps float64) {
	s.grid.take(&s.w.Sessions[k], amps)
	s.amps[k] += amps
}

// sort puts the policy's order on the cars; ties stay by arrival.
func (s *slotted) sort(t int, want []int) {
	slices.SortStableFunc(want, func(a, b int) int {
		x, y := &s.w.Sessions[a], &s.w.Sessions[b]
		switch s.policy {
		case EDF:
			return cmp.Compare(x.Depart, y.Depart)
		case LLF:
			return cmp.Compare(s.laxity(t, a), s.laxity(t, b))
		case Rotation:
			if s.stays(a) != s.stays(b) {
				if s.stays(a) {
					return -1
				}
				return 1
			}
			return cmp.Compare(s.tally.got(a), s.tally.got(b))
		default:
			return cmp.Compare(x.Arrive, y.Arrive)
		}
	})
}

// laxity is the time that would be left over if session k charged at full current, s.
func (s *slotted) laxity(t, k int) float64 {
	x := &s.w.Sessions[k]
	return float64(x.Depart-t*SlotSeconds) - SlotSeconds*s.tally.left(k)/(x.perAmpSlot()*x.Imax)
}

// stays tells whether session k began to charge so lately that it keeps its turn.
func (s *slotted) stays(k int) bool { return s.run[k] > 0 && s.run[k] < stay }

// level admits minima in order and then raises all that were admitted together.
func (s *slotted) level(want []int) {
	var turn []int
	for _, k := range want {
		x := &s.w.Sessions[k]
		if s.grid.fits(x, s.cap[k]) >= x.Min {
			s.give(k, math.Ceil(x.Min))
			turn = append(turn, k)
		}
	}
	for {
		grows := func(k int) bool { return s.amps[k] < s.cap[k] && s.grid.fits(&s.w.Sessions[k], s.cap[k]) >= 1 }
		turn = slices.DeleteFunc(turn, func(k int) bool { return !grows(k) })
		if len(turn) == 0 {
			return
		}
		low := math.Inf(1)
		for _, k := range turn {
			low = min(low, s.amps[k])
		}
		for _, k := range turn {
			if s.amps[k] == low && grows(k) {
				s.give(k, 1)
			}
		}
	}
}

// let the cars draw for one slot and books it.
func (s *slotted) let(t int, active []int, line []Point) []Point {
	point := Point{}
	s.grid.open(t)
	for p := range 3 {
		limit := s.w.Nodes[s.w.root].Limit[p]
		point.Limit += limit / 3
		point.Base += (limit - s.grid.room[s.w.root][p]) / 3
	}
	s.tally.waiting.look(active, SlotSeconds, func(k int) bool { return s.tally.left(k) > hungry }, func(k int) bool { return s.amps[k] > 0 })
	for _, k := range active {
		x := &s.w.Sessions[k]
		s.tally.setpoint(k, s.amps[k])
		share := float64(min(SlotSeconds, x.Depart-t*SlotSeconds)) / SlotSeconds
		got := s.tally.draw(k, s.amps[k]*x.perAmpSlot()*share, share*SlotSeconds)
		point.Cars += got / kilovolt / 3 * 3600 / SlotSeconds
		if got > 0 {
			s.run[k]++
		} else {
			s.run[k] = 0
		}
	}
	for len(line) < t { // nobody was there
		line = append(line, Point{Limit: point.Limit})
	}
	return append(line, point)
}
