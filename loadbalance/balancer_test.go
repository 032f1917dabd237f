package loadbalance

import (
	"testing"
	"time"
)

var morning = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// bench drives a Balancer by hand.
type bench struct {
	t   *testing.T
	b   *Balancer
	now time.Time
	in  Input
	out Plan
}

func newBench(t *testing.T, nodes ...Node) *bench {
	t.Helper()
	b, err := NewBalancer(Config{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, b: b, now: morning}
}

// car adds a connector with an open transaction that holds held under a lease.
func (s *bench) car(slot int, node NodeID, held MilliAmp) *Connector {
	s.in.Connectors = append(s.in.Connectors, Connector{Slot: slot, Node: node, Min: 6 * Amp, Max: 32 * Amp, Online: true, Wants: true,
		CanStartUnasked: true, WantsSince: s.now.Add(-time.Hour)})
	c := &s.in.Connectors[len(s.in.Connectors)-1]
	if held >= 0 {
		c.Held, c.HeldAt, c.LeaseUntil = held, s.now.Add(-time.Minute), s.now.Add(time.Hour)
		c.Measured, c.MeasuredAt = Uniform(held), s.now
	}
	return c
}

func (s *bench) read(node NodeID, a MilliAmp) {
	r := Reading{Node: node, At: s.now, Current: Uniform(a), Period: time.Second}
	for i := range s.in.Readings {
		if s.in.Readings[i].Node == node {
			s.in.Readings[i] = r
			return
		}
	}
	s.in.Readings = append(s.in.Readings, r)
}

func (s *bench) step() { s.out = s.b.Step(s.now, s.in) }

// settle lets n seconds pass with a reading of a each second.
func (s *bench) settle(n int, node NodeID, a MilliAmp) {
	for range n {
		s.now = s.now.Add(time.Second)
		s.read(node, a+MilliAmp(s.now.Second()%2)*50)
		s.step()
	}
}

func (s *bench) of(slot int) Setpoint {
	s.t.Helper()
	for _, sp := range s.out.Setpoints {
		if sp.Slot == slot {
			return sp
		}
	}
	s.t.Fatalf("no setpoint for slot %d", slot)
	return Setpoint{}
}

func supply(limit, worst MilliAmp) Node {
	return Node{ID: "main", Limit: Uniform(limit), Metered: true, WorstBase: Uniform(worst)}
}

func TestStartIsFailsafe(t *testing.T) {
	s := newBench(t, supply(63*Amp, 40*Amp))
	s.car(1, "main", -1)
	s.step()
	if got := s.of(1); got.Action != Keep || got.Limit != 0 || got.Reason.Rule != RuleMeterLost {
		t.Fatalf("without any reading: %+v", got)
	}
	s.settle(3, "main", 20*Amp)
	if got := s.of(1); got.Action != Raise || got.Limit != 32*Amp {
		t.Fatalf("after three fresh readings: %+v", got)
	}
}

func TestFirstGrantIsLeased(t *testing.T) {
	s := newBench(t, supply(63*Amp, 0))
	s.car(1, "main", -1)
	s.settle(3, "main", 50*Amp)
	got := s.of(1)
	if got.Action != Raise || got.Limit < 12900 || got.Limit > 13*Amp || got.Lease != 120*time.Second {
		t.Fatalf("%+v", got)
	}
	if got.Reason != (Reason{Rule: RuleShare, Node: "main"}) {
		t.Fatalf("reason %+v", got.Reason)
	}
}

func TestLostMeterIsUrgent(t *testing.T) {
	s := newBench(t, supply(63*Amp, 40*Amp))
	s.car(1, "main", -1)
	s.car(2, "main", -1)
	for i := range s.in.Connectors {
		s.in.Connectors[i].Held, s.in.Connectors[i].LeaseUntil, s.in.Connectors[i].HeldAt = 16*Amp, s.now.Add(time.Hour), s.now.Add(-time.Minute)
		s.in.Connectors[i].Measured, s.in.Connectors[i].MeasuredAt = Uniform(16*Amp), s.now
	}
	s.settle(5, "main", 52*Amp)
	s.now = s.now.Add(11 * time.Second)
	s.step()
	sum := MilliAmp(0)
	for slot := 1; slot <= 2; slot++ {
		got := s.of(slot)
		if got.Action != Reduce || !got.Urgent || got.Limit < 6*Amp || got.Target != 11500 {
			t.Fatalf("slot %d: %+v", slot, got)
		}
		sum += got.Limit
	}
	if sum > 23*Amp {
		t.Fatalf("fail-safe setpoints sum up to %v", sum)
	}
	if len(s.out.Alarms) != 1 || s.out.Alarms[0].Kind != AlarmMeterLost {
		t.Fatalf("alarms %+v", s.out.Alarms)
	}
}
