package downstream

import (
	"context"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

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

func (d *v16) securityEvent(ctx context.Context, _ *ocpp.Conn, req ocpp16.SecurityEventNotificationRequest, r *ocpp.Request) (ocpp16.SecurityEventNotificationResponse, error) {
	return ocpp16.SecurityEventNotificationResponse{}, d.security(ctx, req.Type, text(req.TechInfo), d.when(req.Timestamp, r.Received))
}

func (d *v16) dataTransfer(_ context.Context, _ *ocpp.Conn, req ocpp16.DataTransferRequest, _ *ocpp.Request) (ocpp16.DataTransferResponse, error) {
	d.unknownVendor(req.VendorID, text(req.MessageID))
	return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
}
