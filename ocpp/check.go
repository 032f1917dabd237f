package ocpp

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The checks below are what generated Validate methods are made of. path names the
// member, in the object that has it; each returns nil or the violation. The objects
// around it put their own name before the path (In, InEntry), so that a message that
// keeps the rules costs no memory.

// In is the violation seen from the object that has it in its member.
func (v *Violation) In(member string) *Violation { return v.within(member) }

// InEntry is the violation seen from the object that has it in entry i of a list.
func (v *Violation) InEntry(member string, i int) *Violation {
	return v.within(fmt.Sprintf("%s[%d]", member, i))
}

func (v *Violation) within(path string) *Violation {
	if v.Path != "" {
		path += "." + v.Path
	}
	return &Violation{Path: path, Code: v.Code, Problem: v.Problem}
}

// Missing is a required member that is not there.
func Missing(path string) *Violation {
	return &Violation{Path: path, Code: CodeOccurrenceConstraintViolation, Problem: "is missing"}
}

// Unknown is a member that only a newer version has; path "" is the message itself.
func Unknown(path string) *Violation {
	return &Violation{Path: path, Code: CodeFormatViolation, Problem: "is only known to a newer version of OCPP"}
}

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

// CheckMax bounds an integer from above.
func CheckMax(path string, value, most int) *Violation {
	if value <= most {
		return nil
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is %d, more than %d", value, most)}
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

// CheckInteger reports a number that is not written as an integer where a version has
// integers.
func CheckInteger(path string, value Decimal) *Violation {
	if !strings.ContainsAny(string(value), ".eE") {
		return nil
	}
	return &Violation{Path: path, Code: CodeTypeConstraintViolation, Problem: "has the wrong type: number " + clip(string(value), 40)}
}

// CheckDecimalMin bounds a number from below.
func CheckDecimalMin(path string, value Decimal, least int64) *Violation {
	if atLeast(value, least) {
		return nil
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is %s, less than %d", clip(string(value), 40), least)}
}

// CheckDecimalMax bounds a number from above.
func CheckDecimalMax(path string, value Decimal, most int64) *Violation {
	negated, negative := strings.CutPrefix(string(value), "-")
	if !negative {
		negated = "-" + string(value)
	}
	if atLeast(Decimal(negated), -most) { // -value >= -most: Milli rounds down
		return nil
	}
	return &Violation{Path: path, Code: CodePropertyConstraintViolation, Problem: fmt.Sprintf("is %s, more than %d", clip(string(value), 40), most)}
}

// atLeast compares exactly: what Milli rounds down is never rounded over a whole number.
// What is too large for Milli lies on the side of its sign.
func atLeast(value Decimal, least int64) bool {
	m, err := value.Milli()
	if err != nil {
		return !strings.HasPrefix(string(value), "-")
	}
	return m >= least*1000
}
