package loadbalance

import (
	"testing"
	"time"
)

// TestDisobedienceAtTheFallback: a charger that has no setpoint, because its fall-back is
// all it may have, and draws more than that is found, counted, and given a setpoint.
func TestDisobedienceAtTheFallback(t *testing.T) {
	s := holding(t, 40*Amp, 8*Amp, 16*Amp, 16*Amp)
	c := s.conn(2)
	c.Held, c.HeldAt, c.LeaseUntil, c.Max = 0, time.Time{}, time.Time{}, 0
	found, told, cut := false, false, false
	for range 30 {
		s.second("main", 46*Amp) // 8 A and 16 A, and 22 A of the one that must have none
		s.conn(2).Measured = Uniform(22 * Amp)
		found = found || s.of(2).Reason.Rule == RuleUnresponsive
		told = told || s.of(2).Action == Renew && s.of(2).Limit == 0
		cut = cut || s.of(1).Action == Reduce && s.of(1).Limit <= 10*Amp
	}
	if !found || !told || !cut {
		t.Errorf("found=%v, given a setpoint=%v, the other one reduced=%v", found, told, cut)
	}
}

// TestDisobedienceGoesSilent: one who was seen not to obey and then tells nothing any more
// is not believed to obey (L4).
func TestDisobedienceGoesSilent(t *testing.T) {
	s := newBench(t, Node{ID: "main", Limit: Uniform(63 * Amp)})
	s.now = s.now.Add(time.Hour)
	s.car(1, "main", 8*Amp).Measured = Uniform(32 * Amp)
	s.car(2, "main", 6*Amp)
	second := func(tells bool) {
		s.now = s.now.Add(time.Second)
		for i := range s.in.Connectors {
			if c := &s.in.Connectors[i]; tells || i == 1 {
				c.MeasuredAt = s.now
			}
		}
		s.step()
	}
	for range 20 {
		second(true)
	}
	if got := s.out.Nodes[0].Booked[L1]; got != 38*Amp {
		t.Fatalf("while it tells: booked %v", got)
	}
	for range 120 {
		second(false)
	}
	if got := s.out.Nodes[0].Booked[L1]; got < 38*Amp {
		t.Errorf("two minutes after its last report: booked %v", got)
	}
}

// TestRaiseExcusesNothing: what was drawn before an increase and is more than even that
// allows is disobedience, though no report comes for long.
func TestRaiseExcusesNothing(t *testing.T) {
	s := holding(t, 63*Amp, 0, 8*Amp, 8*Amp)
	c := s.conn(1)
	c.Measured, c.MeasuredAt = Uniform(24*Amp), s.now.Add(time.Second)
	c.Held, c.HeldAt = 12*Amp, s.now.Add(time.Second)
	for range 20 {
		s.now = s.now.Add(time.Second)
		s.read("main", 20*Amp-MilliAmp(s.now.Unix()%2))
		s.step()
	}
	if got := s.out.Nodes[0].Booked[L1]; s.of(1).Reason.Rule != RuleUnresponsive || got < 32*Amp {
		t.Errorf("20 s after the only report: rule %d, booked %v", s.of(1).Reason.Rule, got)
	}
}

// TestOneConductorStandsStill: a clamp that has fallen off shows nothing, while the other
// conductors are alive; before, nobody could say what the cars drew.
func TestOneConductorStandsStill(t *testing.T) {
	s := newBench(t, supply(63*Amp, 20*Amp))
	s.now = s.now.Add(time.Hour)
	c := s.car(1, "main", -1)
	c.Online, c.Failsafe = false, 32*Amp // may draw anything
	dead := func(a MilliAmp) {
		s.now = s.now.Add(time.Second)
		if c.Online {
			c.MeasuredAt = s.now
		}
		s.read("main", a+MilliAmp(s.now.Unix()%2))
		s.in.Readings[0].Current[L2] = 0
		s.step()
	}
	for range 10 {
		dead(5 * Amp)
	}
	c.Online, c.Failsafe, c.Held, c.HeldAt, c.LeaseUntil = true, 0, 0, s.now, s.now.Add(time.Hour)
	for range 20 {
		dead(5 * Amp)
	}
	c.Held, c.HeldAt, c.Measured = 16*Amp, s.now, Uniform(16*Amp)
	for i := range 10 {
		if dead(21 * Amp); s.out.Nodes[0].Frozen {
			t.Fatalf("frozen %d s after the car has begun: its report may be earlier than the reading", i)
		}
	}
	for range 5 {
		dead(21 * Amp)
	}
	if !s.out.Nodes[0].Frozen {
		t.Error("a conductor that shows nothing though a car draws 16 A from it is believed")
	}
}

// TestReductionWaitsForTheReport: where reports come once a minute, a reduction that was
// acknowledged frees nothing until the next one has had its time (L5).
func TestReductionWaitsForTheReport(t *testing.T) {
	s := newBench(t, Node{ID: "main", Limit: Uniform(32 * Amp)})
	s.now = s.now.Add(time.Hour)
	c := s.car(1, "main", 32*Amp)
	for range 2 { // reports a minute apart
		s.now = s.now.Add(time.Minute)
		c.MeasuredAt = s.now
		s.step()
	}
	c.Held, c.HeldAt = 6*Amp, s.now.Add(time.Second)
	for i := range 70 {
		s.now = s.now.Add(time.Second)
		s.step()
		if got := s.out.Nodes[0].Booked[L1]; got != 32*Amp && i < 60 {
			t.Fatalf("%d s after the reduction, without a report: booked %v", i+1, got)
		}
	}
	if got := s.out.Nodes[0].Booked[L1]; got != 6*Amp {
		t.Errorf("after the time of a report: booked %v", got)
	}
}

// TestLeaseReckonsWithWhoMayBegin: without the box a car may begin at a connector that is
// idle now; a lease must not be long where its fall-back would open the breaker.
func TestLeaseReckonsWithWhoMayBegin(t *testing.T) { // decision 10
	for _, c := range []struct {
		failsafe MilliAmp
		want     time.Duration
	}{{0, 30 * time.Minute}, {6 * Amp, 120 * time.Second}} {
		s := newBench(t, Node{ID: "main", Limit: Uniform(16 * Amp)})
		s.car(1, "main", -1).Max = 16 * Amp
		idle := s.car(2, "main", -1)
		idle.Wants, idle.CanStartUnasked, idle.Failsafe = false, false, c.failsafe
		s.step()
		if got := s.of(1); got.Action != Raise || got.Limit != 16*Amp || got.Lease != c.want {
			t.Errorf("beside an idle one with a fall-back of %v: %s %v for %v, want %v", c.failsafe, actionName(got.Action), got.Limit, got.Lease, c.want)
		}
	}
}
