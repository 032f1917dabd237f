package ocppsim

import (
	"context"
	"fmt"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

func (d *v16) serviceCommands(m *ocpp.Mux) {
	ocpp.Handle(m, ocpp16.UpdateFirmware, d.updateFirmware)
	ocpp.Handle(m, ocpp16.GetDiagnostics, d.getDiagnostics)
	ocpp.Handle(m, ocpp16.ReserveNow, d.reserve)
	ocpp.Handle(m, ocpp16.CancelReservation, d.cancelReservation)
	ocpp.Handle(m, ocpp16.SendLocalList, d.sendLocalList)
	ocpp.Handle(m, ocpp16.GetLocalListVersion, d.localListVersion)
}

// updateFirmware goes through the steps and restarts, which ends what runs; nothing is
// transferred (16§5.19).
func (d *v16) updateFirmware(_ context.Context, _ *ocpp.Conn, _ ocpp16.UpdateFirmwareRequest, r *ocpp.Request) (ocpp16.UpdateFirmwareResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.after(r, func() {
		d.tellFirmware(ocpp16.FirmwareStatusDownloading)
		d.tellFirmware(ocpp16.FirmwareStatusDownloaded)
		d.tellFirmware(ocpp16.FirmwareStatusInstalling)
		time.AfterFunc(installing, func() {
			d.c.mu.Lock()
			d.tellFirmware(ocpp16.FirmwareStatusInstalled)
			d.firmware = nextFirmware(d.firmware)
			d.c.mu.Unlock()
			time.AfterFunc(installing, func() { d.c.restart(causeSoftReset, bootFirmware) })
		})
	})
	return ocpp16.UpdateFirmwareResponse{}, nil
}

func (d *v16) tellFirmware(status ocpp16.FirmwareStatus) {
	enqueue(d.c, ocpp16.FirmwareStatusNotification, ocpp16.FirmwareStatusNotificationRequest{Status: status})
}

// getDiagnostics tells of an upload; nothing is transferred (16§5.9).
func (d *v16) getDiagnostics(_ context.Context, _ *ocpp.Conn, _ ocpp16.GetDiagnosticsRequest, r *ocpp.Request) (ocpp16.GetDiagnosticsResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.after(r, func() {
		d.tellDiagnostics(ocpp16.DiagnosticsStatusUploading)
		d.tellDiagnostics(ocpp16.DiagnosticsStatusUploaded)
	})
	return ocpp16.GetDiagnosticsResponse{FileName: new(fmt.Sprintf("diagnostics-%d.log", d.c.now().Unix()))}, nil
}

func (d *v16) tellDiagnostics(status ocpp16.DiagnosticsStatus) {
	enqueue(d.c, ocpp16.DiagnosticsStatusNotification, ocpp16.DiagnosticsStatusNotificationRequest{Status: status})
}

// reserve keeps a connector for a token (16§5.13); the whole charger can't be reserved.
func (d *v16) reserve(_ context.Context, _ *ocpp.Conn, req ocpp16.ReserveNowRequest, r *ocpp.Request) (ocpp16.ReserveNowResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	o := d.c.outlet(req.ConnectorID)
	if o == nil {
		return ocpp16.ReserveNowResponse{Status: ocpp16.ReservationStatusRejected}, nil
	}
	status := d.c.reserve(o, reservation{req.ReservationID, req.IDTag}, req.ExpiryDate.Time.Sub(d.c.now()), r, func() {})
	return ocpp16.ReserveNowResponse{Status: ocpp16.ReservationStatus(status)}, nil
}

func (d *v16) cancelReservation(_ context.Context, _ *ocpp.Conn, req ocpp16.CancelReservationRequest, r *ocpp.Request) (ocpp16.CancelReservationResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if !d.c.cancelReservation(req.ReservationID, r) {
		return ocpp16.CancelReservationResponse{Status: ocpp16.CancelReservationStatusRejected}, nil
	}
	return ocpp16.CancelReservationResponse{Status: ocpp16.CancelReservationStatusAccepted}, nil
}

// sendLocalList takes the tokens that are judged without the central system while it
// does not answer (16§5.15).
func (d *v16) sendLocalList(_ context.Context, _ *ocpp.Conn, req ocpp16.SendLocalListRequest, _ *ocpp.Request) (ocpp16.SendLocalListResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var entries []listEntry
	for _, e := range req.LocalAuthorizationList {
		entries = append(entries, listEntry{token: e.IDTag, gone: e.IDTagInfo == nil,
			accepted: e.IDTagInfo != nil && e.IDTagInfo.Status == ocpp16.AuthorizationStatusAccepted})
	}
	if !d.c.takeList(req.UpdateType == ocpp16.UpdateTypeFull, req.ListVersion, entries) {
		return ocpp16.SendLocalListResponse{Status: ocpp16.UpdateStatusVersionMismatch}, nil
	}
	return ocpp16.SendLocalListResponse{Status: ocpp16.UpdateStatusAccepted}, nil
}

// localListVersion is 0 where there is no list.
func (d *v16) localListVersion(context.Context, *ocpp.Conn, ocpp16.GetLocalListVersionRequest, *ocpp.Request) (ocpp16.GetLocalListVersionResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	return ocpp16.GetLocalListVersionResponse{ListVersion: d.c.listVersion}, nil
}
