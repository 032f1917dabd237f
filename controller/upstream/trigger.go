package upstream

import (
	"context"
	"encoding/json"
	"strconv"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// trigger answers first and sends after (16§5.17).
func (s *Station) trigger(ctx context.Context, conn *ocpp.Conn, req ocpp16.TriggerMessageRequest, r *ocpp.Request) (ocpp16.TriggerMessageResponse, error) {
	answer := func(ok bool) (ocpp16.TriggerMessageResponse, error) {
		if !ok {
			return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusRejected}, nil
		}
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusAccepted}, nil
	}
	snap := s.cfg.Loop.Snapshot()
	wanted := func(slot controller.Slot) bool { return req.ConnectorID == nil || int(slot) == *req.ConnectorID }
	if req.ConnectorID != nil && *req.ConnectorID != 0 && !hasSlot(snap, *req.ConnectorID) {
		return answer(false)
	}
	switch req.RequestedMessage {
	case ocpp16.MessageTriggerBootNotification:
		if s.accepted() != nil {
			return answer(false) // 16E 3.35
		}
		r.After(func() { signal(s.bootNow) })
	case ocpp16.MessageTriggerStatusNotification:
		s.triggerStatuses(ctx, conn, r, snap, wanted)
	case ocpp16.MessageTriggerHeartbeat:
		s.send(r, conn, ocpp16.Heartbeat.Name, json.RawMessage(`{}`))
	case ocpp16.MessageTriggerMeterValues:
		var wires []json.RawMessage
		for _, c := range snap.Connectors {
			if wire, ok := triggeredValues(c); ok && wanted(c.Slot) {
				wires = append(wires, wire)
			}
		}
		s.send(r, conn, ocpp16.MeterValues.Name, wires...)
		return answer(len(wires) > 0) // without a reading there is nothing to send
	case ocpp16.MessageTriggerDiagnosticsStatusNotification:
		s.send(r, conn, ocpp16.DiagnosticsStatusNotification.Name, json.RawMessage(`{"status":"Idle"}`))
	case ocpp16.MessageTriggerFirmwareStatusNotification:
		s.send(r, conn, ocpp16.FirmwareStatusNotification.Name, json.RawMessage(`{"status":"Idle"}`))
	default:
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusNotImplemented}, nil
	}
	return answer(true)
}

// triggerStatuses sends the wanted ones: through the queue once we are accepted, else
// at once, as a trigger allows before that (16§4.2). A slot whose transaction is not
// delivered yet does not tell that it is free: the Site does when the stop is
// acknowledged (decision 5).
func (s *Station) triggerStatuses(ctx context.Context, conn *ocpp.Conn, r *ocpp.Request, snap *controller.Snapshot, wanted func(controller.Slot) bool) {
	heads, err := s.cfg.Outbox.Heads(ctx, headsAtOnce)
	if err != nil {
		s.cfg.Logger.Error("cannot read the outbox", "err", err)
	}
	billing := map[controller.Slot]bool{}
	for _, h := range heads {
		billing[h.Slot] = true
	}
	for _, st := range snap.Statuses {
		if !wanted(st.Slot) || !s.statuses.told(st.Slot) && billing[st.Slot] && (st.Status == controller.StatusAvailable || st.Status == controller.StatusFinishing) {
			continue
		}
		if s.accepted() != nil {
			r.After(func() {
				if !s.statuses.again(st.Slot) {
					s.statuses.put(st)
				}
				signal(s.kick)
			})
		} else if wire, err := encode(new(statusRequest(st))); err == nil {
			s.send(r, conn, ocpp16.StatusNotification.Name, wire)
		}
	}
}

// send sends messages of our own accord, one after the other, once the answer is out.
// Nothing hangs on them; each ends with its time-out or the connection.
func (s *Station) send(r *ocpp.Request, conn *ocpp.Conn, action string, wires ...json.RawMessage) {
	r.After(func() {
		s.background(func() {
			for _, wire := range wires {
				if _, err := (line{s, conn}).Call(context.Background(), ocpp.Call{Action: action, Payload: wire}); err != nil {
					s.cfg.Logger.Info("a triggered message was not taken", "action", action, "err", err)
				}
			}
		})
	})
}

// triggeredValues are the newest reading of a connector, if there is one.
func triggeredValues(c controller.ConnectorView) (json.RawMessage, bool) {
	if c.MeasuredAt.IsZero() {
		return nil, false
	}
	values := []ocpp16.SampledValue{{Value: strconv.FormatInt(int64(c.Register), 10), Context: new(ocpp16.ReadingContextTrigger),
		Measurand: new(ocpp16.MeasurandEnergyActiveImportRegister), Unit: new(ocpp16.UnitOfMeasureWh)}}
	req := ocpp16.MeterValuesRequest{ConnectorID: int(c.Slot), MeterValue: []ocpp16.MeterValue{{Timestamp: ocpp.NewDateTime(c.MeasuredAt), SampledValue: values}}}
	if id, err := strconv.Atoi(string(c.UpTx)); err == nil {
		req.TransactionID = &id
	}
	wire, err := encode(&req)
	return wire, err == nil
}

// hasSlot tells whether a connector exists; 0 is the station and none of them.
func hasSlot(snap *controller.Snapshot, number int) bool {
	for _, c := range snap.Connectors {
		if int(c.Slot) == number {
			return true
		}
	}
	return false
}
