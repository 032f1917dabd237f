package controller

import (
	"time"

	"busbar/loadbalance"
)

// Layout is the site as configured, in the domain's words: the tree of fuses, its
// meters, the chargers and their wiring, and the policies. It is immutable.
type Layout struct {
	ID, Name string
	NominalV int // from a line to neutral, or to the star point where there is none, volts
	Nodes    []loadbalance.Node
	// Supplies is in which state those with States begin; the others' is unknown.
	Supplies []SupplyLayout
	Meters   []MeterLayout
	Chargers []ChargerLayout
	Uplink   UplinkLayout
	// Onboarding is "approve", "closed" or "open".
	Onboarding string
	// UnknownAccepted lets tokens charge that nobody can judge because there is no
	// cloud; OfflineUnknownAccepted while the cloud is away.
	UnknownAccepted        bool
	OfflineUnknownAccepted bool
	// Zone is where the site's clocks are set; nil: UTC.
	Zone     *time.Location
	Vehicles []VehicleLayout
	Groups   []GroupLayout
	Tariff   Tariff
	// Policy shares what no plan gives out.
	Policy loadbalance.Policy
	// Sun are the meters of what is produced on the site; they guard no fuse.
	Sun []MeterLayout
	// MeterInterval is how often chargers are asked to meter (10 s).
	MeterInterval time.Duration
}

// SupplyLayout is the state a supply is in until another one is told.
type SupplyLayout struct {
	Node  loadbalance.NodeID
	State string // StateGrid, or a name of the node's states; "": unknown
}

// MeterLayout is one meter and the node it measures.
type MeterLayout struct {
	ID     string
	Node   loadbalance.NodeID
	Period time.Duration
}

// ChargerLayout is one charger.
type ChargerLayout struct {
	Station    StationID
	Node       loadbalance.NodeID
	Failsafe   loadbalance.MilliAmp
	Connectors []ConnectorLayout
}

// ConnectorLayout is one connector of a charger.
type ConnectorLayout struct {
	Number int
	Slot   Slot // 0: the next free one
	Min    loadbalance.MilliAmp
	Max    loadbalance.MilliAmp
	// Wiring is the grid phase on the connector's L1, L2, L3; nil if unknown.
	Wiring []loadbalance.Phase
	Bay    string
	EVSEID string
	// Expected is what a stay here is expected to be.
	Expected Expected
}

// UplinkLayout is how the site appears to the cloud. Station is empty without one.
type UplinkLayout struct {
	Station  string
	URL      string
	Protocol string
}

// phaseSet is the grid phases the connector can load.
func (c ConnectorLayout) phaseSet() loadbalance.PhaseSet {
	if len(c.Wiring) == 0 {
		return loadbalance.AllPhases
	}
	return loadbalance.Phases(c.Wiring...)
}
