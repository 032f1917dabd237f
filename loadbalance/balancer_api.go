package loadbalance

import "time"

// NodeID names one node of the tree of fuses, e.g. "main" or "board-a".
type NodeID string

// Breaker is the kind of protective device, which decides how much overload for
// how long it stands.
type Breaker uint8

// The protective devices known.
const (
	BreakerMCB Breaker = iota // IEC 60898-1, any curve
	BreakerGG                 // IEC 60269 gG fuse
)

// Node is one fuse or breaker. Nodes without Parent are roots (supplies).
type Node struct {
	ID      NodeID
	Parent  NodeID
	Limit   PerPhase // rated current of the device; 0 where a conductor is absent
	Breaker Breaker
	// Metered nodes get readings; every root must be metered or its uncontrolled
	// load is taken as WorstBase for ever.
	Metered bool
	// WorstBase is the installer's worst uncontrolled load below this node (not
	// counting chargers), used when the meter is lost. Usually 0 below the root.
	WorstBase PerPhase
	// LargestStep is the largest load that may switch on at once below this node;
	// what exceeds 0.4 of the limit is kept free as margin.
	LargestStep MilliAmp

	// Grid is how the conductors of a supply relate; it counts at roots, for all below.
	Grid Grid
	// Continuous is the percentage of Limit that may flow for hours, 0 counts as 100;
	// some codes want 80.
	Continuous int
	// Power is the most the node may draw, W, of the base load and the chargers; 0: no
	// limit. Where it is set, caps in watts are followed exactly.
	Power int64
	// Imbalance is the most two lines may differ by, at a root; 0: no limit. It counts
	// on total current where the meter is alive, else on the chargers alone. A car
	// whose lines aren't known counts as balanced.
	Imbalance MilliAmp
	// States are the limits in other states of the supply, e.g. on a generator. The
	// state comes with each Input; an unknown one means the least of all.
	States []SupplyState
}

// SupplyState is what holds at a node in one state of its supply. Limit and Power
// replace those of the Node, whose state has the empty name.
type SupplyState struct {
	Name string
	// Limit is 0 on a conductor where the chargers get nothing in this state.
	Limit PerPhase
	Power int64 // W; 0: no limit
	// WorstBase replaces that of the Node; nil: it is the same.
	WorstBase *PerPhase
}

// SupplyIn says in which state a node's supply is.
type SupplyIn struct {
	Node  NodeID
	State string
}

// Config is what a Balancer is made for. Zero values mean the defaults in
// parentheses.
type Config struct {
	Nodes        []Node
	StaleAfter   time.Duration // no increases when the last reading is older (3 s)
	FailsafeWhen time.Duration // fail-safe when it is older (8 s)
	FrozenAfter  time.Duration // identical reading while setpoints moved counts as lost (30 s)
	Step         MilliAmp      // setpoints are multiples of it (100 mA)
	LeaseDefault time.Duration // (120 s)
	Down         time.Duration // least time between two reductions of one connector, overload apart (5 s)
	Up           time.Duration // least time between two increases (10 s)
	Settle       time.Duration // a charger and its car may take this long to follow (12 s)
	// Policy orders who gets the minimum when not all can (default: PolicyFair).
	Policy Policy
	Tuning Tuning
}

// Policy is an order of admission and a measure of fair shares, within a class of
// priority. Whatever the policy, Connector.Rank and Connector.Target come first.
type Policy uint8

// The policies known.
const (
	// PolicyFair keeps who charges, then who waited longest, and shares by weight.
	PolicyFair Policy = iota
	// PolicyLaxity serves first who has the least time to spare before his departure,
	// and fills by it. Who has no known departure or need counts as relaxed.
	PolicyLaxity
)

// Connector is what the controller knows of one connector at one control pass.
// All currents are per phase.
type Connector struct {
	Slot   int // stable number, unique
	Node   NodeID
	Phases PhaseSet // grid phases after rotation; 0 counts as AllPhases
	// Min is the least current a car charges with (at least 6 A), Max the least of
	// cable, EVSE, charging profiles and user limits. Max < Min means no charging.
	Min, Max MilliAmp
	// CeilingRule names what set Max (RuleMax, RuleProfile, RuleOperator, RuleOutside), for the reason.
	CeilingRule Rule
	// Failsafe is what the charger falls back to by itself: 0 or >= 6 A. For a
	// charger whose fall-back is not proven it is the hardware's maximum.
	Failsafe MilliAmp
	Priority int // higher first
	Weight   int // share within a class, 0 counts as 1

	// Departure is when the car is expected to leave; zero: unknown.
	Departure time.Time
	// Needs is the energy the car still wants, in Wh; 0: unknown.
	Needs int64
	// Target is the current an outer planner wants the connector to have now: all
	// targets of a class are filled before anything above them is shared. It only
	// orders and shares what the fuses leave over, it never raises a limit; 0: none.
	Target MilliAmp
	// Rank is the planner's order of admission within a class, smaller first. Ranked
	// connectors come before those without; 0: none.
	Rank int

	// Wants is true while a transaction is open (or about to open) and the car may
	// take current.
	Wants      bool
	WantsSince time.Time
	// CanStartUnasked is true while the connector may draw Failsafe without the box
	// being asked first: a transaction is open or about to open, or the charger is out
	// of reach. An idle connector that has to ask is booked at nothing.
	CanStartUnasked bool
	// NoPause is true of a charger that can't hold its car back at 0 A. While it wants
	// current it is booked at Min at least and never told less, whatever Max is.
	NoPause bool
	// Online is false while the charger can't be commanded.
	Online bool

	// Held is the last setpoint the charger acknowledged, valid until LeaseUntil.
	// A connector without live lease is held at Failsafe.
	Held       MilliAmp
	HeldAt     time.Time // when it was acknowledged
	LeaseUntil time.Time // zero: no lease
	// Sent is a setpoint on the way that is not acknowledged yet (SentOpen), the
	// highest of several. It must be booked as if it were held already.
	Sent     MilliAmp
	SentOpen bool
	SentAt   time.Time
	LastUp   time.Time // last increase sent
	LastDown time.Time // last reduction sent

	// Measured is the current on grid phases as the charger last reported, MeasuredAt
	// zero if it never did in this transaction.
	Measured   PerPhase
	MeasuredAt time.Time
}

// Reading is one plausible sample of a node's meter. Import is positive.
type Reading struct {
	Node    NodeID
	At      time.Time
	Current PerPhase
	// Period is the usual time between two readings of this meter; limits of age
	// are at least three of it.
	Period time.Duration
}

// Cap is a limit on a whole node from outside the tree: the cloud's site profile,
// an operator, the grid operator. It can only lower.
type Cap struct {
	Node  NodeID
	Limit PerPhase
	// Power is a limit in W, 0: none. A node without Node.Power splits it evenly.
	Power int64
	Rule  Rule
}

// Input is one control pass.
type Input struct {
	Connectors []Connector
	Readings   []Reading // the newest reading of each metered node, also if old
	Caps       []Cap
	Supplies   []SupplyIn // of nodes with States; none means unknown
}

// Rule says which rule set a limit.
type Rule uint8

// The rules, in the order a person would ask for them.
const (
	RuleMax          Rule = iota // gets all that cable, EVSE and car take
	RuleShare                    // shares what Node leaves over on Phase
	RuleWaiting                  // less than the minimum is left: waits its turn at 0 A
	RuleIdle                     // no car, or the car wants nothing
	RuleProfile                  // a charging profile of the cloud
	RuleSiteCap                  // the cloud's cap on the whole site
	RuleOperator                 // an operator's limit
	RuleMeterStale               // meter reading too old: no increase
	RuleMeterLost                // meter lost: fail-safe currents
	RuleOffline                  // charger can't be reached: it is booked, not commanded
	RuleDonor                    // waits until another connector has really come down
	RulePacing                   // waits for the least time between two increases
	RuleUnresponsive             // does not obey: booked at what it draws
	RuleOutside                  // a limit that another system has set at the charger
	RuleReserve                  // would fit now, but not at the peaks of the last minutes
	RuleRotation                 // gave its place to a car that waited, and is next after its turn
	RulePlan                     // the planner serves others first
)

// Reason is why a connector has its setpoint; typed, so that page, log and API can
// word it.
type Reason struct {
	Rule  Rule
	Node  NodeID        // the limiting node, if one
	Phase Phase         // its limiting phase
	Age   time.Duration // of the reading, for the meter rules
}

// Action is what is to be done about one connector now.
type Action uint8

// The actions, in the order they are to be carried out.
const (
	Keep    Action = iota // nothing to send
	Reduce                // send now; frees current only once proven
	Renew                 // same current, lease to be prolonged
	Raise                 // send now, all proofs are there
	Release               // let the lease run out: fail-safe is enough
)

// Setpoint is the outcome for one connector.
type Setpoint struct {
	Slot int
	// Limit is what the connector is to hold: 0, or Min..Max.
	Limit MilliAmp
	// Target is what it would get if every proof were there already.
	Target MilliAmp
	Action Action
	// Urgent reductions bypass pacing (overload, lost meter).
	Urgent bool
	Lease  time.Duration
	Reason Reason
}

// NodeState is what a pass found at one node.
type NodeState struct {
	Node     NodeID
	Rated    PerPhase // of the device, or of the supply in its present state
	Limit    PerPhase // after caps and margin
	Measured PerPhase // newest reading, if Metered
	Age      time.Duration
	Fresh    bool     // reading younger than StaleAfter
	Lost     bool     // fail-safe at this node: too old, frozen, or never read
	Frozen   bool     // the reading did not move while it must have
	Base     PerPhase // uncontrolled load reckoned with
	Booked   PerPhase // sum of what connectors below may draw without asking
	Headroom PerPhase // Limit - Base - Booked, may be negative
}

// Alarm is a finding a person should see.
type Alarm struct {
	Kind AlarmKind
	Node NodeID
	Slot int
}

// AlarmKind is what an Alarm is about.
type AlarmKind uint8

// The findings.
const (
	AlarmMeterLost AlarmKind = iota
	AlarmMeterFrozen
	AlarmOverload     // measured above the limit
	AlarmDisobedience // connector draws more than it holds
	AlarmFailsafeSum  // fail-safe currents and worst base exceed a limit
)

// Plan is the outcome of a pass. Its slices are valid until the next call of Step.
type Plan struct {
	Setpoints []Setpoint // one for each input connector, reductions first, then by slot
	Nodes     []NodeState
	Alarms    []Alarm
	// Wake is when a pass is needed at the latest, readings or not.
	Wake time.Time
}
