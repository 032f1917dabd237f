package loadbalance

import (
	"testing"
	"time"
)

// steady is a base load of amps, which steps up by more at sec.
func steady(amps, more, sec float64) func(float64) [3]float64 {
	return func(now float64) [3]float64 {
		a := amps
		if now >= sec {
			a += more
		}
		return [3]float64{a, a, a}
	}
}

func (p *plant) loud() *Stress {
	worst := &p.stress[0]
	for i := range p.stress {
		if p.stress[i].WorstJ() > worst.WorstJ() {
			worst = &p.stress[i]
		}
	}
	return worst
}

func loopSite(limit, worst MilliAmp) Config {
	return Config{Nodes: []Node{{ID: "main", Limit: Uniform(limit), Metered: true, WorstBase: Uniform(worst)}}}
}

// sumHeld is what the chargers hold on a phase.
func (p *plant) sumHeld(ph Phase) (sum MilliAmp) {
	for i := range p.conns {
		if c := &p.conns[i]; c.Phases.Has(ph) {
			if p.now.Before(c.LeaseUntil) {
				sum += c.Held
			} else {
				sum += c.Failsafe
			}
		}
	}
	return sum
}

func TestLoopStandsBaseSteps(t *testing.T) {
	for _, share := range []float64{0.2, 0.4, 0.6} {
		limit := 250 * Amp
		p := newPlant(t, 7, limit, loopSite(limit, 150*Amp), 24)
		p.base = steady(60, share*250, 300)
		p.run(6 * time.Minute)
		s := p.loud()
		t.Logf("step of %.0f %%: J %.1f s, longest %v, theta/trip %.2f", share*100, s.WorstJ(), s.LongestEvent(), s.Used())
		if most := map[float64]float64{0.2: 6, 0.4: 12, 0.6: 18}[share]; s.WorstJ() > most || s.Tripped() {
			t.Errorf("step of %.0f %%: J %.1f s, tripped=%v", share*100, s.WorstJ(), s.Tripped())
		}
	}
}

func TestLoopReachesTheFuse(t *testing.T) {
	limit := 125 * Amp
	p := newPlant(t, 3, limit, loopSite(limit, 60*Amp), 12)
	p.base = steady(40, 0, 0)
	p.run(3 * time.Minute)
	used, usable := p.used, p.usable
	p.used, p.usable, p.changes = 0, 0, 0
	p.run(10 * time.Minute)
	if use := p.used / p.usable; use < 0.95 || p.changes > 24 {
		t.Errorf("steady site: headroom use %.3f (%.3f while starting), %d changes in 10 min", use, used/usable, p.changes)
	}
	if s := p.loud(); s.WorstJ() > 1 {
		t.Errorf("steady site: J %.1f s", s.WorstJ())
	}
}

func TestLoopMeterLost(t *testing.T) {
	limit := 125 * Amp
	p := newPlant(t, 3, limit, loopSite(limit, 80*Amp), 12)
	p.base = steady(30, 0, 0)
	p.run(3 * time.Minute)
	p.meterOff = true
	p.run(3 * time.Second)
	for i := range p.conns {
		p.conns[i].LastUp = time.Time{}
	}
	p.run(12 * time.Second)
	for ph := L1; ph <= L3; ph++ {
		if sum := p.sumHeld(ph); sum > 45*Amp {
			t.Errorf("%v: chargers hold %v 15 s after the last reading", ph, sum)
		}
	}
	held := [3]MilliAmp{p.sumHeld(L1), p.sumHeld(L2), p.sumHeld(L3)}
	for range 300 {
		p.run(time.Second)
		for ph := L1; ph <= L3; ph++ {
			if sum := p.sumHeld(ph); sum > held[ph] {
				t.Fatalf("%v: chargers hold %v, %v before, without a meter", ph, sum, held[ph])
			} else {
				held[ph] = sum
			}
		}
	}
	p.meterOff = false
	p.run(3 * time.Minute)
	if sum := p.sumHeld(L1); sum < 80*Amp {
		t.Errorf("chargers hold only %v three minutes after the meter came back", sum)
	}
}

func TestLoopDeafCar(t *testing.T) {
	limit := 63 * Amp
	p := newPlant(t, 3, limit, loopSite(limit, 30*Amp), 4)
	p.base = steady(10, 20, 180)
	for _, c := range p.cars {
		c.set = AllPhases
	}
	for i := range p.conns {
		p.conns[i].Phases = AllPhases
	}
	p.run(170 * time.Second)
	p.cars[0].deaf = true
	p.cars[0].takes = 16
	p.run(3 * time.Minute)
	found := false
	for _, a := range p.b.plan.Alarms {
		found = found || a.Kind == AlarmDisobedience && a.Slot == 1
	}
	if !found {
		t.Error("no alarm about the deaf car")
	}
	cars, base := p.total(L1)
	if cars+base > 63.5 {
		t.Errorf("site draws %.1f A", cars+base)
	}
	if s := p.loud(); s.WorstJ() > 20 || s.Tripped() {
		t.Errorf("J %.1f s", s.WorstJ())
	}
}

func TestLoopSlowChargerMetering(t *testing.T) {
	limit := 125 * Amp
	p := newPlant(t, 5, limit, loopSite(limit, 60*Amp), 12)
	p.metering = time.Minute
	p.base = office(5, 0.8)
	p.run(30 * time.Minute)
	if use := p.used / p.usable; use < 0.7 {
		t.Errorf("headroom use %.3f", use)
	}
	if s := p.loud(); s.WorstJ() > 8 || s.Tripped() {
		t.Errorf("J %.1f s", s.WorstJ())
	}
	t.Logf("metering each minute: headroom use %.3f, J %.1f s", p.used/p.usable, p.loud().WorstJ())
}

// TestLoopSlowestCars uses cars as slow as the standards let them be: five seconds
// of the charger's pilot and six of the car before anything happens.
func TestLoopSlowestCars(t *testing.T) {
	for _, share := range []float64{0.2, 0.4} {
		limit := 250 * Amp
		p := newPlant(t, 9, limit, loopSite(limit, 150*Amp), 24)
		for _, c := range p.cars {
			c.dead = 11 * time.Second
		}
		p.base = steady(60, share*250, 300)
		p.run(7 * time.Minute)
		s := p.loud()
		t.Logf("step of %.0f %%, 11 s cars: J %.1f s, longest %v, theta/trip %.2f", share*100, s.WorstJ(), s.LongestEvent(), s.Used())
		if s.WorstJ() > 13 || s.Tripped() {
			t.Errorf("step of %.0f %%: J %.1f s, tripped=%v", share*100, s.WorstJ(), s.Tripped())
		}
	}
	limit := 125 * Amp
	p := newPlant(t, 9, limit, loopSite(limit, 90*Amp), 24)
	for _, c := range p.cars {
		c.dead = 11 * time.Second
	}
	p.base = office(9, 1)
	p.run(30 * time.Minute)
	s := p.loud()
	t.Logf("office, 11 s cars: J %.1f s, longest %v, use %.3f", s.WorstJ(), s.LongestEvent(), p.used/p.usable)
	if s.WorstJ() > 12 || s.Tripped() {
		t.Errorf("J %.1f s, tripped=%v", s.WorstJ(), s.Tripped())
	}
}

// TestLoopComings lets cars come and go at random, over hours, with chargers that
// drop out: the true current must never stress the breaker.
func TestLoopComings(t *testing.T) {
	limit := 80 * Amp
	p := newPlant(t, 11, limit, loopSite(limit, 45*Amp), 16)
	p.base = office(11, 0.5)
	for i := range p.conns {
		p.conns[i].Failsafe = 0
		p.conns[i].Wants, p.conns[i].CanStartUnasked = false, false
	}
	for range 600 {
		p.run(7 * time.Second)
		i := p.rng.IntN(len(p.conns))
		c := &p.conns[i]
		switch p.rng.IntN(5) {
		case 0:
			c.Online = !c.Online
		case 1, 2:
			if !c.Wants {
				c.Wants, c.CanStartUnasked, c.WantsSince = true, true, p.now
			}
		case 3:
			if c.Wants && p.rng.IntN(3) == 0 {
				*c = Connector{Slot: c.Slot, Node: c.Node, Phases: c.Phases, Min: c.Min, Max: c.Max, Online: c.Online}
				p.sends[i] = nil
				p.cars[i].offer, p.cars[i].offerAt, p.cars[i].draws = 0, p.now, 0
			}
		case 4:
			p.cars[i].takes = 6 + 26*p.rng.Float64()
		}
	}
	s := p.loud()
	t.Logf("comings and goings: J %.1f s, longest %v, use %.3f, theta/trip %.2f", s.WorstJ(), s.LongestEvent(), p.used/p.usable, s.Used())
	if s.WorstJ() > 12 || s.Tripped() {
		t.Errorf("J %.1f s, tripped=%v", s.WorstJ(), s.Tripped())
	}
}
