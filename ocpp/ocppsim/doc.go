// Package ocppsim simulates both ends that Busbar talks to: a charging station with
// cars (Charger) on OCPP 1.6J, 2.0.1 or 2.1, and a cloud CSMS (Cloud) on 1.6J or 2.x.
// The demonstration, the simulation of a whole site, benchmarks and tests use the same
// ones, over the real network or one in memory, in real or in virtual time.
//
// Cars, draws, sessions, profiles, the ledger and the link are of no version; a dialect
// says what happens in the words of one (v16_*.go, v2_*.go). In 2.x an outlet is an
// EVSE with one connector, and a transaction may begin with the token, the plug or the
// energy (StartPoint). Quirks make a charger misbehave as some in the field do. Logs and
// firmware are only told of: nothing is transferred. One of 2.x keeps a local list,
// reservations and messages for its display, too.
//
// Each keeps a ledger of what happened, and Compare finds what was lost, doubled,
// disordered or changed on the way. Currents are amperes on the charger's own L1..L3,
// energies Wh. All methods may be called from any goroutine; Run blocks until its
// context ends and all goroutines have ended. The package knows nothing of a site.
package ocppsim
