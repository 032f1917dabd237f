package ocppsim

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// commands answers what the CSMS asks of the charger.
func (c *Charger) commands() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.RemoteStartTransaction, c.remoteStart)
	ocpp.Handle(m, ocpp16.RemoteStopTransaction, c.remoteStop)
	ocpp.Handle(m, ocpp16.SetChargingProfile, c.setProfile)
	ocpp.Handle(m, ocpp16.ClearChargingProfile, c.clearProfile)
	ocpp.Handle(m, ocpp16.GetConfiguration, c.getConfiguration)
	ocpp.Handle(m, ocpp16.ChangeConfiguration, c.changeConfiguration)
	ocpp.Handle(m, ocpp16.ChangeAvailability, c.changeAvailability)
	ocpp.Handle(m, ocpp16.TriggerMessage, c.trigger)
	ocpp.Handle(m, ocpp16.UnlockConnector, c.unlock)
	ocpp.Handle(m, ocpp16.Reset, c.reset)
	return ocpp.HandlerFunc(func(ctx context.Context, conn *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		c.mu.Lock()
		delay := c.fault.AnswerDelay
		c.mu.Unlock()
		if delay > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(delay):
			}
		}
		return m.HandleCall(ctx, conn, r)
	})
}

func (c *Charger) remoteStart(_ context.Context, _ *ocpp.Conn, req ocpp16.RemoteStartTransactionRequest, r *ocpp.Request) (ocpp16.RemoteStartTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var o *outlet
	if req.ConnectorID != nil {
		o = c.outlet(*req.ConnectorID)
	} else if len(c.outlets) > 0 {
		o = c.outlets[0]
	}
	if o == nil || o.tx != nil || !o.operative || o.stage == stageLeaving || c.dead {
		return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}, nil
	}
	r.After(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.tx != nil {
			return
		}
		if o.car == nil { // the driver plugs in now
			c.plug(o, o.next.Car)
			c.show(o, ocpp16.ChargePointStatusPreparing)
		}
		c.begin(o, req.IDTag, time.Now())
	})
	return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusAccepted}, nil
}

func (c *Charger) remoteStop(_ context.Context, _ *ocpp.Conn, req ocpp16.RemoteStopTransactionRequest, r *ocpp.Request) (ocpp16.RemoteStopTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.outlets {
		if o.tx == nil || !o.tx.StartAcked || o.tx.ID != req.TransactionID {
			continue
		}
		r.After(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if o.tx != nil && o.tx.ID == req.TransactionID {
				c.stop(o, ocpp16.ReasonRemote, nil)
			}
		})
		return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatusAccepted}, nil
	}
	return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}, nil
}

func (c *Charger) setProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.SetChargingProfileRequest, _ *ocpp.Request) (ocpp16.SetChargingProfileResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rejected := ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusRejected}
	p := req.CSChargingProfiles
	o := c.outlet(req.ConnectorID)
	switch p.ChargingProfilePurpose {
	case ocpp16.ChargingProfilePurposeTypeTxProfile:
		if c.fault.RefuseTxProfile || o == nil || o.tx == nil || p.TransactionID != nil && (!o.tx.StartAcked || *p.TransactionID != o.tx.ID) {
			return rejected, nil
		}
	case ocpp16.ChargingProfilePurposeTypeChargePointMaxProfile:
		if req.ConnectorID != 0 {
			return rejected, nil
		}
	default:
		if req.ConnectorID != 0 && o == nil {
			return rejected, nil
		}
	}
	for _, o := range c.outlets {
		c.advance(o, time.Now()) // what was offered until now
	}
	c.profiles.set(req.ConnectorID, p, c.now())
	return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusAccepted}, nil
}

func (c *Charger) clearProfile(_ context.Context, _ *ocpp.Conn, req ocpp16.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp16.ClearChargingProfileResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.profiles.clear(func(i installed) bool {
		if req.ID != nil {
			return i.p.ChargingProfileID == *req.ID
		}
		return (req.ConnectorID == nil || *req.ConnectorID == i.connector) &&
			(req.ChargingProfilePurpose == nil || *req.ChargingProfilePurpose == i.p.ChargingProfilePurpose) &&
			(req.StackLevel == nil || *req.StackLevel == i.p.StackLevel)
	})
	if n == 0 {
		return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusUnknown}, nil
	}
	return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatusAccepted}, nil
}

func (c *Charger) getConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.GetConfigurationRequest, _ *ocpp.Request) (ocpp16.GetConfigurationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var resp ocpp16.GetConfigurationResponse
	if len(req.Key) == 0 {
		for _, key := range slices.Sorted(maps.Keys(c.keys)) {
			resp.ConfigurationKey = append(resp.ConfigurationKey, ocpp16.KeyValue{Key: key, Value: new(c.keys[key])})
		}
		return resp, nil
	}
	for _, key := range req.Key {
		if v, ok := c.keys[key]; ok {
			resp.ConfigurationKey = append(resp.ConfigurationKey, ocpp16.KeyValue{Key: key, Value: &v})
		} else {
			resp.UnknownKey = append(resp.UnknownKey, key)
		}
	}
	return resp, nil
}

func (c *Charger) changeConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.ChangeConfigurationRequest, _ *ocpp.Request) (ocpp16.ChangeConfigurationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.keys[req.Key]; !ok {
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusNotSupported}, nil
	}
	c.keys[req.Key] = req.Value
	for _, o := range c.outlets {
		if o.tx != nil {
			o.sampleAt = time.Now().Add(c.interval())
		}
	}
	poke(c.stir)
	return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusAccepted}, nil
}

func (c *Charger) changeAvailability(_ context.Context, _ *ocpp.Conn, req ocpp16.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp16.ChangeAvailabilityResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := ocpp16.AvailabilityStatusAccepted
	for _, o := range c.outlets {
		if req.ConnectorID != 0 && o.Number != req.ConnectorID {
			continue
		}
		o.operative = req.Type == ocpp16.AvailabilityTypeOperative
		switch {
		case o.tx != nil:
			status = ocpp16.AvailabilityStatusScheduled
		case o.operative && o.stage == stageOver:
			o.stage, o.due = stageNew, time.Time{}
			c.show(o, ocpp16.ChargePointStatusAvailable)
		default:
			c.show(o, ocpp16.ChargePointStatusAvailable)
		}
	}
	poke(c.stir)
	return ocpp16.ChangeAvailabilityResponse{Status: status}, nil
}

func (c *Charger) trigger(_ context.Context, _ *ocpp.Conn, req ocpp16.TriggerMessageRequest, r *ocpp.Request) (ocpp16.TriggerMessageResponse, error) {
	if req.RequestedMessage != ocpp16.MessageTriggerStatusNotification {
		return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusNotImplemented}, nil
	}
	r.After(func() {
		if req.ConnectorID == nil {
			c.statuses()
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if o := c.outlet(*req.ConnectorID); o != nil {
			c.sendStatus(o.Number, o.state)
		}
	})
	return ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusAccepted}, nil
}

func (c *Charger) unlock(_ context.Context, _ *ocpp.Conn, req ocpp16.UnlockConnectorRequest, r *ocpp.Request) (ocpp16.UnlockConnectorResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.outlet(req.ConnectorID)
	if o == nil {
		return ocpp16.UnlockConnectorResponse{Status: ocpp16.UnlockStatusNotSupported}, nil
	}
	if o.tx != nil {
		r.After(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if o.tx != nil {
				c.stop(o, ocpp16.ReasonUnlockCommand, nil)
			}
		})
	}
	return ocpp16.UnlockConnectorResponse{Status: ocpp16.UnlockStatusUnlocked}, nil
}

// reset ends what runs and takes the power away for a moment.
func (c *Charger) reset(_ context.Context, _ *ocpp.Conn, req ocpp16.ResetRequest, r *ocpp.Request) (ocpp16.ResetResponse, error) {
	reason := ocpp16.ReasonSoftReset
	if req.Type == ocpp16.ResetTypeHard {
		reason = ocpp16.ReasonHardReset
	}
	r.After(func() {
		c.mu.Lock()
		for _, o := range c.outlets {
			if o.tx != nil {
				c.stop(o, reason, nil)
			}
		}
		c.mu.Unlock()
		c.Kill()
		c.Revive()
	})
	return ocpp16.ResetResponse{Status: ocpp16.ResetStatusAccepted}, nil
}
