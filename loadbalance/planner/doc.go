// Package planner looks hours ahead: it decides which car should charge when, so that
// all of them leave with as much of the energy they asked for as the fuses allow.
//
// It solves a linear programme over the cars present and the slots until the last of
// them leaves, with one row for each node, phase and slot that can become tight. The
// method is a first-order one (a reflected primal-dual hybrid gradient with Halpern
// anchoring and restarts): it can be stopped after any iteration, starts again from
// the prices of the last solve, and gives an upper bound along with every plan, so
// that the distance to the best plan is always known. For the present slot the plan
// is then made to fit what a charger can do: 0 or Min..Max in whole steps.
//
// Everything here is pure and deterministic: no clock, no I/O, no goroutine, no log.
// A Planner is the warm-start state and scratch memory of one site; one goroutine owns
// it. Current is MilliAmp per phase, rms; energy is Wh; power is W at 230 V to neutral
// and power factor 1. Rooms are rounded down.
//
// A plan is a wish. The package balancer above it decides what is safe at each second
// and may always give less; the planner knows nothing of meters, leases, chargers or
// OCPP.
package planner
