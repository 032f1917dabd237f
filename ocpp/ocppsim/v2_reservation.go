package ocppsim

import (
	"context"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

func (d *v2) accessCommands(m *ocpp.Mux) {
	ocpp.Handle(m, ocpp2.ReserveNow, d.reserve)
	ocpp.Handle(m, ocpp2.CancelReservation, d.cancelReservation)
	ocpp.Handle(m, ocpp2.SendLocalList, d.sendLocalList)
	ocpp.Handle(m, ocpp2.GetLocalListVersion, d.localListVersion)
}

// reserve keeps an EVSE for a token until it is used, cancelled or run out (P2 H01).
func (d *v2) reserve(_ context.Context, _ *ocpp.Conn, req ocpp2.ReserveNowRequest, r *ocpp.Request) (ocpp2.ReserveNowResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	answer := func(status ocpp2.ReserveNowStatus, why string) (ocpp2.ReserveNowResponse, error) {
		resp := ocpp2.ReserveNowResponse{Status: status}
		if why != "" {
			resp.StatusInfo = refusal(why)
		}
		return resp, nil
	}
	if req.EVSEID == nil { // only by EVSE
		return answer(ocpp2.ReserveNowStatusRejected, "UnsupportedParam")
	}
	o, lasts := d.c.outlet(*req.EVSEID), req.ExpiryDateTime.Time.Sub(d.c.now())
	switch {
	case o == nil:
		return answer(ocpp2.ReserveNowStatusRejected, "UnknownEvse")
	case lasts <= 0:
		return answer(ocpp2.ReserveNowStatusRejected, "InvalidValue")
	}
	expired := ocpp2.ReservationStatusUpdateRequest{ReservationID: req.ID, ReservationUpdateStatus: ocpp2.ReservationUpdateStatusExpired}
	return answer(ocpp2.ReserveNowStatus(d.c.reserve(o, reservation{req.ID, req.IDToken.IDToken}, lasts, r, func() {
		enqueue(d.c, ocpp2.ReservationStatusUpdate, expired)
	})), "")
}

func (d *v2) cancelReservation(_ context.Context, _ *ocpp.Conn, req ocpp2.CancelReservationRequest, r *ocpp.Request) (ocpp2.CancelReservationResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if !d.c.cancelReservation(req.ReservationID, r) {
		return ocpp2.CancelReservationResponse{Status: ocpp2.CancelReservationStatusRejected}, nil
	}
	return ocpp2.CancelReservationResponse{Status: ocpp2.CancelReservationStatusAccepted}, nil
}

// sendLocalList takes the tokens that are judged without the CSMS while it does not
// answer (P2 D01).
func (d *v2) sendLocalList(_ context.Context, _ *ocpp.Conn, req ocpp2.SendLocalListRequest, _ *ocpp.Request) (ocpp2.SendLocalListResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var entries []listEntry
	for _, e := range req.LocalAuthorizationList {
		entries = append(entries, listEntry{token: e.IDToken.IDToken, gone: e.IDTokenInfo == nil,
			accepted: e.IDTokenInfo != nil && e.IDTokenInfo.Status == ocpp2.AuthorizationStatusAccepted})
	}
	if !d.c.takeList(req.UpdateType == ocpp2.UpdateFull, req.VersionNumber, entries) {
		return ocpp2.SendLocalListResponse{Status: ocpp2.SendLocalListStatusVersionMismatch}, nil
	}
	return ocpp2.SendLocalListResponse{Status: ocpp2.SendLocalListStatusAccepted}, nil
}

// localListVersion is 0 where there is no list.
func (d *v2) localListVersion(context.Context, *ocpp.Conn, ocpp2.GetLocalListVersionRequest, *ocpp.Request) (ocpp2.GetLocalListVersionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	return ocpp2.GetLocalListVersionResponse{VersionNumber: d.c.listVersion}, nil
}
