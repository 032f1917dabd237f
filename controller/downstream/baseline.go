package downstream

import (
	"context"

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
