package ocpp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DateTime is a point in time as OCPP writes it (RFC 3339).
type DateTime struct {
	Text string // as received; empty if made here
	Time time.Time
}

// NewDateTime wraps t.
func NewDateTime(t time.Time) DateTime { return DateTime{Time: t} }

// outLayout is UTC with at most milliseconds (2.0.1 Part 2 §3.1).
const outLayout = "2006-01-02T15:04:05.999Z"

// MarshalJSON writes UTC with "Z" and at most three decimals.
func (d DateTime) MarshalJSON() ([]byte, error) {
	utc := d.Time.UTC()
	if y := utc.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("cannot write year %d as a date-time", y)
	}
	return utc.AppendFormat(nil, `"`+outLayout+`"`), nil
}

// UnmarshalJSON reads what chargers write: an offset, "Z", an hours-only offset
// ("+03"), no zone at all (taken as UTC), a space for the "T", any number of
// decimals. Text is set even if the time can't be read.
func (d *DateTime) UnmarshalJSON(b []byte) error {
	text, ok := unquote(b)
	if !ok {
		return errors.New("is not a date-time string")
	}
	d.Text, d.Time = text, time.Time{}
	t, err := parseTime(text)
	if err != nil {
		return err
	}
	d.Time = t
	return nil
}

func parseTime(text string) (time.Time, error) {
	s := strings.TrimSpace(text)
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	// time.Parse accepts decimals after the seconds that the layout doesn't have.
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("is not a date-time: %q", clip(text, 40))
}

// Decimal is the text of a JSON number. It never goes through a float.
type Decimal string

// DecimalFromMilli is m thousandths, exactly: 16500 is 16.5.
func DecimalFromMilli(m int64) Decimal {
	sign := ""
	u := uint64(m)
	if m < 0 {
		sign, u = "-", -uint64(m)
	}
	text := fmt.Sprintf("%s%d.%03d", sign, u/1000, u%1000)
	return Decimal(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// Milli is the value in thousandths, rounded down (towards minus infinity). It fails
// on what is not a number, and beyond about ±9·10¹⁵.
func (d Decimal) Milli() (int64, error) {
	return parseMilli(string(d))
}

// maxMilli bounds the digits before the exponent is applied, so that a hostile
// "1e999999999" costs nothing.
const maxMilli = int64(9e15)

func parseMilli(text string) (int64, error) {
	if !isNumber(text) {
		return 0, fmt.Errorf("is not a number: %q", clip(text, 40))
	}
	s, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, err := splitExponent(s)
	if err != nil {
		return 0, err
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	shift := exponent - len(fraction) + 3 // value = digits · 10^(shift-3)
	var n int64
	inexact := false
	for i := range len(digits) + max(0, shift) {
		digit := int64(0)
		if i < len(digits) {
			digit = int64(digits[i] - '0')
		}
		if shift < 0 && i >= len(digits)+shift { // below a thousandth
			inexact = inexact || digit != 0
			continue
		}
		if n = n*10 + digit; n > maxMilli {
			return 0, fmt.Errorf("is out of range: %q", clip(text, 40))
		}
		if n == 0 && i >= len(digits) {
			break // zero stays zero whatever the exponent
		}
	}
	if negative {
		n = -n
		if inexact {
			n--
		}
	}
	return n, nil
}

func splitExponent(s string) (mantissa string, exponent int, err error) {
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, 0, nil
	}
	if exponent, err = strconv.Atoi(s[at+1:]); err != nil || exponent > 400 || exponent < -400 {
		return "", 0, fmt.Errorf("is out of range: %q", clip(s, 40))
	}
	return s[:at], exponent, nil
}

// MarshalJSON writes the text as a number.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if !isNumber(string(d)) {
		return nil, fmt.Errorf("cannot write %q as a number", clip(string(d), 40))
	}
	return []byte(d), nil
}

// UnmarshalJSON takes a number's text as it stands, or a quoted number, there also
// with a decimal comma.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return errors.New("is not a number")
		}
		text = strings.Replace(strings.TrimSpace(text), ",", ".", 1)
	}
	if !isNumber(text) {
		return fmt.Errorf("is not a number: %q", clip(text, 40))
	}
	*d = Decimal(text)
	return nil
}

// isNumber tells whether s is a number by JSON's grammar.
func isNumber(s string) bool {
	return s != "" && scanNumber([]byte(s), 0) == len(s)
}

// clip shortens text for a message.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
