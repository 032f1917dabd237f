package ocpp

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type pingRequest struct {
	Word string `json:"word"`
	N    int    `json:"n"`
}

func (p *pingRequest) Validate() error {
	if v := CheckLength("word", p.Word, 5); v != nil {
		return v
	}
	return nil
}

type pingResponse struct {
	Word string `json:"word"`
}

func (p *pingResponse) Validate() error {
	if v := CheckLength("word", p.Word, 5); v != nil {
		return v
	}
	return nil
}

var ping = Action[pingRequest, pingResponse]{Name: "Ping", From: ChargingStation}

func knownForTest(action string) (Role, bool) { return Both, action == "Ping" || action == "Pong" }

func TestMux(t *testing.T) {
	var problems []string
	for _, c := range []struct {
		lenience     Lenience
		protocol     Protocol
		in, out, err string
	}{
		{Strict, V16, `{"word":"hi","n":1}`, `{"word":"hi"}`, ""},
		{Strict, V16, `{"word":"hi","n":1,"more":1}`, `{"word":"hi"}`, ""},
		{Strict, V201, `{"word":"hi","n":1,"more":1}`, "", "FormatViolation: more is not a member"},
		{Strict, V16, `{"word":"hi"}`, "", "OccurrenceConstraintViolation: n is missing"},
		{Strict, V16, `{"word":"hi","n":"1"}`, "", "TypeConstraintViolation: n is not an integer"},
		{Strict, V16, `{"word":"much too long","n":1}`, "", "PropertyConstraintViolation: word is longer"},
		{Lenient, V16, `{"word":7}`, `{"word":"7"}`, ""},
		{Lenient, V16, `{"word":"a","n":"x"}`, `{"word":"a"}`, ""},
		{Lenient, V16, `{"word":"wrong answer"}`, "", "cannot answer Ping"},
	} {
		m := NewMux(knownForTest)
		m.Lenience = c.lenience
		m.Problems = func(_ *Conn, _ *Request, p []string) { problems = append(problems, p...) }
		Handle(m, ping, func(_ context.Context, _ *Conn, req pingRequest, _ *Request) (pingResponse, error) {
			return pingResponse{Word: req.Word}, nil
		})
		got, err := m.HandleCall(t.Context(), &Conn{protocol: c.protocol}, &Request{Action: "Ping", Payload: json.RawMessage(c.in)})
		if v, ok := errors.AsType[*Violation](err); ok {
			err = v.CallError()
		}
		if string(got) != c.out || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
		for action, code := range map[string]ErrorCode{"Pong": CodeNotSupported, "Pang": CodeNotImplemented} {
			_, err := m.HandleCall(t.Context(), &Conn{}, &Request{Action: action})
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != code {
				t.Errorf("%s: %v", action, err)
			}
		}
	}
	if len(problems) != 1 || !strings.Contains(problems[0], "n is not an integer") {
		t.Errorf("problems: %q", problems)
	}
}

type callerFunc func(Call) (json.RawMessage, error)

func (f callerFunc) Call(_ context.Context, c Call) (json.RawMessage, error) { return f(c) }

func TestActionCallValidatesOutAndReadsLeniently(t *testing.T) {
	var sent Call
	peer := callerFunc(func(c Call) (json.RawMessage, error) { sent = c; return json.RawMessage(`{"word":5}`), nil })
	resp, err := ping.Call(t.Context(), peer, pingRequest{Word: "hi"}, func(c *Call) { c.Urgent = true })
	if err != nil || resp.Word != "5" || string(sent.Payload) != `{"word":"hi","n":0}` || !sent.Urgent || sent.Action != "Ping" {
		t.Errorf("%+v, %v; sent %+v", resp, err, sent)
	}
	sent = Call{}
	_, err = ping.Call(t.Context(), peer, pingRequest{Word: "much too long"})
	if _, ok := errors.AsType[*Violation](err); !ok || !errors.Is(err, ErrNotSent) || sent.Action != "" {
		t.Errorf("an invalid request: %v, sent %+v", err, sent)
	}
}
