package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"busbar/controller"
	"busbar/loadbalance"
)

// The bodies of the commands.
type (
	startOrder struct {
		IDToken   string `json:"id_token"`             // 1 to 36 characters
		TokenType string `json:"token_type,omitempty"` // OCPP 2.x word, e.g. "ISO14443"
	}
	emptyOrder struct{}
	limitOrder struct {
		// LimitA in amperes, 0 to 1000; below 6 no car charges. null lifts the limit.
		LimitA json.RawMessage `json:"limit_a" schema:"number,null"`
		// For is a duration such as "30m"; empty: until lifted.
		For string `json:"for,omitempty"`
	}
)

// Bounds of what commands may say.
const (
	longestToken = 36 // identifierString of OCPP 2.0.1; 1.6 takes 20
	highestLimit = 1000.0
	longestLimit = 31 * 24 * time.Hour
	// answerWithin is a charger's own time, a stop before an unlock, and some slack.
	answerWithin = 40 * time.Second
	// bodyWithin is the time a client has to send its order.
	bodyWithin = 10 * time.Second
)

func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	var o startOrder
	slot, ok := s.order(w, r, &o)
	if !ok {
		return
	}
	if n := utf8.RuneCountInString(o.IDToken); n == 0 || n > longestToken || utf8.RuneCountInString(o.TokenType) > longestToken {
		fail(w, r, http.StatusBadRequest, "The id_token can't be used.", `Send {"id_token":"04AB…"} with 1 to 36 characters.`)
		return
	}
	s.command(w, r, slot, "a start was asked for", func(id controller.ReplyID) controller.Event {
		return controller.StartRequested{Reply: id, Origin: controller.FromLocal, Slot: slot,
			Token: controller.IDToken{Value: o.IDToken, Type: controller.TokenType(o.TokenType)}}
	})
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request) {
	slot, ok := s.order(w, r, new(emptyOrder{}))
	if !ok {
		return
	}
	s.command(w, r, slot, "a stop was asked for", func(id controller.ReplyID) controller.Event {
		return controller.StopRequested{Reply: id, Origin: controller.FromLocal, Slot: slot}
	})
}

func (s *Server) unlock(w http.ResponseWriter, r *http.Request) {
	slot, ok := s.order(w, r, new(emptyOrder{}))
	if !ok {
		return
	}
	s.command(w, r, slot, "unlocking was asked for", func(id controller.ReplyID) controller.Event {
		return controller.UnlockRequested{Reply: id, Origin: controller.FromLocal, Slot: slot}
	})
}

func (s *Server) limit(w http.ResponseWriter, r *http.Request) {
	var o limitOrder
	slot, ok := s.order(w, r, &o)
	if !ok {
		return
	}
	limit, span, err := o.read()
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error(),
			`Send {"limit_a":10,"for":"30m"}: 0 to 1000 A, null to lift the limit; leave "for" out to keep it until lifted (31 days at most).`)
		return
	}
	s.command(w, r, slot, limitWords(limit, span), func(id controller.ReplyID) controller.Event {
		return controller.LimitRequested{Reply: id, Origin: controller.FromLocal, Slot: slot, Limit: limit, For: span}
	})
}

// limitWords is a limit for the audit log.
func limitWords(limit loadbalance.MilliAmp, span time.Duration) string {
	switch {
	case limit < 0:
		return "the end of the limit was asked for"
	case span == 0:
		return fmt.Sprintf("a limit of %v until lifted was asked for", limit)
	}
	return fmt.Sprintf("a limit of %v for %v was asked for", limit, span)
}

// read checks a limit. A lifted one is negative, as LimitRequested has it.
func (o limitOrder) read() (loadbalance.MilliAmp, time.Duration, error) {
	var span time.Duration
	if o.For != "" {
		var err error
		if span, err = time.ParseDuration(o.For); err != nil || span <= 0 || span > longestLimit {
			return 0, 0, errors.New("the duration in for can't be used")
		}
	}
	switch {
	case o.LimitA == nil:
		return 0, 0, errors.New("limit_a is missing")
	case string(o.LimitA) == "null":
		return -1, 0, nil
	}
	var amperes float64
	if err := json.Unmarshal(o.LimitA, &amperes); err != nil || amperes < 0 || amperes > highestLimit {
		return 0, 0, errors.New("limit_a can't be used")
	}
	return loadbalance.MilliAmp(math.Floor(amperes*1000 + 1e-6)), span, nil // down: the safe side
}

// order reads slot and body of a command; if it can't, it answers.
func (s *Server) order(w http.ResponseWriter, r *http.Request, into any) (controller.Slot, bool) {
	n, err := strconv.Atoi(r.PathValue("n"))
	known := err == nil && slices.ContainsFunc(s.cfg.Site.Snapshot().Connectors, func(c controller.ConnectorView) bool { return int(c.Slot) == n })
	if !known {
		fail(w, r, http.StatusNotFound, "There is no connector "+strconv.Quote(r.PathValue("n"))+".", "The slots are listed at GET /api/v1/connectors.")
		return 0, false
	}
	body, err := readBody(w, r)
	if err == nil && len(body) > 0 {
		err = strictJSON(body, into)
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error(), "Send one JSON object with the fields of /api/v1/openapi.json.")
		return 0, false
	}
	return controller.Slot(n), true
}

// readBody takes a request's body, bounded in size and time.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) { return readUpTo(w, r, maxBody) }

// readUpTo reads a body of at most so many bytes.
func readUpTo(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyWithin)) // unknown to writers in tests
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		// What follows may take longer, and the end of the deadline would end it.
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

// command writes down who asks for what at a slot, sends the event to the control loop
// and answers with what became of it.
func (s *Server) command(w http.ResponseWriter, r *http.Request, slot controller.Slot, what string, ask func(controller.ReplyID) controller.Event) {
	if !s.audit(w, r, "connector", strconv.Itoa(int(slot)), what) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	answer, ok := s.ask(ctx, w, r, ask)
	if !ok {
		return
	}
	switch answer.Status {
	case "Accepted", "Scheduled", "Unlocked":
		reply(w, commandDTO{Status: answer.Status, Reason: answer.Reason})
	default:
		detail := answer.Status
		if answer.Reason != "" {
			detail += ": " + answer.Reason
		}
		fail(w, r, http.StatusConflict, detail, "")
	}
}

// ask puts a question to the control loop; if there is no answer, it answers itself.
func (s *Server) ask(ctx context.Context, w http.ResponseWriter, r *http.Request, ask func(controller.ReplyID) controller.Event) (controller.CommandAnswer, bool) {
	body, err := s.cfg.Site.Ask(ctx, ask)
	switch {
	case errors.Is(err, controller.ErrCongested), errors.Is(err, controller.ErrStopped):
		w.Header().Set("Retry-After", "1")
		fail(w, r, http.StatusServiceUnavailable, "The box can't take the command now.", "Try again in a moment.")
		return controller.CommandAnswer{}, false
	case err != nil:
		fail(w, r, http.StatusGatewayTimeout, "The charger did not answer in time.", "It may still do what was asked: look at its state before trying again.")
		return controller.CommandAnswer{}, false
	}
	answer, ok := body.(controller.CommandAnswer)
	if !ok {
		panic("web: a command was answered with something else")
	}
	return answer, true
}
