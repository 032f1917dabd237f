package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
)

// CallError is a CALLERROR of a charger: an answer, if one that says no.
type CallError struct {
	Code, Description string
	Details           json.RawMessage // nil: none
}

func (e *CallError) Error() string { return e.Code + ": " + e.Description }

// PayloadError says what is wrong with a call before it is sent.
type PayloadError struct{ Text string }

func (e *PayloadError) Error() string { return e.Text }

// What Config.Call may fail with beside *CallError and *PayloadError.
var (
	ErrOffline  = errors.New("the charger is not connected")
	ErrTimeout  = errors.New("the charger did not answer in time")
	ErrTooMany  = errors.New("too many calls wait for the charger")
	errNoObject = errors.New("it is not a JSON object")
)

// LoggedCall is an OCPP call of the log, without secrets. Direction is "in" or "out",
// seen from the box.
type LoggedCall struct {
	Charger   string          `json:"charger"`
	Direction string          `json:"direction"`
	Action    string          `json:"action"`
	MessageID string          `json:"message_id"`
	Time      time.Time       `json:"time"`
	Payload   json.RawMessage `json:"payload"`
	Answer    json.RawMessage `json:"answer"` // null without one and with an error
	Error     *callErrorDTO   `json:"error"`
	LatencyMs *float64        `json:"latency_ms"` // null without an answer
	Note      string          `json:"note"`       // what was wrong with a message
}

// SetError completes a call that was answered with a CALLERROR.
func (c *LoggedCall) SetError(code, description string, details json.RawMessage) {
	c.Error = &callErrorDTO{Code: code, Description: description, Details: details}
}

// LogFilter selects calls of the log; empty fields match all.
type LogFilter struct {
	Charger, Action, Direction string
	N                          int // at most so many, the newest
	// ShowTokens is set for an admin where Config.ShowTokens allows it.
	ShowTokens bool
}

type (
	callErrorDTO struct {
		Code        string          `json:"code"`
		Description string          `json:"description"`
		Details     json.RawMessage `json:"details,omitempty"`
	}
	callResultDTO struct {
		Result json.RawMessage `json:"result,omitempty"`
		Error  *callErrorDTO   `json:"error,omitempty"`
	}
)

// maxCall bounds the payload of a call.
const maxCall = 1 << 20

// call sends any OCPP call to a charger.
func (s *Server) call(w http.ResponseWriter, r *http.Request) {
	id, action := r.PathValue("id"), r.PathValue("action")
	if s.cfg.Call == nil {
		fail(w, r, http.StatusNotFound, "This box can't send calls.", "")
		return
	}
	if !s.knows(id) {
		fail(w, r, http.StatusNotFound, "There is no charger "+strconv.Quote(id)+".", "The chargers are listed at GET /api/v1/chargers; ids are case-sensitive.")
		return
	}
	unchecked, err := flagOf(r, "unchecked")
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error(), "Write unchecked=1 to send the payload whatever it is, or leave it out.")
		return
	}
	payload, err := readCall(w, r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read: "+err.Error()+".", "Send the payload of "+action+" as one JSON object of at most 1 MiB, {} if it has no members.")
		return
	}
	if !s.audit(w, r, "call", id, action+" was called") {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	result, err := s.cfg.Call(ctx, controller.StationID(id), action, payload, unchecked)
	s.called(w, r, result, err)
}

// called answers with what became of a call.
func (s *Server) called(w http.ResponseWriter, r *http.Request, result json.RawMessage, err error) {
	if refused, ok := errors.AsType[*CallError](err); ok {
		reply(w, callResultDTO{Error: &callErrorDTO{Code: refused.Code, Description: refused.Description, Details: refused.Details}})
		return
	}
	if wrong, ok := errors.AsType[*PayloadError](err); ok {
		fail(w, r, http.StatusBadRequest, "The payload does not fit the action: "+wrong.Text+".", "Correct it, or append ?unchecked=1 to send it as it is.")
		return
	}
	switch {
	case err == nil:
		reply(w, callResultDTO{Result: result})
	case errors.Is(err, ErrOffline):
		fail(w, r, http.StatusConflict, "The charger is not connected.", "Check its power and network; the page shows when it was last heard.")
	case errors.Is(err, ErrTooMany):
		w.Header().Set("Retry-After", "1")
		fail(w, r, http.StatusServiceUnavailable, "Too many calls wait for this charger.", "Try again in a moment.")
	default:
		s.cfg.Logger.Info("call without an answer", "err", err)
		fail(w, r, http.StatusGatewayTimeout, "The charger did not answer in time.", "It may still do what was asked: look at its state before trying again.")
	}
}

// knows tells whether a charger is listed, was let in or waits at the door.
func (s *Server) knows(id string) bool {
	snap := s.cfg.Site.Snapshot()
	return slices.ContainsFunc(snap.Chargers, func(c controller.ChargerView) bool { return string(c.Station) == id }) ||
		slices.ContainsFunc(snap.Waiting, func(c controller.WaitingView) bool { return string(c.Station) == id })
}

// readCall reads the body of a call; none is an empty object.
func readCall(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	body, err := readUpTo(w, r, maxCall)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return json.RawMessage(`{}`), nil
	}
	if !json.Valid(body) || body[0] != '{' {
		return nil, errNoObject
	}
	return body, nil
}

// flagOf reads a parameter that is on or off.
func flagOf(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, errors.New("the parameter " + name + " is neither 1 nor 0")
	}
	return on, nil
}

// ocppLog lists calls.
func (s *Server) ocppLog(w http.ResponseWriter, r *http.Request) {
	n, ok := length(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	f := LogFilter{Charger: q.Get("charger"), Action: q.Get("action"), Direction: strings.ToLower(q.Get("direction")), N: n}
	if f.Direction != "" && f.Direction != "in" && f.Direction != "out" {
		fail(w, r, http.StatusBadRequest, "The direction "+strconv.Quote(q.Get("direction"))+" is neither in nor out.", "Write in for calls to the box, out for calls of the box, or leave it out.")
		return
	}
	f.ShowTokens = s.cfg.ShowTokens && callerOf(r).role.Includes(controller.RoleAdmin)
	if s.cfg.OCPPLog == nil {
		reply(w, []LoggedCall{})
		return
	}
	reply(w, each(s.cfg.OCPPLog(f), func(c LoggedCall) LoggedCall { return c }))
}
