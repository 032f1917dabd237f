package downstream

import (
	"context"
	"encoding/json"

	"busbar/controller"
	"busbar/ocpp"
)

// dialect is all that a charger's OCPP version makes different. A session has one of
// its own from the handshake on (by conn.Protocol()) until its socket ends, so it may
// keep what it learns of that connection. The session decides what is sent and when,
// and reports the outcome to the loop; the dialect decides how it is said.
//
// handle runs on a goroutine of the connection, all other methods on the session's: handle
// and one other may run at the same time, two of the others never. A method that
// sends may wait for the charger's answer, one CALL after the other, each bounded by
// session.within; it must not wait for anything else, because setpoints wait behind
// it. What takes many CALLs is cut into steps by session.plan.
//
// Errors of the methods that send are those of ocpp.Conn.Call as they came, and
// *statusError for an answer that says no: the session tells by them whether the
// charger refused, was never asked, or may have obeyed without saying so.
type dialect interface {
	// handle answers a CALL of the charger: it turns it into an event, puts that to the
	// loop by ask, and answers when the loop has. The session is accepted, or the CALL is
	// BootNotification. Input is read leniently; whatever a charger would send again for
	// ever is answered normally, also when nothing of it can be used. A Boot is bracketed
	// by Request.After(session.bootBegins()) and, once accepted, session.bootAccepted.
	handle(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error)

	// setLimit writes a leased setpoint (rounded down, at least one transaction long or
	// as long as its lease) and returns when the charger has taken it. opt must be passed
	// to the CALL that carries the setpoint: it sets urgency, time and the measure.
	setLimit(ctx context.Context, l controller.SetLimit, opt func(*ocpp.Call)) error

	// setFailsafe writes the fall-back: what holds whenever no setpoint does, without
	// end and over restarts of the charger; for all connectors.
	setFailsafe(ctx context.Context, f controller.InstallFailsafe) error

	// command carries out c. status is the word of OCPP 1.6 for the answer (a 2.x dialect
	// translates its own), accepted whether that is a yes. A kind the version does not
	// know is an error.
	command(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (status string, accepted bool, err error)

	// pushBaseline begins to bring the charger's settings (ocpp-gateway 8.1) to what the
	// box needs: it reads the present ones, plans a step per value that differs
	// (session.plan), notes what is not taken (session.refuse), and as its last step calls
	// session.finishBaseline. A 2.x dialect takes the inventory the same way.
	pushBaseline(ctx context.Context)

	// askBoot asks the charger to send BootNotification, askStatus the states of all
	// connectors. Best effort: a charger that can't is logged.
	askBoot(ctx context.Context)
	askStatus(ctx context.Context)
}

// spoken is a line of the table of versions: a version and how a session's dialect of
// it is made.
type spoken struct {
	protocol ocpp.Protocol
	open     func(*session) dialect
}

// versions is the table of what the Hub speaks, best first. A version is added by its
// line here; no other shared code names one.
func versions() []spoken {
	return []spoken{
		{ocpp.V21, newV2},
		{ocpp.V201, newV2},
		{ocpp.V16, newV16},
	}
}

// protocols are the versions of the table.
func protocols() []ocpp.Protocol {
	var all []ocpp.Protocol
	for _, v := range versions() {
		all = append(all, v.protocol)
	}
	return all
}

// dialectOf makes the session's dialect by what its handshake agreed on.
func dialectOf(s *session) dialect {
	for _, v := range versions() {
		if v.protocol == s.conn.Protocol() {
			return v.open(s)
		}
	}
	panic("downstream: a version was admitted that is not spoken") // admit permits these only
}
