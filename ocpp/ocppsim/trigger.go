package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// trigger sends what the CSMS asks for, after the answer (16§5.17).
func (c *Charger) trigger(_ context.Context, _ *ocpp.Conn, req ocpp16.TriggerMessageRequest, r *ocpp.Request) (ocpp16.TriggerMessageResponse, error) {
	send := map[ocpp16.MessageTrigger]func(outlets []*outlet, all bool){
		ocpp16.MessageTriggerBootNotification:   c.triggerBoot,
		ocpp16.MessageTriggerHeartbeat:          c.triggerHeartbeat,
		ocpp16.MessageTriggerMeterValues:        c.triggerMeter,
		ocpp16.MessageTriggerStatusNotification: c.triggerStatus,
	}[req.RequestedMessage]
	if send == nil {
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusNotImplemented}, nil
	}
	outlets, all := c.outlets, true
	if req.ConnectorID != nil && *req.ConnectorID != 0 {
		o := c.outlet(*req.ConnectorID)
		if o == nil {
			return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusRejected}, nil
		}
		outlets, all = []*outlet{o}, false
	}
	r.After(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		send(outlets, all)
	})
	return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusAccepted}, nil
}

func (c *Charger) triggerStatus(outlets []*outlet, all bool) {
	if all {
		c.sendStatus(0, ocpp16.ChargePointStatusAvailable)
	}
	for _, o := range outlets {
		c.sendStatus(o.Number, o.state)
	}
}

func (c *Charger) triggerBoot([]*outlet, bool) {
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := ocpp16.BootNotification.Call(ctx, conn, c.bootRequest())
		return err
	}})
}

func (c *Charger) triggerHeartbeat([]*outlet, bool) {
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := ocpp16.Heartbeat.Call(ctx, conn, ocpp16.HeartbeatRequest{})
		return err
	}})
}

func (c *Charger) triggerMeter(outlets []*outlet, _ bool) {
	for _, o := range outlets {
		c.advance(o, time.Now())
		v := c.meterValue(o, ocpp16.ReadingContextTrigger)
		if o.tx != nil {
			c.sendSample(o, o.tx, v)
			continue
		}
		c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
			_, err := ocpp16.MeterValues.Call(ctx, conn, ocpp16.MeterValuesRequest{ConnectorID: o.Number, MeterValue: []ocpp16.MeterValue{v}})
			return err
		}})
	}
}
