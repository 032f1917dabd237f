package adoption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// answer is what a charger says to a wish.
type answer struct {
	taken  bool
	reboot bool   // taken, but it counts after a reboot only
	status string // its own word
	absent bool   // it does not know such a thing
}

// setting is something that both OCPP versions can set in a charger, in 1.6 words.
type setting string

const (
	settingKey      setting = "AuthorizationKey"
	settingOperator setting = "CpoName"
)

// dialect is how a charger of one OCPP version is told about security. An error means
// that nobody knows whether the charger did it, except for ocpp.ErrNotSent.
type dialect interface {
	keyKind() KeyKind
	set(ctx context.Context, what setting, value string) (answer, error)
	installRoot(ctx context.Context, pem string) (answer, error)
	askForRequest(ctx context.Context) (answer, error)
	giveCertificate(ctx context.Context, chain string) (answer, error)
	raise(ctx context.Context, profile int, url string) (answer, error)
}

var (
	_ dialect = v16{}
	_ dialect = v2{}
)

func dialectOf(c *ocpp.Conn) dialect {
	if c.Protocol() == ocpp.V16 {
		return v16{c}
	}
	return v2{c}
}

// callTime is how long a charger may take to answer: some write their flash first.
const callTime = 30 * time.Second

func patient(c *ocpp.Call) { c.Timeout = callTime }

// refused turns a CALLERROR into an answer: the charger did nothing.
func refused(err error) (answer, error) {
	if e, ok := errors.AsType[*ocpp.Error](err); ok {
		absent := e.Code == ocpp.CodeNotImplemented || e.Code == ocpp.CodeNotSupported
		return answer{status: string(e.Code), absent: absent}, nil
	}
	return answer{}, err
}

// v16 is OCPP 1.6 with the security whitepaper (J16 security).
type v16 struct{ conn *ocpp.Conn }

func (v16) keyKind() KeyKind { return KeyBytes }

func (d v16) set(ctx context.Context, what setting, value string) (answer, error) {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, d.conn, ocpp16.ChangeConfigurationRequest{Key: string(what), Value: value}, patient)
	if err != nil {
		return refused(err)
	}
	a := answer{status: string(resp.Status), absent: resp.Status == ocpp16.ConfigurationStatusNotSupported}
	a.reboot = resp.Status == ocpp16.ConfigurationStatusRebootRequired
	a.taken = a.reboot || resp.Status == ocpp16.ConfigurationStatusAccepted
	return a, nil
}

func (d v16) installRoot(ctx context.Context, pem string) (answer, error) {
	resp, err := ocpp16.InstallCertificate.Call(ctx, d.conn, ocpp16.InstallCertificateRequest{CertificateType: ocpp16.CertificateUseCentralSystemRootCertificate, Certificate: pem}, patient)
	if err != nil {
		return refused(err)
	}
	return answer{taken: resp.Status == ocpp16.InstallCertificateStatusAccepted, status: string(resp.Status)}, nil
}

func (d v16) askForRequest(ctx context.Context) (answer, error) {
	resp, err := ocpp16.ExtendedTriggerMessage.Call(ctx, d.conn, ocpp16.ExtendedTriggerMessageRequest{RequestedMessage: ocpp16.ExtendedMessageTriggerSignChargePointCertificate}, patient)
	if err != nil {
		return refused(err)
	}
	return answer{taken: resp.Status == ocpp16.TriggerMessageStatusAccepted, status: string(resp.Status)}, nil
}

func (d v16) giveCertificate(ctx context.Context, chain string) (answer, error) {
	resp, err := ocpp16.CertificateSigned.Call(ctx, d.conn, ocpp16.CertificateSignedRequest{CertificateChain: chain}, patient)
	if err != nil {
		return refused(err)
	}
	return answer{taken: resp.Status == ocpp16.CertificateSignedStatusAccepted, status: string(resp.Status)}, nil
}

// raise has no use for the URL: 1.6 has no key for it (whitepaper A05).
func (d v16) raise(ctx context.Context, profile int, _ string) (answer, error) {
	return d.set(ctx, "SecurityProfile", fmt.Sprint(profile))
}

// v2 is OCPP 2.0.1 and 2.1.
type v2 struct{ conn *ocpp.Conn }

func (v2) keyKind() KeyKind { return KeyText }

// call sends a small request and reads the one member that counts of the answer.
func (d v2) call(ctx context.Context, action string, request any) (answer, error) {
	payload, err := json.Marshal(request)
	if err != nil {
		return answer{}, fmt.Errorf("cannot call %s: %w", action, err)
	}
	raw, err := d.conn.Call(ctx, ocpp.Call{Action: action, Payload: payload, Timeout: callTime})
	if err != nil {
		return refused(err)
	}
	var resp struct {
		Status            string
		SetVariableResult []struct{ AttributeStatus string }
	}
	if err := json.Unmarshal(raw, &resp); err != nil {
		return answer{}, fmt.Errorf("cannot read the answer to %s: %w", action, err)
	}
	a := answer{status: resp.Status}
	if len(resp.SetVariableResult) == 1 {
		a.status = resp.SetVariableResult[0].AttributeStatus
	}
	a.reboot = a.status == "RebootRequired"
	a.taken = a.status == "Accepted" || a.reboot
	a.absent = a.status == "UnknownComponent" || a.status == "UnknownVariable" || a.status == "NotImplemented"
	return a, nil
}

type object map[string]any

func (d v2) variable(ctx context.Context, component, variable, value string) (answer, error) {
	return d.call(ctx, "SetVariables", object{"setVariableData": []object{{
		"attributeValue": value, "component": object{"name": component}, "variable": object{"name": variable},
	}}})
}

func (d v2) set(ctx context.Context, what setting, value string) (answer, error) {
	name := map[setting]string{settingKey: "BasicAuthPassword", settingOperator: "OrganizationName"}[what]
	return d.variable(ctx, "SecurityCtrlr", name, value)
}

func (d v2) installRoot(ctx context.Context, pem string) (answer, error) {
	return d.call(ctx, "InstallCertificate", object{"certificateType": "CSMSRootCertificate", "certificate": pem})
}

func (d v2) askForRequest(ctx context.Context) (answer, error) {
	return d.call(ctx, "TriggerMessage", object{"requestedMessage": "SignChargingStationCertificate"})
}

func (d v2) giveCertificate(ctx context.Context, chain string) (answer, error) {
	return d.call(ctx, "CertificateSigned", object{"certificateChain": chain, "certificateType": "ChargingStationCertificate"})
}

// raisedSlot is the network configuration that the box writes; the one the charger came
// from the factory with stays as its way back.
const raisedSlot = 2

// raise writes a network profile, puts it first, and restarts the charger when it is
// idle (A05, B09, B10).
func (d v2) raise(ctx context.Context, profile int, url string) (answer, error) {
	a, err := d.call(ctx, "SetNetworkProfile", object{"configurationSlot": raisedSlot, "connectionData": object{
		"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": int(callTime / time.Second),
		"securityProfile": profile, "ocppInterface": "Wired0",
	}})
	if err != nil || !a.taken {
		return a, err
	}
	if a, err = d.variable(ctx, "OCPPCommCtrlr", "NetworkConfigurationPriority", fmt.Sprintf("%d,1", raisedSlot)); err != nil || !a.taken {
		return a, err
	}
	a, err = d.call(ctx, "Reset", object{"type": "OnIdle"})
	a.taken = a.taken || a.status == "Scheduled"
	return a, err
}
