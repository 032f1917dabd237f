package controller

import (
	"time"

	"busbar/loadbalance"
)

// Snapshot is the whole site at one moment, immutable. Slices are never changed
// after publication.
type Snapshot struct {
	At          time.Time
	SiteID      string
	SiteName    string
	Demo        bool
	Nodes       []NodeView
	Connectors  []ConnectorView // by slot
	Chargers    []ChargerView   // by id
	Waiting     []WaitingView   // unknown chargers that asked to be let in
	Meters      []MeterView
	Uplink      UplinkView
	Outbox      OutboxCounts
	Alarms      []Alarm    // active ones, worst first
	Log         []LogEntry // the newest 100, newest last
	Settings    map[string]string
	Statuses    []SlotStatus // what the cloud is (to be) told, slot 0 first
	SetpointSum int          // setpoint changes since start
	TxStarted   int          // transactions started since the database was made
	// JournalError is set when the disk refused a write: billing answers stop.
	JournalError string
	Plan         PlanView
}

// NodeView is one fuse.
type NodeView struct {
	ID       string
	Parent   string
	Limit    loadbalance.PerPhase // rated, in the present state of the supply
	Measured loadbalance.PerPhase // of its meter, else the sum of the chargers below
	Metered  bool
	Age      time.Duration
	State    string // "ok", "stale", "lost", "frozen"
	Base     loadbalance.PerPhase
	Booked   loadbalance.PerPhase
	Headroom loadbalance.PerPhase
	Supply   *SupplyView // of a root with several states, else nil
}

// SupplyView is the state of a supply.
type SupplyView struct {
	State  string   // StateGrid or another of States; "": unknown
	States []string // all it has
	Until  time.Time
}

// ConnectorView is one connector.
type ConnectorView struct {
	Slot       Slot
	Station    StationID
	Connector  int
	Bay        string
	EVSEID     string
	Node       string
	Phases     string // grid phases, e.g. "L2L3L1"
	PhaseSet   loadbalance.PhaseSet
	Online     bool
	Status     ConnectorStatus
	ErrorCode  string
	Info       string
	Tx         TxID
	UpTx       UpstreamTx
	Token      string // masked
	Since      time.Time
	Energy     WattHour // of the running transaction
	Register   WattHour
	Setpoint   loadbalance.MilliAmp // acknowledged
	Target     loadbalance.MilliAmp // what it is to get
	Max        loadbalance.MilliAmp
	Failsafe   loadbalance.MilliAmp
	LeaseUntil time.Time
	Measured   loadbalance.PerPhase // grid phases
	MeasuredAt time.Time
	SoC        int // -1 unknown
	Reason     loadbalance.Reason
	Why        string // Reason in plain words
	Operative  bool
	// OperatorLimit is what an operator set, below 0 none, and OperatorUntil its end; zero:
	// until lifted.
	OperatorLimit loadbalance.MilliAmp
	OperatorUntil time.Time
	// Departure and Needs (Wh) are what is known of the car's plans, zero where nothing
	// is, and who told. Vehicle is the car's id.
	Departure   time.Time
	DepartureBy NeedsSource
	Needs       WattHour
	NeedsBy     NeedsSource
	Vehicle     string
	// Planned is its part of the plan, nil if there is none to go by; PlanRank its place in
	// the order of admission, 0: none.
	Planned  []PlanStep
	PlanRank int
}

// ChargerView is one charger.
type ChargerView struct {
	Station    StationID
	Node       string
	Online     bool
	Protocol   string
	Remote     string
	Info       ChargerInfo
	Since      time.Time
	LastHeard  time.Time
	FailsafeOK bool
	Slots      []Slot
	Abilities  Abilities // shared, never changed
	// ClockSkew is positive where the charger's clock is behind; LeaseOK is false where
	// setpoints can't be given an end on it.
	ClockSkew time.Duration
	LeaseOK   bool
	// Jobs are what the charger does, or last did, on its own.
	Jobs []JobView
	// ProfileWrites of today, of the ProfileBudget its memory is made for (0: none counted).
	ProfileWrites, ProfileBudget int
}

// WaitingView is an unknown charger at the door.
type WaitingView struct {
	Station StationID
	Remote  string
	Info    ChargerInfo
	Since   time.Time
}

// MeterView is one meter.
type MeterView struct {
	ID      string
	Node    string
	Current loadbalance.PerPhase
	Power   Watt
	At      time.Time
	Err     string
}

// UplinkView is the link to the cloud.
type UplinkView struct {
	Station  string
	URL      string
	Protocol string
	State    UplinkState
	Detail   string
	Since    time.Time
}

// Severity orders alarms and log entries.
type Severity string

// The severities.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityAlarm   Severity = "alarm"
)

// Alarm is a state that a person should act on; it clears by itself when its cause
// is gone.
type Alarm struct {
	Code     string // stable, e.g. "meter.lost"
	Severity Severity
	Subject  string // what it is about: a node, a charger, "cloud"
	Text     string // what is wrong
	Remedy   string // what to do
	Since    time.Time
}

// LogEntry is a line of the event log.
type LogEntry struct {
	At       time.Time
	Severity Severity
	Code     string
	Subject  string
	Text     string
}

// Status is the report of `busbar demo --report` and GET /api/v1/status.
type Status struct {
	ChargersConnected     int         `json:"chargers_connected"`
	Connectors            int         `json:"connectors"`
	ChargerNetwork        string      `json:"charger_network"` // what protects it: "tls", "isolated" (signed off) or "plain"
	UpstreamConnected     bool        `json:"upstream_connected"`
	UpstreamProtocol      string      `json:"upstream_protocol"`
	TransactionsStarted   int         `json:"transactions_started"`
	TransactionsDelivered int         `json:"transactions_delivered"`
	OutboxPending         int         `json:"outbox_pending"`
	OutboxParked          int         `json:"outbox_parked"`
	EnergyWhChargers      WattHour    `json:"energy_wh_chargers"`
	EnergyWhDelivered     WattHour    `json:"energy_wh_delivered"`
	EnergyWhUpstream      *WattHour   `json:"energy_wh_upstream"`
	LedgerDifferences     *int        `json:"ledger_differences"`
	MeterAgeMs            *int64      `json:"meter_age_ms"`
	GridCurrentA          *[3]float64 `json:"grid_current_a"`
	GridLimitA            [3]float64  `json:"grid_limit_a"`
	WorstOverloadA        float64     `json:"worst_overload_a"`
	WorstOverloadMs       int64       `json:"worst_overload_ms"`
	OverloadIntegralS     float64     `json:"overload_integral_s"`
	SetpointChanges       int         `json:"setpoint_changes"`
	ReactionMsP99         *float64    `json:"reaction_ms_p99"`
	InvariantViolations   *int        `json:"invariant_violations"`
	// Of the plan that is followed: seconds since what it knew, iterations, and the gap to
	// the best possible one, 0 to 1; null without one. Failures are since start.
	PlanAgeS       *float64 `json:"plan_age_s"`
	PlanIterations *int     `json:"plan_iterations"`
	PlanGap        *float64 `json:"plan_gap"`
	PlanFailures   int      `json:"plan_failures"`
}
