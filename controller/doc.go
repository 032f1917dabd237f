// Package controller is the domain of the box: which charger has which slot, who
// may charge, which transaction runs, what each connector may draw, and what the
// cloud has to hear about it.
//
// Site.Step(now, Event) []Effect is pure: no clock, no I/O, no goroutine, no log.
// Loop owns the Site and steps it one event at a time; everybody else hands events to it or
// reads the immutable Snapshot it publishes. Effects are data, carried out by the
// adapters (store, downstream, upstream) behind the small interfaces of Loop.
//
// Units: MilliAmp per phase, Watt, WattHour, time in UTC. Ids: Slot is the
// connector's number towards the cloud and never changes its meaning; TxID is the
// box's own transaction id, unique over all chargers and restarts.
//
// Adapters import this package, never the other way round.
package controller
