package ocppsim

import (
	"context"
	"slices"
	"time"
)

// outlet is a connector at run time.
type outlet struct {
	Outlet
	state     Status
	operative bool
	draw      draw
	car       *Car // plugged
	tx        *running
	stage     stage
	next      Session
	n         int       // sessions begun
	due       time.Time // of the stage
	sampleAt  time.Time
	watchAt   time.Time // whether the car still draws
	begun     float64   // register at the start of the transaction
	asleep    bool      // nothing flows any more until the next one (QuirkNeverResumes)
	remoteID  *int      // of the remote start that begins the next transaction
	reserved  *reservation
	used      *int // the reservation that the transaction uses
}

// stage is how far a car's stay has come.
type stage uint8

const (
	stageNew         stage = iota // the plan was not asked yet
	stageAway                     // the next car arrives at due
	stageAuthorizing              // the answer is awaited until due
	stagePlugging                 // accepted, plugs in at due
	stageCharging                 // the driver stops it at due
	stageLeaving                  // stopped, unplugs at due
	stageOver                     // no more cars
)

// running is a transaction that has begun here.
type running struct {
	*Transaction
	start   time.Time
	sampled time.Time // of the last sample queued
}

// Times of the people.
const (
	patience = 8 * time.Second // with a charger that can't authorise
	leaving  = 3 * time.Second
	plugging = 4 * time.Second // from an accepted token to the plug
	watching = 5 * time.Second // between looks at whether the car still draws
)

// life moves the cars until ctx ends.
func (c *Charger) life(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c.mu.Lock()
		next := time.Now().Add(time.Hour)
		for _, o := range c.outlets {
			if at := c.turn(o, time.Now()); !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		restarts := c.resetOnIdle && !c.busy()
		c.resetOnIdle = c.resetOnIdle && !restarts
		c.mu.Unlock()
		if restarts {
			c.restart(causeSoftReset, bootReset)
			continue
		}
		timer.Reset(max(0, time.Until(next)))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-c.stir:
		}
	}
}

// busy reports that a transaction runs.
func (c *Charger) busy() bool {
	return slices.ContainsFunc(c.outlets, func(o *outlet) bool { return o.tx != nil })
}

// turn does what is due at a connector and says when it wants to be asked again.
func (c *Charger) turn(o *outlet, now time.Time) time.Time {
	if c.dead {
		return time.Time{}
	}
	for {
		if !o.due.IsZero() && now.Before(o.due) && o.stage != stageNew {
			break
		}
		if !c.proceed(o, now) {
			break
		}
	}
	if o.stage != stageCharging || o.tx == nil {
		return o.due
	}
	if !now.Before(o.sampleAt) {
		c.sample(o, now)
	}
	if !now.Before(o.watchAt) {
		c.watch(o, now)
	}
	next := o.due
	for _, at := range []time.Time{o.sampleAt, o.watchAt} {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// proceed ends the present stage; false if there is nothing to do.
func (c *Charger) proceed(o *outlet, now time.Time) bool {
	switch o.stage {
	case stageNew:
		if c.cfg.Plan == nil || c.closed {
			o.stage, o.due = stageOver, time.Time{}
			return false
		}
		s, ok := c.cfg.Plan(o.Number, o.n)
		if !ok {
			o.stage, o.due = stageOver, time.Time{}
			return false
		}
		o.next, o.stage, o.due = s, stageAway, now.Add(s.Wait)
		o.n++
	case stageAway:
		if c.closed || !o.operative {
			o.stage, o.due = stageOver, time.Time{}
			return false
		}
		if !o.next.TokenFirst {
			c.plug(o, o.next.Car)
		}
		o.stage, o.due = stageAuthorizing, now.Add(patience)
		c.dialect.authorize(o, o.next.Token)
	case stageAuthorizing: // nobody answered: a cached card is let in (LocalAuthorizeOffline)
		if c.closed {
			return false
		}
		accepted, listed := c.list[o.next.Token]
		c.judged(o, o.next.Token, accepted || !listed)
	case stagePlugging:
		c.plug(o, o.next.Car)
		c.begin(o, o.next.Token, now)
	case stageCharging:
		if o.due.IsZero() {
			return false
		}
		c.stop(o, causeLocal)
	case stageLeaving:
		c.unplug(o)
		o.stage, o.due = stageNew, time.Time{}
	case stageOver:
		return false
	}
	return true
}

func (c *Charger) plug(o *outlet, car Car) {
	car = car.withDefaults(o.Phases)
	o.car = &car
	c.show(o, StatusPreparing)
	c.dialect.plugged(o)
}

func (c *Charger) unplug(o *outlet) {
	o.car = nil
	c.dialect.left(o)
	c.show(o, StatusAvailable)
}

// judged goes on after the CSMS, or the charger's own memory, has judged a token.
func (c *Charger) judged(o *outlet, token string, accepted bool) {
	now := time.Now()
	switch {
	case o.stage != stageAuthorizing:
		return
	case !accepted || c.closed || o.keptFor(token):
		o.stage, o.due = stageLeaving, now.Add(leaving)
	case o.car == nil:
		c.dialect.presented(o, token)
		o.stage, o.due = stagePlugging, now.Add(plugging)
	default:
		c.dialect.presented(o, token)
		c.begin(o, token, now)
	}
	poke(c.stir)
}

// authorized is judged for one who does not hold the lock.
func (c *Charger) authorized(o *outlet, token string, accepted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judged(o, token, accepted)
}

// begin starts a transaction: energy flows at once, the CSMS hears of it in its turn.
func (c *Charger) begin(o *outlet, token string, now time.Time) {
	c.settle(now)
	t := &Transaction{Station: c.cfg.ID, Connector: o.Number, IDTag: token, MeterStart: int(o.draw.register), StartedAt: c.now().UTC()}
	c.ledger = append(c.ledger, t)
	o.tx, o.begun = &running{Transaction: t, start: c.now()}, o.draw.register
	o.draw.offer, o.draw.changedAt, o.asleep = 0, now, false
	if o.used = nil; o.reserved != nil {
		o.used, o.reserved = &o.reserved.id, nil
	}
	o.stage, o.due = stageCharging, time.Time{}
	if o.next.Lasts > 0 {
		o.due = now.Add(o.next.Lasts)
	}
	o.sampleAt, o.watchAt = now.Add(c.interval()), now.Add(watching)
	c.dialect.begun(o, o.tx)
	c.show(o, StatusCharging)
	poke(c.stir)
}

// stop ends a transaction: the contactor opens, the CSMS hears of it in its turn.
func (c *Charger) stop(o *outlet, why cause) {
	now := time.Now()
	c.settle(now)
	t := o.tx
	o.tx = nil
	t.MeterStop, t.StoppedAt, t.Stopped = int(o.draw.register), c.now().UTC(), true
	c.profiles.dropTx(o.Number)
	c.advance(o, now)
	c.dialect.ended(o, t, why)
	c.show(o, StatusFinishing)
	o.remoteID = nil
	o.stage, o.due = stageLeaving, now.Add(leaving)
	poke(c.stir)
}

// settle brings all currents up to now, before something that changes what is offered.
func (c *Charger) settle(now time.Time) {
	for _, o := range c.outlets {
		c.advance(o, now)
	}
}

// question asks for the limit of a connector; one without transaction is asked as if
// one began now.
func (c *Charger) question(o *outlet) question {
	q := question{connector: o.Number, phases: o.Phases, hardware: o.Max, start: c.now()}
	for _, other := range c.outlets {
		if other.tx != nil {
			q.sharing++
		}
	}
	if o.tx != nil {
		q.start = o.tx.start
	} else {
		q.sharing++
	}
	return q
}

// advance moves the true current of a connector to now.
func (c *Charger) advance(o *outlet, now time.Time) {
	car := o.car
	if o.tx == nil || c.dead {
		car = nil
	}
	if car == nil {
		o.draw.amps = 0
	}
	q := c.question(o)
	o.draw.advance(now, car, func() float64 { return o.draw.register - o.begun }, func(t time.Time) float64 {
		if c.ignores() {
			return o.Max
		}
		limit, _ := c.profiles.limit(q, t.Add(c.skew()))
		if o.asleep = o.asleep || limit < 1 && o.draw.amps > 0 && c.has(QuirkNeverResumes); o.asleep {
			return 0
		}
		return limit
	})
}

// show changes the status that the CSMS is told.
func (c *Charger) show(o *outlet, state Status) {
	if !o.operative && state == StatusAvailable {
		state = StatusUnavailable
	}
	if o.state == state {
		return
	}
	before := o.state
	o.state = state
	c.dialect.shown(o, before)
}
