package ocppsim

import (
	"context"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

func (d *v2) commands() ocpp.Handler {
	m := ocpp.NewMux(ocpp2.KnownIn(d.version))
	ocpp.Handle(m, ocpp2.RequestStartTransaction, d.remoteStart)
	ocpp.Handle(m, ocpp2.RequestStopTransaction, d.remoteStop)
	ocpp.Handle(m, ocpp2.GetTransactionStatus, d.transactionStatus)
	ocpp.Handle(m, ocpp2.SetChargingProfile, d.setProfile)
	ocpp.Handle(m, ocpp2.ClearChargingProfile, d.clearProfile)
	ocpp.Handle(m, ocpp2.GetChargingProfiles, d.getProfiles)
	ocpp.Handle(m, ocpp2.GetCompositeSchedule, d.compositeSchedule)
	ocpp.Handle(m, ocpp2.GetVariables, d.getVariables)
	ocpp.Handle(m, ocpp2.SetVariables, d.setVariables)
	ocpp.Handle(m, ocpp2.GetBaseReport, d.baseReport)
	ocpp.Handle(m, ocpp2.GetReport, d.customReport)
	ocpp.Handle(m, ocpp2.ChangeAvailability, d.changeAvailability)
	ocpp.Handle(m, ocpp2.TriggerMessage, d.trigger)
	ocpp.Handle(m, ocpp2.UnlockConnector, d.unlock)
	ocpp.Handle(m, ocpp2.Reset, d.reset)
	d.securityCommands(m)
	d.accessCommands(m)
	d.displayCommands(m)
	ocpp.Handle(m, ocpp2.ClearCache, func(context.Context, *ocpp.Conn, ocpp2.ClearCacheRequest, *ocpp.Request) (ocpp2.ClearCacheResponse, error) {
		return ocpp2.ClearCacheResponse{Status: ocpp2.ClearCacheStatusAccepted}, nil
	})
	ocpp.Handle(m, ocpp2.DataTransfer, func(context.Context, *ocpp.Conn, ocpp2.DataTransferRequest, *ocpp.Request) (ocpp2.DataTransferResponse, error) {
		return ocpp2.DataTransferResponse{Status: ocpp2.DataTransferStatusUnknownVendorId}, nil
	})
	return m
}

func (d *v2) remoteStart(_ context.Context, _ *ocpp.Conn, req ocpp2.RequestStartTransactionRequest, r *ocpp.Request) (ocpp2.RequestStartTransactionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	rejected := func(code string) (ocpp2.RequestStartTransactionResponse, error) {
		return ocpp2.RequestStartTransactionResponse{Status: ocpp2.RequestStartStopStatusRejected, StatusInfo: refusal(code)}, nil
	}
	var o *outlet
	if req.EVSEID != nil {
		if o = d.c.outlet(*req.EVSEID); o == nil {
			return rejected("UnknownEvse")
		}
	}
	var p *chargingProfile
	if req.ChargingProfile != nil {
		read, ok := profile2(req.ChargingProfile)
		if !ok || read.transaction != "" { // P2 F01: it has none yet
			return rejected("InvalidProfile")
		}
		p = &read
	}
	if o = d.c.remoteStart(o, req.IDToken.IDToken, p, &req.RemoteStartID, r); o == nil {
		return rejected("TxInProgress")
	}
	resp := ocpp2.RequestStartTransactionResponse{Status: ocpp2.RequestStartStopStatusAccepted}
	if ch := d.chains[o.Number]; ch != nil {
		resp.TransactionID = &ch.id
	}
	return resp, nil
}

func (d *v2) remoteStop(_ context.Context, _ *ocpp.Conn, req ocpp2.RequestStopTransactionRequest, r *ocpp.Request) (ocpp2.RequestStopTransactionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	for _, o := range d.c.outlets {
		if o.tx != nil && o.tx.ChargerTx == req.TransactionID {
			d.c.stopAfter(o, o.tx, causeRemote, r)
			return ocpp2.RequestStopTransactionResponse{Status: ocpp2.RequestStartStopStatusAccepted}, nil
		}
	}
	return ocpp2.RequestStopTransactionResponse{Status: ocpp2.RequestStartStopStatusRejected, StatusInfo: refusal("TxNotFound")}, nil
}

func (d *v2) transactionStatus(_ context.Context, _ *ocpp.Conn, req ocpp2.GetTransactionStatusRequest, _ *ocpp.Request) (ocpp2.GetTransactionStatusResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var resp ocpp2.GetTransactionStatusResponse
	for _, m := range d.c.queue {
		resp.MessagesInQueue = resp.MessagesInQueue || m.keep && (req.TransactionID == nil || m.transaction == *req.TransactionID)
	}
	if req.TransactionID != nil {
		ongoing := false
		for _, ch := range d.chains {
			ongoing = ongoing || ch.id == *req.TransactionID
		}
		resp.OngoingIndicator = &ongoing
	}
	return resp, nil
}

// evseOf is the number of an EVSE, 0 the station.
func evseOf(e *ocpp2.EVSE) int {
	if e == nil {
		return 0
	}
	return e.ID
}

func (d *v2) changeAvailability(_ context.Context, _ *ocpp.Conn, req ocpp2.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp2.ChangeAvailabilityResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	outlets := d.c.chosen(evseOf(req.EVSE))
	switch {
	case outlets == nil:
		return ocpp2.ChangeAvailabilityResponse{Status: ocpp2.ChangeAvailabilityStatusRejected, StatusInfo: refusal("UnknownEvse")}, nil
	case d.c.setOperative(outlets, req.OperationalStatus == ocpp2.OperationalStatusOperative):
		return ocpp2.ChangeAvailabilityResponse{Status: ocpp2.ChangeAvailabilityStatusScheduled}, nil
	}
	return ocpp2.ChangeAvailabilityResponse{Status: ocpp2.ChangeAvailabilityStatusAccepted}, nil
}

func (d *v2) unlock(_ context.Context, _ *ocpp.Conn, req ocpp2.UnlockConnectorRequest, r *ocpp.Request) (ocpp2.UnlockConnectorResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	o := d.c.outlet(req.EVSEID)
	switch {
	case o == nil || req.ConnectorID != 1:
		return ocpp2.UnlockConnectorResponse{Status: ocpp2.UnlockStatusUnknownConnector}, nil
	case o.tx != nil: // P2 F05: an authorized transaction goes on
		return ocpp2.UnlockConnectorResponse{Status: ocpp2.UnlockStatusOngoingAuthorizedTransaction}, nil
	}
	if o.car != nil {
		d.c.after(r, func() {
			if o.tx == nil && o.car != nil {
				o.stage, o.due = stageLeaving, o.draw.at
				poke(d.c.stir)
			}
		})
	}
	return ocpp2.UnlockConnectorResponse{Status: ocpp2.UnlockStatusUnlocked}, nil
}

// reset restarts at once, or when the last transaction has ended.
func (d *v2) reset(_ context.Context, _ *ocpp.Conn, req ocpp2.ResetRequest, r *ocpp.Request) (ocpp2.ResetResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	switch {
	case req.EVSEID != nil: // only as a whole
		return ocpp2.ResetResponse{Status: ocpp2.ResetStatusRejected, StatusInfo: refusal("UnsupportedParam")}, nil
	case req.Type == ocpp2.ResetEnumOnIdle && d.c.busy():
		d.c.resetOnIdle = true
		return ocpp2.ResetResponse{Status: ocpp2.ResetStatusScheduled}, nil
	}
	r.After(func() { d.c.restart(causeHardReset, bootReset) })
	return ocpp2.ResetResponse{Status: ocpp2.ResetStatusAccepted}, nil
}
