package ocpp

import (
	"fmt"
	"unicode/utf8"
)

// The checks below are what generated Validate methods are made of. path names the
// member; each returns nil or the violation.

// Missing is a required member that is not there.
func Missing(path string) *Violation {
	return &Violation{Path: path, Code: CodeOccurrenceConstraintViolation, Problem: "is missing"}
}

// Entry is the path of one entry of a list.
func Entry(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// CheckLength bounds a string to most characters.
func CheckLength(path, value string, most int) *Violation {
	if len(value) <= most || utf8.RuneCountInString(value) <= most {
		return nil
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is longer than %d characters", most)}
}

// CheckEnum reports a value that its enumeration doesn't have.
func CheckEnum[E ~string](path string, value E, known bool) *Violation {
	switch {
	case known:
		return nil
	case value == "":
		return Missing(path)
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is none of its values: %q", clip(string(value), 40))}
}

// CheckMin bounds an integer from below.
func CheckMin(path string, value, least int) *Violation {
	if value >= least {
		return nil
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is %d, less than %d", value, least)}
}

// CheckCount bounds the number of entries of a list; most 0 is no bound.
func CheckCount(path string, n, least, most int) *Violation {
	if n >= least && (most == 0 || n <= most) {
		return nil
	}
	return &Violation{Path: path, Code: CodeOccurrenceConstraintViolation, Problem: fmt.Sprintf("has %d entries, allowed are %d to %d", n, least, most)}
}

// CheckDecimal reports what is no number or finer than step, in thousandths (0: any).
func CheckDecimal(path string, value Decimal, step int64) *Violation {
	if value == "" {
		return Missing(path)
	}
	if !isNumber(string(value)) {
		return &Violation{Path: path, Code: CodeTypeConstraintViolation, Problem: "is not a number"}
	}
	if step == 0 {
		return nil
	}
	m, err := value.Milli()
	if err != nil || m%step != 0 {
		return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is %s, not a multiple of %s", clip(string(value), 40), DecimalFromMilli(step))}
	}
	return nil
}
