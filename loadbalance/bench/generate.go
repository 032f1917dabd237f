package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"busbar/loadbalance"
)

// Kind is a sort of site that the generator knows.
type Kind string

// The kinds of sites. Sources of their numbers: workplaces are fitted to the ACN
// month; public points to EVnetNL 2015; apartments to Soerensen et al. 2021 (Data in
// Brief 36:107105) and Electric Nation; depots to NZTA's guidance for battery buses.
const (
	Workplace Kind = "workplace"
	Public    Kind = "public"
	Apartment Kind = "apartment"
	Depot     Kind = "depot"
)

// Recipe is what a workload is generated from; equal recipes give equal workloads.
type Recipe struct {
	Kind       Kind
	Connectors int
	Days       int
	Seed       int
	RootAmps   float64
	Base       bool // with base load
}

// What the named instances have in common.
const (
	energyScale = 1.6  // cars of 2015 to 2019 had small batteries
	onePhase    = 0.30 // share of one-phase cars
	perBoard    = 24
	perFeeder   = 6
)

// Generate makes a workload: sessions, a tree of boards and feeders, and perhaps a base
// load per second.
func Generate(name string, r Recipe) (*Workload, error) {
	if r.Connectors < 1 || r.Connectors > 1000 || r.Days < 1 || r.Days > 400 || r.RootAmps < 1 {
		return nil, fmt.Errorf("cannot generate %q: need 1 to 1000 connectors, 1 to 400 days and a root of 1 A or more", name)
	}
	w := &Workload{Name: name}
	key := fmt.Sprintf("%s/%d/%d/%d", r.Kind, r.Connectors, r.Days, r.Seed)
	w.growTree(r)
	if err := w.finish(); err != nil {
		return nil, err
	}
	w.drawSessions(r, newTwister(key+"/s"))
	if len(w.Sessions) == 0 {
		return nil, fmt.Errorf("cannot generate %q: no session came of it", name)
	}
	if r.Base {
		w.Base = officeBase(r.Days*86400, 0, r.RootAmps, newTwister(key+"/b"))
	}
	return w, nil
}

// growTree makes grid, boards of at most 24 and feeders of at most 6 connectors.
func (w *Workload) growTree(r Recipe) {
	per, feeder := 32., 63.
	if r.Kind == Depot {
		per, feeder = 100, 200
	}
	all := func(a float64) [3]float64 { return [3]float64{a, a, a} }
	w.Nodes = append(w.Nodes, Node{ID: "grid", Parent: -1, Limit: all(r.RootAmps), Breaker: loadbalance.BreakerGG})
	boards := (r.Connectors + perBoard - 1) / perBoard
	for b := range boards {
		board := len(w.Nodes)
		limit := math.RoundToEven(max(1.25*r.RootAmps/float64(boards), per*1.25))
		w.Nodes = append(w.Nodes, Node{ID: "b" + strconv.Itoa(b), Limit: all(limit), Breaker: loadbalance.BreakerGG})
		for k := b * perBoard; k < min(r.Connectors, (b+1)*perBoard); k++ {
			if k%perFeeder == 0 {
				w.Nodes = append(w.Nodes, Node{ID: fmt.Sprintf("b%df%d", b, k%perBoard/perFeeder), Parent: board, Limit: all(feeder)})
			}
			w.Connectors = append(w.Connectors, Connector{ID: fmt.Sprintf("c%03d", k), Node: len(w.Nodes) - 1, Imax: per})
		}
	}
}

// visit is one visit before it has a connector: hours and kWh.
type visit struct {
	arrive, stay, kwh float64
	day               int
}

func (w *Workload) drawSessions(r Recipe, t *twister) {
	var visits []visit
	for day := range r.Days {
		for _, v := range r.Kind.visits(t, day, float64(r.Connectors)) {
			v.arrive, v.day = float64(day*24)+v.arrive, day
			visits = append(visits, v)
		}
	}
	slices.SortFunc(visits, func(a, b visit) int {
		return cmp.Or(cmp.Compare(a.arrive, b.arrive), cmp.Compare(a.stay, b.stay), cmp.Compare(a.kwh, b.kwh), cmp.Compare(a.day, b.day))
	})
	free := make([]float64, r.Connectors)
	idle := make([]int, 0, r.Connectors)
	for _, v := range visits {
		arrive := max(0, v.arrive) * 3600
		idle = idle[:0]
		for i, from := range free {
			if from <= arrive {
				idle = append(idle, i)
			}
		}
		if len(idle) == 0 {
			continue // refused
		}
		at := idle[t.below(len(idle))]
		w.Sessions = append(w.Sessions, w.drawSession(r.Kind, t, v, arrive, at))
		free[at] = arrive + v.stay*3600 + 60
	}
}

// drawSession draws the car of a visit. The order of the draws is part of the format.
func (w *Workload) drawSession(kind Kind, t *twister, v visit, arrive float64, at int) Session {
	phases, imax := 3, 87. // 60 kW
	scale := 1.
	if kind != Depot {
		scale = energyScale
		if t.random() < onePhase {
			phases, imax = 1, []float64{16, 32, 32}[t.below(3)]
		} else {
			i := t.weighted(75, 17, 8)
			phases, imax = []int{3, 3, 2}[i], []float64{16, 32, 16}[i]
		}
	}
	imax = min(imax, w.Connectors[at].Imax)
	kwh := min(v.kwh*scale, .97*v.stay*.23*float64(phases)*imax) // feasible if alone on the site
	s := Session{ID: strconv.Itoa(len(w.Sessions)), Connector: at, Arrive: int(arrive), Depart: int(arrive + v.stay*3600), KWh: rounded(kwh, 3), Imax: imax, Min: 6, EVCap: imax}
	for k := range phases {
		s.Phases |= 1 << ((at%3 + k) % 3) // L1 turned from charger to charger
	}
	switch u := t.random(); {
	case u < .80:
		s.Car.Behaviour = Normal
	case u < .92:
		s.Car.Behaviour = Limited
	case u < .96:
		s.Car.Behaviour = Delayed
	case u < .99:
		s.Car.Behaviour = Slow
	default:
		s.Car.Behaviour = Ignores
	}
	batteries := []float64{40, 52, 58, 77, 82, 100}
	if kind == Depot {
		batteries = []float64{245, 300, 350}
	}
	s.Car.BatteryKWh = max(batteries[t.below(len(batteries))], math.Ceil(kwh))
	if t.random() < .05 {
		s.Min = 8
	}
	if s.Car.Behaviour == Limited {
		s.EVCap = rounded(t.uniform(6.5, imax), 1)
	}
	s.Car.draw(t)
	if t.random() >= .5 {
		s.Priority = t.weighted(88, 9, 3)
		return s
	}
	s.Priority = 0
	factor := []float64{.6, .9, 1, 1, 1, 1.1, 1.5}[t.below(7)]
	s.Declared = int(arrive + v.stay*3600*factor)
	s.Priority = t.weighted(88, 9, 3)
	return s
}

func (c *CarModel) draw(t *twister) {
	c.TaperFrom = rounded(t.uniform(.80, .95), 2)
	dead := t.uniform(.5, 5)
	if c.Behaviour == Slow {
		dead += 6
	}
	c.Dead = rounded(dead, 1)
	c.Up = rounded(t.uniform(.5, 4), 2)
	c.Down = rounded(t.uniform(3, 16), 1)
	c.Underuse = rounded(t.uniform(.2, 1.2), 2)
	if c.Behaviour == Delayed {
		c.StartDelay = math.Trunc(t.uniform(600, 7200))
	} else {
		c.StartDelay = math.Trunc(t.uniform(3, 40))
	}
}

// rounded is the float next to v written with some digits.
func rounded(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		panic(err) // a number that was just written
	}
	return r
}
