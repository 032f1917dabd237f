package ocppsim

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// measurable reports whether a charger can measure m. Cars on AC don't tell their state
// of charge, so there is never a value of it.
func measurable(m ocpp16.Measurand) bool {
	switch m {
	case ocpp16.MeasurandEnergyActiveImportRegister, ocpp16.MeasurandPowerActiveImport, ocpp16.MeasurandCurrentImport, ocpp16.MeasurandVoltage, ocpp16.MeasurandSoC:
		return true
	}
	return false
}

// interval between samples; an hour if they are off.
func (c *Charger) interval() time.Duration {
	if d := c.seconds("MeterValueSampleInterval"); d > 0 {
		return d
	}
	return time.Hour
}

// sample takes a metering sample of a running transaction.
func (c *Charger) sample(o *outlet, now time.Time) {
	o.sampleAt = o.sampleAt.Add(c.interval())
	if o.sampleAt.Before(now) {
		o.sampleAt = now.Add(c.interval())
	}
	if c.seconds("MeterValueSampleInterval") == 0 {
		return
	}
	c.watch(o, now)
	c.sendSample(o, o.tx, c.meterValue(o, ocpp16.ReadingContextSamplePeriodic))
}

// watch tells whether the car still charges.
func (c *Charger) watch(o *outlet, now time.Time) {
	c.advance(o, now)
	o.watchAt = now.Add(watching)
	offer, _ := c.profiles.limit(c.question(o), c.now())
	switch {
	case o.draw.amps > 0.5:
		c.show(o, ocpp16.ChargePointStatusCharging)
	case offer < 6 && !c.fault.IgnoreProfiles:
		c.show(o, ocpp16.ChargePointStatusSuspendedEVSE)
	case now.Sub(o.draw.changedAt) > o.car.Dead+time.Second:
		c.show(o, ocpp16.ChargePointStatusSuspendedEV)
	}
}

func (c *Charger) meterValue(o *outlet, why ocpp16.ReadingContext) ocpp16.MeterValue {
	return ocpp16.MeterValue{Timestamp: ocpp.NewDateTime(c.now()), SampledValue: c.sampledValues(o, why)}
}

func (c *Charger) sampledValues(o *outlet, why ocpp16.ReadingContext) []ocpp16.SampledValue {
	var out []ocpp16.SampledValue
	add := func(m ocpp16.Measurand, phase string, unit ocpp16.UnitOfMeasure, value string) {
		v := ocpp16.SampledValue{Value: value, Context: &why, Measurand: &m, Unit: &unit}
		if phase != "" {
			v.Phase = new(ocpp16.Phase(phase))
		}
		out = append(out, v)
	}
	amps := [3]float64{}
	power := 0.0
	if o.car != nil {
		for p := range o.car.Phases {
			amps[p] = o.draw.amps
			power += o.draw.amps * voltage
		}
	}
	for name := range strings.SplitSeq(c.key("MeterValuesSampledData").value, ",") {
		switch m := ocpp16.Measurand(strings.TrimSpace(name)); m {
		case ocpp16.MeasurandEnergyActiveImportRegister:
			add(m, "", ocpp16.UnitOfMeasureWh, strconv.Itoa(int(o.draw.register)))
		case ocpp16.MeasurandPowerActiveImport:
			add(m, "", ocpp16.UnitOfMeasureW, fmt.Sprintf("%.1f", power))
		case ocpp16.MeasurandCurrentImport:
			for p := range o.Phases {
				add(m, fmt.Sprintf("L%d", p+1), ocpp16.UnitOfMeasureA, fmt.Sprintf("%.2f", amps[p]))
			}
		case ocpp16.MeasurandVoltage:
			for p := range o.Phases {
				add(m, fmt.Sprintf("L%d-N", p+1), ocpp16.UnitOfMeasureV, fmt.Sprintf("%.1f", float64(voltage)))
			}
		}
	}
	return out
}

// sendSample queues a sample of a transaction; it is kept until acknowledged.
func (c *Charger) sendSample(o *outlet, t *running, v ocpp16.MeterValue) {
	if len(v.SampledValue) == 0 || !v.Timestamp.Time.After(t.sampled) {
		return
	}
	t.sampled = v.Timestamp.Time
	c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		id := c.idOf(t)
		_, err := ocpp16.MeterValues.Call(ctx, conn, ocpp16.MeterValuesRequest{ConnectorID: o.Number, TransactionID: &id, MeterValue: []ocpp16.MeterValue{v}})
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Samples++
		t.LastSample = v.Timestamp.Time
		return nil
	}})
}
