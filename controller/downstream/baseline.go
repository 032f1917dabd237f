package downstream

import (
	"context"
	"strings"

	"busbar/controller"
)

// measurands are what the balancer and billing need, the most needed first.
func measurands() []string {
	return []string{"Current.Import", "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "SoC"}
}

// plan puts steps before what is left.
func (s *session) plan(steps ...step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(steps, s.keys...)
}

// maxWaits bounds the steps that wait because of a charger's notices, of whatever EVSEs it
// speaks.
const maxWaits = 64

// planOnce is plan for what a charger brings about, as often as it likes: not while a step
// of that name waits.
func (s *session) planOnce(name string, do step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits[name] || len(s.waits) >= maxWaits {
		return
	}
	if s.waits == nil {
		s.waits = map[string]bool{}
	}
	s.waits[name] = true
	s.keys = append([]step{func(ctx context.Context) {
		s.mu.Lock()
		delete(s.waits, name)
		s.mu.Unlock()
		do(ctx)
	}}, s.keys...)
	s.stir()
}

func (s *session) refuse(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, key)
}

// finishBaseline reports, and asks a charger that came back without Boot for its
// statuses, which may have changed meanwhile.
func (s *session) finishBaseline(ctx context.Context) {
	s.mu.Lock()
	refused, booted := s.refused, s.booted
	s.mu.Unlock()
	s.hub.reports.add(controller.BaselinePushed{Station: s.id, Refused: refused})
	if !booted {
		s.dialect.askStatus(ctx)
	}
}

// offerMeasurands offers the whole list; where it is rejected, each measurand is
// tried alone and the ones taken make the list (some chargers reject a list for one
// member). set offers one list; false if it was not taken.
func (s *session) offerMeasurands(ctx context.Context, key string, set func(ctx context.Context, list string) bool) {
	if set(ctx, strings.Join(measurands(), ",")) {
		s.metered(measurands())
		return
	}
	var taken []string
	steps := make([]step, 0, len(measurands())+1)
	for _, m := range measurands() {
		steps = append(steps, func(ctx context.Context) {
			if set(ctx, m) {
				taken = append(taken, m)
			} else {
				s.refuse(key + "=" + m)
			}
		})
	}
	s.plan(append(steps, func(ctx context.Context) { s.offerTaken(ctx, key, taken, set) })...)
}

// offerTaken offers the measurands that were taken one by one. A charger that takes
// fewer at once, whatever its MaxLength says, gets the most needed ones.
func (s *session) offerTaken(ctx context.Context, key string, taken []string, set func(ctx context.Context, list string) bool) {
	if len(taken) == 0 {
		return
	}
	if set(ctx, strings.Join(taken, ",")) {
		s.metered(taken)
		return
	}
	s.plan(func(ctx context.Context) {
		s.refuse(key + "=" + taken[len(taken)-1])
		s.offerTaken(ctx, key, taken[:len(taken)-1], set)
	})
}

func (s *session) metered(taken []string) {
	s.hub.memory.learn(s.id, func(a *controller.Abilities) { a.Measurands = taken })
}
