package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// reservation keeps an outlet for a token.
type reservation struct {
	id    int
	token string
}

// keptFor reports whether o is kept for another token.
func (o *outlet) keptFor(token string) bool { return o.reserved != nil && o.reserved.token != token }

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
	case !o.operative:
		return answer(ocpp2.ReserveNowStatusUnavailable, "")
	case o.tx != nil || o.car != nil || o.reserved != nil && o.reserved.id != req.ID:
		return answer(ocpp2.ReserveNowStatusOccupied, "")
	}
	kept := &reservation{req.ID, req.IDToken.IDToken}
	o.reserved = kept
	d.c.after(r, func() { d.c.show(o, StatusReserved) })
	time.AfterFunc(lasts, func() {
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		if o.reserved == kept {
			d.release(o)
			enqueue(d, ocpp2.ReservationStatusUpdate, ocpp2.ReservationStatusUpdateRequest{ReservationID: kept.id, ReservationUpdateStatus: ocpp2.ReservationUpdateStatusExpired})
		}
	})
	return answer(ocpp2.ReserveNowStatusAccepted, "")
}

// release ends a reservation that nobody used.
func (d *v2) release(o *outlet) {
	o.reserved = nil
	if o.state == StatusReserved {
		d.c.show(o, StatusAvailable)
	}
}

func (d *v2) cancelReservation(_ context.Context, _ *ocpp.Conn, req ocpp2.CancelReservationRequest, r *ocpp.Request) (ocpp2.CancelReservationResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	for _, o := range d.c.outlets {
		if kept := o.reserved; kept != nil && kept.id == req.ReservationID {
			d.c.after(r, func() {
				if o.reserved == kept {
					d.release(o)
				}
			})
			return ocpp2.CancelReservationResponse{Status: ocpp2.CancelReservationStatusAccepted}, nil
		}
	}
	return ocpp2.CancelReservationResponse{Status: ocpp2.CancelReservationStatusRejected}, nil
}

// sendLocalList takes the tokens that are judged without the CSMS while it does not
// answer (P2 D01).
func (d *v2) sendLocalList(_ context.Context, _ *ocpp.Conn, req ocpp2.SendLocalListRequest, _ *ocpp.Request) (ocpp2.SendLocalListResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if req.UpdateType == ocpp2.UpdateDifferential && req.VersionNumber <= d.listVersion {
		return ocpp2.SendLocalListResponse{Status: ocpp2.SendLocalListStatusVersionMismatch}, nil
	}
	if req.UpdateType == ocpp2.UpdateFull || d.c.list == nil {
		d.c.list = map[string]bool{}
	}
	for _, entry := range req.LocalAuthorizationList {
		if entry.IDTokenInfo == nil {
			delete(d.c.list, entry.IDToken.IDToken)
		} else {
			d.c.list[entry.IDToken.IDToken] = entry.IDTokenInfo.Status == ocpp2.AuthorizationStatusAccepted
		}
	}
	d.listVersion = req.VersionNumber
	return ocpp2.SendLocalListResponse{Status: ocpp2.SendLocalListStatusAccepted}, nil
}

// localListVersion is 0 where there is no list.
func (d *v2) localListVersion(context.Context, *ocpp.Conn, ocpp2.GetLocalListVersionRequest, *ocpp.Request) (ocpp2.GetLocalListVersionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	return ocpp2.GetLocalListVersionResponse{VersionNumber: d.listVersion}, nil
}
