package appliance

import (
	"encoding/json"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

// requestCheck tells what is wrong with a request's payload.
type requestCheck func(payload json.RawMessage) error

// requests are the checks of one version's actions that a CSMS sends, by name.
type requests map[string]requestCheck

// known adds an action's check by the rules of a version.
func known[Req, Resp any](r requests, p ocpp.Protocol, a ocpp.Action[Req, Resp]) {
	r[a.Name] = func(payload json.RawMessage) error {
		req := new(Req)
		// Members that the specification does not have are refused on 1.6, too: most of
		// them are typing errors.
		if err := ocpp.DecodeStrict(payload, req, true); err != nil {
			return err
		}
		switch v := any(req).(type) {
		case interface{ ValidateFor(ocpp.Protocol) error }:
			return v.ValidateFor(p)
		case interface{ Validate() error }:
			return v.Validate()
		}
		return nil
	}
}

// requestsOf are the checks of a version, and who sends an action of it; none of one
// that is not known here.
func requestsOf(p ocpp.Protocol) (requests, func(action string) (ocpp.Role, bool)) {
	r := requests{}
	switch p {
	case ocpp.V16:
		known16(r, p)
		return r, ocpp16.Known
	case ocpp.V201, ocpp.V21:
		known2(r, p)
		return r, ocpp2.KnownIn(p)
	}
	return r, func(string) (ocpp.Role, bool) { return 0, false }
}

// known16 are the actions of OCPP 1.6 with its security white paper.
func known16(r requests, p ocpp.Protocol) {
	known(r, p, ocpp16.CancelReservation)
	known(r, p, ocpp16.CertificateSigned)
	known(r, p, ocpp16.ChangeAvailability)
	known(r, p, ocpp16.ChangeConfiguration)
	known(r, p, ocpp16.ClearCache)
	known(r, p, ocpp16.ClearChargingProfile)
	known(r, p, ocpp16.DataTransfer)
	known(r, p, ocpp16.DeleteCertificate)
	known(r, p, ocpp16.ExtendedTriggerMessage)
	known(r, p, ocpp16.GetCompositeSchedule)
	known(r, p, ocpp16.GetConfiguration)
	known(r, p, ocpp16.GetDiagnostics)
	known(r, p, ocpp16.GetInstalledCertificateIds)
	known(r, p, ocpp16.GetLocalListVersion)
	known(r, p, ocpp16.GetLog)
	known(r, p, ocpp16.InstallCertificate)
	known(r, p, ocpp16.RemoteStartTransaction)
	known(r, p, ocpp16.RemoteStopTransaction)
	known(r, p, ocpp16.ReserveNow)
	known(r, p, ocpp16.Reset)
	known(r, p, ocpp16.SendLocalList)
	known(r, p, ocpp16.SetChargingProfile)
	known(r, p, ocpp16.SignedUpdateFirmware)
	known(r, p, ocpp16.TriggerMessage)
	known(r, p, ocpp16.UnlockConnector)
	known(r, p, ocpp16.UpdateFirmware)
}
