package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/controller/downstream"
	"busbar/controller/ocpplog"
	"busbar/controller/store"
	"busbar/ocpp"
	"busbar/web"
)

// call sends any OCPP call to a charger, as the page's API asks.
func (b *Box) call(ctx context.Context, id controller.StationID, action string, payload json.RawMessage, unchecked bool) (json.RawMessage, error) {
	if !unchecked {
		if err := checkCall(b.protocolOf(id), action, payload); err != nil {
			return nil, err
		}
	}
	result, err := b.hub.Call(ctx, id, action, payload)
	return result, callFailure(err)
}

// protocolOf is the version that a charger speaks at present, "" if it is not connected.
func (b *Box) protocolOf(id controller.StationID) ocpp.Protocol {
	for _, c := range b.Snapshot().Chargers {
		if c.Station == id && c.Online {
			return ocpp.Protocol(c.Protocol)
		}
	}
	return ""
}

// callFailure is an error of the Hub in the words of the API.
func callFailure(err error) error {
	if refused, ok := errors.AsType[*ocpp.Error](err); ok {
		return &web.CallError{Code: string(refused.Code), Description: refused.Description, Details: refused.Details}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ocpp.ErrCongested):
		return web.ErrTooMany
	case errors.Is(err, downstream.ErrOffline), errors.Is(err, ocpp.ErrClosed) && errors.Is(err, ocpp.ErrNotSent):
		return web.ErrOffline
	case errors.Is(err, ocpp.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return web.ErrTimeout
	}
	return err
}

// checkCall tells what is wrong with a call of a known action. What a version's list of
// actions does not have passes: a charger may know more than we do, and says so if not.
func checkCall(p ocpp.Protocol, action string, payload json.RawMessage) error {
	checks, known := requestsOf(p)
	if check := checks[action]; check != nil {
		if err := check(payload); err != nil {
			return &web.PayloadError{Text: err.Error()}
		}
		return nil
	}
	if role, ok := known(action); ok && role == ocpp.ChargingStation {
		return &web.PayloadError{Text: action + " is sent by chargers, not to them"}
	}
	return nil
}

// ocppLog lists OCPP calls for the API.
func (b *Box) ocppLog(f web.LogFilter) []web.LoggedCall {
	calls := b.messages.Calls(ocpplog.Filter{Charger: f.Charger, Action: f.Action, Direction: ocpplog.Direction(f.Direction), N: f.N, ShowTokens: f.ShowTokens})
	out := make([]web.LoggedCall, 0, len(calls))
	for _, c := range calls {
		l := web.LoggedCall{Charger: c.Charger, Direction: string(c.Direction), Action: c.Action, MessageID: c.ID, Time: c.At,
			Payload: c.Payload, Answer: c.Result, Note: c.Note}
		if c.Error != nil {
			l.SetError(string(c.Error.Code), c.Error.Description, c.Error.Details)
		}
		if !c.Answered.IsZero() {
			l.LatencyMs = new(float64(c.Latency.Microseconds()) / float64(time.Millisecond/time.Microsecond))
		}
		out = append(out, l)
	}
	return out
}

// resend takes a parked lane back to work and clears its alarm.
func (b *Box) resend(ctx context.Context, tx controller.TxID) (int, error) {
	waiting, err := b.store.Resend(ctx, tx)
	switch {
	case errors.Is(err, store.ErrRefused):
		return 0, fmt.Errorf("%w: %s", web.ErrCannotResend, err.Error())
	case err != nil || waiting == 0:
		return 0, err
	}
	return waiting, b.Post(controller.ResumedLane{Tx: tx})
}
