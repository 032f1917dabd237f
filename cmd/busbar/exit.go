package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"busbar/controller/config"

	"github.com/alecthomas/kong"
)

// exitCode is what the program ends with; the numbers are a contract.
type exitCode int

// The exit codes.
const (
	exitDone     exitCode = 0
	exitFailed   exitCode = 1 // failed, or an invariant broke
	exitBadInput exitCode = 2 // flags, files or values are wrong
	exitRefused  exitCode = 3 // the present state does not allow it
)

// codedError is an error with the exit code it asks for and what to do about it.
type codedError struct {
	code           exitCode
	reason, remedy string
}

func (e *codedError) Error() string {
	if e.remedy == "" {
		return e.reason
	}
	stop := ". "
	if strings.HasSuffix(e.reason, "?") || strings.HasSuffix(e.reason, ".") {
		stop = " "
	}
	return e.reason + stop + e.remedy
}

// badInput is an error that ends the program with exit code 2.
func badInput(reason, remedy string) error {
	return &codedError{exitBadInput, reason, remedy}
}

// refused is an error that ends the program with exit code 3.
func refused(reason, remedy string) error {
	return &codedError{exitRefused, reason, remedy}
}

// codeOf is the one place that maps errors to exit codes.
func codeOf(err error) exitCode {
	if err == nil {
		return exitDone
	}
	if _, ok := errors.AsType[errHelped](err); ok {
		return exitDone
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	if _, ok := errors.AsType[config.Problems](err); ok {
		return exitBadInput
	}
	if _, ok := errors.AsType[*kong.ParseError](err); ok {
		return exitBadInput
	}
	return exitFailed
}

// report writes an error for a person and gives its exit code. Problems of a file
// have a line each and name the file themselves.
func report(w io.Writer, err error) exitCode {
	code := codeOf(err)
	if code == exitDone {
		return code
	}
	if problems, ok := errors.AsType[config.Problems](err); ok {
		fmt.Fprintln(w, problems)
		return code
	}
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if _, own := errors.AsType[*codedError](err); !own {
			err = usage(parse)
		}
	}
	fmt.Fprintln(w, "busbar: "+err.Error())
	return code
}
