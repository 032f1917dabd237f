// Package config reads site.yaml into an immutable Config and writes it back.
//
// A configuration is a value: parsed, checked with all problems at once, then only
// read. Nobody changes a Config after Parse; a new revision is a new Config. Every
// function is pure and safe for concurrent use.
//
// One table per section (tables.go) holds keys, ranges, defaults and their
// explanation. Reading, the canonical YAML, the differences between two revisions
// and the published JSON Schema all come from these tables, so they cannot disagree.
//
// Units: currents are loadbalance.MilliAmp (the file says amperes with at most three
// decimals, keys end in _a), voltages are volts, times are time.Duration.
//
// Parts of the contract that this version does not act on (inputs, notify, users,
// retention, a second cloud station) may be written empty and are refused otherwise: a setting that is silently ignored
// would be a false promise.
//
// The package must not know files, environment, network, the controller or the
// devices; names that live elsewhere (meter models, dialects) come in through Known.
package config

//go:generate go test -run TestSchemaIsCommitted -update
