package ocppsim

import (
	"time"

	"busbar/ocpp"
)

// reservation keeps an outlet for a token.
type reservation struct {
	id    int
	token string
}

// keptFor reports whether o is kept for another token.
func (o *outlet) keptFor(token string) bool { return o.reserved != nil && o.reserved.token != token }

// reserve keeps an outlet for a token until it is used, cancelled or run out, which
// expired tells. It returns the status in the words of all versions. mu is held.
func (c *Charger) reserve(o *outlet, kept reservation, lasts time.Duration, r *ocpp.Request, expired func()) string {
	switch {
	case lasts <= 0:
		return "Rejected"
	case !o.operative:
		return "Unavailable"
	case o.tx != nil || o.car != nil || o.reserved != nil && o.reserved.id != kept.id:
		return "Occupied"
	}
	mine := &kept
	o.reserved = mine
	c.after(r, func() { c.show(o, StatusReserved) })
	time.AfterFunc(lasts, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.reserved == mine {
			c.release(o)
			expired()
		}
	})
	return "Accepted"
}

// release ends a reservation that nobody used. mu is held.
func (c *Charger) release(o *outlet) {
	o.reserved = nil
	if o.state == StatusReserved {
		c.show(o, StatusAvailable)
	}
}

// cancelReservation ends a reservation after the answer; false if there is none. mu is
// held.
func (c *Charger) cancelReservation(id int, r *ocpp.Request) bool {
	for _, o := range c.outlets {
		if kept := o.reserved; kept != nil && kept.id == id {
			c.after(r, func() {
				if o.reserved == kept {
					c.release(o)
				}
			})
			return true
		}
	}
	return false
}
