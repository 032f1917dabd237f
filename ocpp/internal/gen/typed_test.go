package main

import (
	"slices"
	"testing"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

// checked is what every generated message is.
type checked interface{ Validate() error }

// typed makes empty values of a message's two halves.
type typed struct {
	name              string
	from              ocpp.Role
	since             ocpp.Protocol
	request, response func() checked // response is nil where there is none
}

func of[Req, Resp any](a ocpp.Action[Req, Resp]) typed {
	return typed{a.Name, a.From, a.Since, fresh[Req], fresh[Resp]}
}

func notice[Msg any](n ocpp.Notice[Msg]) typed {
	return typed{n.Name, n.From, n.Since, fresh[Msg], nil}
}

func fresh[T any]() checked { return any(new(T)).(checked) }

// each calls f with both halves of every message of a version.
func (v version) each(t testing.TB, f func(o object, fresh func() checked)) {
	t.Helper()
	for _, m := range v.messages {
		i := slices.IndexFunc(v.types, func(a typed) bool { return a.name == m.name })
		if i < 0 {
			t.Fatalf("%s is not among the typed actions", m.name)
		}
		f(m.request, v.types[i].request)
		if !m.send {
			f(m.response, v.types[i].response)
		}
	}
}

// validate checks v by the rules of the version.
func (v version) validate(message checked) error {
	if message, ok := message.(interface{ ValidateFor(p ocpp.Protocol) error }); ok {
		return message.ValidateFor(v.protocol)
	}
	return message.Validate()
}

func typed16() []typed {
	return []typed{of(ocpp16.Authorize), of(ocpp16.BootNotification), of(ocpp16.CancelReservation), of(ocpp16.CertificateSigned),
		of(ocpp16.ChangeAvailability), of(ocpp16.ChangeConfiguration), of(ocpp16.ClearCache), of(ocpp16.ClearChargingProfile),
		of(ocpp16.DataTransfer), of(ocpp16.DeleteCertificate), of(ocpp16.DiagnosticsStatusNotification), of(ocpp16.ExtendedTriggerMessage),
		of(ocpp16.FirmwareStatusNotification), of(ocpp16.GetCompositeSchedule), of(ocpp16.GetConfiguration), of(ocpp16.GetDiagnostics),
		of(ocpp16.GetInstalledCertificateIds), of(ocpp16.GetLocalListVersion), of(ocpp16.GetLog), of(ocpp16.Heartbeat),
		of(ocpp16.InstallCertificate), of(ocpp16.LogStatusNotification), of(ocpp16.MeterValues), of(ocpp16.RemoteStartTransaction),
		of(ocpp16.RemoteStopTransaction), of(ocpp16.ReserveNow), of(ocpp16.Reset), of(ocpp16.SecurityEventNotification),
		of(ocpp16.SendLocalList), of(ocpp16.SetChargingProfile), of(ocpp16.SignCertificate), of(ocpp16.SignedFirmwareStatusNotification),
		of(ocpp16.SignedUpdateFirmware), of(ocpp16.StartTransaction), of(ocpp16.StatusNotification), of(ocpp16.StopTransaction),
		of(ocpp16.TriggerMessage), of(ocpp16.UnlockConnector), of(ocpp16.UpdateFirmware)}
}

func typed2() []typed {
	return []typed{of(ocpp2.AdjustPeriodicEventStream), of(ocpp2.AFRRSignal), of(ocpp2.Authorize), of(ocpp2.BatterySwap),
		of(ocpp2.BootNotification), of(ocpp2.CancelReservation), of(ocpp2.CertificateSigned), of(ocpp2.ChangeAvailability),
		of(ocpp2.ChangeTransactionTariff), of(ocpp2.ClearCache), of(ocpp2.ClearChargingProfile), of(ocpp2.ClearDERControl),
		of(ocpp2.ClearDisplayMessage), of(ocpp2.ClearedChargingLimit), of(ocpp2.ClearTariffs), of(ocpp2.ClearVariableMonitoring),
		of(ocpp2.ClosePeriodicEventStream), of(ocpp2.CostUpdated), of(ocpp2.CustomerInformation), of(ocpp2.DataTransfer),
		of(ocpp2.DeleteCertificate), of(ocpp2.FirmwareStatusNotification), of(ocpp2.Get15118EVCertificate), of(ocpp2.GetBaseReport),
		of(ocpp2.GetCertificateChainStatus), of(ocpp2.GetCertificateStatus), of(ocpp2.GetChargingProfiles),
		of(ocpp2.GetCompositeSchedule), of(ocpp2.GetDERControl), of(ocpp2.GetDisplayMessages), of(ocpp2.GetInstalledCertificateIds),
		of(ocpp2.GetLocalListVersion), of(ocpp2.GetLog), of(ocpp2.GetMonitoringReport), of(ocpp2.GetPeriodicEventStream),
		of(ocpp2.GetReport), of(ocpp2.GetTariffs), of(ocpp2.GetTransactionStatus), of(ocpp2.GetVariables), of(ocpp2.Heartbeat),
		of(ocpp2.InstallCertificate), of(ocpp2.LogStatusNotification), of(ocpp2.MeterValues), of(ocpp2.NotifyAllowedEnergyTransfer),
		of(ocpp2.NotifyChargingLimit), of(ocpp2.NotifyCustomerInformation), of(ocpp2.NotifyDERAlarm), of(ocpp2.NotifyDERStartStop),
		of(ocpp2.NotifyDisplayMessages), of(ocpp2.NotifyEVChargingNeeds), of(ocpp2.NotifyEVChargingSchedule), of(ocpp2.NotifyEvent),
		of(ocpp2.NotifyMonitoringReport), notice(ocpp2.NotifyPeriodicEventStream), of(ocpp2.NotifyPriorityCharging),
		of(ocpp2.NotifyReport), of(ocpp2.NotifySettlement), of(ocpp2.NotifyWebPaymentStarted), of(ocpp2.OpenPeriodicEventStream),
		of(ocpp2.PublishFirmware), of(ocpp2.PublishFirmwareStatusNotification), of(ocpp2.PullDynamicScheduleUpdate),
		of(ocpp2.ReportChargingProfiles), of(ocpp2.ReportDERControl), of(ocpp2.RequestBatterySwap), of(ocpp2.RequestStartTransaction),
		of(ocpp2.RequestStopTransaction), of(ocpp2.ReservationStatusUpdate), of(ocpp2.ReserveNow), of(ocpp2.Reset),
		of(ocpp2.SecurityEventNotification), of(ocpp2.SendLocalList), of(ocpp2.SetChargingProfile), of(ocpp2.SetDefaultTariff),
		of(ocpp2.SetDERControl), of(ocpp2.SetDisplayMessage), of(ocpp2.SetMonitoringBase), of(ocpp2.SetMonitoringLevel),
		of(ocpp2.SetNetworkProfile), of(ocpp2.SetVariableMonitoring), of(ocpp2.SetVariables), of(ocpp2.SignCertificate),
		of(ocpp2.StatusNotification), of(ocpp2.TransactionEvent), of(ocpp2.TriggerMessage), of(ocpp2.UnlockConnector),
		of(ocpp2.UnpublishFirmware), of(ocpp2.UpdateDynamicSchedule), of(ocpp2.UpdateFirmware), of(ocpp2.UsePriorityCharging),
		of(ocpp2.VatNumberValidation)}
}
