package downstream

import (
	"context"
	"time"

	"busbar/controller"
)

// partWithin bounds how long the end of the box waits for chargers to take their
// fall-back.
const partWithin = 3 * time.Second

// part gives the chargers whose setpoints have no end their fall-back, before the box
// leaves them alone (ocpp-gateway 7.4, TXDEF0). All at once, within partWithin.
func (h *Hub) part(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, partWithin)
	defer cancel()
	h.mu.Lock()
	var waiting []<-chan struct{}
	for _, s := range h.sessions {
		if h.memory.leadsAny(s.id) {
			waiting = append(waiting, s.parting(ctx))
		}
	}
	h.mu.Unlock()
	for _, done := range waiting {
		select {
		case <-done:
		case <-ctx.Done():
			h.log.Warn("the box ends before all chargers have taken their fall-back")
			return
		}
	}
}

// parter is a dialect that leads by profiles.
type parter interface{ part(ctx context.Context) }

// parting plans the last step of a session; the channel is closed when it is done.
func (s *session) parting(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	d, ok := s.dialect.(parter)
	if !ok {
		close(done)
		return done
	}
	s.plan(func(context.Context) {
		defer close(done)
		d.part(ctx)
	})
	s.stir()
	return done
}

// part writes the fall-back over setpoints that would stay.
func (d *leader) part(ctx context.Context) {
	f := d.form()
	if f.mode != controller.DeadManNone || d.lastFloor == nil {
		return
	}
	if err := d.floor(ctx, f, *d.lastFloor); err != nil {
		d.hub.log.Warn("charger keeps its setpoint while the box is away", "station", d.id, "err", err)
	}
}
