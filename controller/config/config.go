package config

import (
	"cmp"
	"time"

	"busbar/loadbalance"
)

// Config is one revision of a site's configuration. It is only read after Parse.
// Cross references hold: every named circuit and meter exists, circuits form trees,
// each root has exactly one supply, and fail-safe currents fit every fuse (L6).
type Config struct {
	Version        int // 1
	Site           Site
	Grid           []Supply
	Circuits       []Circuit
	Meters         []Meter
	Chargers       []Charger
	Upstream       Upstream
	Authorization  Authorization
	Onboarding     Onboarding
	ChargerNetwork ChargerNetwork
	Listen         Listen
	Sharing        Sharing
	Tariff         Tariff
	Schedules      []Schedule
	Vehicles       []Vehicle
}

// Site is the place as a whole.
type Site struct {
	ID, Name string
	Timezone string // IANA name; the zone data is part of the program
	NominalV int    // phase to neutral, volts; phase to phase where there is no neutral
}

// Supply is one connection to the grid: a root circuit and what measures it.
type Supply struct {
	Circuit loadbalance.NodeID
	Meter   string // "" if there is none: then WorstBase counts for ever
	Type    GridType
	// WorstBase is the worst load below the root that is no charger, LargestStep the
	// largest part of it that switches on at once.
	WorstBase   loadbalance.PerPhase
	LargestStep loadbalance.MilliAmp
	Imbalance   loadbalance.MilliAmp // the most two lines may differ by; 0: no limit
	// Continuous is what of each fuse below may flow for hours; 0 counts as 100.
	Continuous Percent
	States     []SupplyState
	// State is StateGrid or one of States, until another one is told; "": unknown.
	State string
}

// Circuit is one fuse or breaker and what hangs behind it.
type Circuit struct {
	ID     loadbalance.NodeID
	Parent loadbalance.NodeID // "" for a root
	Limit  loadbalance.PerPhase
	Power  Watt // 0: no limit
	// Continuous is what of Limit may flow for hours; 0: as the supply has it.
	Continuous Percent
	Breaker    Breaker
	Meter      string // of a circuit below a root; "" if there is none
	// WorstBase is as in Supply, of a circuit below a root; what counts here counts in
	// the parent's figure too.
	WorstBase loadbalance.PerPhase
}

// Breaker is the kind of protective device.
type Breaker string

// The protective devices known.
const (
	BreakerGG Breaker = "gG"    // IEC 60269 fuse
	BreakerB  Breaker = "MCB-B" // IEC 60898-1
	BreakerC  Breaker = "MCB-C"
	BreakerD  Breaker = "MCB-D"
)

// Meter is a device that measures the current of one circuit.
type Meter struct {
	ID       string
	URL      MeterURL
	Model    string // of the device catalogue; "" for MQTT, whose URL says it all
	Period   time.Duration
	Role     MeterRole
	User     string // of the MQTT broker
	Password Secret
}

// Charger is one charging station of the site.
type Charger struct {
	ID              string // OCPP identity
	Circuit         loadbalance.NodeID
	Protocol        Protocol
	SecurityProfile int    // 0 plain without password, 1 plain, 2 TLS, 3 TLS with client certificate
	Password        Secret // profiles 1 and 2
	// Failsafe is what each connector falls back to by itself: 0 or 6 A and more.
	Failsafe   loadbalance.MilliAmp
	Connectors []Connector
}

// Connector is one outlet of a charger.
type Connector struct {
	Number   int
	Slot     int // 0: given by the box
	Min, Max loadbalance.MilliAmp
	// Wiring is the grid phase on the connector's L1, L2, L3; nil if unknown.
	Wiring []loadbalance.Phase
	Bay    string
	EVSEID string
	QRURL  string
	// Schedule is what cars leave by here where nothing better is known; "": nothing is.
	Schedule string
}

// Phases is the grid phases the connector loads; unknown wiring counts as all.
func (c Connector) Phases() loadbalance.PhaseSet {
	if len(c.Wiring) == 0 {
		return loadbalance.AllPhases
	}
	return loadbalance.Phases(c.Wiring...)
}

// Protocol is a version of OCPP, or any.
type Protocol string

// The protocols, named like the WebSocket subprotocols.
const (
	ProtocolAny Protocol = "any"
	OCPP16      Protocol = "ocpp1.6"
	OCPP201     Protocol = "ocpp2.0.1"
	OCPP21      Protocol = "ocpp2.1"
)

// Upstream is the cloud's side.
type Upstream struct {
	Stations []Station // none: the site works alone; at most one in this version
}

// Station is how the site appears to one cloud.
type Station struct {
	ID              string // OCPP identity
	URL             string // without the identity, which is appended
	Protocol        Protocol
	SecurityProfile int
	Password        Secret
	// Roots is a file of the authorities (PEM) that the cloud's certificate must come
	// from, "" = those of the machine. Certificate and Key are files (PEM) of our own for
	// profile 3. They are in the data folder unless absolute.
	Roots, Certificate, Key string
	Dialect                 string
}

// Authorization says what happens to tokens nobody can judge, and whose cards belong
// together.
type Authorization struct {
	Unknown        Decision // there is no cloud
	OfflineUnknown Decision // the cloud is out of reach
	Groups         []Group
}

// Decision is accept or reject.
type Decision string

// The decisions.
const (
	Accept Decision = "accept"
	Reject Decision = "reject"
)

// Onboarding says what happens to a charger that is not in the list.
type Onboarding string

// The ways of onboarding.
const (
	OnboardApprove Onboarding = "approve" // held until somebody approves
	OnboardClosed  Onboarding = "closed"  // refused
	OnboardOpen    Onboarding = "open"    // taken: tests and demo
)

// Listen is the addresses the box listens on; "" is off.
type Listen struct {
	UI     string
	WS     string // plain: security profiles 0 and 1; see PlainAddress
	WSS    string // TLS: profile 2
	MTLS   string // TLS with client certificates: profile 3
	Modbus string
}

// Known is what exists elsewhere in the program. A nil list is not checked.
type Known struct {
	MeterModels []string
	FuseMeters  []string // those of MeterModels that measure the current of each phase
	Dialects    []string
}

// Nodes is the circuits as load management wants them, in the order of the file.
func (c *Config) Nodes() []loadbalance.Node {
	nodes := make([]loadbalance.Node, 0, len(c.Circuits))
	for _, circuit := range c.Circuits {
		n := loadbalance.Node{ID: circuit.ID, Parent: circuit.Parent, Limit: circuit.Limit, Breaker: loadbalance.BreakerMCB,
			Metered: circuit.Meter != "", WorstBase: circuit.WorstBase, Power: int64(circuit.Power), Continuous: int(circuit.Continuous)}
		if circuit.Breaker == BreakerGG {
			n.Breaker = loadbalance.BreakerGG
		}
		if s, ok := c.Supply(circuit.ID); ok {
			n.Continuous = cmp.Or(n.Continuous, int(s.Continuous))
			if s.Circuit == circuit.ID {
				s.node(&n)
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// MeterCircuit is the circuit a meter measures; false if none.
func (c *Config) MeterCircuit(meter string) (loadbalance.NodeID, bool) {
	for _, s := range c.Grid {
		if s.Meter == meter {
			return s.Circuit, true
		}
	}
	for _, circuit := range c.Circuits {
		if circuit.Meter == meter {
			return circuit.ID, true
		}
	}
	return "", false
}
