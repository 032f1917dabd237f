package appliance

import (
	"fmt"
	"strings"
	"time"

	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/authorization"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/availability"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/data"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/diagnostics"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/display"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/iso15118"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/meter"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/security"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/transactions"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/types"
)

// csms is an independent CSMS of OCPP 2.0.1: it takes what a station says.
type csms struct{ *diary }

func (c csms) OnAuthorize(_ string, r *authorization.AuthorizeRequest) (*authorization.AuthorizeResponse, error) {
	c.write("authorize %s", r.IdToken.IdToken)
	return authorization.NewAuthorizationResponse(*types.NewIdTokenInfo(types.AuthorizationStatusAccepted)), nil
}

func (c csms) OnHeartbeat(string, *availability.HeartbeatRequest) (*availability.HeartbeatResponse, error) {
	c.write("heartbeat")
	return availability.NewHeartbeatResponse(*types.NewDateTime(time.Now())), nil
}

func (c csms) OnStatusNotification(_ string, r *availability.StatusNotificationRequest) (*availability.StatusNotificationResponse, error) {
	c.write("status %d.%d %s", r.EvseID, r.ConnectorID, r.ConnectorStatus)
	return availability.NewStatusNotificationResponse(), nil
}

func (c csms) OnDataTransfer(_ string, r *data.DataTransferRequest) (*data.DataTransferResponse, error) {
	return data.NewDataTransferResponse(data.DataTransferStatusUnknownVendorId), nil
}

func (c csms) OnLogStatusNotification(_ string, r *diagnostics.LogStatusNotificationRequest) (*diagnostics.LogStatusNotificationResponse, error) {
	c.write("log %d %s", r.RequestID, r.Status)
	return diagnostics.NewLogStatusNotificationResponse(), nil
}

func (c csms) OnNotifyCustomerInformation(_ string, r *diagnostics.NotifyCustomerInformationRequest) (*diagnostics.NotifyCustomerInformationResponse, error) {
	c.write("customer %d.%d %s", r.RequestID, r.SeqNo, r.Data)
	return diagnostics.NewNotifyCustomerInformationResponse(), nil
}

func (c csms) OnNotifyEvent(_ string, r *diagnostics.NotifyEventRequest) (*diagnostics.NotifyEventResponse, error) {
	for _, e := range r.EventData {
		c.write("event %s.%s=%s by %s", e.Component.Name, e.Variable.Name, e.ActualValue, e.Trigger)
	}
	return diagnostics.NewNotifyEventResponse(), nil
}

func (c csms) OnNotifyMonitoringReport(_ string, r *diagnostics.NotifyMonitoringReportRequest) (*diagnostics.NotifyMonitoringReportResponse, error) {
	for _, m := range r.Monitor {
		for _, v := range m.VariableMonitoring {
			c.write("monitor %d %s.%s %s %g", r.RequestID, m.Component.Name, m.Variable.Name, v.Type, v.Value)
		}
	}
	return diagnostics.NewNotifyMonitoringReportResponse(), nil
}

func (c csms) OnNotifyDisplayMessages(_ string, r *display.NotifyDisplayMessagesRequest) (*display.NotifyDisplayMessagesResponse, error) {
	for _, m := range r.MessageInfo {
		c.write("display %d %d %s", r.RequestID, m.ID, m.Message.Content)
	}
	return display.NewNotifyDisplayMessagesResponse(), nil
}

func (c csms) OnFirmwareStatusNotification(_ string, r *firmware.FirmwareStatusNotificationRequest) (*firmware.FirmwareStatusNotificationResponse, error) {
	c.write("firmware %s", r.Status)
	return firmware.NewFirmwareStatusNotificationResponse(), nil
}

func (c csms) OnPublishFirmwareStatusNotification(_ string, r *firmware.PublishFirmwareStatusNotificationRequest) (*firmware.PublishFirmwareStatusNotificationResponse, error) {
	return firmware.NewPublishFirmwareStatusNotificationResponse(), nil
}

func (c csms) OnGet15118EVCertificate(string, *iso15118.Get15118EVCertificateRequest) (*iso15118.Get15118EVCertificateResponse, error) {
	return iso15118.NewGet15118EVCertificateResponse(types.Certificate15118EVStatusFailed, ""), nil
}

func (c csms) OnGetCertificateStatus(string, *iso15118.GetCertificateStatusRequest) (*iso15118.GetCertificateStatusResponse, error) {
	return iso15118.NewGetCertificateStatusResponse(types.GenericStatusRejected), nil
}

func (c csms) OnMeterValues(_ string, r *meter.MeterValuesRequest) (*meter.MeterValuesResponse, error) {
	c.write("meter values %d: %s", r.EvseID, sampled201(r.MeterValue))
	return meter.NewMeterValuesResponse(), nil
}

// sampled201 is the contexts and measurands of samples.
func sampled201(values []types.MeterValue) string {
	var text strings.Builder
	for _, v := range values {
		for _, s := range v.SampledValue {
			text.WriteString(fmt.Sprintf("%s %s%s ", s.Context, s.Measurand, s.Phase))
		}
	}
	return text.String()
}

func (c csms) OnBootNotification(id string, r *provisioning.BootNotificationRequest) (*provisioning.BootNotificationResponse, error) {
	c.write("boot %s %s %s %s", id, r.Reason, r.ChargingStation.Model, r.ChargingStation.FirmwareVersion)
	return provisioning.NewBootNotificationResponse(types.NewDateTime(time.Now()), 300, provisioning.RegistrationStatusAccepted), nil
}

func (c csms) OnNotifyReport(_ string, r *provisioning.NotifyReportRequest) (*provisioning.NotifyReportResponse, error) {
	for _, d := range r.ReportData {
		c.write("report %d %s.%s=%s", r.RequestID, d.Component.Name, d.Variable.Name, d.VariableAttribute[0].Value)
	}
	if !r.Tbc {
		c.write("report %d ends with %d", r.RequestID, r.SeqNo)
	}
	return provisioning.NewNotifyReportResponse(), nil
}

func (c csms) OnReservationStatusUpdate(_ string, r *reservation.ReservationStatusUpdateRequest) (*reservation.ReservationStatusUpdateResponse, error) {
	c.write("reservation %d %s", r.ReservationID, r.Status)
	return reservation.NewReservationStatusUpdateResponse(), nil
}

func (c csms) OnSecurityEventNotification(_ string, r *security.SecurityEventNotificationRequest) (*security.SecurityEventNotificationResponse, error) {
	c.write("security event %s", r.Type)
	return security.NewSecurityEventNotificationResponse(), nil
}

func (c csms) OnSignCertificate(_ string, r *security.SignCertificateRequest) (*security.SignCertificateResponse, error) {
	c.write("csr %s", r.CSR)
	return security.NewSignCertificateResponse(types.GenericStatusAccepted), nil
}

func (c csms) OnClearedChargingLimit(string, *smartcharging.ClearedChargingLimitRequest) (*smartcharging.ClearedChargingLimitResponse, error) {
	return smartcharging.NewClearedChargingLimitResponse(), nil
}

func (c csms) OnNotifyChargingLimit(string, *smartcharging.NotifyChargingLimitRequest) (*smartcharging.NotifyChargingLimitResponse, error) {
	return smartcharging.NewNotifyChargingLimitResponse(), nil
}

func (c csms) OnNotifyEVChargingNeeds(string, *smartcharging.NotifyEVChargingNeedsRequest) (*smartcharging.NotifyEVChargingNeedsResponse, error) {
	return smartcharging.NewNotifyEVChargingNeedsResponse(smartcharging.EVChargingNeedsStatusRejected), nil
}

func (c csms) OnNotifyEVChargingSchedule(string, *smartcharging.NotifyEVChargingScheduleRequest) (*smartcharging.NotifyEVChargingScheduleResponse, error) {
	return smartcharging.NewNotifyEVChargingScheduleResponse(types.GenericStatusRejected), nil
}

func (c csms) OnReportChargingProfiles(_ string, r *smartcharging.ReportChargingProfilesRequest) (*smartcharging.ReportChargingProfilesResponse, error) {
	for _, p := range r.ChargingProfile {
		c.write("profile %d evse %d %s %d of %s", r.RequestID, r.EvseID, p.ChargingProfilePurpose, p.ID, r.ChargingLimitSource)
	}
	return smartcharging.NewReportChargingProfilesResponse(), nil
}

func (c csms) OnTransactionEvent(_ string, r *transactions.TransactionEventRequest) (*transactions.TransactionEventResponse, error) {
	token := ""
	if r.IDToken != nil {
		token = r.IDToken.IdToken
	}
	c.write("transaction %s %s %s token %q in %s: %s", r.EventType, r.TriggerReason, r.TransactionInfo.StoppedReason, token, r.TransactionInfo.TransactionID, sampled201(r.MeterValue))
	answer := transactions.NewTransactionEventResponse()
	if token != "" {
		answer.IDTokenInfo = types.NewIdTokenInfo(types.AuthorizationStatusAccepted)
	}
	return answer, nil
}
