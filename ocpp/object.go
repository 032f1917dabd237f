package ocpp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Object is a JSON object that is edited without encoding the rest anew: unknown
// members, the text of numbers, escapes, order and white space survive. A copy of
// an Object is independent of the original.
type Object struct {
	members []member
	blank   []byte // white space inside an object without members
}

// member keeps its bytes apart: lead is everything from after the separator to the
// value (white space, key, colon), tail what follows the value up to the next
// separator.
type member struct {
	key               string
	lead, value, tail []byte
}

// ParseObject reads raw. It refuses what is not one JSON object and an object in
// which a key appears twice.
func ParseObject(raw json.RawMessage) (Object, error) {
	raw = bytes.TrimSpace(raw)
	if !validJSON(raw) {
		return Object{}, errors.New("cannot read the object: not JSON")
	}
	if raw[0] != '{' {
		return Object{}, errors.New("cannot read the object: it is another kind of value")
	}
	raw = bytes.Clone(raw)
	var o Object
	seen := map[string]bool{}
	at := 1
	for {
		m, end, ok := scanMember(raw, at)
		if !ok {
			o.blank = raw[at : len(raw)-1]
			return o, nil
		}
		if seen[m.key] {
			return Object{}, fmt.Errorf("cannot read the object: member %q appears twice", clip(m.key, 40))
		}
		seen[m.key] = true
		o.members = append(o.members, m)
		if raw[end] == '}' {
			return o, nil
		}
		at = end + 1
	}
}

// scanMember reads one member of valid JSON from at on; end is where the separator
// or the closing brace stands. ok is false for an object without members.
func scanMember(raw []byte, at int) (m member, end int, ok bool) {
	i := skipSpace(raw, at)
	if raw[i] == '}' {
		return member{}, i, false
	}
	keyEnd := scanString(raw, i)
	if err := json.Unmarshal(raw[i:keyEnd], &m.key); err != nil {
		panic("ocpp: a key of valid JSON can't be read: " + err.Error())
	}
	i = skipSpace(raw, skipSpace(raw, keyEnd)+1) // over the colon
	valueEnd := scanValue(raw, i, endless)
	end = skipSpace(raw, valueEnd)
	m.lead, m.value, m.tail = raw[at:i:i], raw[i:valueEnd:valueEnd], raw[valueEnd:end:end]
	return m, end, true
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// Get returns the value of key, byte-exact.
func (o *Object) Get(key string) (json.RawMessage, bool) {
	if i := o.index(key); i >= 0 {
		return o.members[i].value, true
	}
	return nil, false
}

// Set replaces the value of key where it stands, or appends the member. v must be
// valid JSON; it is not looked at.
func (o *Object) Set(key string, v json.RawMessage) {
	o.members = slices.Clone(o.members)
	if i := o.index(key); i >= 0 {
		o.members[i].value = bytes.Clone(v)
		return
	}
	lead, err := json.Marshal(key)
	if err != nil {
		panic("ocpp: a string can't be written as JSON: " + err.Error())
	}
	o.members = append(o.members, member{key: key, lead: append(lead, ':'), value: bytes.Clone(v)})
}

// Delete removes key, if it is there.
func (o *Object) Delete(key string) {
	if i := o.index(key); i >= 0 {
		o.members = slices.Delete(slices.Clone(o.members), i, i+1)
	}
}

// Keys lists the members in their order.
func (o *Object) Keys() []string {
	keys := make([]string, 0, len(o.members))
	for _, m := range o.members {
		keys = append(keys, m.key)
	}
	return keys
}

func (o *Object) index(key string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
}

// Raw is the object's text.
func (o Object) Raw() json.RawMessage {
	out := []byte{'{'}
	if len(o.members) == 0 {
		out = append(out, o.blank...)
	}
	for i, m := range o.members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.lead...)
		out = append(out, m.value...)
		out = append(out, m.tail...)
	}
	return append(out, '}')
}

// Member finds a member of a JSON object without reading the others, byte-exact: the
// last one of that name, or one in another case if there is none. nil: there is none,
// it is null, or raw is not an object.
func Member(raw json.RawMessage, name string) json.RawMessage {
	var exact, folded json.RawMessage
	i := skipSpace(raw, 0)
	if i >= len(raw) || raw[i] != '{' || !validJSON(raw) {
		return nil
	}
	for i = skipSpace(raw, i+1); raw[i] != '}'; {
		end := scanString(raw, i)
		found, _ := unquote(json.RawMessage(raw[i:end]))
		begin := skipSpace(raw, skipSpace(raw, end)+1)
		end = scanValue(raw, begin, endless)
		switch {
		case found == name:
			exact = raw[begin:end:end]
		case strings.EqualFold(found, name):
			folded = raw[begin:end:end]
		}
		if i = skipSpace(raw, end); raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	if exact == nil {
		exact = folded
	}
	if string(exact) == "null" {
		return nil
	}
	return exact
}

// RawArray splits a JSON array into its elements, each byte-exact.
func RawArray(raw json.RawMessage) ([]json.RawMessage, error) {
	list, ok := elements([]json.RawMessage(nil), raw, endless)
	if !ok {
		return nil, errors.New("cannot read the array: not a JSON array")
	}
	return list, nil
}
