package config

import (
	_ "embed"       // the example
	_ "time/tzdata" // a box without zone files knows the zones as well
)

//go:embed example.yaml
var exampleYAML string

// Example is a commented configuration that Parse takes as it is.
func Example() []byte { return []byte(exampleYAML) }
