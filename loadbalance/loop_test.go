package loadbalance

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// car is a simulated car on a simulated charger: it follows a new setpoint after a
// dead time and with a ramp.
type car struct {
	dead    time.Duration
	ramp    float64 // A/s
	takes   float64 // most it draws
	set     PhaseSet
	offer   MilliAmp // the charger's pilot
	offerAt time.Time
	follows float64 // what it aims at
	draws   float64
	deaf    bool // ignores reductions
}

func (c *car) step(now time.Time, dt time.Duration) {
	if now.Sub(c.offerAt) >= c.dead {
		c.follows = min(float64(c.offer)/1000, c.takes)
		if c.deaf {
			c.follows = c.takes
		}
	}
	most := c.ramp * dt.Seconds()
	switch {
	case c.follows < c.draws:
		c.draws = max(c.follows, c.draws-4*most)
	case c.draws == 0 && c.follows >= 6:
		c.draws = 6
	default:
		c.draws = min(c.follows, c.draws+most)
	}
}

func (c *car) on(p Phase) float64 {
	if c.set.Has(p) {
		return c.draws
	}
	return 0
}

// onway is a setpoint between box and charger.
type onway struct {
	limit MilliAmp
	lease time.Duration
	at    time.Time
}

// plant is a site in virtual time: one fuse, one meter, cars, and a base load. It
// plays the controller's part as well.
type plant struct {
	t        testing.TB
	b        *Balancer
	now      time.Time
	rng      *rand.Rand
	limit    MilliAmp
	cars     []*car
	conns    []Connector
	sends    [][]onway
	base     func(sec float64) [3]float64
	meter    Reading
	metering time.Duration // of the chargers
	meterOff bool
	stress   [3]Stress

	changes, pauses int
	used, usable    float64 // A s
	carSeconds      float64
	trace           bool
}

const trace = false

const tick = 100 * time.Millisecond

func newPlant(t testing.TB, seed uint64, limit MilliAmp, cfg Config, n int) *plant {
	b, err := NewBalancer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, b: b, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), rng: rand.New(rand.NewPCG(seed, 1)), limit: limit, metering: 10 * time.Second}
	for i := range p.stress {
		p.stress[i] = NewStress(BreakerMCB, limit)
	}
	for i := range n {
		set := AllPhases
		if i%3 == 0 {
			set = Phases(Phase(i / 3 % 3))
		}
		c := &car{dead: time.Duration(1000+p.rng.IntN(5000)) * time.Millisecond, ramp: 1 + 4*p.rng.Float64(),
			takes: []float64{16, 16, 32, 20}[p.rng.IntN(4)] - 0.3*p.rng.Float64(), set: set}
		p.cars = append(p.cars, c)
		p.conns = append(p.conns, Connector{Slot: i + 1, Node: "main", Phases: set, Min: 6 * Amp, Max: 32 * Amp, Online: true,
			Wants: true, CanStartUnasked: true, WantsSince: p.now.Add(time.Duration(i) * time.Second)})
	}
	p.trace = trace
	p.sends = make([][]onway, n)
	return p
}

func (p *plant) total(ph Phase) (cars, base float64) {
	for _, c := range p.cars {
		cars += c.on(ph)
	}
	return cars, p.base(p.seconds())[ph]
}

func (p *plant) seconds() float64 {
	return p.now.Sub(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)).Seconds()
}

// run lets the plant live for d.
func (p *plant) run(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); p.now = p.now.Add(tick) {
		p.tick()
	}
}

func (p *plant) tick() {
	ticks := int(p.now.UnixMilli() / tick.Milliseconds())
	for i, c := range p.cars {
		c.step(p.now, tick)
		p.deliver(i)
		if (ticks+i*37)%int(p.metering/tick) == 0 {
			for ph := range p.conns[i].Measured {
				p.conns[i].Measured[ph] = MilliAmp(c.on(Phase(ph))*1000 + 50*p.rng.NormFloat64())
				p.conns[i].Measured[ph] = max(0, p.conns[i].Measured[ph])
			}
			p.conns[i].MeasuredAt = p.now
		}
		p.carSeconds += tick.Seconds()
	}
	due := false
	var free [3]float64
	for ph := range p.stress {
		cars, base := p.total(Phase(ph))
		p.stress[ph].Add(tick, MilliAmp((cars+base)*1000))
		want := 0.0
		for _, c := range p.cars {
			if c.set.Has(Phase(ph)) {
				want += c.takes
			}
		}
		free[ph] = max(0, float64(p.limit)/1000-base)
		p.used += cars * tick.Seconds()
		p.usable += min(free[ph], want) * tick.Seconds()
		if ticks%10 == 0 && !p.meterOff {
			p.meter.Current[ph] = MilliAmp((cars + base) * 1000 * (1 + 0.002*p.rng.NormFloat64()))
			due = true
		}
	}
	if due {
		p.meter.Node, p.meter.At, p.meter.Period = "main", p.now, time.Second
	}
	if due || ticks%10 == 0 || ticks%10 == 3 {
		p.pass()
	}
}

// deliver lets the oldest setpoint on the way arrive and be acknowledged.
func (p *plant) deliver(i int) {
	c := &p.conns[i]
	if c.Online && len(p.sends[i]) > 0 && p.now.Sub(p.sends[i][0].at) >= 200*time.Millisecond {
		s := p.sends[i][0]
		p.sends[i] = p.sends[i][1:]
		if s.limit != p.cars[i].offer {
			p.cars[i].offer, p.cars[i].offerAt = s.limit, p.now
		}
		c.Held, c.HeldAt, c.LeaseUntil = s.limit, p.now, p.now.Add(s.lease)
	}
	if !c.LeaseUntil.IsZero() && !p.now.Before(c.LeaseUntil) && p.cars[i].offer != c.Failsafe {
		p.cars[i].offer, p.cars[i].offerAt = c.Failsafe, p.now
	}
	c.SentOpen = false
	for _, s := range p.sends[i] {
		if !c.SentOpen || s.limit > c.Sent {
			c.Sent, c.SentAt = s.limit, s.at
		}
		c.SentOpen = true
	}
}

func (p *plant) pass() {
	in := Input{Connectors: p.conns}
	if !p.meter.At.IsZero() {
		in.Readings = []Reading{p.meter}
	}
	plan := p.b.Step(p.now, in)
	for _, sp := range plan.Setpoints {
		if sp.Action != Reduce && sp.Action != Raise && sp.Action != Renew {
			continue
		}
		i := sp.Slot - 1
		c := &p.conns[i]
		present := c.Held
		if !p.now.Before(c.LeaseUntil) {
			present = c.Failsafe
		}
		if sp.Limit > present {
			c.LastUp = p.now
		} else if sp.Limit < present {
			c.LastDown = p.now
		}
		if sp.Limit != present {
			p.changes++
			if sp.Limit == 0 {
				p.pauses++
			}
		}
		if p.trace {
			p.t.Logf("%7.1f %d: %v %v -> %v target %v urgent=%v %+v", p.seconds(), sp.Slot, actionName(sp.Action), present, sp.Limit, sp.Target, sp.Urgent, sp.Reason)
		}
		p.sends[i] = append(p.sends[i], onway{sp.Limit, sp.Lease, p.now})
		c.SentOpen, c.Sent, c.SentAt = true, max(sp.Limit, c.Sent*MilliAmp(len(p.sends[i])-1)), p.now
	}
}

func actionName(a Action) string {
	return [...]string{"keep", "reduce", "renew", "raise", "release"}[a]
}

// office is a noisy base load with lifts, air conditioning and a kitchen.
func office(seed uint64, scale float64) func(sec float64) [3]float64 {
	return func(sec float64) [3]float64 {
		var out [3]float64
		for ph := range out {
			s := sec + float64(ph)*71
			base := 30 + 6*math.Sin(s/700) + 1.5*math.Sin(s/13)
			r := rand.New(rand.NewPCG(seed, uint64(s/5)*3+uint64(ph)))
			base += r.NormFloat64()
			if r := rand.New(rand.NewPCG(seed, uint64(s/90)*3+10)); r.Float64() < 0.25 && math.Mod(s, 90) < 6+10*r.Float64() {
				base += 18 // lift
			}
			if math.Mod(s, 1200) < 420 {
				base += 12 // air conditioning
			}
			if math.Mod(s, 3600) > 1800 && math.Mod(s, 3600) < 2600 {
				base += 15 // kitchen
			}
			out[ph] = base * scale
		}
		return out
	}
}

func TestLoopHoldsTheFuse(t *testing.T) {
	limit := 125 * Amp
	var changes, pauses int
	var hours, use float64
	const seeds = 3
	for seed := range uint64(seeds) {
		p := newPlant(t, seed+1, limit, Config{Nodes: []Node{{ID: "main", Limit: Uniform(limit), Metered: true, WorstBase: Uniform(90 * Amp)}}}, 24)
		p.base = office(seed+1, 1)
		p.run(time.Hour)
		for ph := range p.stress {
			s := &p.stress[ph]
			t.Logf("seed %d %v: J %.1f s, longest %v, excess %v, theta/trip %.2f, above In %v", seed+1, Phase(ph), s.WorstJ(), s.LongestEvent(), s.WorstExcess(), s.Used(), s.Over())
			if s.WorstJ() > 8 || s.Tripped() {
				t.Errorf("seed %d %v: J %.1f s tripped=%v", seed+1, Phase(ph), s.WorstJ(), s.Tripped())
			}
		}
		changes, pauses, hours, use = changes+p.changes, pauses+p.pauses, hours+p.carSeconds/3600, use+p.used/p.usable
	}
	t.Logf("loop, 24 cars on 125 A, %d h: headroom use %.3f, changes %.1f and pauses %.2f per charger-hour", seeds, use/seeds, float64(changes)/hours, float64(pauses)/hours)
	if use/seeds < 0.85 || float64(pauses)/hours > 4 {
		t.Errorf("headroom use %.3f, %.2f pauses per charger-hour", use/seeds, float64(pauses)/hours)
	}
}
