package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"busbar/ocpp"
)

// silentCalls is how many CALLs in a row may go unanswered: more mean a dead peer
// behind a live socket, which only a new connection mends.
const silentCalls = 2

// line is a connection as the Station calls on it: with the cloud's MessageTimeout,
// measured, and ended when the peer has fallen silent.
type line struct {
	*Station
	conn *ocpp.Conn
}

var _ ocpp.Caller = line{}

// Call is that of ocpp.Conn. A cloud that has forgotten our Boot refuses everything
// (16E 3.8): then the connection ends, and the next one begins with a Boot.
func (l line) Call(ctx context.Context, c ocpp.Call) (json.RawMessage, error) {
	c.Timeout = l.seconds(keyMessageTimeout)
	sent := make(chan time.Time, 1)
	c.Sent = func(at time.Time) {
		l.usage.begin(at)
		sent <- at
	}
	answer, err := l.conn.Call(ctx, c)
	select {
	case began := <-sent:
		l.usage.end(began, time.Now())
	default: // it never left
	}
	refused, isRefused := errors.AsType[*ocpp.Error](err)
	if isRefused && refused.Code == ocpp.CodeSecurityError && l.bootWanted(l.conn) {
		l.conn.Close(1000, "boot needed")
		return nil, fmt.Errorf("%w: the cloud wants a Boot: %v", ocpp.ErrClosed, err)
	}
	if err == nil || isRefused {
		l.silent.Store(0)
	} else if errors.Is(err, ocpp.ErrTimeout) && l.silent.Add(1) >= silentCalls {
		l.conn.Close(1001, "no answers")
	}
	return answer, err
}
