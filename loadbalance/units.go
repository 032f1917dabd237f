package loadbalance

import "strings"

import "fmt"

// MilliAmp is a current per phase, rms. 1 A = 1000.
type MilliAmp int32

// Amp is one ampere.
const Amp MilliAmp = 1000

// String prints amperes with one decimal, the way people read them: "6.0 A".
func (a MilliAmp) String() string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Sprintf("%s%d.%d A", sign, a/Amp, a%Amp/100)
}

// Phase is one conductor of the grid: L1, L2 or L3.
type Phase uint8

// The phases of the grid, as the main meter names them.
const (
	L1 Phase = iota
	L2
	L3
)

func (p Phase) String() string { return [...]string{"L1", "L2", "L3"}[p] }

// PerPhase is one current for each of L1, L2, L3.
type PerPhase [3]MilliAmp

// most is the largest of the three.
func (v *PerPhase) most() MilliAmp { return max(v[0], v[1], v[2]) }

// Uniform is the same current on all three phases.
func Uniform(a MilliAmp) PerPhase { return PerPhase{a, a, a} }

// PhaseSet is a set of grid phases.
type PhaseSet uint8

// AllPhases is what an unknown wiring counts as.
const AllPhases PhaseSet = 1<<L1 | 1<<L2 | 1<<L3

// Phases makes a set.
func Phases(ps ...Phase) PhaseSet {
	var s PhaseSet
	for _, p := range ps {
		s |= 1 << p
	}
	return s
}

// Has reports whether p is in the set.
func (s PhaseSet) Has(p Phase) bool { return s&(1<<p) != 0 }

// Count is how many phases are in the set, 0 to 3.
func (s PhaseSet) Count() int { return int(s&1 + s>>1&1 + s>>2&1) }

func (s PhaseSet) String() string {
	var out strings.Builder
	for p := L1; p <= L3; p++ {
		if s.Has(p) {
			out.WriteString(p.String())
		}
	}
	return out.String()
}
