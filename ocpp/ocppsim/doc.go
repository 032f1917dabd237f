// Package ocppsim simulates both ends that Busbar talks to: a charging station with
// cars (Charger) and a cloud CSMS (Cloud), on OCPP 1.6J. The demonstration, the
// simulation of a whole site, benchmarks and tests use the same ones, over the real
// network or one in memory, in real or in virtual time.
//
// Each keeps a ledger of what happened, and Compare finds what was lost, doubled,
// disordered or changed on the way. Currents are amperes on the charger's own L1..L3,
// energies Wh. All methods may be called from any goroutine; Run blocks until its
// context ends and all goroutines have ended. The package knows nothing of a site.
package ocppsim
