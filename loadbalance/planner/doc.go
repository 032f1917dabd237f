// Package planner looks ahead: which car gets how much now, so that by the time each
// leaves as much as possible of what was asked for has been delivered, at the least cost.
//
// The problem is a linear programme: one current per car and slot, per-phase limits of
// every fuse in every slot, the energy each car still wants, prices and a power cap. A
// Planner solves it approximately by a primal-dual gradient method with restarts, which
// can be stopped after any iteration, starts from its previous answer, and states how far
// it may be from the best (Result.Bound). For the present slot the answer is repaired to
// what chargers can do: 0 or at least the minimum, in steps, within every fuse.
//
// The plan guards no fuse: it only says what would be good. The inner loop overrules it
// downwards at any time. The package is pure: no clock, no I/O, no goroutine; the same
// sequence of problems and iterations gives the same results. Currents are per phase;
// inside, they are amperes in float64.
package planner
