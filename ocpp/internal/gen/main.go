// Command gen turns the field table of OCPP versions into Go: structs in the order of
// the specification, enums, Validate methods and typed actions. It is run by go
// generate in the package of the versions and knows nothing of connections.
//
//	gen PACKAGE TABLE
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen PACKAGE TABLE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes the files of a table into the working directory.
func run(pkg, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	t, err := parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", from, err)
	}
	for name, source := range t.sources(pkg) {
		out, err := format.Source(source)
		if err != nil {
			return fmt.Errorf("cannot format what was made of %s: %w", from, err)
		}
		if err := os.WriteFile(name, out, 0o644); err != nil {
			return err
		}
	}
	return nil
}
