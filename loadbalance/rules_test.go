package loadbalance

import (
	"testing"
	"time"
)

// holding is a bench with one fuse and cars that hold and draw the amperes given,
// long settled, with a base load of base.
func holding(t *testing.T, limit, base MilliAmp, amps ...MilliAmp) *bench {
	t.Helper()
	s := newBench(t, supply(limit, 0))
	s.now = s.now.Add(time.Hour)
	sum := base
	for i, a := range amps {
		s.car(i+1, "main", a).Max = a
		sum += a
	}
	for range 20 {
		s.second("main", sum)
	}
	for i := range amps {
		s.conn(i + 1).Max = 32 * Amp
	}
	return s
}

// second lets a second pass in which chargers and meter report; leases are renewed.
func (s *bench) second(node NodeID, a MilliAmp) {
	s.now = s.now.Add(time.Second)
	for i := range s.in.Connectors {
		c := &s.in.Connectors[i]
		if !c.MeasuredAt.IsZero() && c.Online {
			c.MeasuredAt = s.now
		}
	}
	s.read(node, a-MilliAmp(s.now.Unix()%2))
	s.step()
}

func (s *bench) conn(slot int) *Connector { return &s.in.Connectors[slot-1] }

func (s *bench) want(slot int, action Action, limit MilliAmp, rule Rule) {
	s.t.Helper()
	if got := s.of(slot); got.Action != action || got.Limit != limit || got.Reason.Rule != rule {
		s.t.Fatalf("slot %d: %s %v, rule %d, want %s %v, rule %d (%+v)", slot, actionName(got.Action), got.Limit, got.Reason.Rule, actionName(action), limit, rule, got)
	}
}

func TestRaiseWaitsForTheDonor(t *testing.T) { // L5
	s := holding(t, 32*Amp, 0, 32*Amp)
	s.car(2, "main", -1)
	s.conn(1).MeasuredAt = time.Time{} // no report will prove anything
	s.second("main", 32*Amp)
	s.want(1, Reduce, 16*Amp, RuleShare)
	s.want(2, Keep, 0, RuleDonor)
	c := s.conn(1)
	c.SentOpen, c.Sent, c.SentAt, c.LastDown = true, 16*Amp, s.now, s.now
	s.second("main", 16*Amp)
	s.want(2, Keep, 0, RuleDonor) // not acknowledged
	c.SentOpen, c.Held, c.HeldAt, c.LeaseUntil = false, 16*Amp, s.now, s.now.Add(time.Hour)
	for range 10 {
		s.second("main", 16*Amp)
		s.want(2, Keep, 0, RuleDonor) // acknowledged, not proven
	}
	s.second("main", 16*Amp)
	s.want(2, Raise, 16*Amp, RuleShare)
}

func TestReadingProvesTheDonor(t *testing.T) { // L5
	s := holding(t, 32*Amp, 0, 32*Amp)
	s.car(2, "main", -1)
	s.second("main", 32*Amp)
	c := s.conn(1)
	c.Held, c.HeldAt, c.LeaseUntil, c.LastDown = 16*Amp, s.now, s.now.Add(time.Hour), s.now
	s.second("main", 32*Amp)
	s.want(2, Keep, 0, RuleDonor) // the report still says 32 A
	c.Measured = Uniform(16 * Amp)
	s.second("main", 16*Amp)
	s.want(2, Raise, 16*Amp, RuleShare)
}

func TestOpenSetpointIsBooked(t *testing.T) { // L1
	s := holding(t, 32*Amp, 0, 10*Amp)
	c := s.conn(1)
	c.SentOpen, c.Sent, c.SentAt = true, 20*Amp, s.now
	s.car(2, "main", -1)
	s.second("main", 10*Amp)
	if got := s.out.Nodes[0].Booked[L1]; got != 32*Amp {
		t.Fatalf("booked %v", got)
	}
	if got := s.of(2); got.Action != Raise || got.Limit != 12*Amp {
		t.Fatalf("%+v", got)
	}
}

func TestPacing(t *testing.T) { // L11
	s := holding(t, 40*Amp, 0, 16*Amp)
	s.conn(1).LastUp, s.conn(1).HeldAt = s.now.Add(-3*time.Second), s.now
	s.second("main", 16*Amp)
	s.want(1, Keep, 16*Amp, RulePacing)
	if want := s.conn(1).LastUp.Add(10 * time.Second); s.out.Wake.After(want) {
		t.Fatalf("wake %v after the pause ends", s.out.Wake.Sub(want))
	}
	s.conn(1).LastUp = s.now.Add(-10 * time.Second)
	s.second("main", 16*Amp)
	if got := s.of(1); got.Action != Raise || got.Limit != 32*Amp {
		t.Fatalf("%+v", got)
	}
}

func TestReductionsArePacedUnlessUrgent(t *testing.T) { // decision 27
	s := holding(t, 40*Amp, 8*Amp, 32*Amp)
	s.conn(1).Max, s.conn(1).CeilingRule = 20*Amp, RuleOperator
	s.conn(1).LastDown = s.now
	s.second("main", 40*Amp)
	s.want(1, Keep, 32*Amp, RuleOperator)
	s.read("main", 52*Amp)
	s.now = s.now.Add(time.Second)
	s.read("main", 52*Amp) // 1.3 times the limit
	s.step()
	if got := s.of(1); got.Action != Reduce || !got.Urgent || got.Limit > 20*Amp {
		t.Fatalf("%+v", got)
	}
}

func TestUrgentCutIsNotRepeated(t *testing.T) {
	s := holding(t, 40*Amp, 8*Amp, 32*Amp)
	cuts := 0
	for range 12 {
		s.second("main", 55*Amp)
		if got := s.of(1); got.Action == Reduce {
			cuts++
			c := s.conn(1)
			c.SentOpen, c.Sent, c.SentAt, c.LastDown = true, got.Limit, s.now, s.now
		}
	}
	if cuts > 1 {
		t.Fatalf("%d cuts for one overload while the first is on its way", cuts)
	}
}

func TestLeases(t *testing.T) { // decision 10
	s := newBench(t, supply(100*Amp, 20*Amp))
	s.car(1, "main", 16*Amp)
	s.conn(1).Max = 16 * Amp
	s.conn(1).Failsafe = 6 * Amp
	for range 3 {
		s.second("main", 20*Amp)
	}
	c := s.conn(1)
	c.HeldAt, c.LeaseUntil = s.now, s.now.Add(90*time.Second)
	for i := range 29 {
		if s.second("main", 20*Amp); s.of(1).Action != Keep {
			t.Fatalf("%s after %d s", actionName(s.of(1).Action), i)
		}
	}
	s.second("main", 20*Amp)
	if got := s.of(1); got.Action != Renew || got.Limit != 16*Amp || got.Lease != 30*time.Minute {
		t.Fatalf("a third of the lease has passed: %+v", got)
	}
	s.second("main", 20*Amp)
	if got := s.of(1); got.Action != Keep {
		t.Fatalf("renewed again at once: %+v", got)
	}
}

func TestLeaseShortensWithTheSlack(t *testing.T) { // decision 10
	for _, c := range []struct {
		worst MilliAmp
		want  time.Duration
	}{{0, 120 * time.Second}, {81 * Amp, 30 * time.Minute}, {82 * Amp, 120 * time.Second}, {114 * Amp, 60 * time.Second}, {169 * Amp, 30 * time.Second}} {
		s := newBench(t, Node{ID: "main", Limit: Uniform(100 * Amp), Metered: true, WorstBase: Uniform(c.worst)})
		s.car(1, "main", -1)
		for range 3 {
			s.second("main", 10*Amp)
		}
		if got := s.of(1); got.Action != Raise || got.Lease != c.want {
			t.Errorf("worst load %v: lease %v, want %v", c.worst, got.Lease, c.want)
		}
	}
}

func TestNoLeaseAtFailsafe(t *testing.T) { // decision 10
	s := newBench(t, supply(16*Amp, 0))
	s.car(1, "main", 6*Amp)
	s.conn(1).Max, s.conn(1).Failsafe = 6*Amp, 6*Amp
	for range 3 {
		s.second("main", 6*Amp)
	}
	s.want(1, Release, 6*Amp, RuleMax)
}

func TestWaitingBelowFailsafeIsRenewed(t *testing.T) {
	s := holding(t, 10*Amp, 0, 10*Amp, 0)
	s.conn(2).Failsafe = 6 * Amp
	s.conn(2).HeldAt, s.conn(2).LeaseUntil = s.now.Add(-41*time.Second), s.now.Add(79*time.Second)
	s.second("main", 10*Amp)
	s.want(2, Renew, 0, RuleWaiting)
	if r := s.of(2).Reason; r.Node != "main" {
		t.Fatalf("%+v", r)
	}
}

func TestOfflineIsBookedNotCommanded(t *testing.T) {
	s := holding(t, 40*Amp, 0, 16*Amp, 16*Amp)
	c := s.conn(1)
	c.Online, c.Failsafe = false, 6*Amp
	c.LeaseUntil = s.now.Add(20 * time.Second)
	s.second("main", 32*Amp)
	s.want(1, Keep, 16*Amp, RuleOffline)
	if got := s.of(2); got.Limit > 24*Amp {
		t.Fatalf("%+v", got)
	}
	s.conn(2).Max = 24 * Amp
	s.conn(2).Held = 24 * Amp
	for range 40 {
		s.second("main", 30*Amp)
	}
	s.want(1, Keep, 6*Amp, RuleOffline)
	if got := s.out.Nodes[0].Booked[L1]; got != 30*Amp {
		t.Fatalf("after the lease %v are booked", got)
	}
}

func TestOfflineWaitingIsBookedBeforeItsLeaseEnds(t *testing.T) { // L1
	s := holding(t, 40*Amp, 0, 0)
	c := s.conn(1)
	c.Online, c.Failsafe, c.LeaseUntil = false, 6*Amp, s.now.Add(time.Hour)
	s.second("main", 0)
	if got := s.out.Nodes[0].Booked[L1]; got != 6*Amp {
		t.Fatalf("booked %v: a charger that restarts forgets that it waits", got)
	}
}

func TestIdleIsBookedAtNothing(t *testing.T) {
	s := holding(t, 40*Amp, 0, 16*Amp)
	s.in.Connectors[0] = Connector{Slot: 1, Node: "main", Min: 6 * Amp, Max: 32 * Amp, Failsafe: 32 * Amp, Online: true}
	s.second("main", 0)
	s.want(1, Keep, 0, RuleIdle)
	if got := s.out.Nodes[0].Booked[L1]; got != 0 {
		t.Fatalf("booked %v", got)
	}
}

func TestUnaskedIsBookedAtFailsafe(t *testing.T) {
	s := holding(t, 40*Amp, 0)
	s.car(1, "main", -1)
	s.conn(1).Failsafe, s.conn(1).Max = 32*Amp, 10*Amp
	s.second("main", 0)
	if got := s.out.Nodes[0].Booked[L1]; got != 32*Amp {
		t.Fatalf("booked %v", got)
	}
	s.want(1, Reduce, 10*Amp, RuleMax)
}

func TestPriorityGetsTheMinimum(t *testing.T) {
	s := holding(t, 10*Amp, 0, 10*Amp)
	s.car(2, "main", -1)
	s.conn(2).Priority = 1
	s.second("main", 10*Amp)
	s.want(1, Reduce, 0, RuleWaiting)
	if got := s.of(2); got.Target != 10*Amp || got.Reason.Rule != RuleDonor {
		t.Fatalf("%+v", got)
	}
}

func TestLongestWaitingGoesFirst(t *testing.T) {
	s := holding(t, 10*Amp, 0)
	s.car(1, "main", -1)
	s.car(2, "main", -1)
	s.conn(1).WantsSince, s.conn(2).WantsSince = s.now, s.now.Add(-time.Minute)
	s.second("main", 0)
	s.want(2, Raise, 10*Amp, RuleShare)
	s.want(1, Keep, 0, RuleWaiting)
}

func TestMinimumOfTheCar(t *testing.T) { // L10
	s := holding(t, 10*Amp, 2500)
	s.car(1, "main", -1)
	s.conn(1).Min = 8 * Amp
	s.second("main", 2500)
	s.want(1, Keep, 0, RuleWaiting)
	s.conn(1).Min = 7 * Amp
	s.second("main", 2500)
	s.want(1, Raise, 7500, RuleShare)
}

func TestWeights(t *testing.T) {
	s := holding(t, 42*Amp, 0)
	s.car(1, "main", -1)
	s.car(2, "main", -1)
	s.conn(2).Weight = 2
	s.second("main", 0)
	s.want(1, Raise, 14*Amp, RuleShare)
	s.want(2, Raise, 28*Amp, RuleShare)
}

func TestStaleMeterRaisesNobody(t *testing.T) { // L4
	s := holding(t, 40*Amp, 0, 16*Amp)
	s.conn(1).Max = 16 * Amp
	s.second("main", 16*Amp)
	s.conn(1).Max = 32 * Amp
	s.now = s.now.Add(4 * time.Second)
	s.step()
	s.want(1, Keep, 16*Amp, RuleMeterStale)
	if r := s.of(1).Reason; r.Node != "main" || r.Age != 4*time.Second {
		t.Fatalf("%+v", r)
	}
	if n := s.out.Nodes[0]; n.Fresh || n.Lost {
		t.Fatalf("%+v", n)
	}
}

func TestSlowMeterIsGivenItsPeriods(t *testing.T) { // decision 26
	s := holding(t, 40*Amp, 0, 16*Amp)
	s.in.Readings[0].At, s.in.Readings[0].Period = s.now, 5*time.Second
	s.in.Readings[0].At = s.now.Add(time.Millisecond)
	for _, c := range []struct {
		age         time.Duration
		fresh, lost bool
	}{{14 * time.Second, true, false}, {15 * time.Second, false, true}} {
		start := s.now
		s.now = s.in.Readings[0].At.Add(c.age + time.Millisecond)
		s.step()
		if n := s.out.Nodes[0]; n.Fresh != c.fresh || n.Lost != c.lost {
			t.Fatalf("age %v: %+v", c.age, n)
		}
		s.now = start
	}
}

func TestReadingFromTheFutureIsIgnored(t *testing.T) {
	s := holding(t, 40*Amp, 0, 16*Amp)
	s.in.Readings[0].At = s.now.Add(time.Hour)
	s.now = s.now.Add(11 * time.Second)
	s.step()
	if n := s.out.Nodes[0]; !n.Lost {
		t.Fatalf("%+v", n)
	}
}

func TestUnknownNodeGetsNothing(t *testing.T) {
	s := holding(t, 40*Amp, 0)
	s.car(1, "attic", -1)
	s.second("main", 0)
	if got := s.of(1); got.Action != Keep || got.Limit != 0 || got.Reason.Node != "attic" {
		t.Fatalf("%+v", got)
	}
}

func TestRestartTakesOverWhatIsDrawn(t *testing.T) { // L7, F5
	s := newBench(t, supply(40*Amp, 20*Amp))
	s.car(1, "main", -1) // the charger still holds 30 A of the box's earlier life
	s.conn(1).Failsafe, s.conn(1).Measured, s.conn(1).MeasuredAt = 6*Amp, Uniform(30*Amp), s.now
	for range 3 {
		s.second("main", 36*Amp)
	}
	if got := s.out.Nodes[0].Booked[L1]; got < 30*Amp {
		t.Fatalf("booked %v", got)
	}
	if got := s.of(1); got.Action != Raise && got.Action != Reduce || got.Limit > 32*Amp {
		t.Fatalf("%+v", got)
	}
}

func TestExportIsNoHeadroom(t *testing.T) {
	s := holding(t, 20*Amp, -15*Amp)
	s.car(1, "main", -1)
	s.second("main", -15*Amp)
	s.want(1, Raise, 20*Amp, RuleShare)
}
