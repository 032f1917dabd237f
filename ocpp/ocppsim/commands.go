package ocppsim

import (
	"context"
	"encoding/json"
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
	ocpp.Handle(m, ocpp16.GetCompositeSchedule, c.compositeSchedule)
	ocpp.Handle(m, ocpp16.GetConfiguration, c.getConfiguration)
	ocpp.Handle(m, ocpp16.ChangeConfiguration, c.changeConfiguration)
	ocpp.Handle(m, ocpp16.ChangeAvailability, c.changeAvailability)
	ocpp.Handle(m, ocpp16.TriggerMessage, c.trigger)
	ocpp.Handle(m, ocpp16.UnlockConnector, c.unlock)
	ocpp.Handle(m, ocpp16.Reset, c.reset)
	ocpp.Handle(m, ocpp16.ClearCache, func(context.Context, *ocpp.Conn, ocpp16.ClearCacheRequest, *ocpp.Request) (ocpp16.ClearCacheResponse, error) {
		return ocpp16.ClearCacheResponse{Status: ocpp16.ClearCacheStatusAccepted}, nil
	})
	ocpp.Handle(m, ocpp16.DataTransfer, func(context.Context, *ocpp.Conn, ocpp16.DataTransferRequest, *ocpp.Request) (ocpp16.DataTransferResponse, error) {
		return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
	})
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
	o := c.freeOutlet()
	if req.ConnectorID != nil {
		o = c.outlet(*req.ConnectorID)
	}
	p := req.ChargingProfile
	if !c.free(o) || p != nil && (p.ChargingProfilePurpose != ocpp16.ChargingProfilePurposeTypeTxProfile || !acceptable(p)) {
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
		if p != nil { // 16§5.11
			c.profiles.set(o.Number, *p, c.now())
		}
		c.begin(o, req.IDTag, time.Now())
	})
	return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusAccepted}, nil
}

// free reports whether a transaction can begin at a connector.
func (c *Charger) free(o *outlet) bool {
	return o != nil && o.tx == nil && o.operative && o.stage != stageLeaving && !c.dead
}

// freeOutlet is the first connector where a transaction can begin, one with a car
// before one without; nil if there is none.
func (c *Charger) freeOutlet() *outlet {
	var found *outlet
	for _, o := range c.outlets {
		if c.free(o) && (found == nil || found.car == nil && o.car != nil) {
			found = o
		}
	}
	return found
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

func (c *Charger) changeAvailability(_ context.Context, _ *ocpp.Conn, req ocpp16.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp16.ChangeAvailabilityResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.ConnectorID != 0 && c.outlet(req.ConnectorID) == nil {
		return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatusRejected}, nil
	}
	status := ocpp16.AvailabilityStatusAccepted
	for _, o := range c.outlets {
		if req.ConnectorID != 0 && o.Number != req.ConnectorID {
			continue
		}
		o.operative = req.Type == ocpp16.AvailabilityTypeOperative
		switch {
		case o.tx != nil:
			if !o.operative {
				status = ocpp16.AvailabilityStatusScheduled
			}
		case o.operative && o.stage == stageOver:
			o.stage, o.due = stageNew, time.Time{}
			c.show(o, ocpp16.ChargePointStatusAvailable)
		case o.car == nil:
			c.show(o, ocpp16.ChargePointStatusAvailable)
		}
	}
	poke(c.stir)
	return ocpp16.ChangeAvailabilityResponse{Status: status}, nil
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
