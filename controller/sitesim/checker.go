package sitesim

import (
	"fmt"
	"sync"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// Violation is an invariant that did not hold.
type Violation struct {
	At   time.Time
	Rule string // of the reliability rules: L1..L16, B1..B16, N1..N3
	Text string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s", v.At.UTC().Format("15:04:05.0"), v.Rule, v.Text)
}

// Allowed is what a charger's own profiles permit a connector now.
type Allowed struct {
	Limit   float64   // A per phase
	Expires time.Time // of the profile that permits it; zero: never
	Active  bool      // a transaction is running
}

// Checker holds the truth of the site against the rules, every time it is told to
// look. Look runs on one goroutine; the results may be read from any.
type Checker struct {
	nodes  []*nodeTruth
	slots  []*slotTruth
	reach  time.Duration // how long a site may take to follow a change it could not foresee
	lastAt time.Time

	meterDeadSince time.Time
	frozenSum      map[int]loadbalance.MilliAmp

	mu         sync.Mutex
	violations []Violation
	seen       map[string]bool
	worst      overload
}

// overload is the worst event at any node and phase.
type overload struct {
	amps     float64
	longest  time.Duration
	integral float64 // s
}

type nodeTruth struct {
	id      loadbalance.NodeID
	parent  int // -1: root
	limit   loadbalance.PerPhase
	breaker loadbalance.Breaker
	stress  [3]loadbalance.Stress
	over    [3]time.Time        // permitted + base above the limit since
	above   [3][2]time.Duration // unbroken time above 1.13 and 1.45 of the limit
}

type slotTruth struct {
	number  int
	node    int
	load    load
	max     loadbalance.MilliAmp
	allowed func() Allowed
}

// reaction is the longest honest chain: a meter's period, our pass, the charger's
// answer, and a slow car (load-balancing 2.1).
const reaction = 15 * time.Second

// estimateError is how far the box's picture of the building may be off, as a share of
// the limit: cars meter every 10 s and follow slowly.
const estimateError = 0.10

// longestLease bounds how long a charger may hold a setpoint by itself (L8).
const longestLease = 31 * time.Minute

// maxViolations bounds the memory for what went wrong.
const maxViolations = 1000

func newChecker(nodes []loadbalance.Node) *Checker {
	c := &Checker{reach: reaction, seen: map[string]bool{}}
	at := map[loadbalance.NodeID]int{}
	for i, n := range nodes {
		at[n.ID] = i
	}
	for _, n := range nodes {
		parent := -1
		if n.Parent != "" {
			parent = at[n.Parent]
		}
		t := &nodeTruth{id: n.ID, parent: parent, limit: n.Limit, breaker: n.Breaker}
		for p := range t.stress {
			t.stress[p] = loadbalance.NewStress(n.Breaker, n.Limit[p])
		}
		c.nodes = append(c.nodes, t)
	}
	return c
}

func (c *Checker) nodeIndex(id loadbalance.NodeID) int {
	for i, n := range c.nodes {
		if n.id == id {
			return i
		}
	}
	return 0
}

// Look compares the site at now. base is the building's load at the root; box is the
// box's own picture, nil while there is none.
func (c *Checker) Look(now time.Time, base [3]float64, box *controller.Snapshot) {
	dt := now.Sub(c.lastAt)
	if c.lastAt.IsZero() {
		dt = 0
	}
	c.lastAt = now
	drawn := make([][3]float64, len(c.nodes))
	permitted := make([][3]float64, len(c.nodes))
	for i, n := range c.nodes {
		if n.parent < 0 {
			drawn[i], permitted[i] = base, base
		}
	}
	for _, s := range c.slots {
		c.addUp(now, s, drawn, permitted)
	}
	for i, n := range c.nodes {
		c.lookAtNode(now, dt, n, drawn[i], permitted[i])
	}
	if box != nil {
		c.lookAtBox(now, box)
	}
}

// addUp books one connector at its node and all above, and checks it by itself.
func (c *Checker) addUp(now time.Time, s *slotTruth, drawn, permitted [][3]float64) {
	a := s.allowed()
	current := s.load.onGrid()
	if a.Active {
		if a.Limit > float64(s.max)/1000+0.05 {
			c.broken(now, "L2", fmt.Sprintf("slot %d may draw %.1f A, its hardware takes %v", s.number, a.Limit, s.max))
		}
		if a.Limit > 0 && a.Limit < 6 {
			c.broken(now, "L10", fmt.Sprintf("slot %d was given %.1f A: less than 6 A is no setpoint", s.number, a.Limit))
		}
		if !a.Expires.IsZero() && a.Expires.Sub(now) > longestLease {
			c.broken(now, "L8", fmt.Sprintf("slot %d holds a setpoint until %v", s.number, a.Expires.UTC()))
		}
	}
	for i := s.node; i >= 0; i = c.nodes[i].parent {
		for p := range current {
			drawn[i][p] += current[p]
		}
		if !a.Active {
			continue
		}
		for _, p := range s.load.wiring {
			permitted[i][p] += min(a.Limit, float64(s.max)/1000)
		}
	}
}

func (c *Checker) lookAtNode(now time.Time, dt time.Duration, n *nodeTruth, drawn, permitted [3]float64) {
	for p := range drawn {
		limit := float64(n.limit[p]) / 1000
		n.stress[p].Add(dt, loadbalance.MilliAmp(drawn[p]*1000))
		st := &n.stress[p]
		switch {
		case st.Tripped():
			c.broken(now, "L3", fmt.Sprintf("%s %s: the fuse opened", n.id, loadbalance.Phase(p)))
		case n.lasted(p, 1, drawn[p] > 1.45*limit, dt) > 10*time.Second:
			c.broken(now, "L3", fmt.Sprintf("%s %s: more than 1.45 In for over 10 s", n.id, loadbalance.Phase(p)))
		case n.lasted(p, 0, drawn[p] > 1.13*limit, dt) > time.Minute:
			c.broken(now, "L3", fmt.Sprintf("%s %s: more than 1.13 In for over a minute", n.id, loadbalance.Phase(p)))
		}
		c.mu.Lock()
		c.worst.amps = max(c.worst.amps, float64(st.WorstExcess())/1000)
		c.worst.longest = max(c.worst.longest, st.LongestEvent())
		c.worst.integral = max(c.worst.integral, st.WorstJ())
		c.mu.Unlock()
		// L1: what the chargers may draw plus the building fits, but for the time a
		// change takes that nobody could foresee. The box knows the building's load only as
		// well as cars tell what they draw, so a small excess over the truth is no breach:
		// the fuse itself is judged by L3.
		if permitted[p] <= limit*(1+estimateError) {
			n.over[p] = time.Time{}
			continue
		}
		if n.over[p].IsZero() {
			n.over[p] = now
		}
		if d := now.Sub(n.over[p]); d > c.reach {
			c.broken(now, "L1", fmt.Sprintf("%s %s: chargers may draw %.1f A with the building, the limit is %.0f A, for %v", n.id, loadbalance.Phase(p), permitted[p], limit, d.Round(time.Second)))
		}
	}
}

// lasted counts how long a state has held without a break.
func (n *nodeTruth) lasted(phase, which int, holds bool, dt time.Duration) time.Duration {
	if !holds {
		n.above[phase][which] = 0
		return 0
	}
	n.above[phase][which] += dt
	return n.above[phase][which]
}

// lookAtBox checks the box's own picture.
func (c *Checker) lookAtBox(now time.Time, box *controller.Snapshot) {
	c.mu.Lock()
	since := c.meterDeadSince
	c.mu.Unlock()
	if since.IsZero() || now.Sub(since) < staleAfter {
		c.frozenSum = nil
	} else if c.frozenSum == nil {
		c.frozenSum = map[int]loadbalance.MilliAmp{}
		for _, v := range box.Connectors {
			c.frozenSum[int(v.Slot)] = v.Setpoint
		}
	}
	for _, v := range box.Connectors {
		if v.Tx == 0 {
			delete(c.frozenSum, int(v.Slot))
			continue
		}
		before, known := c.frozenSum[int(v.Slot)]
		if known && v.Setpoint > max(before, v.Failsafe) {
			c.broken(now, "L4", fmt.Sprintf("slot %d went from %v to %v while the meter was lost", v.Slot, before, v.Setpoint))
		}
		if c.frozenSum != nil {
			c.frozenSum[int(v.Slot)] = v.Setpoint
		}
	}
}

// wantsBox says whether Look needs the box's own picture: only while the meter is held
// back, because a snapshot that is taken makes the box prepare another.
func (c *Checker) wantsBox() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.meterDeadSince.IsZero()
}

// staleAfter is when the box must have noticed that the meter is silent (decision 26).
const staleAfter = 4 * time.Second

// MeterDead tells that the scenario holds the meter's values back, or no longer does.
func (c *Checker) MeterDead(now time.Time, dead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dead {
		c.meterDeadSince = now
	} else {
		c.meterDeadSince = time.Time{}
	}
}

// broken notes a violation; the same one is noted once a minute.
func (c *Checker) broken(now time.Time, rule, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := rule + now.Truncate(time.Minute).String() + text[:min(len(text), 12)]
	if c.seen[key] || len(c.violations) >= maxViolations {
		return
	}
	c.seen[key] = true
	c.violations = append(c.violations, Violation{At: now, Rule: rule, Text: text})
}

// Violations are the invariants that did not hold so far.
func (c *Checker) Violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Violation(nil), c.violations...)
}
