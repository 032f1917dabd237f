package devices

import (
	"context"
	"math"
	"net"
	"time"
)

// MilliAmp is a current, rms. 1 A = 1000.
type MilliAmp int32

// MilliVolt is a voltage between phase and neutral, rms. 1 V = 1000.
type MilliVolt int32

// Watt is active power, import positive.
type Watt int64

// WattHour is a counter of active energy.
type WattHour int64

// MilliHertz is the frequency of the grid. 50 Hz = 50000.
type MilliHertz int32

// Phase is one conductor of the grid: 0 is L1, 1 is L2, 2 is L3.
type Phase uint8

// The phases of the grid.
const (
	L1 Phase = iota
	L2
	L3
)

func (p Phase) String() string {
	if p > L3 {
		return "all phases"
	}
	return [...]string{"L1", "L2", "L3"}[p]
}

// PhaseSet is a set of grid phases.
type PhaseSet uint8

// AllPhases is what a three-phase meter measures.
const AllPhases PhaseSet = 1<<L1 | 1<<L2 | 1<<L3

// Has reports whether p is in the set.
func (s PhaseSet) Has(p Phase) bool { return s&(1<<p) != 0 }

// Has says which of a Reading's optional quantities are given. Current always is.
type Has uint8

// The optional quantities of a Reading.
const (
	HasPower Has = 1 << iota
	HasPhasePower
	HasVoltage
	HasFrequency
	HasImport
	HasExport
)

// Reading is one complete, plausible sample of a meter.
type Reading struct {
	// At is when the sample was complete here, or, where its parts arrive one by
	// one, when the oldest part of it did. It is never the device's own clock.
	At time.Time
	// Phases are those that the meter measures; arrays mean nothing at others.
	Phases  PhaseSet
	Current [3]MilliAmp // import positive, rounded up
	Has     Has
	// Power is the total of the measured phases, PhasePower each of them.
	Power      Watt
	PhasePower [3]Watt
	Voltage    [3]MilliVolt
	Frequency  MilliHertz
	// Import and Export are only given in the samples that read them.
	Import, Export WattHour
	// Doubts are findings that do not make the sample unusable but that an
	// installer should see.
	Doubts Doubts
}

// Given reports whether all quantities of h are there.
func (r Reading) Given(h Has) bool { return r.Has&h == h }

// DialFunc opens a connection; net.Dialer's DialContext is one. Devices never dial
// by themselves, so that a whole site can run over connections in memory.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Mounting is how a meter is built in. The zero value is the usual one.
type Mounting struct {
	// Invert is for a meter that is mounted upside down: its import is the export.
	Invert bool
	// Grid is the grid phase on the meter's L1, L2, L3. Nil: L1, L2, L3. A meter
	// with one phase uses the first.
	Grid []Phase
}

func (m Mounting) phase(meter Phase) Phase {
	if int(meter) < len(m.Grid) {
		return m.Grid[meter]
	}
	return meter
}

// Nature is what has to be known of a meter to understand its values.
type Nature struct {
	// Phases the meter has: 1 or 3. A meter with one phase gives L1.
	Phases int
	// SignedCurrent meters give the direction with the current. Most do not: their
	// current takes its direction from the power of its phase.
	SignedCurrent bool
}

// importing gives an unsigned current i (A) the direction of its phase's power.
//
// Import is the current itself. Export would be its negative, but only the active part
// of the current flows out; the reactive part loads the fuse in any direction. So
// export counts as the active current, less the reactive one: never more headroom
// than there is, and no jump where power crosses zero. Without a voltage the whole
// current counts as export.
func importing(i, p, v float64) float64 {
	i = math.Abs(i)
	switch {
	case p >= 0:
		return i
	case v < 1:
		return -i
	}
	active := min(-p/v, i)
	return math.Sqrt(i*i-active*active) - active
}
