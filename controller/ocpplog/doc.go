// Package ocpplog remembers the newest OCPP messages of each charger and of the
// uplink, for support and tests.
//
// It owns one bounded ring of frames per charger, in memory only: frame log is never
// written to the disk. Adding a frame copies its text into the ring's one piece of
// memory; nothing is read or paired before somebody asks.
//
// Units: times are the box's clock, latencies from the moment a CALL was written or
// read to the one its answer was; sizes are bytes.
//
// Concurrency: a Log may be used from any goroutine. Add returns at once.
//
// Secrets never leave: what Calls returns has no passwords, keys of authorization or
// private keys in it, and idTokens only where the caller is told to show them.
//
// It must not know the site, a database or who asks.
package ocpplog
