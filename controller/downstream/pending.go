package downstream

import (
	"encoding/json"
	"strings"

	"busbar/ocpp"
)

// maxAsked bounds what is remembered of a charger that is not accepted.
const maxAsked = 16

// mayCall tells whether the charger may make a call: all of them once it is accepted;
// before that its BootNotification and what it was asked for (P2 B02.FR.09, J16E 3.8).
// What a stranger says under the identity of a charger of the site would be booked as
// that one's: it waits for its approval.
func (s *session) mayCall(action string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted || action == "BootNotification" || s.asked[action] && !s.namesake
}

// asksFor remembers that the charger was asked for a message by its name in
// TriggerMessage.
func (s *session) asksFor(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted || message == "" || len(s.asked) >= maxAsked {
		return
	}
	if strings.HasPrefix(message, "Sign") { // SignChargingStationCertificate and its like
		message = "SignCertificate"
	}
	if s.asked == nil {
		s.asked = map[string]bool{}
	}
	s.asked[message] = true
}

// mayBeCalled refuses what must wait until the charger is accepted (B02.FR.05), and
// remembers what the call asks it for.
func (s *session) mayBeCalled(action string, payload json.RawMessage) error {
	switch action {
	case "RequestStartTransaction", "RequestStopTransaction", "RemoteStartTransaction", "RemoteStopTransaction":
		if !s.isAccepted() {
			return ocpp.Errorf(ocpp.CodeSecurityError, "this charger is not accepted yet")
		}
	case "TriggerMessage", "ExtendedTriggerMessage":
		var req struct{ RequestedMessage string }
		if json.Unmarshal(payload, &req) == nil {
			s.asksFor(req.RequestedMessage)
		}
	case "GetBaseReport", "GetReport":
		s.asksFor("NotifyReport")
	case "GetLog":
		s.asksFor("LogStatusNotification")
	}
	return nil
}
