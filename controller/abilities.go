package controller

import (
	"slices"
	"time"

	"busbar/loadbalance"
)

// Abilities is what is known of how a charger behaves, so that what is written to it
// fits (ocpp-gateway 7.4, decision 14). It is a value; whoever changes one copies it.
// The zero value of a field means "not known", never "can't".
type Abilities struct {
	// Purposes that SetChargingProfile took (16§7.9).
	Purposes []ProfilePurpose `json:"purposes,omitempty"`
	// StationWide tells whether a default profile was taken on connector 0; if not, it
	// is written per connector.
	StationWide Tristate `json:"station_wide,omitempty"`
	// Units of limits that were taken, the charger's first choice first.
	Units []RateUnit `json:"units,omitempty"`
	// MaxStackLevel is the highest stack level, 0 upwards (ChargeProfileMaxStackLevel);
	// -1 if not known.
	MaxStackLevel int `json:"max_stack_level"`
	// MaxPeriods of one schedule and MaxProfiles held at once; 0 if not known.
	MaxPeriods  int `json:"max_periods,omitempty"`
	MaxProfiles int `json:"max_profiles,omitempty"`
	// Kinds of schedules that were taken; chargers exist that take only one.
	Kinds []ProfileKind `json:"kinds,omitempty"`
	// NumberPhases tells whether a schedule must name its number of phases (Yes) or must
	// not (No); not known: named where limits are in watts only.
	NumberPhases Tristate `json:"number_phases,omitempty"`
	// MaxOffline tells whether a profile may say how long it outlives the connection
	// (2.1 SmartChargingCtrlr.SupportsMaxOfflineDuration).
	MaxOffline Tristate `json:"max_offline,omitempty"`
	// Composite and ClearByID tell whether GetCompositeSchedule's answer can be used and
	// whether ClearChargingProfile clears by id.
	Composite Tristate `json:"composite,omitempty"`
	ClearByID Tristate `json:"clear_by_id,omitempty"`
	// Connectors has one entry per connector, by number.
	Connectors []ConnectorAbilities `json:"connectors,omitempty"`
	// Pause is how charging is held back without an end of the transaction.
	Pause PauseBehaviour `json:"pause,omitempty"`
	// Measurands that MeterValuesSampledData took, by their names in OCPP.
	Measurands []string `json:"measurands,omitempty"`
	// DeadMan is the proof that the charger falls back by itself when its lease ends.
	DeadMan DeadManProof `json:"dead_man"`
	// Source is where this is known from, For whom (vendor, model and firmware) and
	// since when.
	Source   AbilitySource `json:"source"`
	Vendor   string        `json:"vendor,omitempty"`
	Model    string        `json:"model,omitempty"`
	Firmware string        `json:"firmware,omitempty"`
	At       time.Time     `json:"at,omitzero"`
}

// ConnectorAbilities is what is known of one connector.
type ConnectorAbilities struct {
	Connector int `json:"connector"` // the charger's own number, 1 upwards
	// Phases the connector is wired with, 1 to 3; 0 if not known.
	Phases int `json:"phases,omitempty"`
	// Rotation in the words of ConnectorPhaseRotation ("RST"); "" if not told.
	Rotation string `json:"rotation,omitempty"`
}

// Tristate is yes, no or not known ("").
type Tristate string

// The known answers.
const (
	Yes Tristate = "yes"
	No  Tristate = "no"
)

// TristateOf is Yes or No.
func TristateOf(b bool) Tristate {
	if b {
		return Yes
	}
	return No
}

// RateUnit is a unit of limits in OCPP words (16§7.11).
type RateUnit string

// The units.
const (
	UnitAmps  RateUnit = "A"
	UnitWatts RateUnit = "W"
)

// PauseBehaviour is what holds a car back without ending its transaction.
type PauseBehaviour string

// The behaviours; "" is not known.
const (
	PauseZero    PauseBehaviour = "zero"    // a limit of 0 A pauses, a higher one goes on
	PauseMinimum PauseBehaviour = "minimum" // 0 A ends or faults: 6 A is the least
	PauseStop    PauseBehaviour = "stop"    // only the end of the transaction holds it back
)

// noPause tells that a limit of 0 A doesn't hold a car back for a while.
func (a Abilities) noPause() bool { return a.Pause == PauseMinimum || a.Pause == PauseStop }

// DeadManMode is how a charger is led so that it falls back without the box.
type DeadManMode string

// The modes (ocpp-gateway 7.4); "" is not known and is used as DeadManTx.
const (
	DeadManTx      DeadManMode = "TX"     // a TxProfile with a duration over the fall-back
	DeadManDefault DeadManMode = "TXDEF"  // two stacked default profiles, the upper one with a duration
	DeadManNone    DeadManMode = "TXDEF0" // one default profile overwritten: it does not fall back by itself
)

// DeadManProof says whether it was seen that current falls to the fall-back when a
// lease ends unrenewed.
type DeadManProof struct {
	Mode DeadManMode `json:"mode,omitempty"`
	// Result is Yes when seen, No when current stayed, "" while the proof is open.
	Result Tristate `json:"result,omitempty"`
	// Fallback is the limit that it fell to, and Took how long after the end of the
	// lease it did.
	Fallback loadbalance.MilliAmp `json:"fallback_ma,omitempty"`
	Took     time.Duration        `json:"took_ns,omitempty"`
	At       time.Time            `json:"at,omitzero"`
}

// AbilitySource is where abilities are known from. A later one in this order never
// replaces an earlier one by itself.
type AbilitySource string

// The sources.
const (
	AbilitiesConfigured AbilitySource = "configured" // somebody wrote them
	AbilitiesLearnt     AbilitySource = "learnt"     // this charger showed them
	AbilitiesInherited  AbilitySource = "inherited"  // another of the same model and firmware showed them
	AbilitiesAssumed    AbilitySource = "assumed"    // nothing is known: the usual ones
)

// UsualAbilities are assumed of a charger of which nothing is known.
func UsualAbilities() Abilities {
	return Abilities{MaxStackLevel: -1, Source: AbilitiesAssumed}
}

// Takes tells whether a purpose was taken; false also when nothing is known.
func (a Abilities) Takes(p ProfilePurpose) bool { return slices.Contains(a.Purposes, p) }

// TakesUnit tells whether a unit was taken; false also when nothing is known.
func (a Abilities) TakesUnit(u RateUnit) bool { return slices.Contains(a.Units, u) }

// Fits tells whether what was learnt of a charger holds for another one.
func (a Abilities) Fits(i ChargerInfo) bool {
	return a.Model != "" && a.Vendor == i.Vendor && a.Model == i.Model && a.Firmware == i.Firmware
}

// InheritedBy is what another charger of the same model and firmware takes over; how
// its own connectors are wired is not among it. ok is false if nothing fits.
func (a Abilities) InheritedBy(i ChargerInfo) (_ Abilities, ok bool) {
	if !a.Fits(i) {
		return UsualAbilities(), false
	}
	a.Connectors = nil
	a.Source = AbilitiesInherited
	return a, true
}
