// Package sitesim is a whole site in one process: the box, chargers with cars, the
// grid with its meter, a building load, and a cloud, all over the real protocols, on
// the network of the machine or on one in memory in virtual time. Scenarios say what
// happens; a Checker holds the truth of the site against the rules of safety, and the
// ledgers of chargers and cloud are compared at the end.
//
// The demonstration, the tests of the whole and the benchmarks use the same World.
// Currents of the truth are float64 amperes, those of rules loadbalance.MilliAmp.
package sitesim
