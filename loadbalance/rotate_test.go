package loadbalance

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// queue is a site of hungry cars in virtual time, a pass each five seconds: chargers
// acknowledge at once, cars draw what they may.
type queue struct {
	b        *Balancer
	now      time.Time
	conns    []Connector
	base     MilliAmp
	off      []time.Time // without current since
	worst    []time.Duration
	pauses   int
	caps     []Cap
	supplies []SupplyIn
	lazy     map[int]bool // slots whose cars never resume after a pause
	paused   map[int]bool
}

const queuePass = 5 * time.Second

func newQueue(t interface{ Fatal(...any) }, limit MilliAmp, sets []PhaseSet) *queue {
	b, err := NewBalancer(Config{Nodes: []Node{{ID: "main", Limit: Uniform(limit), Metered: true, WorstBase: Uniform(limit / 2)}}})
	if err != nil {
		t.Fatal(err)
	}
	q := &queue{b: b, now: morning, lazy: map[int]bool{}, paused: map[int]bool{}}
	for i, set := range sets {
		q.conns = append(q.conns, Connector{Slot: i + 1, Node: "main", Phases: set, Min: 6 * Amp, Max: 16 * Amp, Online: true,
			Wants: true, CanStartUnasked: true, WantsSince: q.now})
	}
	q.off, q.worst = make([]time.Time, len(sets)), make([]time.Duration, len(sets))
	for i := range q.off {
		q.off[i] = q.now
	}
	return q
}

func (q *queue) run(d time.Duration) {
	for end := q.now.Add(d); q.now.Before(end); q.now = q.now.Add(queuePass) {
		r := Reading{Node: "main", At: q.now, Period: queuePass, Current: Uniform(q.base)}
		for i := range q.conns {
			c := &q.conns[i]
			held := c.Held
			if q.lazy[c.Slot] && q.paused[c.Slot] {
				held = 0
			}
			c.Measured, c.MeasuredAt = PerPhase{}, q.now
			for p := range c.Measured {
				if c.Phases.Has(Phase(p)) {
					c.Measured[p] = held
					r.Current[p] += held
				}
			}
			if c.Held >= c.Min {
				q.off[i] = q.now
			} else {
				q.worst[i] = max(q.worst[i], q.now.Sub(q.off[i]))
			}
		}
		for _, sp := range q.b.Step(q.now, Input{Connectors: q.conns, Readings: []Reading{r}, Caps: q.caps, Supplies: q.supplies}).Setpoints {
			q.obey(sp)
		}
	}
}

func (q *queue) obey(sp Setpoint) {
	if sp.Action != Reduce && sp.Action != Raise && sp.Action != Renew {
		return
	}
	c := &q.conns[sp.Slot-1]
	switch {
	case sp.Limit > c.Held:
		c.LastUp = q.now
	case sp.Limit < c.Held:
		c.LastDown = q.now
		if sp.Limit == 0 {
			q.pauses++
			q.paused[sp.Slot] = true
		}
	}
	c.Held, c.HeldAt, c.LeaseUntil = sp.Limit, q.now, q.now.Add(sp.Lease)
}

// TestNobodyStarves: with n cars and k places nobody is without current for longer
// than (ceil(n/k)-1) stints and five minutes (Q4).
func TestNobodyStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 14).Draw(t, "cars")
		sets := make([]PhaseSet, n)
		for i := range sets {
			sets[i] = AllPhases
		}
		checkTurns(t, rapid.IntRange(1, n).Draw(t, "places"), MilliAmp(rapid.IntRange(0, 5).Draw(t, "spare"))*Amp, sets)
	})
}

// TestNobodyStarvesOnMixedPhases: as above where cars have one, two or three phases
// and places are those of the worst phase.
func TestNobodyStarvesOnMixedPhases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 12).Draw(t, "cars")
		sets := make([]PhaseSet, n)
		for i := range sets {
			sets[i] = PhaseSet(rapid.IntRange(1, 7).Draw(t, "phases"))
		}
		checkTurns(t, rapid.IntRange(1, n).Draw(t, "places"), 0, sets)
	})
}

// checkTurns lets cars live for three hours where the fuse has k places and spare.
func checkTurns(t *rapid.T, k int, spare MilliAmp, sets []PhaseSet) {
	n := len(sets)
	q := newQueue(t, MilliAmp(6*k+10)*Amp+spare, sets)
	q.base = 10 * Amp
	q.run(3 * time.Hour)
	bound := time.Duration((n+k-1)/k-1)*stint + 5*time.Minute
	for i, w := range q.worst {
		if w > bound {
			t.Fatalf("%v, %d places: slot %d was without current for %v, more than %v", sets, k, i+1, w, bound)
		}
	}
}

// TestATurnWaitsForTheOther: cars that take turns draw more than the fuse carries at no
// moment, though they come down seconds after they were told: a place is given only once
// it has been seen to be free, or the time for it is over.
func TestATurnWaitsForTheOther(t *testing.T) {
	limit := 30 * Amp
	p := newPlant(t, 5, limit, loopSite(limit, 10*Amp), 8)
	p.base = steady(10, 0, 0)
	for i, c := range p.cars {
		c.set, p.conns[i].Phases, c.takes, c.dead = AllPhases, AllPhases, 10, time.Duration(i%2*8)*time.Second
	}
	for range 3600 {
		p.run(2 * time.Second)
		if cars, base := p.total(L1); cars+base > 30.3 { // the meter's noise
			t.Fatalf("%.1f A after %.0f s", cars+base, p.seconds())
		}
	}
	turns := 0
	for i := range p.conns {
		if p.b.slots[i+1].seat.ever {
			turns++
		}
	}
	if turns < len(p.cars) || p.pauses < 20 {
		t.Errorf("%d of %d cars had a turn, %d pauses", turns, len(p.cars), p.pauses)
	}
	t.Logf("%d pauses, J %.2f s", p.pauses, p.loud().WorstJ())
}
