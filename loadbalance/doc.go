// Package loadbalance shares the current that a tree of fuses leaves over among
// connectors: per phase, 0 or at least the minimum each, weighted max-min fair,
// reductions before increases, and always on the safe side of missing data.
//
// Everything here is pure and deterministic: no clock, no I/O, no goroutine, no
// log. The time is an argument; the state is a Balancer that one goroutine owns.
// Current is MilliAmp per phase, rms. Limits and setpoints are rounded down,
// loads are rounded up.
//
// The package knows nothing of OCPP, chargers' sockets or meters' registers: the
// controller tells it what each connector was last known to hold and draw, and it
// answers what each connector may hold now, and why.
package loadbalance
