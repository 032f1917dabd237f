package appliance

import (
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// known2 are the actions of OCPP 2.0.1, and of 2.1 where that is spoken.
func known2(r requests, p ocpp.Protocol) {
	known(r, p, ocpp2.CancelReservation)
	known(r, p, ocpp2.CertificateSigned)
	known(r, p, ocpp2.ChangeAvailability)
	known(r, p, ocpp2.ClearCache)
	known(r, p, ocpp2.ClearChargingProfile)
	known(r, p, ocpp2.ClearDisplayMessage)
	known(r, p, ocpp2.ClearVariableMonitoring)
	known(r, p, ocpp2.CostUpdated)
	known(r, p, ocpp2.CustomerInformation)
	known(r, p, ocpp2.DataTransfer)
	known(r, p, ocpp2.DeleteCertificate)
	known(r, p, ocpp2.GetBaseReport)
	known(r, p, ocpp2.GetChargingProfiles)
	known(r, p, ocpp2.GetCompositeSchedule)
	known(r, p, ocpp2.GetDisplayMessages)
	known(r, p, ocpp2.GetInstalledCertificateIds)
	known(r, p, ocpp2.GetLocalListVersion)
	known(r, p, ocpp2.GetLog)
	known(r, p, ocpp2.GetMonitoringReport)
	known(r, p, ocpp2.GetReport)
	known(r, p, ocpp2.GetTransactionStatus)
	known(r, p, ocpp2.GetVariables)
	known(r, p, ocpp2.InstallCertificate)
	known(r, p, ocpp2.PublishFirmware)
	known(r, p, ocpp2.RequestStartTransaction)
	known(r, p, ocpp2.RequestStopTransaction)
	known(r, p, ocpp2.ReserveNow)
	known(r, p, ocpp2.Reset)
	known(r, p, ocpp2.SendLocalList)
	known(r, p, ocpp2.SetChargingProfile)
	known(r, p, ocpp2.SetDisplayMessage)
	known(r, p, ocpp2.SetMonitoringBase)
	known(r, p, ocpp2.SetMonitoringLevel)
	known(r, p, ocpp2.SetNetworkProfile)
	known(r, p, ocpp2.SetVariableMonitoring)
	known(r, p, ocpp2.SetVariables)
	known(r, p, ocpp2.TriggerMessage)
	known(r, p, ocpp2.UnlockConnector)
	known(r, p, ocpp2.UnpublishFirmware)
	known(r, p, ocpp2.UpdateFirmware)
	if p >= ocpp.V21 {
		known21(r, p)
	}
}

// known21 are those that came with OCPP 2.1.
func known21(r requests, p ocpp.Protocol) {
	known(r, p, ocpp2.AdjustPeriodicEventStream)
	known(r, p, ocpp2.AFRRSignal)
	known(r, p, ocpp2.ChangeTransactionTariff)
	known(r, p, ocpp2.ClearDERControl)
	known(r, p, ocpp2.ClearTariffs)
	known(r, p, ocpp2.GetDERControl)
	known(r, p, ocpp2.GetPeriodicEventStream)
	known(r, p, ocpp2.GetTariffs)
	known(r, p, ocpp2.NotifyAllowedEnergyTransfer)
	known(r, p, ocpp2.NotifyWebPaymentStarted)
	known(r, p, ocpp2.RequestBatterySwap)
	known(r, p, ocpp2.SetDefaultTariff)
	known(r, p, ocpp2.SetDERControl)
	known(r, p, ocpp2.UpdateDynamicSchedule)
	known(r, p, ocpp2.UsePriorityCharging)
}
