package ocpp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Protocol is a WebSocket subprotocol: the version of OCPP a connection speaks.
type Protocol string

// The versions.
const (
	V16  Protocol = "ocpp1.6"
	V201 Protocol = "ocpp2.0.1"
	V21  Protocol = "ocpp2.1"
)

// MessageType is the first element of a frame.
type MessageType int

// The message types (J16 §4.1.3, 2.1 Part 4 §4.1.3).
const (
	TypeCall            MessageType = 2
	TypeCallResult      MessageType = 3
	TypeCallError       MessageType = 4
	TypeCallResultError MessageType = 5 // 2.1
	TypeSend            MessageType = 6 // 2.1
)

// Frame is one message on the wire.
type Frame struct {
	Type        MessageType
	ID          string
	Action      string          // CALL, SEND
	Payload     json.RawMessage // CALL, CALLRESULT, SEND: byte-exact, never empty after ParseFrame
	Code        ErrorCode       // CALLERROR, CALLRESULTERROR: as written
	Description string
	Details     json.RawMessage
}

// Bounds of what is read.
const (
	maxDepth       = 16  // nested objects and arrays of a payload
	maxID          = 255 // the specification has 36; some chargers use more
	maxAction      = 100
	maxDescription = 255 // characters of an outbound CALLERROR
)

// FrameError tells why a message is no frame, and what can still be answered.
type FrameError struct {
	Type    MessageType // 0 if unreadable
	ID      string      // empty if unreadable
	Code    ErrorCode   // canonical spelling
	Problem string
}

func (e *FrameError) Error() string { return "cannot read the message: " + e.Problem }

// Answer is the CALLERROR that protocol p has for this; false if the message is to
// be dropped without an answer. Only what may have been a CALL is answered, and on
// 2.1 an unusable CALLRESULT by a CALLRESULTERROR.
func (e *FrameError) Answer(p Protocol) (Frame, bool) {
	id := e.ID
	switch {
	case e.Type == TypeCallResult && id != "" && p == V21:
		return Frame{Type: TypeCallResultError, ID: id, Code: e.Code.For(p), Description: e.Problem}, true
	case e.Type == TypeCallResult || e.Type == TypeCallError || e.Type == TypeCallResultError || e.Type == TypeSend:
		return Frame{}, false
	case e.Code == CodeMessageTypeNotSupported && p != V201: // 1.6 and 2.1 ignore it
		return Frame{}, false
	case id == "" && p == V16:
		return Frame{}, false
	case id == "":
		id = "-1" // 2.0.1 Part 4 §4.2.3
	}
	return Frame{Type: TypeCallError, ID: id, Code: e.Code.For(p), Description: e.Problem}, true
}

// ParseFrame reads one message. The frame's slices don't alias b. Accepted beyond
// the letter: a missing, null or [] payload (read as {}), missing parts of a
// CALLERROR. The error is always a *FrameError.
func ParseFrame(b []byte) (Frame, error) {
	if !utf8.Valid(b) {
		return Frame{}, &FrameError{Code: CodeRPCFrameworkError, Problem: "it is not UTF-8"}
	}
	var room [6]json.RawMessage // as many as a frame may have, and one
	parts, ok := elements(room[:0], b, maxDepth+1)
	if !ok {
		problem := "it is not a JSON array"
		if depth(b) > maxDepth+1 {
			problem = "it is nested too deeply"
		}
		return Frame{}, &FrameError{Code: CodeRPCFrameworkError, Problem: problem}
	}
	if len(parts) < 2 {
		return Frame{}, &FrameError{Code: CodeRPCFrameworkError, Problem: "it has fewer than two elements"}
	}
	kind, err := strconv.Atoi(string(parts[0]))
	if err != nil {
		return Frame{}, &FrameError{Code: CodeRPCFrameworkError, Problem: "its message type is not a number"}
	}
	f := Frame{Type: MessageType(kind)}
	if f.ID, ok = unquote(parts[1]); !ok || f.ID == "" || len(f.ID) > maxID {
		return Frame{}, &FrameError{Type: f.Type, Code: CodeRPCFrameworkError, Problem: "its message id is not a string of 1 to 36 characters"}
	}
	err = f.fill(parts[2:])
	return f, err
}

// fill reads what follows the id.
func (f *Frame) fill(parts []json.RawMessage) error {
	fail := func(code ErrorCode, problem string) error {
		return &FrameError{Type: f.Type, ID: f.ID, Code: code, Problem: problem}
	}
	var ok bool
	switch f.Type {
	case TypeCall, TypeSend:
		if len(parts) > 0 {
			f.Action, _ = unquote(parts[0])
		}
		if f.Action == "" || len(f.Action) > maxAction {
			return fail(CodeFormatViolation, "its action is not a name")
		}
		if len(parts) > 2 {
			return fail(CodeFormatViolation, "it has too many elements")
		}
		if f.Payload, ok = payload(parts[1:]); !ok {
			return fail(CodeFormatViolation, "its payload is not an object")
		}
	case TypeCallResult:
		if f.Payload, ok = payload(parts); !ok {
			return fail(CodeFormatViolation, "its payload is not an object")
		}
	case TypeCallError, TypeCallResultError:
		f.fillError(parts)
	default:
		return fail(CodeMessageTypeNotSupported, fmt.Sprintf("message type %d is not known", f.Type))
	}
	return nil
}

// fillError takes what can be used: the call has failed however it is worded.
func (f *Frame) fillError(parts []json.RawMessage) {
	f.Code, f.Details = CodeGenericError, json.RawMessage("{}")
	if len(parts) > 0 {
		var code string
		if json.Unmarshal(parts[0], &code) == nil && code != "" {
			f.Code = ErrorCode(clip(code, maxAction))
		}
	}
	if len(parts) > 1 {
		_ = json.Unmarshal(parts[1], &f.Description)
	}
	if len(parts) > 2 && parts[2][0] == '{' {
		f.Details = bytes.Clone(parts[2])
	}
}

// unquote reads a JSON string; most need no decoding.
func unquote(raw json.RawMessage) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if inner, ok := plainText(raw); ok {
		return string(inner), true
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// plainText is what stands between the quotes, if that needs no decoding.
func plainText(quoted []byte) (inner []byte, ok bool) {
	inner = quoted[1 : len(quoted)-1 : len(quoted)-1]
	return inner, bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner)
}

// unquoteText is a valid scalar without the quotes that it may have.
func unquoteText(raw []byte) []byte {
	if raw[0] != '"' {
		return raw[:len(raw):len(raw)]
	}
	if inner, ok := plainText(raw); ok {
		return inner
	}
	s, _ := unquote(raw)
	return []byte(s)
}

func payload(parts []json.RawMessage) (json.RawMessage, bool) {
	if len(parts) == 0 {
		return json.RawMessage("{}"), true
	}
	switch p := parts[0]; {
	case p[0] == '{':
		return bytes.Clone(p), true
	case string(p) == "null", p[0] == '[' && len(bytes.TrimSpace(p[1:len(p)-1])) == 0:
		return json.RawMessage("{}"), true
	}
	return nil, false
}

// depth is the deepest nesting of b, which need not be valid JSON.
func depth(b []byte) int {
	deepest, now := 0, 0
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// Append writes the frame to dst. Payload and Details are copied byte for byte;
// empty ones become {}.
func (f Frame) Append(dst []byte) []byte {
	dst = append(dst, '[')
	dst = strconv.AppendInt(dst, int64(f.Type), 10)
	dst = appendString(append(dst, ','), f.ID)
	switch f.Type {
	case TypeCall, TypeSend:
		dst = appendString(append(dst, ','), f.Action)
		dst = appendObject(append(dst, ','), f.Payload)
	case TypeCallError, TypeCallResultError:
		dst = appendString(append(dst, ','), string(f.Code))
		dst = appendString(append(dst, ','), firstRunes(f.Description, maxDescription))
		dst = appendObject(append(dst, ','), f.Details)
	default:
		dst = appendObject(append(dst, ','), f.Payload)
	}
	return append(dst, ']')
}

func appendString(dst []byte, s string) []byte {
	if plain(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	text, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		panic("ocpp: a string can't be written as JSON: " + err.Error())
	}
	return append(dst, text...)
}

// plain tells that s stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

func appendObject(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, '{', '}')
	}
	return append(dst, raw...)
}

func firstRunes(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}
