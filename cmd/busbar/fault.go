package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/loadbalance"
)

// Fault is something that goes wrong on purpose in the demo.
type Fault struct {
	Name string
	// Arg is the charger of charger-kill, the amperes of base-step, else empty.
	Arg string
	// From and To are times since the start; To 0 means until the end.
	From, To time.Duration
}

// faultKind is one fault the demo knows.
type faultKind struct {
	name, arg, example string
}

// faultKinds is all of them, in the order messages list them.
func faultKinds() []faultKind {
	return []faultKind{
		{"cloud-cut", "", "cloud-cut@10s-40s"},
		{"meter-freeze", "", "meter-freeze@10s-40s"},
		{"meter-loss", "", "meter-loss@10s-40s"},
		{"charger-kill", "ID", "charger-kill:CP1@10s-40s"},
		{"base-step", "AMPS", "base-step:20@10s-40s"},
	}
}

// parseFault reads NAME[:ARG]@FROM[-TO], such as cloud-cut@10s-40s or
// charger-kill:CP1@1m. The error says what to write.
func parseFault(text string) (Fault, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return Fault{}, faultError(text, "has no time", "Add @ and when it begins, such as "+exampleFor(text)+".")
	}
	f := Fault{}
	what, when := text[:at], text[at+1:]
	f.Name, f.Arg, _ = strings.Cut(what, ":")
	kinds := faultKinds()
	i := slices.IndexFunc(kinds, func(k faultKind) bool { return k.name == f.Name })
	if i < 0 {
		return Fault{}, faultError(text, fmt.Sprintf("no fault is called %q", f.Name), "Write one of "+faultNames()+".")
	}
	kind := kinds[i]
	switch {
	case kind.arg == "" && strings.Contains(what, ":"):
		return Fault{}, faultError(text, kind.name+" takes nothing after a colon", "Write such as "+kind.example+".")
	case kind.arg != "" && f.Arg == "":
		return Fault{}, faultError(text, kind.name+" needs :"+kind.arg, "Write such as "+kind.example+".")
	case kind.name == "charger-kill" && (len(f.Arg) > 48 || strings.ContainsAny(f.Arg, ": \t")):
		return Fault{}, faultError(text, fmt.Sprintf("%q is no charger's id", f.Arg), "Write such as "+kind.example+".")
	case kind.name == "base-step":
		if _, err := strconv.ParseUint(f.Arg, 10, 16); err != nil || f.Amps() < loadbalance.Amp || f.Amps() > 1000*loadbalance.Amp {
			return Fault{}, faultError(text, fmt.Sprintf("needs whole amperes from 1 to 1000, got %q", f.Arg), "Write such as "+kind.example+".")
		}
	}
	var err error
	if f.From, f.To, err = parseSpan(text, when); err != nil {
		return Fault{}, err
	}
	return f, nil
}

// parseSpan reads FROM or FROM-TO.
func parseSpan(text, when string) (from, to time.Duration, err error) {
	first, last, ends := strings.Cut(when, "-")
	const remedy = "Write times since the start with their unit: @10s or @10s-1m30s."
	if from, err = time.ParseDuration(first); err != nil || from < 0 {
		return 0, 0, faultError(text, fmt.Sprintf("begins at no time: %q", first), remedy)
	}
	if !ends {
		return from, 0, nil
	}
	if to, err = time.ParseDuration(last); err != nil || to < 0 {
		return 0, 0, faultError(text, fmt.Sprintf("ends at no time: %q", last), remedy)
	}
	if to <= from {
		return 0, 0, faultError(text, fmt.Sprintf("ends at %s, not after it begins at %s", last, first), remedy)
	}
	return from, to, nil
}

// Amps is the argument of base-step; 0 for other faults.
func (f Fault) Amps() loadbalance.MilliAmp {
	n, err := strconv.ParseUint(f.Arg, 10, 16)
	if f.Name != "base-step" || err != nil {
		return 0
	}
	return loadbalance.MilliAmp(n) * loadbalance.Amp
}

// String is the form parseFault reads.
func (f Fault) String() string {
	s := f.Name
	if f.Arg != "" {
		s += ":" + f.Arg
	}
	s += "@" + f.From.String()
	if f.To != 0 {
		s += "-" + f.To.String()
	}
	return s
}

// UnmarshalText lets flags and JSON hold faults.
func (f *Fault) UnmarshalText(text []byte) (err error) {
	*f, err = parseFault(string(text))
	return err
}

func faultError(text, reason, remedy string) error {
	return badInput(fmt.Sprintf("fault %q: %s", text, reason), remedy)
}

func faultNames() string {
	var names []string
	for _, k := range faultKinds() {
		if k.arg != "" {
			k.name += ":" + k.arg
		}
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// exampleFor is the example of the fault the text begins like.
func exampleFor(text string) string {
	name, _, _ := strings.Cut(text, ":")
	for _, k := range faultKinds() {
		if k.name == name {
			return k.example
		}
	}
	return faultKinds()[0].example
}
