package trial

import (
	"encoding/json"
	"fmt"
	"os"

	"busbar/loadbalance"
)

// Scenario is a site and what happens to it.
type Scenario struct {
	Seed     uint64    `json:"seed"` // of what it was drawn from, and of all noise
	Seconds  int       `json:"seconds"`
	Circuits []Circuit `json:"circuits"` // parents before children, the first is the supply
	Meters   []Meter   `json:"meters"`
	Chargers []Charger `json:"chargers"`
	Faults   []Fault   `json:"faults"`
	Cloud    bool      `json:"cloud,omitempty"`
	// Told is what the box takes the breakers' rated currents for, in percent of the
	// truth; 0 counts as 100. Everything else proves that the trial finds a broken box.
	Told int `json:"told,omitempty"`
}

// Circuit is one breaker and the load below it that nobody controls.
type Circuit struct {
	ID          string               `json:"id"`
	Parent      string               `json:"parent,omitempty"`
	Limit       loadbalance.MilliAmp `json:"limit"`          // rated current of each phase
	Fuse        bool                 `json:"fuse,omitempty"` // gG, else MCB
	WorstBase   loadbalance.PerPhase `json:"worst_base"`
	LargestStep loadbalance.MilliAmp `json:"largest_step,omitempty"`
	Base        Base                 `json:"base"`
}

// Base is a load that nobody controls, of one circuit. Together with its bursts it
// keeps to what the installer declared, but for FaultBuilding.
type Base struct {
	Mean   [3]float64 `json:"mean"`
	Wave   float64    `json:"wave,omitempty"`  // amplitude of a slow wave
	Noise  float64    `json:"noise,omitempty"` // standard deviation
	Bursts []Burst    `json:"bursts,omitempty"`
}

// Burst is something that is switched on for a while.
type Burst struct {
	At   float64    `json:"at"`
	For  float64    `json:"for"`
	Amps [3]float64 `json:"amps"`
}

// Meter measures a circuit.
type Meter struct {
	ID      string  `json:"id"`
	Circuit string  `json:"circuit"`
	Period  float64 `json:"period"`
	Noise   float64 `json:"noise"` // share of the current
}

// Charger is one charger with its connectors and the cars that come.
type Charger struct {
	ID         string               `json:"id"`
	Circuit    string               `json:"circuit"`
	Failsafe   loadbalance.MilliAmp `json:"failsafe"`
	Latency    float64              `json:"latency"`             // of one message, one way and its work
	Metering   float64              `json:"metering"`            // between two reports of a connector
	Comes      float64              `json:"comes"`               // when it is connected
	Installed  bool                 `json:"installed,omitempty"` // has had its fall-back before
	Free       bool                 `json:"free,omitempty"`      // starts without asking
	Connectors []Connector          `json:"connectors"`
}

// Connector is one connector of a charger.
type Connector struct {
	Max    loadbalance.MilliAmp `json:"max"`
	Wiring Wires                `json:"wiring"`
	Cars   []Car                `json:"cars,omitempty"` // one after the other
}

// Wires are the grid's phases on a connector's own conductors. They are numbers in files.
type Wires []loadbalance.Phase

// MarshalJSON writes L1 as 1.
func (ws Wires) MarshalJSON() ([]byte, error) {
	numbers := make([]int, len(ws))
	for i, p := range ws {
		numbers[i] = int(p) + 1
	}
	return json.Marshal(numbers)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (ws *Wires) UnmarshalJSON(text []byte) error {
	var numbers []int
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	*ws = nil
	for _, n := range numbers {
		if n < 1 || n > 3 {
			return fmt.Errorf("cannot read the wiring: there is no phase %d", n)
		}
		*ws = append(*ws, loadbalance.Phase(n-1))
	}
	return nil
}

// Car is one car at a connector.
type Car struct {
	Comes  float64 `json:"comes"`
	Goes   float64 `json:"goes"`
	Phases int     `json:"phases"`           // the first ones of the connector
	Takes  float64 `json:"takes"`            // A, most
	Under  float64 `json:"under"`            // A, less than it is offered; negative is more
	Dead   float64 `json:"dead"`             // until it follows a new pilot
	Up     float64 `json:"up"`               // A/s
	Down   float64 `json:"down"`             // A/s
	Tapers float64 `json:"tapers,omitempty"` // from then on it takes less and less; 0: never
}

// Fault is something that goes wrong from one moment to another.
type Fault struct {
	Kind FaultKind `json:"kind"`
	At   string    `json:"at,omitempty"` // the charger, meter or circuit
	From float64   `json:"from"`
	To   float64   `json:"to,omitempty"`  // 0: until the end
	Arg  float64   `json:"arg,omitempty"` // what it means is said at the kind
}

// FaultKind is what goes wrong.
type FaultKind string

// The faults of chargers.
const (
	FaultStuck      FaultKind = "stuck"       // keeps its pilot, and says that it took the setpoint
	FaultMaximum    FaultKind = "maximum"     // gives its hardware's maximum, whatever it says
	FaultHalf       FaultKind = "half"        // takes every other setpoint only
	FaultNoZero     FaultKind = "no-zero"     // can't pause: 0 A leaves it where it was
	FaultRefuses    FaultKind = "refuses"     // says no to setpoints
	FaultMute       FaultKind = "mute"        // answers no setpoints, and does not take them
	FaultNoFallback FaultKind = "no-fallback" // keeps a setpoint whose lease has ended
	FaultForgets    FaultKind = "forgets"     // forgets its fall-back when it starts again
	FaultSlow       FaultKind = "slow"        // Arg more seconds until cars follow
	FaultLies       FaultKind = "lies"        // reports what it should give, not what it gives
	FaultLow        FaultKind = "low"         // reports Arg of the current
	FaultNoReports  FaultKind = "no-reports"  // reports no current
	FaultReboot     FaultKind = "reboot"      // is without power until To
	FaultOffline    FaultKind = "offline"     // its connection is gone until To
)

// The faults of meters.
const (
	FaultLate      FaultKind = "late"       // shows what was Arg seconds ago
	FaultOld       FaultKind = "old"        // readings arrive Arg seconds late, and say so
	FaultFrozen    FaultKind = "frozen"     // shows the same for ever
	FaultSilent    FaultKind = "silent"     // can't be read
	FaultSign      FaultKind = "sign"       // a clamp the wrong way round on phase Arg
	FaultPhaseZero FaultKind = "phase-zero" // nothing on phase Arg
	FaultSwapped   FaultKind = "swapped"    // the clamps of phase Arg and the next
	FaultTooLow    FaultKind = "too-low"    // shows Arg of the current
	FaultGarbled   FaultKind = "garbled"    // one reading in three is refused
)

// The other faults.
const (
	FaultCloudDead FaultKind = "cloud-dead" // does not answer
	FaultCap       FaultKind = "cap"        // the cloud limits the site to Arg A
	FaultProfile   FaultKind = "profile"    // the cloud limits connectors to Arg A
	FaultStop      FaultKind = "stop"       // the cloud stops what charges at a charger
	FaultRemote    FaultKind = "remote"     // the cloud starts at a charger
	FaultBox       FaultKind = "box"        // the box is dead until To
	FaultDisk      FaultKind = "disk"       // what is written becomes durable Arg seconds late
	FaultBuilding  FaultKind = "building"   // Arg A more than declared on each phase of a circuit
)

// lies tells that what the box is told by the part with this fault is not so.
func (k FaultKind) lies() bool {
	switch k {
	case FaultLies, FaultLow, FaultNoReports, FaultFrozen, FaultSign, FaultPhaseZero, FaultSwapped, FaultTooLow:
		return true
	}
	return false
}

// disobeys tells that a charger with this fault is not under anybody's control.
func (k FaultKind) disobeys() bool {
	switch k {
	case FaultStuck, FaultMaximum, FaultHalf, FaultNoZero, FaultRefuses, FaultMute, FaultNoFallback, FaultForgets, FaultSlow:
		return true
	}
	return false
}

// on tells whether the fault is there at t.
func (f *Fault) on(t float64) bool { return t >= f.From && (f.To == 0 || t < f.To) }

// Load reads the scenario of a file that was kept.
func Load(file string) (Scenario, error) {
	var sc Scenario
	text, err := os.ReadFile(file)
	if err != nil {
		return sc, fmt.Errorf("cannot read the scenario: %w", err)
	}
	var kept struct{ Scenario Scenario }
	if err := json.Unmarshal(text, &kept); err != nil {
		return sc, fmt.Errorf("cannot read the scenario in %s: %w", file, err)
	}
	return kept.Scenario, kept.Scenario.check()
}

// check finds what would make no world.
func (sc *Scenario) check() error {
	known := map[string]bool{}
	for _, c := range sc.Circuits {
		if c.Parent != "" && !known[c.Parent] {
			return fmt.Errorf("cannot run the scenario: circuit %q hangs below %q, which does not come before it", c.ID, c.Parent)
		}
		known[c.ID] = true
	}
	for _, m := range sc.Meters {
		if !known[m.Circuit] || m.Period <= 0 {
			return fmt.Errorf("cannot run the scenario: meter %q has no circuit or no period", m.ID)
		}
	}
	for _, c := range sc.Chargers {
		if !known[c.Circuit] {
			return fmt.Errorf("cannot run the scenario: charger %q hangs at %q, which does not exist", c.ID, c.Circuit)
		}
	}
	if len(sc.Circuits) == 0 || sc.Seconds <= 0 {
		return fmt.Errorf("cannot run the scenario: it has no circuit or no time")
	}
	return nil
}
