package modbus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller/sitesim/memnet"
	"busbar/devices"
	"busbar/devices/catalog"
	"busbar/devices/devicesim"
	"busbar/devices/modbus"
)

const host = "meter:502"

// rig is a simulated meter in a network in memory and a poller that reads it.
type rig struct {
	net *memnet.Network
	sim *devicesim.Meter

	mu       sync.Mutex
	truth    devicesim.Truth
	readings []devices.Reading
	faults   []*devices.Fault
}

func (r *rig) set(t devicesim.Truth) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.truth = t
}

func (r *rig) now() devicesim.Truth {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.truth
}

// take returns what was posted since the last call.
func (r *rig) take() ([]devices.Reading, []*devices.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	readings, faults := r.readings, r.faults
	r.readings, r.faults = nil, nil
	return readings, faults
}

func model(t *testing.T, id string) catalog.Model {
	t.Helper()
	m, err := catalog.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func usual() devicesim.Truth {
	return devicesim.Truth{Current: [3]float64{6, 10.5, 0.25}, Voltage: [3]float64{230, 231.5, 229}, EnergyImport: 1234.5, EnergyExport: 7}
}

// start runs simulator and poller until the test ends; the bubble proves that neither
// leaves a goroutine.
func start(t *testing.T, id string) *rig {
	t.Helper()
	r := &rig{net: memnet.New(), truth: usual()}
	r.sim = devicesim.NewMeter(model(t, id), 1, r.now)
	l, err := r.net.Listen(host)
	if err != nil {
		t.Fatal(err)
	}
	meter, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: host, Unit: 1}, Model: model(t, id), Dial: r.net.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	poller := devices.Poller{Source: meter,
		OnReading: func(x devices.Reading) { r.mu.Lock(); r.readings = append(r.readings, x); r.mu.Unlock() },
		OnFailure: func(f *devices.Fault) { r.mu.Lock(); r.faults = append(r.faults, f); r.mu.Unlock() },
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.sim.Serve(ctx, l) })
	wg.Go(func() { _ = poller.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

func TestAnHourOfSamplesComesEverySecondAndIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, "eastron_sdm630")
		begin := time.Now()
		time.Sleep(time.Hour - time.Millisecond)
		readings, faults := r.take()
		if len(readings) != 3600 || len(faults) != 0 {
			t.Fatalf("%d readings and %d faults in an hour, want 3600 and 0", len(readings), len(faults))
		}
		for i, x := range readings {
			if want := begin.Add(time.Duration(i) * time.Second); !x.At.Equal(want) {
				t.Fatalf("reading %d at %v, want %v", i, x.At, want)
			}
			if x.Current != [3]devices.MilliAmp{6000, 10500, 250} || x.Phases != devices.AllPhases {
				t.Fatalf("reading %d: current %v", i, x.Current)
			}
			if slow := i%10 == 0; x.Given(devices.HasImport|devices.HasExport|devices.HasFrequency) != slow {
				t.Fatalf("reading %d: has %b", i, x.Has)
			}
		}
		first := readings[0]
		if first.Power != 1380+2431+57 || first.Voltage != [3]devices.MilliVolt{230000, 231500, 229000} ||
			first.Import != 1234500 || first.Export != 7000 || first.Frequency != 50000 || first.Doubts != 0 {
			t.Fatalf("first reading: %+v", first)
		}
	})
}

func TestExportIsNegativeThoughTheMetersCurrentHasNoSign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, "eastron_sdm630")
		truth := usual()
		truth.Current = [3]float64{-6, 10.5, -20}
		truth.Power = [3]float64{-6 * 230, 10.5 * 231.5, -229 * 12} // L3 with 16 A reactive
		r.set(truth)
		time.Sleep(time.Second / 2)
		readings, _ := r.take()
		if got, want := readings[0].Current, [3]devices.MilliAmp{-6000, 10500, 4000}; got != want {
			t.Fatalf("current %v, want %v: export less its reactive part", got, want)
		}
	})
}

type faultCase struct {
	name  string
	fault devicesim.Fault
	want  devices.FaultKind
}

func faultCases() []faultCase {
	mangle := func(f func(b []byte) []byte) devicesim.Fault { return devicesim.Fault{Mangle: f} }
	return []faultCase{
		{"no answer", devicesim.Fault{Drop: true}, devices.Silent},
		{"answer later than the deadline", devicesim.Fault{Delay: 1500 * time.Millisecond}, devices.Silent},
		{"connections refused", devicesim.Fault{Loss: true}, devices.Unreachable},
		{"no values", devicesim.Fault{NaN: true}, devices.Unusable},
		{"illegal address", devicesim.Fault{Exception: 2}, devices.Refused},
		{"gateway without answer", devicesim.Fault{Exception: 11}, devices.Refused},
		{"unknown exception", devicesim.Fault{Exception: 77}, devices.Refused},
		{"wrong transaction id", mangle(func(b []byte) []byte { b[1]++; return b }), devices.Garbled},
		{"wrong protocol id", mangle(func(b []byte) []byte { b[3] = 1; return b }), devices.Garbled},
		{"wrong unit", mangle(func(b []byte) []byte { b[6]++; return b }), devices.Garbled},
		{"wrong function", mangle(func(b []byte) []byte { b[7] = 3; return b }), devices.Garbled},
		{"length zero", mangle(func(b []byte) []byte { b[4], b[5] = 0, 0; return b }), devices.Garbled},
		{"length beyond the frame", mangle(func(b []byte) []byte { b[5]++; return b }), devices.Silent},
		{"length huge", mangle(func(b []byte) []byte { b[4] = 0xFF; return b }), devices.Garbled},
		{"fewer registers than asked for", mangle(func(b []byte) []byte {
			b[5] -= 2
			b[8] -= 2
			return b[:len(b)-2]
		}), devices.Garbled},
		{"byte count off", mangle(func(b []byte) []byte { b[8]++; return b }), devices.Garbled},
		{"bytes after the frame", mangle(func(b []byte) []byte { return append(b, 1, 2, 3) }), devices.Garbled},
		{"an empty exception", mangle(func(b []byte) []byte { b[5], b[7] = 2, b[7]|0x80; return b[:8] }), devices.Garbled},
	}
}

// TestFaults: a fault of the meter posts no reading and words a person understands, and
// readings are back within two seconds of its end.
func TestFaults(t *testing.T) {
	for _, c := range faultCases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, "eastron_sdm630")
				time.Sleep(5500 * time.Millisecond)
				if readings, faults := r.take(); len(readings) != 6 || len(faults) != 0 {
					t.Fatalf("healthy: %d readings, %d faults", len(readings), len(faults))
				}
				r.sim.SetFault(c.fault)
				time.Sleep(30 * time.Second)
				readings, faults := r.take()
				// What follows a good frame is only seen by the next request.
				if c.name == "bytes after the frame" {
					readings = readings[1:]
					if len(readings) > 15 || len(readings) < 10 {
						t.Fatalf("%d readings, want every second to fail", len(readings))
					}
				} else if len(readings) != 0 {
					t.Fatalf("%d readings during the fault: %+v", len(readings), readings[0])
				}
				if len(faults) < 10 || len(faults) > 30 {
					t.Fatalf("%d faults in 30 s", len(faults))
				}
				for _, f := range faults {
					if f.Kind != c.want || f.Remedy == "" {
						t.Fatalf("fault kind %d (%s), want %d", f.Kind, f.Words(), c.want)
					}
				}
				r.sim.SetFault(devicesim.Fault{})
				time.Sleep(3 * time.Second)
				readings, _ = r.take()
				if len(readings) == 0 || readings[len(readings)-1].Current[1] != 10500 {
					t.Fatal("no readings after the fault")
				}
			})
		})
	}
}

func TestAFrozenMeterRepeatsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, "eastron_sdm630")
		r.sim.SetFault(devicesim.Fault{Freeze: true})
		truth := usual()
		truth.Current[0] = 30
		r.set(truth)
		time.Sleep(3500 * time.Millisecond)
		readings, _ := r.take()
		if n := len(readings); n != 4 || readings[n-1].Current[0] != 6000 {
			t.Fatalf("%d readings, the last %+v", n, readings[n-1])
		}
		r.sim.SetFault(devicesim.Fault{SignFlip: true})
		time.Sleep(time.Second)
		if readings, _ = r.take(); readings[0].Current[0] != -30000 {
			t.Fatalf("flipped: %v", readings[0].Current)
		}
	})
}

func TestACutCableIsReportedAndMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, "eastron_sdm630")
		time.Sleep(2500 * time.Millisecond)
		r.take()
		r.net.Cut(host)
		time.Sleep(10 * time.Second)
		readings, faults := r.take()
		if len(readings) != 0 || len(faults) != 10 || faults[9].Kind != devices.Unreachable {
			t.Fatalf("cut: %d readings, %d faults", len(readings), len(faults))
		}
		r.net.Mend(host)
		time.Sleep(time.Second)
		if readings, _ = r.take(); len(readings) != 1 {
			t.Fatalf("%d readings one second after the cable is back", len(readings))
		}
	})
}

// TestALateAnswerIsNeverTakenForAnother is the fault that makes a meter show a voltage
// as power: the answer of the first request comes while the second waits.
func TestALateAnswerIsNeverTakenForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen(host)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { // a gateway that answers everything, 700 ms after the deadline
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { answerLate(conn, 1700*time.Millisecond) })
			}
		})
		meter, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: host, Unit: 1}, Model: model(t, "eastron_sdm630"), Dial: network.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := meter.Read(ctx)
			cancel()
			if f := devices.AsFault(err); err == nil || f.Kind != devices.Silent {
				t.Fatalf("got %v, want a timeout each time", err)
			}
		}
		_ = meter.Close()
		_ = l.Close()
		wg.Wait()
	})
}

func answerLate(conn net.Conn, after time.Duration) {
	defer func() { _ = conn.Close() }()
	request := make([]byte, 12)
	for {
		if _, err := conn.Read(request); err != nil {
			return
		}
		count := binary.BigEndian.Uint16(request[10:])
		frame := append([]byte(nil), request[:8]...)
		binary.BigEndian.PutUint16(frame[4:], 3+2*count)
		frame = append(frame, byte(2*count))
		frame = append(frame, make([]byte, 2*count)...)
		time.Sleep(after)
		if _, err := conn.Write(frame); err != nil {
			return
		}
	}
}

// TestEveryModel reads each model of the catalogue that measures phases from a
// simulator of the same model.
func TestEveryModel(t *testing.T) {
	all, err := catalog.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if !m.PerPhase() {
			continue
		}
		t.Run(m.ID, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, m.ID)
				truth := devicesim.Truth{Current: [3]float64{6, 16, 9}, Voltage: [3]float64{230, 230, 230},
					Power: [3]float64{1380, -3680, 2070}, EnergyImport: 1000, EnergyExport: 20}
				if m.SignedCurrent {
					truth.Current[1] = -16
				}
				if m.Phases == 1 {
					truth.Power = [3]float64{1380, 0, 0}
				}
				r.set(truth)
				time.Sleep(1500 * time.Millisecond)
				readings, faults := r.take()
				if len(readings) != 2 {
					t.Fatalf("%d readings, faults %v", len(readings), faults)
				}
				want := [3]devices.MilliAmp{6000, -16000, 9000}
				if m.Phases == 1 {
					want = [3]devices.MilliAmp{6000, 0, 0}
				}
				if _, direction := m.Register(devices.PowerL2); m.Phases == 3 && !direction && !m.SignedCurrent {
					if _, split := m.Register(devices.PowerImportL2); !split {
						want[1] = 16000 // direction unknown counts as import
					}
				}
				for p, got := range readings[1].Current {
					if math.Abs(float64(got-want[p])) > 60 {
						t.Errorf("current %v, want %v", readings[1].Current, want)
					}
				}
				if d := readings[1].Doubts; d != 0 {
					t.Errorf("doubts %v in %+v", d, readings[0])
				}
			})
		})
	}
}

func TestAMeterWithoutPhaseCurrentsIsRefused(t *testing.T) {
	_, err := modbus.NewMeter(modbus.Config{Model: model(t, "eastron_sdm72dm_v1")})
	if err == nil {
		t.Fatal("a meter of total power only was accepted")
	}
}

func TestExceptionsAreTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, "janitza_19000")
		r.sim.SetFault(devicesim.Fault{Exception: 6})
		time.Sleep(time.Second)
		_, faults := r.take()
		if e, ok := errors.AsType[modbus.Exception](faults[0]); !ok || e != modbus.Busy {
			t.Fatalf("fault %v is no exception 6", faults[0])
		}
	})
}
