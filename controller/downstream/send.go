package downstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

// profileBack is how far in the past schedules begin, so that a charger whose clock
// is a little behind does not wait with them.
const profileBack = 60 * time.Second

// floorBack is the same for fall-backs, which have no end: a charger whose clock is
// behind by hours must not be without one.
const floorBack = 24 * time.Hour

// Profile ids come from the small fixed set 1..2n: chargers exist that refuse an id
// above the number of profiles they hold.
func failsafeID(connector int) int  { return max(1, 2*connector-1) }
func operatingID(connector int) int { return max(2, 2*connector) }

// amps is a limit in amperes with the one decimal that 1.6 allows, rounded down.
func amps(limit loadbalance.MilliAmp) ocpp.Decimal {
	return ocpp.DecimalFromMilli(int64(max(0, limit)) / 100 * 100)
}

// sendLimit writes a setpoint and reports what became of it.
func (s *session) sendLimit(ctx context.Context, l controller.SetLimit) {
	err := s.dialect.setLimit(ctx, l, func(c *ocpp.Call) {
		c.Timeout = s.hub.cfg.LimitTimeout
		c.Urgent = l.Urgent || l.Reduction
		c.Sent = func(at time.Time) {
			if s.hub.cfg.OnLimitSent != nil {
				s.hub.cfg.OnLimitSent(l.Seq, at)
			}
		}
	})
	out := controller.LimitAnswered{Station: s.id, Slot: l.Slot, Seq: l.Seq}
	if err != nil {
		out.Err = err.Error()
	}
	switch {
	case err == nil:
		out.Sent, out.Accepted = true, true
	case isRefusal(err):
		out.Sent = true
	case !errors.Is(err, ocpp.ErrNotSent):
		out.Sent, out.Unknown = true, true
	}
	s.hub.reports.add(out)
}

// sendFailsafe writes the fall-back and reports what became of it.
func (s *session) sendFailsafe(ctx context.Context, f controller.InstallFailsafe) {
	err := s.dialect.setFailsafe(ctx, f)
	if errors.Is(err, ocpp.ErrClosed) {
		return // the Site offers it again when the charger is back
	}
	out := controller.FailsafeAnswered{Station: s.id, Accepted: err == nil}
	if err != nil {
		out.Err = err.Error()
	}
	s.hub.reports.add(out)
}

// statusError is an answer that is a refusal.
type statusError struct{ status string }

// tooEarly is a refusal of a charger that waits for the car's plans first (K15.FR.17): what
// it refuses now it will take then.
const tooEarly = "InvalidMessageSeq"

func isTooEarly(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && strings.Contains(strings.ToLower(e.status), strings.ToLower(tooEarly))
}

func (e *statusError) Error() string { return fmt.Sprintf("the charger answered %q", e.status) }

// isRefusal tells that the charger answered, and said no.
func isRefusal(err error) bool {
	if _, ok := errors.AsType[*statusError](err); ok {
		return true
	}
	_, ok := errors.AsType[*ocpp.Error](err)
	return ok
}

// sendCommand carries out a command within its time.
func (s *session) sendCommand(ctx context.Context, o order) {
	out := controller.CommandAnswered{Op: o.Op}
	left := time.Until(o.deadline)
	if left <= 0 {
		out.Err = "its time was over before it could be sent"
		s.hub.reports.add(out)
		return
	}
	ctx, cancel := context.WithDeadline(ctx, o.deadline)
	defer cancel()
	got, err := s.carryOut(ctx, o.Command, s.within(left))
	out.Status, out.Accepted = got.status, got.accepted && err == nil
	if got.data != nil && err == nil {
		out.Data = controller.RawData(got.data)
	}
	if err != nil {
		out.Err = err.Error()
	}
	s.hub.reports.add(out)
}

// served is what became of a command.
type served struct {
	status   string
	accepted bool
	data     any // JSON in the words of controller.ServiceRequested; nil: none
}

// servicer is a dialect that has commands of service. The rules are those of
// dialect.command.
type servicer interface {
	service(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error)
}

func (s *session) carryOut(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error) {
	if c.Kind.Service() {
		if d, ok := s.dialect.(servicer); ok {
			return d.service(ctx, c, opt)
		}
		return served{}, fmt.Errorf("cannot carry out %q: not made for this version of OCPP", c.Kind)
	}
	status, accepted, err := s.dialect.command(ctx, c, opt)
	return served{status: status, accepted: accepted}, err
}
