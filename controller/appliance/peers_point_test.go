package appliance

import (
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/certificates"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/extendedtriggermessage"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/localauth"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/logging"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/securefirmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/security"
)

// What the charge point answers beyond the core profile.

func (p point) OnGetDiagnostics(r *firmware.GetDiagnosticsRequest) (*firmware.GetDiagnosticsConfirmation, error) {
	p.write("diagnostics to %s", r.Location)
	return firmware.NewGetDiagnosticsConfirmation(), nil
}

func (p point) OnUpdateFirmware(r *firmware.UpdateFirmwareRequest) (*firmware.UpdateFirmwareConfirmation, error) {
	p.write("firmware from %s", r.Location)
	return firmware.NewUpdateFirmwareConfirmation(), nil
}

func (p point) OnGetLocalListVersion(*localauth.GetLocalListVersionRequest) (*localauth.GetLocalListVersionConfirmation, error) {
	return localauth.NewGetLocalListVersionConfirmation(3), nil
}

func (p point) OnSendLocalList(r *localauth.SendLocalListRequest) (*localauth.SendLocalListConfirmation, error) {
	p.write("list %d with %d", r.ListVersion, len(r.LocalAuthorizationList))
	return localauth.NewSendLocalListConfirmation(localauth.UpdateStatusAccepted), nil
}

func (p point) OnReserveNow(r *reservation.ReserveNowRequest) (*reservation.ReserveNowConfirmation, error) {
	p.write("reserve %d", r.ReservationId)
	return reservation.NewReserveNowConfirmation(reservation.ReservationStatusAccepted), nil
}

func (p point) OnCancelReservation(*reservation.CancelReservationRequest) (*reservation.CancelReservationConfirmation, error) {
	return reservation.NewCancelReservationConfirmation(reservation.CancelReservationStatusAccepted), nil
}

func (p point) OnGetLog(r *logging.GetLogRequest) (*logging.GetLogResponse, error) {
	p.write("log %d to %s", r.RequestID, r.Log.RemoteLocation)
	return logging.NewGetLogResponse(logging.LogStatusAccepted), nil
}

func (p point) OnCertificateSigned(r *security.CertificateSignedRequest) (*security.CertificateSignedResponse, error) {
	p.write("certificate %s", r.CertificateChain)
	return security.NewCertificateSignedResponse(security.CertificateSignedStatusAccepted), nil
}

func (p point) OnExtendedTriggerMessage(r *extendedtriggermessage.ExtendedTriggerMessageRequest) (*extendedtriggermessage.ExtendedTriggerMessageResponse, error) {
	p.write("trigger %s", r.RequestedMessage)
	return extendedtriggermessage.NewExtendedTriggerMessageResponse(extendedtriggermessage.ExtendedTriggerMessageStatusAccepted), nil
}

func (p point) OnSignedUpdateFirmware(r *securefirmware.SignedUpdateFirmwareRequest) (*securefirmware.SignedUpdateFirmwareResponse, error) {
	p.write("signed firmware from %s", r.Firmware.Location)
	return securefirmware.NewSignedUpdateFirmwareResponse(securefirmware.UpdateFirmwareStatusAccepted), nil
}

func (p point) OnDeleteCertificate(*certificates.DeleteCertificateRequest) (*certificates.DeleteCertificateResponse, error) {
	return certificates.NewDeleteCertificateResponse(certificates.DeleteCertificateStatusAccepted), nil
}

func (p point) OnGetInstalledCertificateIds(*certificates.GetInstalledCertificateIdsRequest) (*certificates.GetInstalledCertificateIdsResponse, error) {
	return certificates.NewGetInstalledCertificateIdsResponse(certificates.GetInstalledCertificateStatusAccepted), nil
}

func (p point) OnInstallCertificate(*certificates.InstallCertificateRequest) (*certificates.InstallCertificateResponse, error) {
	return certificates.NewInstallCertificateResponse(certificates.CertificateStatusAccepted), nil
}
