package ocppsim

import (
	"context"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func (d *v16) commands() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.RemoteStartTransaction, d.remoteStart)
	ocpp.Handle(m, ocpp16.RemoteStopTransaction, d.remoteStop)
	ocpp.Handle(m, ocpp16.SetChargingProfile, d.setProfile)
	ocpp.Handle(m, ocpp16.ClearChargingProfile, d.clearProfile)
	ocpp.Handle(m, ocpp16.GetCompositeSchedule, d.compositeSchedule)
	ocpp.Handle(m, ocpp16.GetConfiguration, d.getConfiguration)
	ocpp.Handle(m, ocpp16.ChangeConfiguration, d.changeConfiguration)
	ocpp.Handle(m, ocpp16.ChangeAvailability, d.changeAvailability)
	ocpp.Handle(m, ocpp16.TriggerMessage, d.trigger)
	ocpp.Handle(m, ocpp16.UnlockConnector, d.unlock)
	ocpp.Handle(m, ocpp16.Reset, d.reset)
	d.serviceCommands(m)
	ocpp.Handle(m, ocpp16.ClearCache, func(context.Context, *ocpp.Conn, ocpp16.ClearCacheRequest, *ocpp.Request) (ocpp16.ClearCacheResponse, error) {
		return ocpp16.ClearCacheResponse{Status: ocpp16.ClearCacheStatusAccepted}, nil
	})
	ocpp.Handle(m, ocpp16.DataTransfer, func(context.Context, *ocpp.Conn, ocpp16.DataTransferRequest, *ocpp.Request) (ocpp16.DataTransferResponse, error) {
		return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
	})
	return m
}

func (d *v16) remoteStart(_ context.Context, _ *ocpp.Conn, req ocpp16.RemoteStartTransactionRequest, r *ocpp.Request) (ocpp16.RemoteStartTransactionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	rejected := ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}
	var o *outlet
	if req.ConnectorID != nil {
		if o = d.c.outlet(*req.ConnectorID); o == nil {
			return rejected, nil
		}
	}
	var p *chargingProfile
	if req.ChargingProfile != nil {
		read, ok := profile16(req.ChargingProfile)
		if !ok {
			return rejected, nil
		}
		p = &read
	}
	if d.c.remoteStart(o, req.IDTag, p, nil, r) == nil {
		return rejected, nil
	}
	return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusAccepted}, nil
}

func (d *v16) remoteStop(_ context.Context, _ *ocpp.Conn, req ocpp16.RemoteStopTransactionRequest, r *ocpp.Request) (ocpp16.RemoteStopTransactionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	for _, o := range d.c.outlets {
		if o.tx != nil && o.tx.StartAcked && o.tx.ID == req.TransactionID {
			d.c.stopAfter(o, o.tx, causeRemote, r)
			return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatusAccepted}, nil
		}
	}
	return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}, nil
}

func (d *v16) changeAvailability(_ context.Context, _ *ocpp.Conn, req ocpp16.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp16.ChangeAvailabilityResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	outlets := d.c.chosen(req.ConnectorID)
	switch {
	case outlets == nil:
		return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatusRejected}, nil
	case d.c.setOperative(outlets, req.Type == ocpp16.AvailabilityTypeOperative):
		return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatusScheduled}, nil
	}
	return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatusAccepted}, nil
}

func (d *v16) unlock(_ context.Context, _ *ocpp.Conn, req ocpp16.UnlockConnectorRequest, r *ocpp.Request) (ocpp16.UnlockConnectorResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	o := d.c.outlet(req.ConnectorID)
	if o == nil {
		return ocpp16.UnlockConnectorResponse{Status: ocpp16.UnlockStatusNotSupported}, nil
	}
	if o.tx != nil {
		d.c.stopAfter(o, o.tx, causeUnlock, r)
	}
	return ocpp16.UnlockConnectorResponse{Status: ocpp16.UnlockStatusUnlocked}, nil
}

func (d *v16) reset(_ context.Context, _ *ocpp.Conn, req ocpp16.ResetRequest, r *ocpp.Request) (ocpp16.ResetResponse, error) {
	why := causeSoftReset
	if req.Type == ocpp16.ResetTypeHard {
		why = causeHardReset
	}
	r.After(func() { d.c.restart(why, bootReset) })
	return ocpp16.ResetResponse{Status: ocpp16.ResetStatusAccepted}, nil
}
