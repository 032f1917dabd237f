package ocppsim

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// What all simulated chargers call themselves.
const (
	vendor   = "Simulated"
	model    = "Busbar-Sim"
	firmware = "1.0.0"
)

// v2 is a charger on OCPP 2.0.1 or 2.1. An outlet is an EVSE with one connector.
type v2 struct {
	c        *Charger
	version  ocpp.Protocol
	vars     []variable
	firmware string
	chains   map[int]*chain // by EVSE: transactions that have begun for the CSMS
	waiting  map[int]string // by EVSE: a token that was accepted before the plug
	certs    []certificate
	key      *ecdsa.PrivateKey // of the last certificate request
	own      *x509.Certificate // the charger's own; nil until one was signed
	messages []ocpp2.MessageInfo
}

var _ dialect = (*v2)(nil)

func newV2(c *Charger, version ocpp.Protocol) *v2 {
	return &v2{c: c, version: version, vars: deviceModel(&c.cfg), firmware: firmware, chains: map[int]*chain{}, waiting: map[int]string{}}
}

func (d *v2) protocols() []ocpp.Protocol {
	if d.version == ocpp.V21 {
		return []ocpp.Protocol{ocpp.V21, ocpp.V201}
	}
	return []ocpp.Protocol{ocpp.V201}
}

func (d *v2) boot(ctx context.Context, conn *ocpp.Conn, why bootCause) (bool, time.Duration, error) {
	reason := map[bootCause]ocpp2.BootReason{bootPower: ocpp2.BootReasonPowerUp, bootReset: ocpp2.BootReasonRemoteReset,
		bootTriggered: ocpp2.BootReasonTriggered, bootFirmware: ocpp2.BootReasonFirmwareUpdate}[why]
	serial := d.c.cfg.ID[:min(len(d.c.cfg.ID), 25)]
	d.c.mu.Lock()
	version := d.firmware
	d.c.mu.Unlock()
	resp, err := say(ctx, d.c, conn, ocpp2.BootNotification, ocpp2.BootNotificationRequest{Reason: reason,
		ChargingStation: ocpp2.ChargingStation{VendorName: vendor, Model: model, SerialNumber: &serial, FirmwareVersion: &version}})
	if err != nil || resp.Status != ocpp2.RegistrationStatusAccepted {
		return false, time.Duration(max(1, resp.Interval)) * time.Second, err
	}
	if resp.Interval > 0 {
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		d.variable("OCPPCommCtrlr", "HeartbeatInterval").value = strconv.Itoa(resp.Interval)
	}
	return true, 0, nil
}

func (d *v2) heartbeat(ctx context.Context, conn *ocpp.Conn) error {
	_, err := say(ctx, d.c, conn, ocpp2.Heartbeat, ocpp2.HeartbeatRequest{})
	return err
}

func (d *v2) beats() time.Duration   { return d.seconds("OCPPCommCtrlr", "HeartbeatInterval") }
func (d *v2) samples() time.Duration { return d.seconds("SampledDataCtrlr", "TxUpdatedInterval") }

func (d *v2) sampled() []string {
	return strings.Split(d.variable("SampledDataCtrlr", "TxUpdatedMeasurands").value, ",")
}

// plugStatus is what a StatusNotification of 2.x calls a status.
func plugStatus(s Status) ocpp2.ConnectorStatus {
	switch s {
	case StatusAvailable:
		return ocpp2.ConnectorStatusAvailable
	case StatusUnavailable:
		return ocpp2.ConnectorStatusUnavailable
	case StatusReserved:
		return ocpp2.ConnectorStatusReserved
	}
	return ocpp2.ConnectorStatusOccupied
}

func (d *v2) statuses(outlets []*outlet, _ bool) {
	for _, o := range outlets {
		d.sendStatus(o)
	}
}

func (d *v2) sendStatus(o *outlet) {
	req := ocpp2.StatusNotificationRequest{Timestamp: ocpp.NewDateTime(d.c.now()), ConnectorStatus: plugStatus(o.state), EVSEID: o.Number, ConnectorID: 1}
	d.c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := say(ctx, d.c, conn, ocpp2.StatusNotification, req)
		return err
	}})
}

// shown tells a status that 2.x has, and the charging state of a transaction.
func (d *v2) shown(o *outlet, before Status) {
	if plugStatus(o.state) != plugStatus(before) {
		d.sendStatus(o)
	}
	state := map[Status]ocpp2.ChargingState{StatusCharging: ocpp2.ChargingStateCharging,
		StatusSuspendedEV: ocpp2.ChargingStateSuspendedEV, StatusSuspendedEVSE: ocpp2.ChargingStateSuspendedEVSE}[o.state]
	ch := d.chains[o.Number]
	if o.tx == nil || ch == nil || state == "" || ch.state == state {
		return
	}
	ch.state = state
	d.update(o, ch, ocpp2.TriggerReasonChargingStateChanged, nil)
}

func idToken(token string) ocpp2.IDToken {
	return ocpp2.IDToken{IDToken: token, Type: ocpp2.IDTokenEnumISO14443}
}

func (d *v2) authorize(o *outlet, token string) {
	d.c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		resp, err := say(ctx, d.c, conn, ocpp2.Authorize, ocpp2.AuthorizeRequest{IDToken: idToken(token)})
		if err == nil {
			d.c.authorized(o, token, resp.IDTokenInfo.Status == ocpp2.AuthorizationStatusAccepted)
		}
		return err
	}})
}

// meterValue is a sample of measurands.
func (d *v2) meterValue(o *outlet, at time.Time, why ocpp2.ReadingContext, measurands []string) []ocpp2.MeterValue {
	v := ocpp2.MeterValue{Timestamp: ocpp.NewDateTime(at)}
	for _, r := range d.c.readings(o, measurands) {
		s := ocpp2.SampledValue{Value: ocpp.Decimal(r.value), Context: &why, Measurand: new(ocpp2.Measurand(r.measurand)),
			UnitOfMeasure: &ocpp2.UnitOfMeasure{Unit: new(r.unit)}}
		if r.phase != "" {
			s.Phase = new(ocpp2.Phase(r.phase))
		}
		v.SampledValue = append(v.SampledValue, s)
	}
	if len(v.SampledValue) == 0 {
		return nil
	}
	return []ocpp2.MeterValue{v}
}

// newUUID is a random identifier (RFC 9562, version 4).
func (d *v2) newUUID() string {
	a, b := d.c.rand.Uint64(), d.c.rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}
