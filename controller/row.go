package controller

import (
	"encoding/json"
	"time"
)

// Row is something durable. The set is closed; the journal writes all rows of one
// Persist in one transaction.
type Row interface{ row() }

type (
	// SlotRow binds a number towards the cloud to a place. Written once; only State
	// and the hardware behind it change.
	SlotRow struct {
		Slot        Slot
		UpEVSE      int // number on a 2.x uplink
		UpConnector int
		Station     StationID
		Connector   int
		State       SlotState
		Epoch       int // counts the hardware behind the slot
	}
	// StationRow is what is remembered of a charger.
	StationRow struct {
		Station  StationID
		Protocol string
		Info     ChargerInfo
		// FailsafeInstalled is the fall-back current it accepted, in mA; -1: none proven.
		FailsafeInstalled int32
		LastSeen          time.Time
	}
	// TxRow is a transaction; the row is replaced at each change. UpTx is written by
	// the outbox when the cloud answers and never by the Site.
	TxRow struct {
		Tx         TxID
		Slot       Slot
		Station    StationID
		Connector  int
		ChargerTx  string
		Token      IDToken
		MeterStart WattHour
		StartedAt  time.Time
		StartText  string // timestamp as received
		MessageID  string
		// Rule is the authorisation rule that let it start, e.g. "cloud", "cache",
		// "offline-unknown".
		Rule          string
		ReservationID *int
		Ended         bool
		MeterStop     WattHour
		StoppedAt     time.Time
		StopText      string
		Reason        string
		Synthetic     bool // closed by the box, not by the charger
		LastRegister  WattHour
		LastSampleAt  time.Time
		UpTx          UpstreamTx
	}
	// OutboxRow is one message of a transaction that the cloud must get. Rows of one
	// Tx are a lane: first in, first out.
	OutboxRow struct {
		Tx    TxID
		Slot  Slot
		Kind  OutboxKind
		Token string // IDToken.Key, for the order among transactions of one token
		At    time.Time
		Body  json.RawMessage // StartBody, MeterBody or StopBody
	}
	// TokenRow is a cached right.
	TokenRow struct {
		Token   IDToken
		Info    TokenInfo
		Updated time.Time
	}
	// ClearTokensRow empties the cache.
	ClearTokensRow struct{}
	// SettingRow is a configuration key of the station, or a small state by name.
	SettingRow struct {
		Key   string
		Value string
	}
	// StatusRow is the last status of a slot.
	StatusRow struct{ Status SlotStatus }
	// ProfileRow is a charging profile of the cloud; Deleted removes it.
	ProfileRow struct {
		Slot    Slot
		Profile Profile
		Deleted bool
	}
	// EventRow is a line of the event log.
	EventRow struct{ Entry LogEntry }
)

// SlotState is what stands behind a slot.
type SlotState string

// The states of a slot.
const (
	SlotActive  SlotState = "active"
	SlotVacant  SlotState = "vacant"
	SlotRetired SlotState = "retired"
)

// FormV2 marks values in the form of OCPP 2.x.
const FormV2 = "2"

// OutboxKind is the place of a message in its transaction.
type OutboxKind string

// The kinds of outbox rows.
const (
	OutboxStart OutboxKind = "start"
	OutboxMeter OutboxKind = "meter"
	OutboxStop  OutboxKind = "stop"
)

type (
	// StartBody is the canonical content of a transaction's start.
	StartBody struct {
		Token         IDToken  `json:"token"`
		MeterStart    WattHour `json:"meter_start"`
		At            string   `json:"at"` // RFC 3339 UTC
		ReservationID *int     `json:"reservation_id,omitempty"`
	}
	// MeterBody holds meterValue elements byte-exact as the charger sent them: not as
	// JSON inside JSON, whose encoder would compact and escape them.
	MeterBody struct {
		Values [][]byte `json:"values"`
		// Form is the version whose meterValue they are: "" is 1.6, FormV2 is 2.x.
		Form string `json:"form,omitempty"`
	}
	// StopBody is the canonical content of a transaction's end.
	StopBody struct {
		MeterStop WattHour `json:"meter_stop"`
		At        string   `json:"at"`
		Reason    string   `json:"reason,omitempty"`
		Token     *IDToken `json:"token,omitempty"`
		Data      []byte   `json:"data,omitempty"` // transactionData, byte-exact
	}
)

func (SlotRow) row()        {}
func (StationRow) row()     {}
func (TxRow) row()          {}
func (OutboxRow) row()      {}
func (TokenRow) row()       {}
func (ClearTokensRow) row() {}
func (SettingRow) row()     {}
func (StatusRow) row()      {}
func (ProfileRow) row()     {}
func (EventRow) row()       {}

// OutboxItem is an outbox row as the journal gives it to the pump.
type OutboxItem struct {
	ID int64 // increasing in the order of arrival
	OutboxRow
	Attempts int
	UpTx     UpstreamTx // of the transaction, "" until its start is settled
	// MessageID and Wire are the message as first sent; empty before that. Resends are
	// these bytes under this id.
	MessageID string
	Wire      json.RawMessage
	// Packed are the ids of the rows that went with this one in one message.
	Packed []int64
}

// Recovered is everything the box remembers when it starts.
type Recovered struct {
	Slots    []SlotRow
	Stations []StationRow
	Open     []TxRow // transactions not ended
	Recent   []TxRow // ended within 30 days, for de-duplication, newest last
	NextTx   TxID    // first id never given to anyone
	Settings map[string]string
	Statuses []SlotStatus
	Profiles []ProfileRow
	// Undelivered are ended transactions whose Stop the cloud has not acknowledged, and
	// open ones whose Start it has not.
	Undelivered []TxID
	Started     int // transactions ever started
	// Billed are the newest meterValue elements, at most BilledKept, that open
	// transactions have in the outbox, oldest first: a charger whose values were not
	// acknowledged in time sends them again after the restart.
	Billed map[TxID][]json.RawMessage
}

// BilledKept is how many billed meterValue elements of a transaction are remembered to
// tell repeated ones.
const BilledKept = 32

// OutboxCounts are the numbers of the outbox.
type OutboxCounts struct {
	Pending int // rows not acknowledged yet, parked ones included
	Parked  int
	Oldest  time.Time
	// Delivered counts transactions whose Start and Stop the cloud acknowledged, and
	// their energy (stop minus start).
	Delivered       int
	DeliveredEnergy WattHour
	Started         int
}

// Outcome is what became of a message that was sent to the cloud.
type Outcome string

// The outcomes.
const (
	OutcomeDelivered Outcome = "delivered" // acknowledged
	OutcomeRetry     Outcome = "retry"     // no usable answer: the same bytes go again
	OutcomeParked    Outcome = "parked"    // refused for good: waits for a person
)

// Settlement ends one attempt of one message.
type Settlement struct {
	IDs     []int64 // the row and those packed with it
	Tx      TxID
	Kind    OutboxKind
	UpTx    UpstreamTx // for a delivered start
	Outcome Outcome
	Err     string
}
