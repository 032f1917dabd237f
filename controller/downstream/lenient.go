package downstream

import (
	"encoding/json"
	"strings"
	"time"

	"busbar/ocpp"
)

// plausible is at, or zero if the charger's clock can't be right: before the first
// Boot many stand at 1970. Old times are normal after an outage.
func plausible(at, now time.Time) time.Time {
	if at.Before(now.AddDate(-1, -1, 0)) || at.After(now.Add(24*time.Hour)) {
		return time.Time{}
	}
	return at
}

// inZone is a charger's time. One without a zone is local where the charger stands
// (ocpp-gateway 1.4); zone nil is UTC.
func inZone(d ocpp.DateTime, zone *time.Location) time.Time {
	if zone == nil || len(d.Text) < 11 || strings.ContainsAny(d.Text[10:], "Zz+-") {
		return d.Time
	}
	y, m, day := d.Time.Date()
	return time.Date(y, m, day, d.Time.Hour(), d.Time.Minute(), d.Time.Second(), d.Time.Nanosecond(), zone).UTC()
}

// says compares a word of an answer in any case.
func says[T ~string](got, want T) bool { return strings.EqualFold(string(got), string(want)) }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(*s)
}

// deref is an optional member's value, zero if it is absent.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// member finds a member in any case, byte-exact; nil if absent or null.
func member(raw json.RawMessage, name string) json.RawMessage { return ocpp.Member(raw, name) }

func has(raw json.RawMessage, name string) bool { return member(raw, name) != nil }

// unreadable tells whether a member is among the problems of a lenient reading.
func unreadable(problems []string, name string) bool {
	for _, p := range problems {
		if strings.HasPrefix(p, name+" ") {
			return true
		}
	}
	return false
}

// list is a member as the text of a JSON array: a single element is made one, nil if
// there is none.
func list(raw json.RawMessage, name string) json.RawMessage {
	value := member(raw, name)
	if len(value) == 0 {
		return nil
	}
	if value[0] == '{' {
		return append(append(json.RawMessage{'['}, value...), ']')
	}
	if elements, err := ocpp.RawArray(value); err != nil || len(elements) == 0 {
		return nil
	}
	return value
}
