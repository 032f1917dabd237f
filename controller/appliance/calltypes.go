package appliance

import (
	"encoding/json"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// requestCheck tells what is wrong with a request's payload.
type requestCheck func(payload json.RawMessage) error

// requests are the checks of one version's actions that a CSMS sends, by name.
type requests map[string]requestCheck

// known adds an action's check.
func known[Req, Resp any](r requests, a ocpp.Action[Req, Resp]) {
	r[a.Name] = func(payload json.RawMessage) error {
		req := new(Req)
		// Members that the specification does not have are refused on 1.6, too: most of
		// them are typing errors.
		if err := ocpp.DecodeStrict(payload, req, true); err != nil {
			return err
		}
		if v, ok := any(req).(interface{ Validate() error }); ok {
			return v.Validate()
		}
		return nil
	}
}

// requestsOf are the checks of a version; none of one that is not known here.
func requestsOf(p ocpp.Protocol) requests {
	r := requests{}
	if p == ocpp.V16 {
		known16(r)
	}
	return r
}

// known16 are the actions of OCPP 1.6 with its security white paper.
func known16(r requests) {
	known(r, ocpp16.CancelReservation)
	known(r, ocpp16.CertificateSigned)
	known(r, ocpp16.ChangeAvailability)
	known(r, ocpp16.ChangeConfiguration)
	known(r, ocpp16.ClearCache)
	known(r, ocpp16.ClearChargingProfile)
	known(r, ocpp16.DataTransfer)
	known(r, ocpp16.DeleteCertificate)
	known(r, ocpp16.ExtendedTriggerMessage)
	known(r, ocpp16.GetCompositeSchedule)
	known(r, ocpp16.GetConfiguration)
	known(r, ocpp16.GetDiagnostics)
	known(r, ocpp16.GetInstalledCertificateIds)
	known(r, ocpp16.GetLocalListVersion)
	known(r, ocpp16.GetLog)
	known(r, ocpp16.InstallCertificate)
	known(r, ocpp16.RemoteStartTransaction)
	known(r, ocpp16.RemoteStopTransaction)
	known(r, ocpp16.ReserveNow)
	known(r, ocpp16.Reset)
	known(r, ocpp16.SendLocalList)
	known(r, ocpp16.SetChargingProfile)
	known(r, ocpp16.SignedUpdateFirmware)
	known(r, ocpp16.TriggerMessage)
	known(r, ocpp16.UnlockConnector)
	known(r, ocpp16.UpdateFirmware)
}
