package modbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/devices"
	"busbar/devices/catalog"
)

const (
	// slowEvery is how often energy counters and other values that no limit depends
	// on are read.
	slowEvery = 10 * time.Second
	// absentFor is the pause after the device said that it doesn't have them.
	absentFor = 10 * time.Minute
)

// Config of a Meter.
type Config struct {
	Address  Address
	Model    catalog.Model
	Mounting devices.Mounting
	Dial     devices.DialFunc // nil: the machine's network
}

// Meter is a devices.Source for a meter of the catalogue over Modbus TCP. Like every
// Source it belongs to one goroutine.
type Meter struct {
	client   *Client
	model    catalog.Model
	mounting devices.Mounting
	fast     []read
	slow     []read
}

var _ devices.Source = (*Meter)(nil)

// NewMeter makes a meter that is not connected yet. The model must measure the current
// of each of its phases.
func NewMeter(c Config) (*Meter, error) {
	if !c.Model.PerPhase() {
		return nil, fmt.Errorf("cannot use meter model %s: it does not give the current of each phase", c.Model.ID)
	}
	m := &Meter{client: NewClient(c.Address, c.Dial), model: c.Model, mounting: c.Mounting}
	m.fast, m.slow = plan(c.Model)
	return m, nil
}

// Close ends the connection; the next Read opens a new one.
func (m *Meter) Close() error { return m.client.Close() }

// Read takes one sample: in one request for most models, and every 10 s a few more.
// A slow register that the device doesn't have is left out of the reading and asked
// for again after 10 min; any other error is a fault of the sample.
func (m *Meter) Read(ctx context.Context) (devices.Reading, error) {
	var v devices.Values
	for _, r := range m.fast {
		raw, err := m.client.Registers(ctx, m.model.Function, r.Address, r.Count)
		if err != nil {
			return devices.Reading{}, err
		}
		r.decode(raw, m.model.LowFirst, &v)
	}
	at := time.Now()
	if err := m.readSlow(ctx, &v); err != nil {
		return devices.Reading{}, err
	}
	reading, err := devices.Assemble(v, m.model.Nature, m.mounting)
	reading.At = at
	return reading, err
}

func (m *Meter) readSlow(ctx context.Context, v *devices.Values) error {
	for i := range m.slow {
		r := &m.slow[i]
		now := time.Now()
		if now.Before(r.due) {
			continue
		}
		r.due = now.Add(slowEvery)
		raw, err := m.client.Registers(ctx, m.model.Function, r.Address, r.Count)
		if e, ok := errors.AsType[Exception](err); ok && e <= IllegalValue {
			r.due = now.Add(absentFor)
			continue
		}
		if err != nil {
			return err
		}
		r.decode(raw, m.model.LowFirst, v)
	}
	return nil
}
