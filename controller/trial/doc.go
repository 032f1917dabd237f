// Package trial puts a Site through drawn scenarios in virtual time, in one plain loop
// without goroutines or sockets: a tree of breakers, chargers with cars that obey or do
// not, meters that tell the truth or do not, a cloud that is there or is not, and a box
// that starts again on what it had made durable. The question is whether a breaker opens
// (loadbalance.Stress) and whether the rules that hold at every moment are kept.
//
// A Scenario is a plain value: everything that is drawn is in it, noise follows from its
// seed, and running it twice gives the same end state to the last bit. What fails is made
// smaller while it still fails (Shrink), and kept as a file that Load reads.
//
// Times are seconds since the scenario's start, currents of cars and buildings A per
// phase, those of setpoints MilliAmp. Nothing here is safe for concurrent use but Run,
// which gives each scenario to one of its workers.
//
// The package knows a Site's events and effects and the model of breakers; it must not
// know protocols, files of the box, or how the balancer decides.
package trial
