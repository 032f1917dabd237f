// Command gen turns the field table of an OCPP version into Go: structs in the order
// of the specification, enums, Validate methods and typed actions. It is run by go
// generate in the package of the version and knows nothing of connections.
//
//	gen PACKAGE TABLE OUTPUT
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gen PACKAGE TABLE OUTPUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(pkg, from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	t, err := parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", from, err)
	}
	out, err := format.Source(t.source(pkg))
	if err != nil {
		return fmt.Errorf("cannot format what was made of %s: %w", from, err)
	}
	return os.WriteFile(to, out, 0o644)
}
