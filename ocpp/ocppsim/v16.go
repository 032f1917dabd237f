package ocppsim

import (
	"context"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// v16 is a charger on OCPP 1.6J.
type v16 struct {
	c        *Charger
	keys     []key
	firmware string
}

var _ dialect = (*v16)(nil)

func newV16(c *Charger) *v16 { return &v16{c: c, keys: defaultKeys(&c.cfg), firmware: firmware} }

func (d *v16) protocols() []ocpp.Protocol { return []ocpp.Protocol{ocpp.V16} }

func (d *v16) boot(ctx context.Context, conn *ocpp.Conn, _ bootCause) (bool, time.Duration, error) {
	d.c.mu.Lock()
	version := d.firmware
	d.c.mu.Unlock()
	serial := d.c.cfg.ID[:min(len(d.c.cfg.ID), 25)]
	resp, err := say(ctx, d.c, conn, ocpp16.BootNotification, ocpp16.BootNotificationRequest{
		ChargePointVendor: vendor, ChargePointModel: model, ChargePointSerialNumber: &serial, FirmwareVersion: &version})
	if err != nil || resp.Status != ocpp16.RegistrationStatusAccepted {
		return false, time.Duration(max(1, resp.Interval)) * time.Second, err
	}
	if resp.Interval > 0 { // 16§4.2
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		d.key("HeartbeatInterval").value = strconv.Itoa(resp.Interval)
	}
	return true, 0, nil
}

func (d *v16) heartbeat(ctx context.Context, conn *ocpp.Conn) error {
	_, err := say(ctx, d.c, conn, ocpp16.Heartbeat, ocpp16.HeartbeatRequest{})
	return err
}

func (d *v16) beats() time.Duration   { return d.seconds("HeartbeatInterval") }
func (d *v16) samples() time.Duration { return d.seconds("MeterValueSampleInterval") }

func (d *v16) sampled() []string {
	return strings.Split(d.key("MeterValuesSampledData").value, ",")
}

func (d *v16) statuses(outlets []*outlet, station bool) {
	if station {
		d.sendStatus(0, StatusAvailable)
	}
	for _, o := range outlets {
		d.sendStatus(o.Number, o.state)
	}
}

func (d *v16) shown(o *outlet, _ Status) { d.sendStatus(o.Number, o.state) }

func (d *v16) sendStatus(connector int, state Status) {
	at := ocpp.NewDateTime(d.c.now())
	enqueue(d.c, ocpp16.StatusNotification, ocpp16.StatusNotificationRequest{
		ConnectorID: connector, ErrorCode: ocpp16.ChargePointErrorCodeNoError, Status: ocpp16.ChargePointStatus(state), Timestamp: &at})
}

func (d *v16) authorize(o *outlet, token string) {
	d.c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		resp, err := say(ctx, d.c, conn, ocpp16.Authorize, ocpp16.AuthorizeRequest{IDTag: token})
		if err == nil {
			d.c.authorized(o, token, resp.IDTagInfo.Status == ocpp16.AuthorizationStatusAccepted)
		}
		return err
	}})
}

// A 1.6 charger tells nothing of these.
func (d *v16) presented(*outlet, string) {}
func (d *v16) plugged(*outlet)           {}
func (d *v16) left(*outlet)              {}

func (d *v16) begun(o *outlet, t *running) {
	req := ocpp16.StartTransactionRequest{ConnectorID: t.Connector, IDTag: t.IDTag, MeterStart: t.MeterStart, Timestamp: ocpp.NewDateTime(t.StartedAt), ReservationID: o.used}
	d.c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		resp, err := say(ctx, d.c, conn, ocpp16.StartTransaction, req)
		if err == nil && d.c.duplicates() {
			resp, err = say(ctx, d.c, conn, ocpp16.StartTransaction, req)
		}
		if err != nil {
			return err
		}
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		t.ID, t.StartAcked = resp.TransactionID, true
		if resp.IDTagInfo.Status != ocpp16.AuthorizationStatusAccepted && o.tx == t {
			d.c.stop(o, causeDeauthorized)
		}
		return nil
	}})
}

func (d *v16) sample(o *outlet, t *running) {
	d.sendSample(o, t, d.meterValue(o, ocpp16.ReadingContextSamplePeriodic))
}

func (d *v16) meterValue(o *outlet, why ocpp16.ReadingContext) ocpp16.MeterValue {
	v := ocpp16.MeterValue{Timestamp: ocpp.NewDateTime(d.c.now())}
	for _, r := range d.c.readings(o, d.sampled()) {
		s := ocpp16.SampledValue{Value: r.value, Context: &why, Measurand: new(ocpp16.Measurand(r.measurand)), Unit: new(ocpp16.UnitOfMeasure(r.unit))}
		if r.phase != "" {
			s.Phase = new(ocpp16.Phase(r.phase))
		}
		v.SampledValue = append(v.SampledValue, s)
	}
	return v
}

// sendSample queues a sample of a transaction; it is kept until acknowledged.
func (d *v16) sendSample(o *outlet, t *running, v ocpp16.MeterValue) {
	if len(v.SampledValue) == 0 || !v.Timestamp.Time.After(t.sampled) {
		return
	}
	t.sampled = v.Timestamp.Time
	d.c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		id := d.idOf(t)
		_, err := say(ctx, d.c, conn, ocpp16.MeterValues, ocpp16.MeterValuesRequest{ConnectorID: o.Number, TransactionID: &id, MeterValue: []ocpp16.MeterValue{v}})
		if err != nil {
			return err
		}
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		t.Samples++
		t.LastSample = v.Timestamp.Time
		return nil
	}})
}

// reason16 is the words of 1.6 for why a transaction ended.
func reason16(why cause) ocpp16.Reason {
	switch why {
	case causeRemote:
		return ocpp16.ReasonRemote
	case causeDeauthorized:
		return ocpp16.ReasonDeAuthorized
	case causePowerLoss:
		return ocpp16.ReasonPowerLoss
	case causeUnlock:
		return ocpp16.ReasonUnlockCommand
	case causeSoftReset:
		return ocpp16.ReasonSoftReset
	case causeHardReset:
		return ocpp16.ReasonHardReset
	case causeUnplugged:
		return ocpp16.ReasonEVDisconnected
	case causeOther:
		return ocpp16.ReasonOther
	}
	return ocpp16.ReasonLocal
}

func (d *v16) ended(_ *outlet, t *running, why cause) {
	req := ocpp16.StopTransactionRequest{MeterStop: t.MeterStop, Timestamp: ocpp.NewDateTime(t.StoppedAt), Reason: new(reason16(why))}
	if why == causeLocal {
		req.IDTag = new(t.IDTag)
	}
	d.c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		req.TransactionID = d.idOf(t)
		_, err := say(ctx, d.c, conn, ocpp16.StopTransaction, req)
		if err == nil && d.c.duplicates() {
			_, err = say(ctx, d.c, conn, ocpp16.StopTransaction, req)
		}
		if err != nil {
			return err
		}
		d.c.mu.Lock()
		defer d.c.mu.Unlock()
		t.StopAcked = true
		return nil
	}})
}

// idOf is the transaction's id as the CSMS gave it; -1 if it never did (16E 3.18).
func (d *v16) idOf(t *running) int {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if !t.StartAcked {
		return -1
	}
	return t.ID
}
