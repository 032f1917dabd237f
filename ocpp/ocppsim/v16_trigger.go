package ocppsim

import (
	"context"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// trigger sends what the CSMS asks for, after the answer (16§5.17).
func (d *v16) trigger(_ context.Context, _ *ocpp.Conn, req ocpp16.TriggerMessageRequest, r *ocpp.Request) (ocpp16.TriggerMessageResponse, error) {
	send := map[ocpp16.MessageTrigger]func(outlets []*outlet, all bool){
		ocpp16.MessageTriggerBootNotification: func([]*outlet, bool) { d.c.enqueueBoot() },
		ocpp16.MessageTriggerHeartbeat:        func([]*outlet, bool) { d.c.enqueue(&message{send: d.heartbeat}) },
		ocpp16.MessageTriggerMeterValues:      func(outlets []*outlet, _ bool) { d.triggerMeter(outlets) },
		ocpp16.MessageTriggerFirmwareStatusNotification: func([]*outlet, bool) {
			d.tellFirmware(ocpp16.FirmwareStatusIdle)
		},
		ocpp16.MessageTriggerDiagnosticsStatusNotification: func([]*outlet, bool) {
			d.tellDiagnostics(ocpp16.DiagnosticsStatusIdle)
		},
		ocpp16.MessageTriggerStatusNotification: func(outlets []*outlet, all bool) {
			d.statuses(outlets, all)
		},
	}[req.RequestedMessage]
	if send == nil {
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusNotImplemented}, nil
	}
	number := 0
	if req.ConnectorID != nil {
		number = *req.ConnectorID
	}
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	outlets := d.c.chosen(number)
	if outlets == nil {
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusRejected}, nil
	}
	d.c.after(r, func() { send(outlets, number == 0) })
	return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusAccepted}, nil
}

func (d *v16) triggerMeter(outlets []*outlet) {
	for _, o := range outlets {
		v := d.meterValue(o, ocpp16.ReadingContextTrigger)
		if o.tx != nil {
			d.sendSample(o, o.tx, v)
			continue
		}
		enqueue(d.c, ocpp16.MeterValues, ocpp16.MeterValuesRequest{ConnectorID: o.Number, MeterValue: []ocpp16.MeterValue{v}})
	}
}
