package modbus_test

import (
	"context"
	"errors"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"busbar/devices"
	"busbar/devices/devicesim"
	"busbar/devices/modbus"

	peer "github.com/simonvetter/modbus"
)

// sdm630 is an independent Modbus server with the registers of a meter.
type sdm630 struct{ values map[uint16]float32 }

func (s sdm630) HandleCoils(*peer.CoilsRequest) ([]bool, error) { return nil, peer.ErrIllegalFunction }
func (s sdm630) HandleDiscreteInputs(*peer.DiscreteInputsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}
func (s sdm630) HandleHoldingRegisters(*peer.HoldingRegistersRequest) ([]uint16, error) {
	return nil, peer.ErrIllegalFunction
}
func (s sdm630) HandleInputRegisters(r *peer.InputRegistersRequest) ([]uint16, error) {
	if r.UnitId != 7 {
		return nil, peer.ErrGWTargetFailedToRespond
	}
	var out []uint16
	for a := r.Addr; a < r.Addr+r.Quantity; a++ {
		bits := math.Float32bits(s.values[a&^1])
		if a%2 == 0 {
			bits >>= 16
		}
		out = append(out, uint16(bits))
	}
	return out, nil
}

// servePeer starts the peer's server. It can't be given a listener, so a port that was
// free a moment ago is used, another one if it was taken meanwhile.
func servePeer(t *testing.T, handler peer.RequestHandler) string {
	t.Helper()
	for range 10 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_ = l.Close()
		server, err := peer.NewServer(&peer.ServerConfiguration{URL: "tcp://" + addr, MaxClients: 2}, handler)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err == nil {
			t.Cleanup(func() { _ = server.Stop() })
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func TestAgainstAnIndependentServer(t *testing.T) {
	addr := servePeer(t, sdm630{map[uint16]float32{0: 230, 2: 231, 4: 232, 6: 6, 8: 16, 10: 32,
		12: 1380, 14: -3696, 16: 7424, 52: 5108, 70: 49.98, 72: 1234.5, 74: 6}})
	meter, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: addr, Unit: 7}, Model: model(t, "eastron_sdm630")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = meter.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := meter.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Current != [3]devices.MilliAmp{6000, -16000, 32000} || r.Power != 5108 || r.Import != 1234500 || r.Frequency != 49980 {
		t.Fatalf("%+v", r)
	}
	other, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: addr, Unit: 8}, Model: model(t, "eastron_sdm630")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, err = other.Read(ctx)
	if e, ok := errors.AsType[modbus.Exception](err); !ok || e != modbus.GatewayNoResponse {
		t.Fatalf("a unit that isn't there gives %v", err)
	}
}

func TestTheSimulatorAgainstAnIndependentClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sim := devicesim.NewMeter(model(t, "eastron_sdm630"), 3, usual)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = sim.Serve(ctx, l) })
	defer wg.Wait()
	defer cancel()
	client, err := peer.NewClient(&peer.ClientConfiguration{URL: "tcp://" + l.Addr().String(), Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Open(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_ = client.SetUnitId(3)
	got, err := client.ReadFloat32s(0, 9, peer.INPUT_REGISTER)
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{230, 231.5, 229, 6, 10.5, 0.25, 1380, 2430.75, 57.25}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if _, err := client.ReadRegister(0, peer.HOLDING_REGISTER); !errors.Is(err, peer.ErrIllegalFunction) {
		t.Errorf("a function the meter doesn't have: %v", err)
	}
	if _, err := client.ReadRegisters(0, 90, peer.INPUT_REGISTER); !errors.Is(err, peer.ErrIllegalDataValue) {
		t.Errorf("more registers than the meter gives: %v", err)
	}
	if err := client.WriteRegister(0, 1); !errors.Is(err, peer.ErrIllegalFunction) {
		t.Errorf("writing to the meter: %v", err)
	}
}
