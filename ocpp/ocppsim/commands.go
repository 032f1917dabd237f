package ocppsim

import (
	"context"
	"encoding/json"
	"time"

	"busbar/ocpp"
)

// delayed answers as late as the present fault says.
func (c *Charger) delayed(h ocpp.Handler) ocpp.Handler {
	return ocpp.HandlerFunc(func(ctx context.Context, conn *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		c.mu.Lock()
		delay := c.fault.AnswerDelay
		c.mu.Unlock()
		if delay > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(delay):
			}
		}
		return h.HandleCall(ctx, conn, r)
	})
}

// after runs f with the lock when the answer has left.
func (c *Charger) after(r *ocpp.Request, f func()) {
	r.After(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		f()
	})
}

// remoteStart accepts a start at o, nil is any free connector, and begins it when the
// answer has left; nil if it can't. profile may be nil.
func (c *Charger) remoteStart(o *outlet, token string, profile *chargingProfile, remoteID *int, r *ocpp.Request) *outlet {
	if o == nil {
		o = c.freeOutlet()
	}
	if !c.free(o) || o.keptFor(token) || profile != nil && (profile.purpose != purposeTx || !c.form(profile) || !acceptable(profile)) {
		return nil
	}
	c.after(r, func() {
		if o.tx != nil {
			return
		}
		o.remoteID = remoteID
		if o.car == nil { // the driver plugs in now
			c.plug(o, o.next.Car)
		}
		if profile != nil { // 16§5.11
			c.profiles.set(o.Number, *profile, c.now())
		}
		c.begin(o, token, time.Now())
	})
	return o
}

// free reports whether a transaction can begin at a connector.
func (c *Charger) free(o *outlet) bool {
	return o != nil && o.tx == nil && o.operative && o.stage != stageLeaving && !c.dead
}

// freeOutlet is the first connector where a transaction can begin, one with a car
// before one without; nil if there is none.
func (c *Charger) freeOutlet() *outlet {
	var found *outlet
	for _, o := range c.outlets {
		if c.free(o) && o.reserved == nil && (found == nil || found.car == nil && o.car != nil) {
			found = o
		}
	}
	return found
}

// stopAfter ends the transaction t of o when the answer has left.
func (c *Charger) stopAfter(o *outlet, t *running, why cause, r *ocpp.Request) {
	c.after(r, func() {
		if o.tx == t {
			c.stop(o, why)
		}
	})
}

// setOperative opens or closes outlets; scheduled if one waits for its transaction.
func (c *Charger) setOperative(outlets []*outlet, operative bool) (scheduled bool) {
	for _, o := range outlets {
		o.operative = operative
		switch {
		case o.tx != nil:
			scheduled = scheduled || !operative
		case operative && o.stage == stageOver:
			o.stage, o.due = stageNew, time.Time{}
			c.show(o, StatusAvailable)
		case o.car == nil:
			c.show(o, StatusAvailable)
		}
	}
	poke(c.stir)
	return scheduled
}

// restart ends what runs and takes the power away for a moment.
func (c *Charger) restart(why cause, boot bootCause) {
	c.mu.Lock()
	for _, o := range c.outlets {
		if o.tx != nil {
			c.stop(o, why)
		}
	}
	c.mu.Unlock()
	c.Kill()
	c.mu.Lock()
	c.why = boot
	c.mu.Unlock()
	c.Revive()
}

// chosen is the outlets that a number means, 0 all; nil if there is none.
func (c *Charger) chosen(number int) []*outlet {
	if number == 0 {
		return c.outlets
	}
	if o := c.outlet(number); o != nil {
		return []*outlet{o}
	}
	return nil
}
