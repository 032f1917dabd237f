package downstream

import (
	"context"
	"encoding/json"
	"fmt"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// routeOthers answers what the box takes note of, and what it can't do.
func (d *v2) routeOthers(m *ocpp.Mux) {
	for _, action := range []string{"ClearedChargingLimit", "FirmwareStatusNotification", "LogStatusNotification", "NotifyChargingLimit",
		"NotifyDisplayMessages", "NotifyMonitoringReport", "PublishFirmwareStatusNotification", "ReportChargingProfiles",
		"ReservationStatusUpdate", "SecurityEventNotification"} {
		m.Raw(action, d.noted)
	}
	m.Raw("NotifyCustomerInformation", d.private)
	d.always(m, "NotifyEVChargingNeeds", ocpp2.NotifyEVChargingNeedsResponse{Status: ocpp2.NotifyEVChargingNeedsStatusAccepted})
	d.always(m, "NotifyEVChargingSchedule", ocpp2.NotifyEVChargingScheduleResponse{Status: ocpp2.GenericStatusAccepted})
	d.always(m, "DataTransfer", ocpp2.DataTransferResponse{Status: ocpp2.DataTransferStatusUnknownVendorId})
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
