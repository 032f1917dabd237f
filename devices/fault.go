package devices

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// FaultKind is what went wrong between us and a device, in the terms a person can do
// something about.
type FaultKind uint8

// The kinds of faults.
const (
	Unreachable FaultKind = iota // no connection
	Silent                       // connected, but no answer in time
	Garbled                      // an answer that does not fit the question
	Refused                      // the device answered with an error of its own
	Unusable                     // an answer in form, but not a plausible sample
	Quiet                        // a device that reports by itself has not done so
)

// Fault is a failed sample. Error is what happened, for the log; Remedy is what to
// do, for the person at the site.
type Fault struct {
	Kind   FaultKind
	Remedy string
	Err    error
}

func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap gives the cause, for example an *Implausible.
func (f *Fault) Unwrap() error { return f.Err }

// Words is cause and remedy in one line, for a page.
func (f *Fault) Words() string {
	if f.Remedy == "" {
		return f.Error()
	}
	return f.Error() + ". " + f.Remedy
}

// NewFault wraps err, with the usual remedy of its kind.
func NewFault(kind FaultKind, err error) *Fault {
	return &Fault{Kind: kind, Remedy: remedies(kind), Err: err}
}

func remedies(kind FaultKind) string {
	switch kind {
	case Unreachable:
		return "Check the device's power, its network cable, address and port, and whether it allows this connection."
	case Silent:
		return "Check the unit id and the bus behind a gateway; a gateway's own timeout must be shorter than ours."
	case Garbled:
		return "Check that no other program uses the device, and that the port speaks Modbus TCP."
	case Refused:
		return "Check the model and the unit id."
	case Unusable:
		return "Check model, clamps and voltage taps of the meter."
	case Quiet:
		return "Check the publishing device and its topic."
	}
	panic(fmt.Sprintf("devices: unknown fault kind %d", kind))
}

// AsFault makes a *Fault of any error of a Source.
func AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	if _, ok := errors.AsType[*Implausible](err); ok {
		return NewFault(Unusable, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return NewFault(Silent, err)
	}
	return NewFault(Unreachable, err)
}
