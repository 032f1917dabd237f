package appliance

import (
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/authorization"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/availability"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/data"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/diagnostics"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/display"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/iso15118"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/localauth"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/remotecontrol"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/security"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/tariffcost"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/transactions"
)

// station is an independent charging station of OCPP 2.0.1: it takes what it is asked.
type station struct{ *diary }

func (station) OnClearCache(*authorization.ClearCacheRequest) (*authorization.ClearCacheResponse, error) {
	return &authorization.ClearCacheResponse{Status: "Accepted"}, nil
}

func (station) OnChangeAvailability(*availability.ChangeAvailabilityRequest) (*availability.ChangeAvailabilityResponse, error) {
	return &availability.ChangeAvailabilityResponse{Status: "Accepted"}, nil
}

func (station) OnDataTransfer(*data.DataTransferRequest) (*data.DataTransferResponse, error) {
	return &data.DataTransferResponse{Status: "Accepted"}, nil
}

func (station) OnClearVariableMonitoring(r *diagnostics.ClearVariableMonitoringRequest) (*diagnostics.ClearVariableMonitoringResponse, error) {
	return &diagnostics.ClearVariableMonitoringResponse{ClearMonitoringResult: []diagnostics.ClearMonitoringResult{{ID: r.ID[0], Status: "Accepted"}}}, nil
}

func (station) OnCustomerInformation(*diagnostics.CustomerInformationRequest) (*diagnostics.CustomerInformationResponse, error) {
	return &diagnostics.CustomerInformationResponse{Status: "Accepted"}, nil
}

func (station) OnGetLog(*diagnostics.GetLogRequest) (*diagnostics.GetLogResponse, error) {
	return &diagnostics.GetLogResponse{Status: "Accepted"}, nil
}

func (station) OnGetMonitoringReport(*diagnostics.GetMonitoringReportRequest) (*diagnostics.GetMonitoringReportResponse, error) {
	return &diagnostics.GetMonitoringReportResponse{Status: "Accepted"}, nil
}

func (station) OnSetMonitoringBase(*diagnostics.SetMonitoringBaseRequest) (*diagnostics.SetMonitoringBaseResponse, error) {
	return &diagnostics.SetMonitoringBaseResponse{Status: "Accepted"}, nil
}

func (station) OnSetMonitoringLevel(*diagnostics.SetMonitoringLevelRequest) (*diagnostics.SetMonitoringLevelResponse, error) {
	return &diagnostics.SetMonitoringLevelResponse{Status: "Accepted"}, nil
}

func (station) OnSetVariableMonitoring(r *diagnostics.SetVariableMonitoringRequest) (*diagnostics.SetVariableMonitoringResponse, error) {
	return &diagnostics.SetVariableMonitoringResponse{MonitoringResult: []diagnostics.SetMonitoringResult{{Status: "Accepted", Type: r.MonitoringData[0].Type, Severity: 5, Component: r.MonitoringData[0].Component, Variable: r.MonitoringData[0].Variable}}}, nil
}

func (station) OnClearDisplay(*display.ClearDisplayRequest) (*display.ClearDisplayResponse, error) {
	return &display.ClearDisplayResponse{Status: "Accepted"}, nil
}

func (station) OnGetDisplayMessages(*display.GetDisplayMessagesRequest) (*display.GetDisplayMessagesResponse, error) {
	return &display.GetDisplayMessagesResponse{Status: "Accepted"}, nil
}

func (station) OnSetDisplayMessage(*display.SetDisplayMessageRequest) (*display.SetDisplayMessageResponse, error) {
	return &display.SetDisplayMessageResponse{Status: "Accepted"}, nil
}

func (station) OnPublishFirmware(*firmware.PublishFirmwareRequest) (*firmware.PublishFirmwareResponse, error) {
	return &firmware.PublishFirmwareResponse{Status: "Accepted"}, nil
}

func (station) OnUnpublishFirmware(*firmware.UnpublishFirmwareRequest) (*firmware.UnpublishFirmwareResponse, error) {
	return &firmware.UnpublishFirmwareResponse{Status: "NoFirmware"}, nil
}

func (station) OnUpdateFirmware(*firmware.UpdateFirmwareRequest) (*firmware.UpdateFirmwareResponse, error) {
	return &firmware.UpdateFirmwareResponse{Status: "Accepted"}, nil
}

func (station) OnDeleteCertificate(*iso15118.DeleteCertificateRequest) (*iso15118.DeleteCertificateResponse, error) {
	return &iso15118.DeleteCertificateResponse{Status: "Accepted"}, nil
}

func (station) OnGetInstalledCertificateIds(*iso15118.GetInstalledCertificateIdsRequest) (*iso15118.GetInstalledCertificateIdsResponse, error) {
	return &iso15118.GetInstalledCertificateIdsResponse{Status: "Accepted"}, nil
}

func (station) OnInstallCertificate(*iso15118.InstallCertificateRequest) (*iso15118.InstallCertificateResponse, error) {
	return &iso15118.InstallCertificateResponse{Status: "Accepted"}, nil
}

func (station) OnGetLocalListVersion(*localauth.GetLocalListVersionRequest) (*localauth.GetLocalListVersionResponse, error) {
	return &localauth.GetLocalListVersionResponse{VersionNumber: 3}, nil
}

func (station) OnSendLocalList(*localauth.SendLocalListRequest) (*localauth.SendLocalListResponse, error) {
	return &localauth.SendLocalListResponse{Status: "Accepted"}, nil
}

func (p station) OnGetBaseReport(r *provisioning.GetBaseReportRequest) (*provisioning.GetBaseReportResponse, error) {
	p.write("base report %d", r.RequestID)
	return &provisioning.GetBaseReportResponse{Status: "Accepted"}, nil
}

func (station) OnGetReport(*provisioning.GetReportRequest) (*provisioning.GetReportResponse, error) {
	return &provisioning.GetReportResponse{Status: "Accepted"}, nil
}

func (station) OnGetVariables(r *provisioning.GetVariablesRequest) (*provisioning.GetVariablesResponse, error) {
	out := &provisioning.GetVariablesResponse{}
	for _, v := range r.GetVariableData {
		out.GetVariableResult = append(out.GetVariableResult, provisioning.GetVariableResult{AttributeStatus: provisioning.GetVariableStatusAccepted, AttributeValue: "1", Component: v.Component, Variable: v.Variable})
	}
	return out, nil
}

func (station) OnReset(*provisioning.ResetRequest) (*provisioning.ResetResponse, error) {
	return &provisioning.ResetResponse{Status: "Accepted"}, nil
}

func (station) OnSetNetworkProfile(*provisioning.SetNetworkProfileRequest) (*provisioning.SetNetworkProfileResponse, error) {
	return &provisioning.SetNetworkProfileResponse{Status: "Accepted"}, nil
}

func (p station) OnSetVariables(r *provisioning.SetVariablesRequest) (*provisioning.SetVariablesResponse, error) {
	out := &provisioning.SetVariablesResponse{}
	for _, v := range r.SetVariableData {
		p.write("variable %s.%s=%s", v.Component.Name, v.Variable.Name, v.AttributeValue)
		out.SetVariableResult = append(out.SetVariableResult, provisioning.SetVariableResult{AttributeStatus: provisioning.SetVariableStatusAccepted, Component: v.Component, Variable: v.Variable})
	}
	return out, nil
}

func (station) OnRequestStartTransaction(*remotecontrol.RequestStartTransactionRequest) (*remotecontrol.RequestStartTransactionResponse, error) {
	return &remotecontrol.RequestStartTransactionResponse{Status: "Accepted"}, nil
}

func (p station) OnRequestStopTransaction(r *remotecontrol.RequestStopTransactionRequest) (*remotecontrol.RequestStopTransactionResponse, error) {
	p.write("stop %s", r.TransactionID)
	return &remotecontrol.RequestStopTransactionResponse{Status: "Accepted"}, nil
}

func (station) OnTriggerMessage(*remotecontrol.TriggerMessageRequest) (*remotecontrol.TriggerMessageResponse, error) {
	return &remotecontrol.TriggerMessageResponse{Status: "Accepted"}, nil
}

func (station) OnUnlockConnector(*remotecontrol.UnlockConnectorRequest) (*remotecontrol.UnlockConnectorResponse, error) {
	return &remotecontrol.UnlockConnectorResponse{Status: "Unlocked"}, nil
}

func (station) OnCancelReservation(*reservation.CancelReservationRequest) (*reservation.CancelReservationResponse, error) {
	return &reservation.CancelReservationResponse{Status: "Accepted"}, nil
}

func (station) OnReserveNow(*reservation.ReserveNowRequest) (*reservation.ReserveNowResponse, error) {
	return &reservation.ReserveNowResponse{Status: "Accepted"}, nil
}

func (station) OnCertificateSigned(*security.CertificateSignedRequest) (*security.CertificateSignedResponse, error) {
	return &security.CertificateSignedResponse{Status: "Accepted"}, nil
}

func (station) OnClearChargingProfile(*smartcharging.ClearChargingProfileRequest) (*smartcharging.ClearChargingProfileResponse, error) {
	return &smartcharging.ClearChargingProfileResponse{Status: "Accepted"}, nil
}

func (station) OnGetChargingProfiles(*smartcharging.GetChargingProfilesRequest) (*smartcharging.GetChargingProfilesResponse, error) {
	return &smartcharging.GetChargingProfilesResponse{Status: "NoProfiles"}, nil
}

func (station) OnGetCompositeSchedule(r *smartcharging.GetCompositeScheduleRequest) (*smartcharging.GetCompositeScheduleResponse, error) {
	return &smartcharging.GetCompositeScheduleResponse{Status: "Rejected", EvseID: r.EvseID}, nil
}

func (p station) OnSetChargingProfile(r *smartcharging.SetChargingProfileRequest) (*smartcharging.SetChargingProfileResponse, error) {
	p.write("profile %s evse %d limit %g tx %s", r.ChargingProfile.ChargingProfilePurpose, r.EvseID, r.ChargingProfile.ChargingSchedule[0].ChargingSchedulePeriod[0].Limit, r.ChargingProfile.TransactionID)
	return &smartcharging.SetChargingProfileResponse{Status: "Accepted"}, nil
}

func (station) OnCostUpdated(*tariffcost.CostUpdatedRequest) (*tariffcost.CostUpdatedResponse, error) {
	return &tariffcost.CostUpdatedResponse{}, nil
}

func (station) OnGetTransactionStatus(*transactions.GetTransactionStatusRequest) (*transactions.GetTransactionStatusResponse, error) {
	return &transactions.GetTransactionStatusResponse{MessagesInQueue: false}, nil
}
