package downstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// status takes StatusNotification. Whatever is wrong with its content, the answer is
// normal: a charger would send the same again and again.
func (d *v2) status(ctx context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.StatusNotificationRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	status, known := plugStatus(string(req.ConnectorStatus))
	if !known || req.EVSEID < 1 { // EVSE 0 has no connectors
		d.logProblems(r, []string{"no status of an EVSE's connector; dropped"})
		return empty(), nil
	}
	at := d.when(req.Timestamp, r.Received)
	d.heardTime(inZone(req.Timestamp, d.charger.Zone), r.Received)
	if err := d.plugSays(ctx, req.EVSEID, max(1, req.ConnectorID), status, at, ""); err != nil {
		return nil, err
	}
	return empty(), nil
}

// plugStatus reads a status in any case.
func plugStatus(word string) (ocpp2.ConnectorStatus, bool) {
	for _, known := range plugOrder() {
		if strings.EqualFold(strings.TrimSpace(word), string(known)) {
			return known, true
		}
	}
	return "", false
}

// plugOrder is the order in which the statuses of an EVSE's connectors make that of
// the EVSE: one that is used or reserved makes the others of no use, and one that can
// be used makes up for those that can't.
func plugOrder() []ocpp2.ConnectorStatus {
	return []ocpp2.ConnectorStatus{
		ocpp2.ConnectorStatusOccupied, ocpp2.ConnectorStatusReserved, ocpp2.ConnectorStatusAvailable,
		ocpp2.ConnectorStatusFaulted, ocpp2.ConnectorStatusUnavailable,
	}
}

// plugSays puts the status of an EVSE to the loop after that of one of its connectors
// was told; connector 0 is the EVSE as a whole.
func (d *v2) plugSays(ctx context.Context, evse, connector int, status ocpp2.ConnectorStatus, at time.Time, info string) error {
	whole, ok := d.evseStatus(evse, connector, status)
	if !ok {
		d.hub.log.Warn("charger tells of too many connectors", "station", d.id, "evse", evse, "connector", connector)
		return nil
	}
	ev := controller.StatusReported{Station: d.id, Connector: evse, Status: controller.ConnectorStatus(whole), Info: info, At: at}
	if whole == ocpp2.ConnectorStatusFaulted {
		ev.ErrorCode = otherError
	}
	_, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return err
}

// otherError is the error code of what is faulted: 2.x names none.
const otherError = "OtherError"

// maxPlugs bounds what is remembered of a charger's EVSEs, and of an EVSE's connectors.
const maxPlugs = 64

// evseStatus notes a connector's status and makes the EVSE's of them.
func (d *v2) evseStatus(evse, connector int, status ocpp2.ConnectorStatus) (ocpp2.ConnectorStatus, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	plugs := d.plugs[evse]
	if plugs == nil {
		if len(d.plugs) >= maxPlugs {
			return "", false
		}
		plugs = map[int]ocpp2.ConnectorStatus{}
		d.plugs[evse] = plugs
	}
	if connector == 0 {
		clear(plugs)
	} else {
		delete(plugs, 0)
	}
	if len(plugs) >= maxPlugs {
		return "", false
	}
	plugs[connector] = status
	if connector > 0 {
		d.hub.memory.plugged(place{d.id, evse}, connector)
	}
	for _, first := range plugOrder() {
		for _, s := range plugs {
			if s == first {
				return first, true
			}
		}
	}
	return status, true
}

// event takes NotifyEvent: AvailabilityState is a status (2.1 sends it instead of
// StatusNotification), the rest is written into the log.
func (d *v2) event(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.NotifyEventRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	for _, e := range req.EventData {
		status, known := plugStatus(e.ActualValue)
		if !known || !says(e.Variable.Name, "AvailabilityState") {
			d.hub.log.Info("charger's event", "station", d.id, "component", componentName(e.Component), "variable", e.Variable.Name,
				"value", e.ActualValue[:min(len(e.ActualValue), 200)], "cleared", deref(e.Cleared), "tech_code", text(e.TechCode), "tech_info", text(e.TechInfo))
			continue
		}
		if err := d.availabilitySays(ctx, e, status, d.when(e.Timestamp, r.Received)); err != nil {
			return nil, err
		}
	}
	return empty(), nil
}

// availabilitySays takes the AvailabilityState of a connector, an EVSE or the charger.
func (d *v2) availabilitySays(ctx context.Context, e ocpp2.EventData, status ocpp2.ConnectorStatus, at time.Time) error {
	evse := deref(e.Component.EVSE)
	info := text(e.TechInfo)
	switch {
	case evse.ID > 0 && says(e.Component.Name, "Connector"):
		return d.plugSays(ctx, evse.ID, max(1, deref(evse.ConnectorID)), status, at, info)
	case evse.ID > 0:
		return d.plugSays(ctx, evse.ID, 0, status, at, info)
	case !says(e.Component.Name, "ChargingStation"):
		return nil
	}
	ev := controller.StatusReported{Station: d.id, Status: controller.StatusAvailable, Info: info, At: at}
	switch status {
	case ocpp2.ConnectorStatusFaulted:
		ev.Status, ev.ErrorCode = controller.StatusFaulted, otherError
	case ocpp2.ConnectorStatusUnavailable:
		ev.Status = controller.StatusUnavailable
	}
	_, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return err
}

// componentName is a component with its place, for the log.
func componentName(c ocpp2.Component) string {
	name := c.Name
	if c.Instance != nil {
		name += "[" + *c.Instance + "]"
	}
	if c.EVSE != nil {
		name += "@" + placeName(*c.EVSE)
	}
	return name
}
