package devicesim

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"busbar/devices"
)

// MQTTMeter publishes what it measures on a broker, in one JSON message, the way
// mqtt.JSONFields reads it. Of the faults it knows Freeze, Drop (stays connected and
// publishes nothing), Loss (connection broken), NaN (null in all values) and SignFlip.
type MQTTMeter struct {
	Broker string // "host:port"
	Topic  string
	Period time.Duration    // between messages (1 s)
	Retain bool             // asks the broker to retain each message
	Dial   devices.DialFunc // nil: the machine's network
	Truth  func() Truth
	// Payload overrides what is published, for other formats.
	Payload func(Truth) []byte

	mu     sync.Mutex
	fault  Fault
	frozen Truth
}

// SetFault replaces the present fault; the zero Fault heals the meter.
func (m *MQTTMeter) SetFault(f Fault) {
	truth := m.Truth()
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Freeze && !m.fault.Freeze {
		m.frozen = truth
	}
	m.fault = f
}

// Run publishes until ctx ends and then returns nil. It connects anew a second after
// a connection failed or broke.
func (m *MQTTMeter) Run(ctx context.Context) error {
	if m.Truth == nil || m.Topic == "" {
		return errors.New("cannot simulate MQTT meter: truth or topic missing")
	}
	for ctx.Err() == nil {
		_ = m.session(ctx)
		wait(ctx, time.Second)
	}
	return nil
}

// wait reports whether ctx still lives after d.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// session is one connection. It speaks just enough MQTT 3.1.1 to publish at QoS 0.
func (m *MQTTMeter) session(ctx context.Context) error {
	if f, _ := m.state(); f.Loss {
		return nil
	}
	dial := m.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", m.Broker)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	if err := connectMQTT(conn, "busbar-simulated-meter-"+m.Topic); err != nil {
		return err
	}
	period := m.Period
	if period <= 0 {
		period = time.Second
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		f, frozen := m.state()
		if f.Loss {
			return nil
		}
		if !f.Drop {
			if _, err := conn.Write(publishPacket(m.Topic, m.payload(f, frozen), m.Retain)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			_, _ = conn.Write([]byte{0xE0, 0})
			return nil
		case <-ticker.C:
		}
	}
}

func (m *MQTTMeter) state() (Fault, Truth) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault, m.frozen
}

func (m *MQTTMeter) payload(f Fault, t Truth) []byte {
	if !f.Freeze {
		t = m.Truth()
	}
	if f.SignFlip {
		t = t.flipped()
	}
	switch {
	case f.NaN:
		return []byte(`{"current":[null,null,null],"power":[null,null,null],"voltage":[null,null,null],"total_power":null}`)
	case m.Payload != nil:
		return m.Payload(t)
	}
	power := [3]float64{t.power(0), t.power(1), t.power(2)}
	text, err := json.Marshal(map[string]any{"current": t.Current, "power": power, "voltage": t.Voltage,
		"total_power": power[0] + power[1] + power[2], "frequency": t.value(devices.Frequency, true),
		"energy_import": t.EnergyImport, "energy_export": t.EnergyExport})
	if err != nil { // a truth that is no number
		return []byte("{}")
	}
	return text
}

// connectMQTT opens a clean session without keep-alive and reads the broker's consent.
func connectMQTT(conn net.Conn, clientID string) error {
	body := append(mqttString("MQTT"), 4, 2, 0, 0) // version 4, clean session, no keep-alive
	body = append(body, mqttString(clientID)...)
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(mqttPacket(0x10, body)); err != nil {
		return err
	}
	var answer [4]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 0x20 || answer[3] != 0 {
		return fmt.Errorf("cannot connect to broker: answer % x", answer)
	}
	return conn.SetDeadline(time.Time{})
}

func publishPacket(topic string, payload []byte, retain bool) []byte {
	kind := byte(0x30)
	if retain {
		kind |= 1
	}
	return mqttPacket(kind, append(mqttString(topic), payload...))
}

func mqttPacket(kind byte, body []byte) []byte {
	out := []byte{kind}
	for n := len(body); ; {
		digit := byte(n & 0x7F)
		if n >>= 7; n == 0 {
			out = append(out, digit)
			break
		}
		out = append(out, digit|0x80)
	}
	return append(out, body...)
}

func mqttString(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}
