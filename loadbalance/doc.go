// Package loadbalance shares the current that a tree of fuses leaves over among
// connectors: per phase, 0 or at least the minimum each, weighted max-min fair,
// reductions before increases, and always on the safe side of missing data.
//
// Everything here is pure and deterministic: no clock, no I/O, no goroutine, no
// log. The time is an argument; the state is a Balancer that one goroutine owns.
// Current is MilliAmp per phase, rms. Limits and setpoints are rounded down,
// loads are rounded up.
//
// A pass (Balancer.Step) works in this order. Each connector is booked at the most it
// may draw without another command. What the meter shows beyond the chargers is the
// base load; while a car is on its way to a new setpoint its share is an interval,
// not a number. Overloads are judged by what is left once all commands on the way
// have arrived; increases by the largest base load of the last minute and by
// what the others may still draw. Between these two the fill gives everybody a
// target, and only as many commands are made of it as safety and fairness need.
//
// A pass allocates nothing and costs about 0.4 us for each connector, of 50 as of 5,000
// (cost_test.go): the places of connectors and what they are sorted by are kept from the
// last pass, sums are made by node and added up the tree, and nobody is asked about a
// fuse that can't stop him.
//
// The package knows nothing of OCPP, chargers' sockets or meters' registers: the
// controller tells it what each connector was last known to hold and draw, and it
// answers what each connector may hold now, and why.
package loadbalance
