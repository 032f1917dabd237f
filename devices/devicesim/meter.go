package devicesim

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"busbar/devices/catalog"
)

// Fault is what is wrong with a simulated Modbus meter. The zero value is a healthy one.
type Fault struct {
	Freeze   bool // answers with the values of the moment the fault began
	Drop     bool // takes requests and never answers
	Loss     bool // connections break and new ones are closed at once
	NaN      bool // "no value" in all registers
	SignFlip bool // import shows as export
	// Delay of every answer.
	Delay time.Duration
	// Exception, if not 0, is the answer to every request.
	Exception byte
	// Mangle, if not nil, changes each frame before it is sent: a wrong transaction
	// or unit id, a frame too short or too long.
	Mangle func(frame []byte) []byte
}

// Meter is a meter that is asked over Modbus TCP.
type Meter struct {
	model catalog.Model
	unit  byte
	truth func() Truth

	mu     sync.Mutex
	fault  Fault
	frozen Truth
	conns  map[net.Conn]bool
}

// NewMeter makes a meter of the given model that answers to unit and shows what truth
// returns at the moment of a request.
func NewMeter(model catalog.Model, unit byte, truth func() Truth) *Meter {
	return &Meter{model: model, unit: unit, truth: truth, conns: map[net.Conn]bool{}}
}

// SetFault replaces the present fault; the zero Fault heals the meter.
func (m *Meter) SetFault(f Fault) {
	truth := m.truth()
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Freeze && !m.fault.Freeze {
		m.frozen = truth
	}
	m.fault = f
	if f.Loss {
		for c := range m.conns {
			_ = c.Close()
		}
	}
}

// Serve answers on l until ctx ends, and returns when the last connection is closed. It
// closes l. The error is nil when ctx ended, else what Accept said.
func (m *Meter) Serve(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		wg.Go(func() { m.serve(ctx, conn) })
	}
}

func (m *Meter) serve(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	m.mu.Lock()
	lost := m.fault.Loss
	m.conns[conn] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.conns, conn)
		m.mu.Unlock()
	}()
	for !lost {
		header := make([]byte, 7)
		if _, err := io.ReadFull(conn, header); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint16(header[4:]))
		if binary.BigEndian.Uint16(header[2:]) != 0 || length < 2 || length > 254 {
			return
		}
		pdu := make([]byte, length-1)
		if _, err := io.ReadFull(conn, pdu); err != nil {
			return
		}
		answer := m.answer(header[6], pdu)
		if answer == nil {
			continue
		}
		if !m.send(ctx, conn, header, answer) {
			return
		}
	}
}

// send puts an answer into a frame, late or mangled as the fault says.
func (m *Meter) send(ctx context.Context, conn net.Conn, header, pdu []byte) bool {
	f, _ := m.state()
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
	}
	frame := append([]byte(nil), header...)
	binary.BigEndian.PutUint16(frame[4:], uint16(1+len(pdu)))
	frame = append(frame, pdu...)
	if f.Mangle != nil {
		frame = f.Mangle(frame)
	}
	_, err := conn.Write(frame)
	return err == nil
}

func (m *Meter) state() (Fault, Truth) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault, m.frozen
}

// answer makes the PDU for a request; nil means silence, as a gateway keeps it for a
// unit that is not there.
func (m *Meter) answer(unit byte, pdu []byte) []byte {
	f, truth := m.state()
	if f.Drop || unit != m.unit {
		return nil
	}
	function := pdu[0]
	exception := func(code byte) []byte { return []byte{function | 0x80, code} }
	switch {
	case f.Exception != 0:
		return exception(f.Exception)
	case function != m.model.Function:
		return exception(1)
	case len(pdu) != 5:
		return exception(3)
	}
	address, count := binary.BigEndian.Uint16(pdu[1:]), binary.BigEndian.Uint16(pdu[3:])
	if count == 0 || count > m.model.Max {
		return exception(3)
	}
	if int(address)+int(count) > 1<<16 {
		return exception(2)
	}
	if !f.Freeze {
		truth = m.truth()
	}
	if f.SignFlip {
		truth = truth.flipped()
	}
	return append([]byte{function, byte(2 * count)}, m.registers(truth, f.NaN, int(address), int(count))...)
}

// registers is the window of count registers at address. Registers the model doesn't
// have read as 0.
func (m *Meter) registers(t Truth, nan bool, address, count int) []byte {
	out := make([]byte, 2*count)
	for _, r := range m.model.Registers {
		value := t.value(r.Measurand, m.model.SignedCurrent)
		if nan {
			value = math.NaN()
		}
		raw := r.Encode(value, m.model.LowFirst)
		for i, b := range raw {
			if at := 2*(int(r.Address)-address) + i; at >= 0 && at < len(out) {
				out[at] = b
			}
		}
	}
	return out
}
