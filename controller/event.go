package controller

import (
	"encoding/json"
	"time"

	"busbar/loadbalance"
)

// Event is something that happened. The set is closed: Step's switch names each
// type, and a test walks them all.
type Event interface{ event() }

// Origin says who gave a command.
type Origin string

// The origins of a command.
const (
	FromCloud         Origin = "cloud"
	FromLocal         Origin = "local"
	FromCommissioning Origin = "commissioning" // a test of one charger
)

// --- chargers' side -------------------------------------------------------

// ChargerInfo is what a charger says of itself at boot.
type ChargerInfo struct {
	Vendor, Model, Serial, Firmware, MeterSerial, MeterType string
}

type (
	// ChargerConnected: an authenticated socket opened. Generation grows with each
	// socket of the process, so that a late ChargerGone of an old one is recognised.
	ChargerConnected struct {
		Station    StationID
		Generation uint64
		Protocol   string // "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
		Remote     string
		// Stranger: it has proven nothing, and waits for approval even where its identity
		// is known: that of a charger whose access was taken away.
		Stranger bool
	}
	// ChargerGone: that socket ended.
	ChargerGone struct {
		Station    StationID
		Generation uint64
		Cause      string
	}
	// ChargerHeard: any message came; kept coarse (at most once per 10 s per charger).
	ChargerHeard struct {
		Station StationID
	}
	// Booted is BootNotification; answered with BootAnswer.
	Booted struct {
		Station StationID
		Reply   ReplyID
		Info    ChargerInfo
	}
	// StatusReported is StatusNotification; answered with Done. Connector 0 is the
	// charger itself.
	StatusReported struct {
		Station         StationID
		Reply           ReplyID
		Connector       int
		Status          ConnectorStatus
		ErrorCode       string
		VendorErrorCode string
		VendorID        string
		Info            string
		At              time.Time
	}
	// AuthorizeAsked is Authorize; answered with AuthorizeAnswer.
	AuthorizeAsked struct {
		Station StationID
		Reply   ReplyID
		Token   IDToken
	}
	// TxStarted is StartTransaction, or TransactionEvent Started. Answered with
	// StartAnswer.
	TxStarted struct {
		Station       StationID
		Reply         ReplyID
		MessageID     string
		Connector     int
		Token         IDToken
		MeterStart    WattHour
		At            time.Time
		AtText        string // timestamp as received
		ReservationID *int
		ChargerTx     string // the charger's own id on 2.x, else empty
	}
	// TxStopped is StopTransaction, or TransactionEvent Ended. Answered with
	// StopAnswer, also for ids nobody knows (16§4.10: never a CALLERROR).
	TxStopped struct {
		Station   StationID
		Reply     ReplyID
		Tx        TxID // as the charger says it: may be -1, 0 or unknown
		ChargerTx string
		MeterStop WattHour
		At        time.Time
		AtText    string
		Reason    string // OCPP 1.6 word, "" = Local
		Token     *IDToken
		Data      json.RawMessage // transactionData, byte-exact, nil if none
	}
	// MeterReported is MeterValues, or a TransactionEvent's values. Answered with Done.
	MeterReported struct {
		Station   StationID
		Reply     ReplyID
		Connector int
		Tx        TxID // 0: none given
		ChargerTx string
		Samples   []MeterSample
	}
)

// MeterSample is one meterValue element: what the controller reads of it, and the
// element itself byte-exact.
type MeterSample struct {
	At     time.Time
	AtText string
	Raw    json.RawMessage
	// Current per connector phase (charger's L1..L3), with the phases that were given.
	Current       loadbalance.PerPhase
	CurrentPhases loadbalance.PhaseSet
	Power         Watt
	HasPower      bool
	Energy        WattHour // Energy.Active.Import.Register, rounded down
	HasEnergy     bool
	SoC           int // percent, -1 if not given
	// Billing is true for signed values and the contexts Transaction.Begin,
	// Transaction.End and Sample.Clock (decision "what is billing").
	Billing bool
}

type (
	// LimitAnswered: a charger answered (or failed to answer) SetLimit number Seq.
	LimitAnswered struct {
		Station  StationID
		Slot     Slot
		Seq      Seq
		Accepted bool
		Sent     bool   // false: never left the box (superseded, socket gone)
		Unknown  bool   // it left, but no answer came: the charger may or may not hold it
		Err      string // in words, for the event log
	}
	// FailsafeAnswered: the permanent fall-back profile was (not) accepted.
	FailsafeAnswered struct {
		Station  StationID
		Accepted bool
		Err      string
	}
	// BaselinePushed: the configuration keys were offered; Refused lists what was not
	// taken.
	BaselinePushed struct {
		Station StationID
		Refused []string
	}
	// ChargerLearnt: more is known of what a charger takes than before; Abilities is
	// all of it.
	ChargerLearnt struct {
		Station   StationID
		Abilities Abilities
	}
	// ClockJudged: a charger's clock was compared with the box's. Skew is positive where
	// the charger is behind, kept coarse; LeaseOK tells whether a setpoint can still be
	// given an end on it (decision 10).
	ClockJudged struct {
		Station StationID
		Skew    time.Duration
		LeaseOK bool
	}
	// ProfilesWritten: how many charging profiles a charger was given on the UTC day of
	// Day; told in steps.
	ProfilesWritten struct {
		Station StationID
		Day     time.Time
		Count   int
		Budget  int
	}
	// CommandAnswered: a charger answered a Command, or did not within its time.
	CommandAnswered struct {
		Op       OpID
		Accepted bool
		Status   string
		Err      string
		Data     json.RawMessage // what it told, of a command of service
	}
)

// --- cloud's side ---------------------------------------------------------

// UplinkState is how far the connection to the cloud has come.
type UplinkState string

// The states of the uplink.
const (
	UplinkOff          UplinkState = "off" // none configured
	UplinkDisconnected UplinkState = "disconnected"
	UplinkConnected    UplinkState = "connected" // socket open, not accepted yet
	UplinkPending      UplinkState = "pending"
	UplinkRejected     UplinkState = "rejected"
	UplinkAccepted     UplinkState = "accepted"
)

type (
	// UplinkChanged: the link of one upstream station changed.
	UplinkChanged struct {
		State  UplinkState
		Detail string
		Booted bool // accepted after a BootNotification of ours (else a plain reconnect)
	}
	// TokenAnswered: the cloud answered AskToken, or did not (OK false).
	TokenAnswered struct {
		Ask  uint64
		OK   bool
		Info TokenInfo
	}
	// Delivered: the cloud acknowledged a message of a transaction; it is settled in
	// the journal already.
	Delivered struct {
		Tx   TxID
		Kind OutboxKind
		UpTx UpstreamTx // for Start
		Info *TokenInfo // idTagInfo of the answer, nil if none
	}
	// ParkedLane: the cloud refuses a message for good; its lane waits for a person.
	ParkedLane struct {
		Tx  TxID
		Err string
	}
)

// TokenInfo is what is known of a token's rights (idTagInfo).
type TokenInfo struct {
	Status TokenStatus `json:"status"`
	Parent string      `json:"parent,omitempty"`
	Expiry time.Time   `json:"expiry,omitzero"`
}

type (
	// StartRequested is RemoteStartTransaction, or the local page's start. Slot 0: the
	// only one that waits. Answered with CommandAnswer.
	StartRequested struct {
		Reply   ReplyID
		Origin  Origin
		Slot    Slot
		Token   IDToken
		Profile *Profile
	}
	// StopRequested is RemoteStopTransaction by the cloud's id, or a local stop by slot.
	StopRequested struct {
		Reply  ReplyID
		Origin Origin
		UpTx   UpstreamTx
		Slot   Slot
	}
	// UnlockRequested is UnlockConnector.
	UnlockRequested struct {
		Reply  ReplyID
		Origin Origin
		Slot   Slot
	}
	// AvailabilityRequested is ChangeAvailability; slot 0 is the site.
	AvailabilityRequested struct {
		Reply     ReplyID
		Origin    Origin
		Slot      Slot
		Operative bool
	}
	// ResetRequested is Reset of the station.
	ResetRequested struct {
		Reply  ReplyID
		Origin Origin
		Hard   bool
	}
	// ProfileSet is SetChargingProfile, validated in form by the adapter.
	ProfileSet struct {
		Reply   ReplyID
		Slot    Slot
		Profile Profile
	}
	// ProfileCleared is ClearChargingProfile; nil fields match all (16E 3.25).
	ProfileCleared struct {
		Reply      ReplyID
		ID         *int
		Slot       *Slot
		Purpose    *ProfilePurpose
		StackLevel *int
	}
	// SettingChanged is a configuration key of the station, validated by the adapter.
	SettingChanged struct {
		Reply ReplyID
		Key   string
		Value string
	}
	// CacheCleared is ClearCache.
	CacheCleared struct {
		Reply ReplyID
	}
	// LimitRequested is an operator's limit on one slot. Limit < 0 lifts it.
	LimitRequested struct {
		Reply  ReplyID
		Origin Origin
		Slot   Slot
		Limit  loadbalance.MilliAmp
		For    time.Duration // 0: until lifted
	}
	// ApproveRequested lets an unknown charger in or turns it away.
	ApproveRequested struct {
		Reply   ReplyID
		Station StationID
		Approve bool
	}
)

// --- devices, journal, time -----------------------------------------------

type (
	// MeterSampled is a plausible reading of a meter. Import is positive.
	MeterSampled struct {
		Meter   string
		At      time.Time
		Current loadbalance.PerPhase
		Power   Watt
		Period  time.Duration
	}
	// ProofRequested tests on a slot with a running transaction whether the charger falls
	// back by itself when a setpoint ends after Lease; its meter values are watched for
	// Watch after that. Answered with ProofAnswer.
	ProofRequested struct {
		Reply        ReplyID
		Slot         Slot
		Lease, Watch time.Duration
	}
	// ResumedLane: the parked messages of a transaction go out again.
	ResumedLane struct {
		Tx TxID
	}
	// Audited: somebody is about to do something that is to be remembered; answered with
	// Done when it is written. Text has no secrets.
	Audited struct {
		Reply               ReplyID
		By                  string // name and role; "" if nobody did it
		Code, Subject, Text string // as of a LogEntry
	}
	// MeterFailed: a meter can't be read; Err says why and what to do.
	MeterFailed struct {
		Meter string
		Err   string
	}
	// Committed: everything up to Seq is durable.
	Committed struct {
		Seq Seq
	}
	// JournalFailed: the disk refused a write; nothing is acknowledged until restart.
	JournalFailed struct {
		Err string
	}
	// Found answers a Lookup.
	Found struct {
		Lookup uint64
		Token  *TokenRow // for LookupToken, nil if unknown
		Tx     *TxRow    // for LookupTx, nil if unknown
	}
	// Tick: the time that Wake asked for has come.
	Tick struct{}
)

func (ChargerConnected) event()      {}
func (ChargerGone) event()           {}
func (ChargerHeard) event()          {}
func (Booted) event()                {}
func (StatusReported) event()        {}
func (AuthorizeAsked) event()        {}
func (TxStarted) event()             {}
func (TxStopped) event()             {}
func (MeterReported) event()         {}
func (LimitAnswered) event()         {}
func (FailsafeAnswered) event()      {}
func (BaselinePushed) event()        {}
func (CommandAnswered) event()       {}
func (ChargerLearnt) event()         {}
func (ClockJudged) event()           {}
func (ProfilesWritten) event()       {}
func (UplinkChanged) event()         {}
func (TokenAnswered) event()         {}
func (Delivered) event()             {}
func (ParkedLane) event()            {}
func (StartRequested) event()        {}
func (StopRequested) event()         {}
func (UnlockRequested) event()       {}
func (AvailabilityRequested) event() {}
func (ResetRequested) event()        {}
func (ProfileSet) event()            {}
func (ProfileCleared) event()        {}
func (SettingChanged) event()        {}
func (CacheCleared) event()          {}
func (LimitRequested) event()        {}
func (ApproveRequested) event()      {}
func (ProofRequested) event()        {}
func (ResumedLane) event()           {}
func (Audited) event()               {}
func (MeterSampled) event()          {}
func (MeterFailed) event()           {}
func (Committed) event()             {}
func (JournalFailed) event()         {}
func (Found) event()                 {}
func (Tick) event()                  {}
