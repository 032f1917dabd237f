package bench

import (
	"math"
	"math/rand/v2"
	"time"

	"busbar/loadbalance"
)

const (
	tick        = 100 * time.Millisecond
	tickSeconds = .1
	meterEvery  = time.Second
	meterLate   = 300 * time.Millisecond // from a sample to the box
	commandLate = 200 * time.Millisecond // from a command to its acknowledgement
	meterNoise  = .002                   // of the reading, standard deviation
)

// onway is a setpoint between box and charger.
type onway struct {
	limit loadbalance.MilliAmp
	lease time.Duration
	at    time.Duration
}

// charger is one charger with its car, and what the box knows of it.
type charger struct {
	car   car
	conn  loadbalance.Connector
	sends []onway
	// firstOffer is when a car that came by a fault was first offered its minimum.
	firstOffer time.Duration
}

// plant is a site of one fuse with everything moving in steps of 0.1 s: cars, meter,
// messages, leases. It plays the controller's part. Faults switch its parts.
type plant struct {
	b        *loadbalance.Balancer
	cfg      loadbalance.Config
	limit    loadbalance.MilliAmp
	rng      *rand.Rand
	now      time.Duration
	chargers []charger
	base     func(at time.Duration) [3]float64
	metering time.Duration // of the chargers
	meter    loadbalance.Reading
	samples  []loadbalance.Reading // on their way to the box
	caps     []loadbalance.Cap
	faults   []Fault

	stress, without [3]loadbalance.Stress // with cars, and with the base load alone
	used, usable    float64               // A s
	carHours        float64
	changes, pauses int
	resting         time.Duration // nothing is counted before
	seen            seen
	line            []Point // each second
}

// Outage is a part of the plant that a fault takes away.
type Outage uint8

// The faults of load-balancing.md section 4.4.
const (
	MeterSilent  Outage = iota // F1: no reading comes
	MeterFrozen                // F2: the same reading comes again and again
	ChargersGone               // F3: some chargers cannot be reached and drop to their fail-safe when the lease ends
	CarsDeaf                   // F4: some cars do not come down
	BoxRestarts                // F5: the box is away and comes back without memory
	GridDims                   // F6: the grid operator's limit in A
	BaseSteps                  // L2: a load of some amperes comes on
	CarsCome                   // S1: some cars were not there before, and plug in one after the other within 10 s
)

// Fault is one entry of a script.
type Fault struct {
	What  Outage
	At    time.Duration
	For   time.Duration
	Amps  [3]float64 // GridDims, BaseSteps
	Count int        // ChargersGone, CarsDeaf, CarsCome
}

func (p *plant) active(what Outage) (Fault, bool) {
	for _, f := range p.faults {
		if f.What == what && p.now >= f.At && p.now < f.At+f.For {
			return f, true
		}
	}
	return Fault{}, false
}

// loopConfig is a site of one metered breaker.
func loopConfig(limit loadbalance.MilliAmp, worstBase float64) loadbalance.Config {
	return loadbalance.Config{Nodes: []loadbalance.Node{{ID: "grid", Limit: loadbalance.Uniform(limit), Breaker: loadbalance.BreakerMCB, Metered: true,
		WorstBase: loadbalance.Uniform(loadbalance.MilliAmp(worstBase * 1000))}}}
}

func newPlant(cfg loadbalance.Config, seed uint64, sessions []Session, metering time.Duration) (*plant, error) {
	b, err := loadbalance.NewBalancer(cfg)
	if err != nil {
		return nil, err
	}
	p := &plant{b: b, cfg: cfg, limit: cfg.Nodes[0].Limit[0], rng: rand.New(rand.NewPCG(seed, 7)), metering: metering, seen: unseen(),
		base: func(time.Duration) [3]float64 { return [3]float64{} }}
	for i := range sessions {
		x := &sessions[i]
		p.chargers = append(p.chargers, charger{firstOffer: never, car: newCar(x, FollowingCars, i), conn: loadbalance.Connector{Slot: i + 1, Node: cfg.Nodes[0].ID, Phases: x.Phases,
			Min: loadbalance.MilliAmp(x.Min * 1000), Max: loadbalance.MilliAmp(x.Imax * 1000), Online: true, Wants: true, CanStartUnasked: true, WantsSince: p.time()}})
	}
	for i := range p.stress {
		p.stress[i] = loadbalance.NewStress(cfg.Nodes[0].Breaker, p.limit)
		p.without[i] = p.stress[i]
	}
	return p, nil
}

func (p *plant) time() time.Time { return epoch().Add(p.now) }

// run lets the plant live for a time.
func (p *plant) run(lasts time.Duration) {
	for end := p.now + lasts; p.now < end; p.now += tick {
		p.breakThings()
		cars := p.moveCars()
		base := p.loadNow()
		p.book(cars, base)
		due := p.sample(cars, base)
		if _, away := p.active(BoxRestarts); !away && (due || p.now%time.Second == 0) {
			p.pass()
		}
		p.look(cars, base)
	}
}

// loadNow is the base load with the steps of faults.
func (p *plant) loadNow() [3]float64 {
	base := p.base(p.now)
	if f, on := p.active(BaseSteps); on {
		for ph := range base {
			base[ph] += f.Amps[ph]
		}
	}
	return base
}

// breakThings carries out the faults that are not questions of the moment.
func (p *plant) breakThings() {
	gone, isGone := p.active(ChargersGone)
	deaf, isDeaf := p.active(CarsDeaf)
	for i := range p.chargers {
		p.chargers[i].conn.Online = !isGone || i >= gone.Count
		if p.chargers[i].car.model.Behaviour = Normal; isDeaf && i < deaf.Count {
			p.chargers[i].car.model.Behaviour = Ignores
		}
	}
	p.caps = p.caps[:0]
	if f, on := p.active(GridDims); on {
		c := loadbalance.Cap{Node: p.cfg.Nodes[0].ID, Rule: loadbalance.RuleSiteCap}
		for ph, a := range f.Amps {
			c.Limit[ph] = loadbalance.MilliAmp(a * 1000)
		}
		p.caps = append(p.caps, c)
	}
	for _, f := range p.faults {
		if f.What == CarsCome {
			p.come(f)
		}
		if f.What == BoxRestarts && p.now == f.At+f.For {
			p.restart()
		}
	}
}

// come keeps cars away until their time.
func (p *plant) come(f Fault) {
	for i := range f.Count {
		c := &p.chargers[i]
		at := f.At + time.Duration(i)*10*time.Second/time.Duration(f.Count)
		c.conn.Wants, c.conn.CanStartUnasked = p.now >= at, p.now >= at
		c.conn.WantsSince = epoch().Add(at)
		if c.firstOffer == never && p.now >= at && c.conn.Held >= c.conn.Min {
			c.firstOffer = p.now
		}
	}
}

// restart is a box without memory: what chargers hold is unknown until each has been
// asked, and stands as their fail-safe until then.
func (p *plant) restart() {
	b, err := loadbalance.NewBalancer(p.cfg)
	if err != nil {
		panic(err) // it was good before
	}
	p.b, p.meter = b, loadbalance.Reading{}
	for i := range p.chargers {
		c := &p.chargers[i]
		c.sends = nil
		c.conn.SentOpen, c.conn.MeasuredAt = false, time.Time{}
	}
}

// moveCars lets messages arrive and cars follow, and gives the sum on each phase.
func (p *plant) moveCars() [3]float64 {
	var sum [3]float64
	at := p.now.Seconds()
	for i := range p.chargers {
		c := &p.chargers[i]
		p.deliver(c)
		c.car.move(at, tickSeconds, false)
		for ph := range sum {
			if c.conn.Phases.Has(loadbalance.Phase(ph)) {
				sum[ph] += c.car.draws
			}
		}
		if (p.now+time.Duration(i)*370*time.Millisecond/tick*tick)%p.metering == 0 && c.conn.Online {
			p.report(c)
		}
	}
	return sum
}

// report is a charger's own metering.
func (p *plant) report(c *charger) {
	for ph := range c.conn.Measured {
		c.conn.Measured[ph] = 0
		if c.conn.Phases.Has(loadbalance.Phase(ph)) {
			c.conn.Measured[ph] = max(0, loadbalance.MilliAmp(c.car.draws*1000+50*p.rng.NormFloat64()))
		}
	}
	c.conn.MeasuredAt = p.time()
}

// deliver lets the oldest setpoint on the way arrive and be acknowledged, and leases end.
func (p *plant) deliver(c *charger) {
	now, at := p.time(), p.now.Seconds()
	if c.conn.Online && len(c.sends) > 0 && p.now-c.sends[0].at >= commandLate {
		s := c.sends[0]
		c.sends = c.sends[1:]
		c.car.tell(at, float64(s.limit)/1000)
		c.conn.Held, c.conn.HeldAt, c.conn.LeaseUntil = s.limit, now, now.Add(s.lease)
	}
	if !c.conn.LeaseUntil.IsZero() && !now.Before(c.conn.LeaseUntil) {
		c.car.tell(at, float64(c.conn.Failsafe)/1000)
	}
	c.conn.SentOpen = false
	for _, s := range c.sends {
		if !c.conn.SentOpen || s.limit > c.conn.Sent {
			c.conn.Sent, c.conn.SentAt = s.limit, epoch().Add(s.at)
		}
		c.conn.SentOpen = true
	}
}

// book adds up the metrics.
func (p *plant) book(cars, base [3]float64) {
	if p.now < p.resting {
		return
	}
	for ph := range cars {
		total := cars[ph] + base[ph]
		p.stress[ph].Add(tick, loadbalance.MilliAmp(total*1000))
		p.without[ph].Add(tick, loadbalance.MilliAmp(base[ph]*1000))
		want := 0.
		for i := range p.chargers {
			if c := &p.chargers[i]; c.conn.Phases.Has(loadbalance.Phase(ph)) && p.now.Seconds() >= c.car.since+c.car.model.StartDelay {
				want += max(0, min(c.car.session.Imax-c.car.model.Underuse, c.car.most))
			}
		}
		p.used += cars[ph] * tickSeconds
		p.usable += min(max(0, float64(p.limit)/1000-base[ph]), want) * tickSeconds
	}
	if p.now%time.Second == 0 {
		p.line = append(p.line, Point{Limit: p.limitNow(0), Base: base[0], Cars: cars[0]})
	}
	p.carHours += float64(len(p.chargers)) * tickSeconds / 3600
}

// sample takes a reading each second and lets it come to the box a little later; it
// tells whether one came.
func (p *plant) sample(cars, base [3]float64) bool {
	if p.now%meterEvery == 0 {
		r := loadbalance.Reading{Node: p.cfg.Nodes[0].ID, At: p.time(), Period: meterEvery}
		for ph := range r.Current {
			r.Current[ph] = loadbalance.MilliAmp(math.Round((cars[ph] + base[ph]) * 1000 * (1 + meterNoise*p.rng.NormFloat64())))
		}
		p.samples = append(p.samples, r)
	}
	if len(p.samples) == 0 || p.time().Sub(p.samples[0].At) < meterLate {
		return false
	}
	r := p.samples[0]
	p.samples = p.samples[1:]
	if _, off := p.active(MeterSilent); off {
		return false
	}
	if _, off := p.active(MeterFrozen); off {
		r.Current = p.meter.Current
	}
	p.meter = r
	return true
}

func (p *plant) pass() {
	in := loadbalance.Input{Caps: p.caps}
	for i := range p.chargers {
		in.Connectors = append(in.Connectors, p.chargers[i].conn)
	}
	if !p.meter.At.IsZero() {
		in.Readings = []loadbalance.Reading{p.meter}
	}
	plan := p.b.Step(p.time(), in)
	p.notice(&plan)
	for _, sp := range plan.Setpoints {
		if sp.Action == loadbalance.Reduce || sp.Action == loadbalance.Raise || sp.Action == loadbalance.Renew {
			p.send(&p.chargers[sp.Slot-1], sp)
		}
	}
}

func (p *plant) send(c *charger, sp loadbalance.Setpoint) {
	now := p.time()
	held := c.conn.Held
	if !now.Before(c.conn.LeaseUntil) {
		held = c.conn.Failsafe
	}
	if sp.Limit > held {
		c.conn.LastUp = now
		if at := p.faultAt(); at != never && p.now >= at && p.now < p.end() {
			p.seen.raised = p.now - at
		}
	} else if sp.Limit < held {
		c.conn.LastDown = now
	}
	if sp.Limit != held && p.now >= p.resting {
		p.changes++
		if sp.Limit == 0 {
			p.pauses++
		}
	}
	c.sends = append(c.sends, onway{sp.Limit, sp.Lease, p.now})
	if !c.conn.SentOpen || sp.Limit > c.conn.Sent {
		c.conn.Sent = sp.Limit
	}
	c.conn.SentOpen, c.conn.SentAt = true, now
}
