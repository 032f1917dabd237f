package downstream

import (
	"context"
	"strings"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// noRequest is the id of a job that the charger told none for.
const noRequest = -1

// job tells the Site how far a charger has come with what it does on its own. It is
// told again and again, so that one lost to a busy loop does not matter.
func (d *v16) job(job controller.Job, request *int, status string) {
	ev := controller.JobReported{Station: d.id, Job: job, RequestID: noRequest, Status: clip(status, 50)}
	if request != nil {
		ev.RequestID = *request
	}
	_ = d.hub.cfg.Loop.Post(ev)
}

func (d *v16) diagnosticsStatus(_ context.Context, _ *ocpp.Conn, req ocpp16.DiagnosticsStatusNotificationRequest, _ *ocpp.Request) (ocpp16.DiagnosticsStatusNotificationResponse, error) {
	d.job(controller.JobLog, nil, string(req.Status))
	return ocpp16.DiagnosticsStatusNotificationResponse{}, nil
}

func (d *v16) logStatus(_ context.Context, _ *ocpp.Conn, req ocpp16.LogStatusNotificationRequest, _ *ocpp.Request) (ocpp16.LogStatusNotificationResponse, error) {
	d.job(controller.JobLog, req.RequestID, string(req.Status))
	return ocpp16.LogStatusNotificationResponse{}, nil
}

func (d *v16) firmwareStatus(_ context.Context, _ *ocpp.Conn, req ocpp16.FirmwareStatusNotificationRequest, _ *ocpp.Request) (ocpp16.FirmwareStatusNotificationResponse, error) {
	d.job(controller.JobFirmware, nil, string(req.Status))
	return ocpp16.FirmwareStatusNotificationResponse{}, nil
}

func (d *v16) signedFirmwareStatus(_ context.Context, _ *ocpp.Conn, req ocpp16.SignedFirmwareStatusNotificationRequest, _ *ocpp.Request) (ocpp16.SignedFirmwareStatusNotificationResponse, error) {
	d.job(controller.JobFirmware, req.RequestID, string(req.Status))
	return ocpp16.SignedFirmwareStatusNotificationResponse{}, nil
}

// Bounds of what a charger's own words take up in the log (16S has 50 and 255).
const (
	maxSecurityType = 50
	maxSecurityInfo = 255
)

// securityEvent is answered when it is on the disk: a charger keeps it until then.
func (d *v16) securityEvent(ctx context.Context, _ *ocpp.Conn, req ocpp16.SecurityEventNotificationRequest, r *ocpp.Request) (ocpp16.SecurityEventNotificationResponse, error) {
	ev := controller.SecurityReported{Station: d.id, Type: clip(req.Type, maxSecurityType), Info: clip(text(req.TechInfo), maxSecurityInfo), At: d.when(req.Timestamp, r.Received)}
	_, err := ask[controller.Done](ctx, d.hub, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.SecurityEventNotificationResponse{}, err
}

// dataTransfer is of a vendor that nobody here knows; it is told, so that somebody may
// see what the charger would like to say.
func (d *v16) dataTransfer(_ context.Context, _ *ocpp.Conn, req ocpp16.DataTransferRequest, _ *ocpp.Request) (ocpp16.DataTransferResponse, error) {
	_ = d.hub.cfg.Loop.Post(controller.DataReported{Station: d.id, Vendor: clip(req.VendorID, 255), Message: clip(text(req.MessageID), 50)})
	return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
}

// clip shortens a charger's words to so many bytes, and takes control characters out.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
