package downstream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// handle takes the CALLs of all chargers.
func (h *Hub) handle(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	s := h.sessionOf(c)
	if s == nil {
		return nil, ocpp.Errorf(ocpp.CodeInternalError, "the box is busy")
	}
	if !s.mayCall(r.Action) {
		return nil, ocpp.Errorf(ocpp.CodeSecurityError, "this charger is not accepted yet")
	}
	s.heard()
	return s.dialect.handle(s.patience(ctx), c, r)
}

// patience is ctx, that of the connection, with an end to the waiting for the
// controller's answer: AnswerTimeout from now or a little more. The CALLs of that little
// share one. It belongs to the handling of CALLs, which are one after the other, so that
// nobody uses the one before any more.
func (s *session) patience(ctx context.Context) context.Context {
	least := time.Now().Add(s.hub.cfg.AnswerTimeout)
	if least.After(s.patientUntil) {
		if s.impatient != nil {
			s.impatient()
		}
		s.patientUntil = least.Add(s.hub.cfg.AnswerTimeout / 8)
		s.patient, s.impatient = context.WithDeadline(ctx, s.patientUntil)
	}
	return s.patient
}

// maxProblems bounds what is remembered of a connection.
const maxProblems = 50

// logProblems logs what could not be read, once per connection: such a charger sends
// the same again and again.
func (s *session) logProblems(r *ocpp.Request, problems []string) {
	if len(problems) == 0 {
		return
	}
	key := r.Action + " " + problems[0]
	s.mu.Lock()
	news := !s.problems[key] && len(s.problems) < maxProblems
	if news {
		if s.problems == nil {
			s.problems = map[string]bool{}
		}
		s.problems[key] = true
	}
	s.mu.Unlock()
	if news {
		s.hub.log.Warn("charger's message read only in part", "station", s.id, "action", r.Action, "msg_id", r.ID, "problems", problems)
	}
}

// registers takes what a charger says of itself in a Boot, which is answered by what it
// returns.
func (s *session) registers(ctx context.Context, r *ocpp.Request, info controller.ChargerInfo) (controller.BootAnswer, error) {
	r.After(s.bootBegins())
	if err := s.vouched(info); err != nil {
		return controller.BootAnswer{}, err
	}
	answer, err := ask[controller.BootAnswer](ctx, s.hub, func(id controller.ReplyID) controller.Event {
		return controller.Booted{Station: s.id, Reply: id, Info: info}
	})
	if err == nil && answer.Status == accepted {
		s.bootAccepted()
		s.hub.memory.meet(s.id, info)
	}
	return answer, err
}

// accepted is the word for yes in all versions.
const accepted = "Accepted"

// noted is the answer to what the box only writes into its log.
func (s *session) noted(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	s.hub.log.Info("charger reports", "station", s.id, "action", r.Action, "payload", string(r.Payload[:min(len(r.Payload), 500)]))
	return empty(), nil
}

// when is a time of the charger's; zero if its clock can't be right.
func (s *session) when(at ocpp.DateTime, received time.Time) time.Time {
	return plausible(inZone(at, s.charger.Zone), received)
}

// empty is the answer without content.
func empty() json.RawMessage { return json.RawMessage("{}") }

// ask puts a question to the loop and waits for its answer of type B, as long as ctx
// lasts, that of a CALL. A loop that is congested or does not answer in time makes
// InternalError: the charger keeps its copy and sends it again.
func ask[B controller.AnswerBody](ctx context.Context, h *Hub, question func(controller.ReplyID) controller.Event) (B, error) {
	var none B
	body, err := h.cfg.Loop.Ask(ctx, question)
	if err != nil {
		return none, ocpp.Errorf(ocpp.CodeInternalError, "the box can't take it now, try again")
	}
	answer, ok := body.(B)
	if !ok {
		return none, fmt.Errorf("cannot answer: the controller gave a %T", body)
	}
	return answer, nil
}

// clock is a time as chargers set their own clock by it: whole seconds.
func clock(t time.Time) ocpp.DateTime { return ocpp.NewDateTime(t.Truncate(time.Second)) }
