package bench

import (
	"math"
	"slices"
	"time"

	"busbar/loadbalance"
)

// Options is how RunBusbar is run.
type Options struct {
	// Known departures and energies are told to the balancer.
	Known bool
	// Plan asks the planner every 5 minutes and when cars come and go; Known is needed.
	Plan bool
	// Pass is the virtual time between two passes. Default: 10 s without base load, as
	// nothing moves by itself; with it 1 s, the period of a meter.
	// Every node is metered once in a pass, without error.
	Pass time.Duration
	Cars Cars
}

// warmUp is how long before the first car after a quiet time the meters are read.
const warmUp = 120

// waitEvery is how often waiting is looked at, s.
const waitEvery = 10

// epoch is second 0 of a workload.
func epoch() time.Time { return time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC) }

// site is a site in virtual time with the real Balancer. It plays the controller's part.
type site struct {
	w       *Workload
	opt     Options
	b       *loadbalance.Balancer
	tally   *tally
	writes  *writes
	pass    int // s
	now     int // s
	next    []int
	active  []int
	cars    []car // by session
	state   []loadbalance.Connector
	in      loadbalance.Input
	load    [][3]float64 // A at each node, without base
	over    [][3]float64 // s over the limit
	run     [][3]float64 // s of that without a break until now
	longest float64      // s, the longest of these
	excess  float64
	line    []Point
	outer   outer
}

// RunBusbar runs the Balancer in virtual time: an ideal meter on every node, commands
// without loss or delay, chargers metered in every pass. It sees the base load only by
// its meter. Priorities are left out, as the plain policies know none.
func RunBusbar(w *Workload, opt Options) (Result, error) {
	s, err := newSite(w, opt)
	if err != nil {
		return Result{}, err
	}
	for len(s.active) > 0 || len(s.next) > 0 {
		if len(s.active) == 0 {
			start := w.Sessions[s.next[0]].Arrive - warmUp
			s.now = max(s.now, start-start%s.pass)
		}
		changed := s.plug()
		if s.opt.Plan {
			s.wish(changed)
		}
		s.measure()
		s.decide()
		s.let()
		if s.now%waitEvery < s.pass {
			s.tally.waiting.look(s.active, waitEvery, func(k int) bool { return s.tally.left(k) > hungry }, func(k int) bool { return s.cars[k].draws > 0 })
		}
		s.now += s.pass
	}
	departures := "unknown"
	if opt.Known {
		departures = "known"
	}
	r := s.tally.result("busbar", departures)
	r.Timeline, r.WorstExcess, r.OverLongest = s.line, s.excess, s.longest
	r.Writes, r.WritesWorst, r.WritesOver = s.writes.figures(writeBudget)
	for _, node := range s.over {
		r.OverSeconds = max(r.OverSeconds, node[0], node[1], node[2])
	}
	return r, nil
}

func newSite(w *Workload, opt Options) (*site, error) {
	if opt.Pass == 0 {
		opt.Pass = 10 * time.Second
		if len(w.Base)+len(w.Events) > 0 {
			opt.Pass = time.Second
		}
	}
	cfg := loadbalance.Config{}
	if opt.Known {
		cfg.Policy = loadbalance.PolicyLaxity
	}
	for v, n := range w.Nodes {
		node := loadbalance.Node{ID: loadbalance.NodeID(n.ID), Breaker: n.Breaker, Metered: true, WorstBase: w.worstBase(v)}
		if n.Parent >= 0 {
			node.Parent = loadbalance.NodeID(w.Nodes[n.Parent].ID)
		}
		for p, a := range n.Limit {
			node.Limit[p] = loadbalance.MilliAmp(a * 1000)
		}
		cfg.Nodes = append(cfg.Nodes, node)
	}
	b, err := loadbalance.NewBalancer(cfg)
	if err != nil {
		return nil, err
	}
	n := len(w.Sessions)
	s := &site{w: w, opt: opt, b: b, tally: newTally(w), writes: newWrites(w), pass: int(opt.Pass / time.Second), cars: make([]car, n), state: make([]loadbalance.Connector, n),
		load: make([][3]float64, len(w.Nodes)), over: make([][3]float64, len(w.Nodes)), run: make([][3]float64, len(w.Nodes)), next: byArrival(w)}
	expected := forecast{w: w}
	s.outer = outer{w: w, base: func(second int) [3]float64 { return expected.at(s.now, second) }}
	s.in.Readings = make([]loadbalance.Reading, len(w.Nodes))
	return s, nil
}

func (s *site) at(second int) time.Time { return epoch().Add(time.Duration(second) * time.Second) }

// plug lets cars come and go, and tells whether one did. A car that came since the
// last pass is seen now.
func (s *site) plug() bool {
	before, waiting := len(s.active), len(s.next)
	s.active = slices.DeleteFunc(s.active, func(k int) bool { return s.w.Sessions[k].Depart <= s.now })
	for len(s.next) > 0 && s.w.Sessions[s.next[0]].Arrive <= s.now {
		k := s.next[0]
		s.next = s.next[1:]
		x := &s.w.Sessions[k]
		s.cars[k] = newCar(x, s.opt.Cars, k)
		s.state[k] = loadbalance.Connector{Slot: x.Connector + 1, Node: loadbalance.NodeID(s.w.Nodes[s.w.Connectors[x.Connector].Node].ID), Phases: x.Phases,
			Min: loadbalance.MilliAmp(math.Ceil(x.Min * 1000)), Max: loadbalance.MilliAmp(x.Imax * 1000),
			Wants: true, WantsSince: s.at(x.Arrive), CanStartUnasked: true, Online: true}
		if x.Depart > s.now {
			s.active = append(s.active, k)
		}
	}
	return before != len(s.active) || waiting != len(s.next)
}

// sum adds up the cars at every node.
func (s *site) sum() {
	clear(s.load)
	for _, k := range s.active {
		x := &s.w.Sessions[k]
		for _, v := range s.w.path(x) {
			for p := range s.load[v] {
				if x.Phases.Has(loadbalance.Phase(p)) {
					s.load[v][p] += s.cars[k].draws
				}
			}
		}
	}
}

func (s *site) measure() {
	s.sum()
	base := s.w.BaseAt(s.now)
	now := s.at(s.now)
	for v := range s.load {
		r := &s.in.Readings[v]
		if v == s.w.root && s.w.happening(MeterLoss, s.now) {
			continue
		}
		if v == s.w.root && s.w.happening(MeterFreeze, s.now) {
			r.At = now
			continue
		}
		r.Node, r.At, r.Period = loadbalance.NodeID(s.w.Nodes[v].ID), now, s.opt.Pass
		for p, a := range s.load[v] {
			if v == s.w.root {
				a += base[p]
			}
			r.Current[p] = loadbalance.MilliAmp(math.Round(a * 1000))
		}
	}
}

// decide is one pass; commands arrive at once.
func (s *site) decide() {
	now := s.at(s.now)
	s.in.Connectors = s.in.Connectors[:0]
	for _, k := range s.active {
		c := &s.state[k]
		if c.Wants = s.tally.left(k) > hungry; !c.Wants { // its transaction is over, and with it its profile
			c.CanStartUnasked, c.Held, c.LeaseUntil = false, 0, time.Time{}
			s.cars[k].tell(float64(s.now), 0)
			s.tally.setpoint(k, 0)
		}
		if s.opt.Known {
			c.Departure, c.Needs = s.at(s.w.Sessions[k].Depart), int64(math.Ceil(s.tally.left(k)*1000))
		}
		for p := range c.Measured {
			c.Measured[p] = 0
			if c.Phases.Has(loadbalance.Phase(p)) {
				c.Measured[p] = loadbalance.MilliAmp(math.Round(s.cars[k].draws * 1000))
			}
		}
		c.MeasuredAt, c.Online = now, !s.w.offline(s.w.Sessions[k].Connector, s.now)
		s.in.Connectors = append(s.in.Connectors, *c)
	}
	s.in.Caps = s.w.caps(s.now)
	plan := s.b.Step(now, s.in)
	for _, sp := range plan.Setpoints {
		if sp.Action != loadbalance.Reduce && sp.Action != loadbalance.Raise && sp.Action != loadbalance.Renew {
			continue
		}
		i := slices.IndexFunc(s.active, func(k int) bool { return s.state[k].Slot == sp.Slot })
		s.send(s.active[i], sp)
	}
	for _, k := range s.active { // leases that ended
		if c := &s.state[k]; c.Held > 0 && !c.LeaseUntil.After(now) {
			c.Held, c.LeaseUntil = 0, time.Time{}
			s.cars[k].tell(float64(s.now), 0)
			s.tally.setpoint(k, 0)
		}
	}
}

func (s *site) send(k int, sp loadbalance.Setpoint) {
	c, now := &s.state[k], s.at(s.now)
	if sp.Limit > c.Held {
		c.LastUp = now
	} else if sp.Limit < c.Held {
		c.LastDown = now
	}
	c.Held, c.HeldAt, c.LeaseUntil = sp.Limit, now, now.Add(sp.Lease)
	s.writes.add(k, s.now)
	amps := float64(sp.Limit) / 1000
	s.cars[k].tell(float64(s.now), amps)
	s.tally.setpoint(k, amps)
}

// let the time until the next pass go by, in one go where nothing moves meanwhile.
func (s *site) let() {
	dt := s.pass
	if s.opt.Cars != IdealCars || len(s.w.Base) > 0 || len(s.w.Events) > 0 {
		dt = 1
	}
	for t := s.now; t < s.now+s.pass; t += dt {
		moved := t == s.now
		for _, k := range s.active {
			c, x := &s.cars[k], &s.w.Sessions[k]
			before := c.draws
			c.move(float64(t), float64(dt), s.tally.left(k) <= hungry || x.Depart <= t)
			moved = moved || c.draws != before
			if seconds := float64(min(dt, x.Depart-t)); seconds > 0 {
				s.tally.draw(k, c.draws*x.perAmp()*seconds/3600, seconds)
			}
		}
		if moved {
			s.sum()
		}
		s.watch(t, float64(dt))
	}
}

// watch books overloads in which cars have a part, and the timeline.
func (s *site) watch(t int, dt float64) {
	base := s.w.BaseAt(t)
	for v := range s.load {
		for p, a := range s.load[v] {
			cars := a
			if v == s.w.root {
				a += base[p]
			}
			if excess := min(a-s.w.Nodes[v].Limit[p], cars); excess > .001 {
				s.over[v][p] += dt
				s.run[v][p] += dt
				s.longest, s.excess = max(s.longest, s.run[v][p]), max(s.excess, excess)
			} else {
				s.run[v][p] = 0
			}
		}
	}
	slot := t / SlotSeconds
	for len(s.line) <= slot {
		s.line = append(s.line, Point{})
	}
	point := &s.line[slot]
	for p, a := range s.load[s.w.root] {
		limit := s.w.Nodes[s.w.root].Limit[p]
		point.Limit = (s.w.Nodes[s.w.root].Limit[0] + s.w.Nodes[s.w.root].Limit[1] + s.w.Nodes[s.w.root].Limit[2]) / 3
		point.Cars += a * dt / SlotSeconds / 3
		point.Base += min(base[p], limit) * dt / SlotSeconds / 3
	}
}
