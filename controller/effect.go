package controller

import (
	"encoding/json"
	"time"

	"busbar/loadbalance"
)

// Effect is something to be done by an adapter. The set is closed.
type Effect interface{ effect() }

// Answer completes the request that waits under Reply.
type Answer struct {
	Reply ReplyID
	Body  AnswerBody
}

// AnswerBody is the content of an Answer; one type per kind of request.
type AnswerBody interface{ answer() }

type (
	// Done is an answer without content.
	Done struct{}
	// BootAnswer answers Booted. Interval is the heartbeat interval, or the time
	// until the next attempt if not accepted.
	BootAnswer struct {
		Status   string // "Accepted", "Pending", "Rejected"
		Interval time.Duration
		Now      time.Time
	}
	// AuthorizeAnswer answers AuthorizeAsked.
	AuthorizeAnswer struct{ Info TokenInfo }
	// StartAnswer answers TxStarted.
	StartAnswer struct {
		Tx   TxID
		Info TokenInfo
	}
	// StopAnswer answers TxStopped.
	StopAnswer struct{ Info *TokenInfo }
	// CommandAnswer answers a command of the cloud or of the page. Status is the
	// OCPP 1.6 word of that command ("Accepted", "Rejected", "Scheduled", "Unlocked",
	// "NotSupported", "Unknown"); Reason says why in words.
	CommandAnswer struct {
		Status string
		Reason string
		Data   json.RawMessage // what a charger told in answer to a command of service
	}
	// ProofAnswer answers ProofRequested: Result is Yes with what it fell to and how long
	// after the setpoint's end, No, or "" where the test could not be made; Why says why.
	ProofAnswer struct {
		Result   Tristate
		Fallback loadbalance.MilliAmp
		Took     time.Duration
		Why      string
	}
)

func (ProofAnswer) answer()     {}
func (Done) answer()            {}
func (BootAnswer) answer()      {}
func (AuthorizeAnswer) answer() {}
func (StartAnswer) answer()     {}
func (StopAnswer) answer()      {}
func (CommandAnswer) answer()   {}

type (
	// Persist hands rows to the journal as one unit; Committed{Seq} follows.
	Persist struct {
		Seq  Seq
		Rows []Row
	}
	// LookupToken asks the journal for a token's cached rights; Found follows.
	LookupToken struct {
		Lookup uint64
		Token  IDToken
	}
	// LookupTx asks the journal for a transaction that Site no longer holds.
	LookupTx struct {
		Lookup uint64
		Tx     TxID
	}
	// Telemetry goes to the history, batched, and is never waited for.
	Telemetry struct {
		Slot   Slot
		Tx     TxID
		Sample MeterSample
	}
	// Wake asks for a Tick at At at the latest. A later Wake replaces an earlier one.
	Wake struct{ At time.Time }
)

type (
	// SetLimit gives a connector a leased setpoint. LimitAnswered{Seq} follows, always.
	// A newer SetLimit of the same slot replaces one that has not left the box.
	SetLimit struct {
		Station   StationID
		Slot      Slot
		Connector int
		Seq       Seq
		Tx        TxID   // 1.6
		ChargerTx string // 2.x
		Limit     loadbalance.MilliAmp
		Lease     time.Duration
		Urgent    bool
		// Reduction tells that it lowers what the connector holds; Reading is the time of
		// the meter reading it answers to, for the measure of reaction: zero if the pass was
		// made for another reason.
		Reduction bool
		Reading   time.Time
	}
	// InstallFailsafe writes the permanent fall-back profile; FailsafeAnswered follows.
	InstallFailsafe struct {
		Station    StationID
		Connectors []int
		Limit      loadbalance.MilliAmp
	}
	// PushBaseline offers the configuration keys the box needs; BaselinePushed follows.
	PushBaseline struct{ Station StationID }
	// Disconnect closes a charger's socket.
	Disconnect struct {
		Station StationID
		Reason  string
	}
	// Command goes to a charger; CommandAnswered{Op} follows within Within.
	Command struct {
		Op        OpID
		Station   StationID
		Within    time.Duration
		Kind      CommandKind
		Connector int
		Tx        TxID
		ChargerTx string
		Token     IDToken
		Operative bool
		Hard      bool
		Message   string        // for CommandTrigger
		Detail    CommandDetail // of a command of service
	}
)

// CommandKind is what a Command makes the charger do.
type CommandKind string

// The commands a charger gets.
const (
	CommandStart        CommandKind = "start"
	CommandStop         CommandKind = "stop"
	CommandUnlock       CommandKind = "unlock"
	CommandAvailability CommandKind = "availability"
	CommandReset        CommandKind = "reset"
	CommandTrigger      CommandKind = "trigger"
)

type (
	// AskToken asks the cloud; TokenAnswered{Ask} follows within Within.
	AskToken struct {
		Ask    uint64
		Token  IDToken
		Slot   Slot
		Within time.Duration
	}
	// ReportStatus tells the cloud the present status of a slot. Only the newest per
	// slot is kept until it is sent. The order against the slot's Stop is the Site's work.
	ReportStatus struct{ Status SlotStatus }
	// RestartUplink drops the connection and boots again (Reset).
	RestartUplink struct{ Reason string }
)

// SlotStatus is what StatusNotification carries for one slot.
type SlotStatus struct {
	Slot            Slot
	Status          ConnectorStatus
	ErrorCode       string
	VendorErrorCode string
	VendorID        string
	Info            string
	At              time.Time
}

func (Answer) effect()          {}
func (Persist) effect()         {}
func (LookupToken) effect()     {}
func (LookupTx) effect()        {}
func (Telemetry) effect()       {}
func (Wake) effect()            {}
func (SetLimit) effect()        {}
func (InstallFailsafe) effect() {}
func (PushBaseline) effect()    {}
func (Disconnect) effect()      {}
func (Command) effect()         {}
func (AskToken) effect()        {}
func (ReportStatus) effect()    {}
func (RestartUplink) effect()   {}
