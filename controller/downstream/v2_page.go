package downstream

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"busbar/ocpp"
)

// pager is a dialect that cuts calls that are too long for the charger.
type pager interface {
	// callPaged makes a call of somebody's, in several ones where the charger takes only so
	// many entries at a time; their answers are put together.
	callPaged(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error)
}

// pagedList is the list of an action that DeviceDataCtrlr.ItemsPerMessage bounds
// (B05.FR.11, B06.FR.05, N04, N06), and that of its answer.
func pagedList(action string) (asked, answered string) {
	switch action {
	case "GetVariables":
		return "getVariableData", "getVariableResult"
	case "SetVariables":
		return "setVariableData", "setVariableResult"
	case "SetVariableMonitoring":
		return "setMonitoringData", "setMonitoringResult"
	case "ClearVariableMonitoring":
		return "id", "clearMonitoringResult"
	}
	return "", ""
}

// callPaged implements pager.
func (d *v2) callPaged(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error) {
	asked, answered := pagedList(action)
	entries := elements(payload, asked)
	most := d.itemsOf(action)
	if asked == "" || most == 0 || len(entries) <= most {
		return d.conn.Call(ctx, ocpp.Call{Action: action, Payload: payload})
	}
	var whole []json.RawMessage
	for page := range slices.Chunk(entries, most) {
		part, err := replaced(payload, asked, page)
		if err != nil {
			return nil, err
		}
		answer, err := d.conn.Call(ctx, ocpp.Call{Action: action, Payload: part})
		if err != nil {
			return nil, fmt.Errorf("cannot send all of it, %d of %d entries were answered: %w", len(whole), len(entries), err)
		}
		whole = append(whole, elements(answer, answered)...)
	}
	return replaced(json.RawMessage("{}"), answered, whole)
}

// elements are those of a list in an object.
func elements(object json.RawMessage, member string) []json.RawMessage {
	all, err := ocpp.RawArray(list(object, member))
	if err != nil {
		return nil
	}
	return all
}

// replaced is an object with another list in the place of one of its members.
func replaced(object json.RawMessage, member string, list []json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, fmt.Errorf("cannot read the call: %w", err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("cannot write the call: %w", err)
	}
	members[member] = text
	return json.Marshal(members)
}

// itemsOf is how many entries the charger said to take in an action; 0: not known.
func (d *v2) itemsOf(action string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.items[action]
}

// takesItems remembers that.
func (d *v2) takesItems(action string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items[action] = n
}
