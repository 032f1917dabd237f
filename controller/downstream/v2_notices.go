package downstream

import (
	"context"
	"encoding/json"
	"fmt"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// routeOthers answers what the box takes note of, and what it can't do.
func (d *v2) routeOthers(m *ocpp.Mux) {
	for _, action := range []string{"NotifyDisplayMessages", "NotifyMonitoringReport", "PublishFirmwareStatusNotification", "ReservationStatusUpdate"} {
		m.Raw(action, d.noted)
	}
	m.Raw("NotifyChargingLimit", d.chargingLimit)
	m.Raw("ClearedChargingLimit", d.clearedLimit)
	m.Raw("ReportChargingProfiles", d.profileReport)
	ocpp.Handle(m, ocpp2.FirmwareStatusNotification, d.firmwareStatus)
	ocpp.Handle(m, ocpp2.LogStatusNotification, d.logStatus)
	ocpp.Handle(m, ocpp2.SecurityEventNotification, d.securityEvent)
	ocpp.Handle(m, ocpp2.DataTransfer, d.dataTransfer)
	m.Raw("NotifyCustomerInformation", d.private)
	m.Raw("NotifyEVChargingNeeds", d.chargingNeeds)
	m.Raw("NotifyEVChargingSchedule", d.carSchedule)
	d.always(m, "GetCertificateStatus", ocpp2.GetCertificateStatusResponse{Status: ocpp2.GetCertificateStatusEnumFailed})
	d.always(m, "Get15118EVCertificate", ocpp2.Get15118EVCertificateResponse{Status: ocpp2.Iso15118EVCertificateStatusFailed})
	if d.conn.Protocol() < ocpp.V21 {
		return
	}
	for _, action := range []string{"NotifyDERAlarm", "NotifyDERStartStop", "NotifyPeriodicEventStream", "NotifyPriorityCharging", "ReportDERControl"} {
		m.Raw(action, d.noted)
	}
}

// always answers an action with the same, whatever it says.
func (d *v2) always(m *ocpp.Mux, action string, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic("downstream: an answer of plain values can't be encoded: " + err.Error())
	}
	m.Raw(action, func(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		_, _ = d.private(ctx, c, r)
		return text, nil
	})
}

func (d *v2) firmwareStatus(_ context.Context, _ *ocpp.Conn, req ocpp2.FirmwareStatusNotificationRequest, _ *ocpp.Request) (ocpp2.FirmwareStatusNotificationResponse, error) {
	d.job(controller.JobFirmware, req.RequestID, string(req.Status))
	return ocpp2.FirmwareStatusNotificationResponse{}, nil
}

func (d *v2) logStatus(_ context.Context, _ *ocpp.Conn, req ocpp2.LogStatusNotificationRequest, _ *ocpp.Request) (ocpp2.LogStatusNotificationResponse, error) {
	d.job(controller.JobLog, req.RequestID, string(req.Status))
	return ocpp2.LogStatusNotificationResponse{}, nil
}

func (d *v2) securityEvent(ctx context.Context, _ *ocpp.Conn, req ocpp2.SecurityEventNotificationRequest, r *ocpp.Request) (ocpp2.SecurityEventNotificationResponse, error) {
	return ocpp2.SecurityEventNotificationResponse{}, d.security(ctx, req.Type, text(req.TechInfo), d.when(req.Timestamp, r.Received))
}

func (d *v2) dataTransfer(_ context.Context, _ *ocpp.Conn, req ocpp2.DataTransferRequest, _ *ocpp.Request) (ocpp2.DataTransferResponse, error) {
	d.unknownVendor(req.VendorID, text(req.MessageID))
	return ocpp2.DataTransferResponse{Status: ocpp2.DataTransferStatusUnknownVendorId}, nil
}

// private is the answer to what tells of a customer: only that it came is logged.
func (d *v2) private(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	d.hub.log.Info("charger reports", "station", d.id, "action", r.Action, "bytes", len(r.Payload))
	return empty(), nil
}

// placeName is an EVSE, or one of its connectors, for people.
func placeName(e ocpp2.EVSE) string {
	if e.ConnectorID == nil {
		return fmt.Sprint(e.ID)
	}
	return fmt.Sprintf("%d.%d", e.ID, *e.ConnectorID)
}
