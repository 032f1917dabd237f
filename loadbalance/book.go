package loadbalance

import "time"

const (
	// proven is how long a reduction is trusted to need when no report can prove it.
	proven = 10 * time.Second
	// slowReport is the longest time between two reports that is waited for.
	slowReport = time.Minute
	// stopping is how long a car may go on after its transaction has ended.
	stopping = 3 * time.Second
	// readingHolds is how long a charger's report stands for the present, unless its
	// usual interval is longer.
	readingHolds = 30 * time.Second
	// grace is how long before the end of a lease that can't be renewed its end is
	// reckoned with.
	grace = 15 * time.Second
)

// slot is what is remembered of one connector between passes.
type slot struct {
	pass uint64 // last one it was part of

	present   MilliAmp // what it was entitled to in the last pass
	before    MilliAmp // what it was before that, while it may still draw it
	changedAt time.Time
	owed      MilliAmp // what it must have come down to Settle after owedAt
	owedAt    time.Time
	owedMet   bool     // and has
	owedDrew  MilliAmp // what it was last seen to draw when it began to owe
	active    bool
	began     time.Time // WantsSince of the transaction the rest is about
	knownAt   time.Time // when that was first seen
	endedAt   time.Time
	lastHi    PerPhase // most it may have been drawing

	readAt   time.Time // of the newest report
	drew     MilliAmp  // by it, on its strongest line
	rises    bool      // more than by the one before
	interval time.Duration

	issued    MilliAmp // last setpoint planned
	issuedAt  time.Time
	cutAt     time.Time
	raisedAt  time.Time
	renewedAt time.Time
	shedBy    Reason
	shedFor   time.Duration
	shedAt    time.Time // was sent to 0 A while it wanted current

	dueSince time.Time // may charge but has nothing yet since

	excessSince time.Time // draws more than it is entitled to since
	rogue       bool

	unused unused
	seat   seat
	sheds  int // for safety, in a row
}

// role is how a connector takes part in a pass.
type role uint8

const (
	taker   role = iota // takes part in the allocation
	fixed               // is booked, can't or needn't be commanded
	idle                // draws nothing and must ask before it does
	outside             // hangs at no node of the tree
)

// work is one connector in one pass. What all passes over the connectors ask for stands
// first, close together.
type work struct {
	role      role
	set       PhaseSet
	action    Action
	holdUp    Rule // why it may not be raised in this pass, RuleMax if it may
	leased    bool // by a live lease
	admitted  bool
	asleep    bool
	laxly     bool // is filled by laxity
	waits     bool // for a place: doesn't fit
	behind    bool // somebody ahead waits for the same fuse
	steadfast bool // is never told less than its minimum
	urgent    bool
	settled   bool // the newest measurement tells of what it is entitled to now
	node      int32

	min, max MilliAmp // multiples of the step; max 0: may not charge
	final    MilliAmp // entitled to once the commands on the way have arrived
	target   MilliAmp
	limit    MilliAmp
	present  MilliAmp // entitled to now
	draws    MilliAmp // largest measured phase if the reading still stands, else -1
	wish     MilliAmp // what a planner wants for it, as far as it may have it
	cap      MilliAmp // bound on what it leaves over, 0: none
	heldBy   int32    // the node of holdUp
	stopped  int32    // the line where it doesn't fit
	slope    int64    // by which its current rises with the level
	c        *Connector
	s        *slot
	way      *way
	lines    []int32 // of way
	fill     share
	reason   Reason

	weight int64
	lax    time.Duration // time to spare before the departure
	booked PerPhase      // may draw without another command
	ends   PerPhase      // final, or what it really draws if it doesn't obey
	stuck  bool          // seems not to obey
	lo, hi PerPhase      // draws now, at least and at most
}

// load takes one connector into the pass at its place; at is its node, -1 if there is
// none.
func (b *Balancer) load(place int32, c *Connector, s *slot, at int32) {
	w := &b.works[place]
	first := s.pass == 0
	s.pass = b.pass
	*w = work{c: c, s: s, weight: int64(min(max(c.Weight, 1), 1000)), set: c.Phases & AllPhases, node: at, heldBy: -1, draws: -1}
	if w.set == 0 {
		w.set = AllPhases
	}
	if at >= 0 {
		grid := b.nodes[at].grid
		w.set = grid.lines(w.set)
		w.way = &b.nodes[at].ways[w.set]
		w.lines = w.way.lines
	}
	w.min = b.roundUp(max(bounded(c.Min), minAmp))
	if w.max = b.roundDown(max(bounded(c.Max), 0)); w.max < w.min {
		w.max = 0
	}
	w.steadfast = c.NoPause && c.Wants
	w.stay()
	w.entitle(b.now)
	w.track(b.now, first)
	w.settled = !c.MeasuredAt.Before(s.changedAt.Add(b.cfg.Settle))
	w.classify()
	w.measure(b)
	w.book(b)
	w.estimate(b)
	w.s.seat.sit(w, b.now)
	w.lax, w.slope = relaxed, w.weight
	if b.cfg.Policy == PolicyLaxity {
		w.lax, w.laxly, w.slope = w.laxity(b.now), true, max(1, int64(w.max)>>slopeBits)
	}
	if w.role == taker {
		b.watchUnused(w)
		b.ranks[place].of(w, b.now, place)
	} else {
		b.ranks[place].taker = false
	}
	w.note(b)
	if at >= 0 {
		b.count(w)
	}
}

// note keeps at hand what the passes over all connectors ask for.
func (w *work) note(b *Balancer) {
	if w.cap = w.s.unused.cap; w.cap > 0 {
		b.capped++
	}
	if w.asleep = w.s.unused.asleep; w.asleep {
		b.asleep++
	}
	if w.role == fixed && w.s.rogue {
		b.rogues++
	}
}

// stay keeps the ceiling of who can't pause from falling below its minimum.
func (w *work) stay() {
	w.max = max(w.max, w.floor())
}

// floor is the least it may be told.
func (w *work) floor() MilliAmp {
	if w.steadfast {
		return w.min
	}
	return 0
}

// minAmp is the least current of IEC 61851-1 a car charges with.
const minAmp = 6 * Amp

func (b *Balancer) roundDown(a MilliAmp) MilliAmp { return a - a%b.cfg.Step }
func (b *Balancer) roundUp(a MilliAmp) MilliAmp   { return b.roundDown(a + b.cfg.Step - 1) }

// alive reports whether the connector's lease counts at now. One that can't be
// renewed is reckoned to end a little early, if its end lets the charger draw more.
func (c *Connector) alive(now time.Time) bool {
	if !c.Online && c.Held < c.Failsafe {
		return now.Before(c.LeaseUntil.Add(-grace))
	}
	return now.Before(c.LeaseUntil)
}

// active reports whether the connector may draw something without asking.
func (c *Connector) active() bool { return c.Wants || c.CanStartUnasked }

func (c *Connector) failsafe() MilliAmp { return max(0, bounded(c.Failsafe)) }
func (c *Connector) held() MilliAmp     { return max(0, bounded(c.Held)) }
func (c *Connector) sent() MilliAmp     { return max(0, bounded(c.Sent)) }

// entitle finds what the connector may hold now and after the commands on the way.
func (w *work) entitle(now time.Time) {
	c := w.c
	w.leased = c.alive(now)
	switch {
	case !c.Online && w.leased:
		w.present = max(c.held(), c.failsafe())
	case w.leased:
		w.present = c.held()
	case !c.Online || c.CanStartUnasked:
		w.present = c.failsafe()
	}
	w.final = w.present
	if c.SentOpen {
		w.final = c.sent()
		if s := w.s; !s.issuedAt.IsZero() && !s.issuedAt.Before(c.SentAt) && now.Sub(s.issuedAt) < settleOpen {
			w.final = min(w.final, s.issued)
		}
	}
}

// settleOpen is how long an unanswered reduction is trusted to be on its way.
const settleOpen = 12 * time.Second

// track keeps the history that outlives a pass.
func (w *work) track(now time.Time, first bool) {
	c, s := w.c, w.s
	if first {
		s.present, s.before, s.changedAt, s.active, s.began = w.present, w.present, now, c.active(), c.WantsSince
		s.owed, s.owedAt, s.owedMet, s.knownAt = w.present, now, true, now
	}
	if s.active && !c.active() {
		s.endedAt = now
	}
	if !c.WantsSince.Equal(s.began) || s.active != c.active() {
		s.began, s.unused, s.seat, s.sheds = c.WantsSince, unused{}, seat{}, 0
		s.shedAt, s.excessSince, s.rogue, s.knownAt = time.Time{}, time.Time{}, false, now
		s.cutAt, s.issuedAt = time.Time{}, time.Time{} // what was meant for the one before had nothing to hang on
	}
	s.active = c.active()
	if !c.MeasuredAt.Equal(s.readAt) {
		if gap := c.MeasuredAt.Sub(s.readAt); !s.readAt.IsZero() && gap > 0 {
			s.interval = gap
		}
		drew := max(bounded(c.Measured[L1]), bounded(c.Measured[L2]), bounded(c.Measured[L3]))
		s.readAt, s.rises, s.drew = c.MeasuredAt, drew > s.drew+Amp, drew
		s.unused.reads++
	}
	if w.present == s.present {
		return
	}
	if s.before = max(s.before, s.present); now.Sub(s.changedAt) >= w.proves() {
		s.before = s.present // an increase doesn't prove an earlier reduction either
	}
	switch {
	case w.present > s.present:
		s.owed = max(s.owed, w.present) // needs no time, and excuses nothing that was drawn before it
	case s.owedMet:
		s.owed, s.owedAt, s.owedMet, s.owedDrew = w.present, now, false, s.drew // a second reduction doesn't prolong the first
	}
	s.present, s.changedAt = w.present, now
}

func (w *work) classify() {
	c := w.c
	switch {
	case w.node < 0:
		w.role = outside
	case !c.Online:
		w.role = fixed
	case !c.active() && !w.leased && !c.SentOpen:
		w.role = idle
	case !c.Wants || w.s.rogue:
		w.role = fixed
	}
}

// reading reports whether the newest measurement tells of this transaction and of
// the present.
func (w *work) reading(now time.Time) bool {
	c := w.c
	if c.MeasuredAt.IsZero() || !c.active() || c.MeasuredAt.Before(c.WantsSince) {
		return false
	}
	age := now.Sub(c.MeasuredAt)
	return age >= -maxAhead && age <= max(readingHolds, 2*w.s.interval+readingHolds/6)
}

// tolerated is what a connector may draw by its tolerance when entitled to a.
func tolerated(a MilliAmp) MilliAmp { return a + a/10 + Amp/2 }

// measure looks at the newest report: how much, and more than allowed?
func (w *work) measure(b *Balancer) {
	c, s := w.c, w.s
	if !w.reading(b.now) {
		s.excessSince = time.Time{}
		if !s.rogue { // what one who doesn't obey was last seen to draw counts until it is seen again
			return
		}
	}
	w.draws = 0
	for p := L1; p <= L3; p++ {
		if w.set.Has(p) {
			w.draws = max(w.draws, bounded(c.Measured[p]))
		}
	}
	entitled := s.owed
	if c.SentOpen {
		entitled = max(entitled, w.final)
	}
	if w.draws <= tolerated(entitled) {
		s.rogue, s.excessSince = false, time.Time{}
		if s.owedMet && s.owed == s.present && s.owedAt == s.changedAt {
			return // nothing is owed
		}
		if !c.MeasuredAt.Before(s.owedAt.Add(b.cfg.Settle)) {
			s.owedMet = s.owed <= s.present
			s.owed, s.owedAt = s.present, s.changedAt
		}
		return
	}
	if w.stuck = b.stuck(w); !w.stuck && c.MeasuredAt.Before(s.owedAt.Add(b.cfg.Settle)) {
		s.excessSince = time.Time{}
		return
	}
	if s.excessSince.IsZero() {
		s.excessSince = c.MeasuredAt
	}
	if b.now.Sub(s.excessSince) >= disobeys && b.now.Sub(s.owedAt) >= b.cfg.Settle {
		s.rogue = true
		if w.role == taker {
			w.role = fixed
		}
	}
}

// stuck reports whether the connector was seen not to have begun to come down when most
// would have, while a fuse above it carries too much: others must make room.
func (b *Balancer) stuck(w *work) bool {
	s := w.s
	if w.c.MeasuredAt.Before(s.owedAt.Add(moves)) || w.draws <= s.owedDrew-Amp || s.owedDrew == 0 {
		return false
	}
	for _, k := range w.lines {
		if !b.lines[k].hotSince.IsZero() {
			return true
		}
	}
	return false
}

// moves is when a car has begun to follow a reduction.
const moves = 8 * time.Second

// disobeys is how long a connector may draw too much before it counts as
// disobedient.
const disobeys = 3 * time.Second

// proves is how long a reduction is waited for to be proven: the next report must have
// had its time (L5), but for one who never reports.
func (w *work) proves() time.Duration {
	wait := min(w.s.interval, slowReport)
	if wait == 0 { // none, or only one report yet
		wait = slowReport
	}
	wait += proven / 5
	if w.c.MeasuredAt.IsZero() {
		wait -= w.s.changedAt.Sub(w.s.knownAt)
	}
	return max(proven, wait)
}

// dropping reports whether a reduction has arrived at the charger but isn't proven
// by a reading or by time.
func (w *work) dropping(now time.Time) bool {
	s := w.s
	if w.present >= s.before || now.Sub(s.changedAt) >= w.proves() {
		return false
	}
	seen := w.draws >= 0 && w.c.MeasuredAt.After(s.changedAt)
	return !seen || w.draws > tolerated(w.present)
}

// book reckons what the connector may draw without another command, and what it
// will draw when all commands have had their effect.
func (w *work) book(b *Balancer) {
	if w.role == idle || w.node < 0 {
		return
	}
	most, final := w.present, w.final
	most, final = max(most, w.floor()), max(final, w.floor())
	if w.c.SentOpen {
		most = max(most, w.c.sent())
	}
	if w.dropping(b.now) {
		most = max(most, w.s.before)
	}
	counts := w.draws >= 0 && (w.s.rogue || w.c.MeasuredAt.After(w.s.changedAt) || b.now.Sub(w.s.changedAt) < proven)
	for p := L1; p <= L3; p++ {
		if !w.set.Has(p) {
			continue
		}
		w.booked[p], w.ends[p] = most, final
		if m := bounded(w.c.Measured[p]); counts && m > tolerated(most) {
			w.booked[p] = m
			if w.s.rogue && w.s.rises { // and is not where it stops
				w.booked[p] = max(m, bounded(w.c.Max))
			}
		}
		if w.role == fixed || w.stuck {
			w.ends[p] = w.booked[p]
		}
	}
}
