package ocpp

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrorCode is the code of a CALLERROR.
type ErrorCode string

// The codes of all versions. Two have a misspelt twin in OCPP 1.6; programs use the
// 2.x name and a Conn writes what its version calls it (see For).
const (
	CodeNotImplemented                ErrorCode = "NotImplemented"
	CodeNotSupported                  ErrorCode = "NotSupported"
	CodeInternalError                 ErrorCode = "InternalError"
	CodeProtocolError                 ErrorCode = "ProtocolError"
	CodeSecurityError                 ErrorCode = "SecurityError"
	CodeFormatViolation               ErrorCode = "FormatViolation"
	CodeFormationViolation            ErrorCode = "FormationViolation" // 1.6 for FormatViolation
	CodePropertyConstraintViolation   ErrorCode = "PropertyConstraintViolation"
	CodeOccurrenceConstraintViolation ErrorCode = "OccurrenceConstraintViolation"
	CodeOccurenceConstraintViolation  ErrorCode = "OccurenceConstraintViolation" // 1.6, one "r"
	CodeTypeConstraintViolation       ErrorCode = "TypeConstraintViolation"
	CodeGenericError                  ErrorCode = "GenericError"
	CodeMessageTypeNotSupported       ErrorCode = "MessageTypeNotSupported" // 2.x
	CodeRPCFrameworkError             ErrorCode = "RpcFrameworkError"       // 2.x
)

// Canonical is the 2.x spelling of the two codes that are misspelt in 1.6; both
// spellings are met on both versions (J16 errata 5.1, 5.2).
func (c ErrorCode) Canonical() ErrorCode {
	switch c {
	case CodeFormationViolation:
		return CodeFormatViolation
	case CodeOccurenceConstraintViolation:
		return CodeOccurrenceConstraintViolation
	}
	return c
}

// For is the code as protocol p spells it. Codes that 1.6 does not have become its
// nearest one.
func (c ErrorCode) For(p Protocol) ErrorCode {
	c = c.Canonical()
	if p != V16 {
		return c
	}
	switch c {
	case CodeFormatViolation:
		return CodeFormationViolation
	case CodeOccurrenceConstraintViolation:
		return CodeOccurenceConstraintViolation
	case CodeMessageTypeNotSupported, CodeRPCFrameworkError:
		return CodeProtocolError
	}
	return c
}

// Error is a CALLERROR, to be sent or as received. A received one has its code in
// the canonical spelling.
type Error struct {
	Code        ErrorCode
	Description string          // at most 255 characters on the wire
	Details     json.RawMessage // a JSON object, nil = {}
}

// Errorf makes an Error with a formatted description.
func Errorf(code ErrorCode, format string, args ...any) *Error {
	return &Error{Code: code, Description: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Description == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Description
}

// Violation is the way in which a payload breaks the rules of its action. Validate
// methods of the message types return it.
type Violation struct {
	Path    string    // of the member, as "chargingSchedule.chargingSchedulePeriod[2].limit"
	Code    ErrorCode // canonical spelling
	Problem string    // "is missing", "is longer than 20 characters", …
}

func (v *Violation) Error() string {
	if v.Path == "" {
		return v.Problem
	}
	return v.Path + " " + v.Problem
}

// CallError is the CALLERROR that tells the peer.
func (v *Violation) CallError() *Error {
	return &Error{Code: v.Code, Description: v.Error()}
}

// Errors of Conn.Call. ErrNotSent is never returned alone: errors.Is tells with it
// that the frame certainly never left, so that the call may be repeated elsewhere.
var (
	ErrNotSent   = errors.New("the call was not sent")
	ErrCongested = fmt.Errorf("cannot send: too many calls are waiting on this connection: %w", ErrNotSent)
	ErrTimeout   = errors.New("cannot wait longer: the peer did not answer in time")
	ErrUnusable  = errors.New("the answer can't be used")
	ErrClosed    = errors.New("the connection is closed")
)
