package controller

import "strings"

// StationID is a charger's OCPP identity, case-sensitive.
type StationID string

// Slot is a connector's number towards the cloud, 1..N, given once and never
// reused for another place. 0 is the station as a whole.
type Slot int

// TxID is the box's own transaction id: a positive int32 (so that it fits OCPP
// 1.6), unique over all chargers, restarts and clock jumps. 0 means none.
type TxID int64

// UpstreamTx is the transaction's id at the cloud: an integer's text on 1.6, a UUID
// made by the box on 2.x. Empty until known.
type UpstreamTx string

// WattHour is an energy register or difference, whole Wh.
type WattHour int64

// Watt is an active power, import positive.
type Watt int64

// ReplyID names a request that waits for its Answer. 0 means nobody waits.
type ReplyID uint64

// Seq numbers what was handed to the journal, increasing.
type Seq uint64

// OpID names a command on its way to a charger.
type OpID uint64

// TokenType is the kind of an idToken in OCPP 2.x words. 1.6 knows none.
type TokenType string

// IDToken is what a driver identifies with. Value keeps its original case.
type IDToken struct {
	Value string    `json:"value"`
	Type  TokenType `json:"type,omitempty"`
}

// Same compares as OCPP does: without regard to case (1.6 idTag is a
// CiString20Type; 2.x identifierString compare likewise), and by type where both
// have one.
func (t IDToken) Same(o IDToken) bool {
	return strings.EqualFold(t.Value, o.Value) && (t.Type == "" || o.Type == "" || t.Type == o.Type)
}

// Key is the form tokens are indexed by.
func (t IDToken) Key() string { return strings.ToUpper(t.Value) }

// TokenStatus is what may be done with a token, in OCPP 1.6 words.
type TokenStatus string

// The statuses of an idToken (16§7.2).
const (
	TokenAccepted     TokenStatus = "Accepted"
	TokenBlocked      TokenStatus = "Blocked"
	TokenExpired      TokenStatus = "Expired"
	TokenInvalid      TokenStatus = "Invalid"
	TokenConcurrentTx TokenStatus = "ConcurrentTx"
)

// ConnectorStatus is a connector's status in OCPP 1.6 words, the finer of the
// versions (16§7.7).
type ConnectorStatus string

// The statuses of a connector.
const (
	StatusAvailable     ConnectorStatus = "Available"
	StatusPreparing     ConnectorStatus = "Preparing"
	StatusCharging      ConnectorStatus = "Charging"
	StatusSuspendedEV   ConnectorStatus = "SuspendedEV"
	StatusSuspendedEVSE ConnectorStatus = "SuspendedEVSE"
	StatusFinishing     ConnectorStatus = "Finishing"
	StatusReserved      ConnectorStatus = "Reserved"
	StatusUnavailable   ConnectorStatus = "Unavailable"
	StatusFaulted       ConnectorStatus = "Faulted"
)

// NoError is the error code of a healthy connector (16§7.6).
const NoError = "NoError"
