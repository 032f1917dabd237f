// Package downstream is the chargers' side of the box: a CSMS that translates
// between OCPP and the controller's events and effects. What the versions have in
// common, the Hub, its sessions and their order of sending, knows of no version; each
// version is a dialect in files of its own, v16_*.go for OCPP 1.6.
//
// The Hub owns the server and one session per socket. A session has two workers:
// the connection's own, which turns inbound CALLs into events and waits for their
// answers, and one of the session, which carries out effects one at a time in the
// order of their weight. Setpoints sit in a slot per connector (latest wins), all
// else in bounded queues. Do never blocks; whatever it promises to report is kept
// until the loop has taken it.
//
// Units are the controller's (mA, Wh, W, UTC) on one side and OCPP's on the other;
// rounding is towards the safe side: setpoints down, measured currents up, energy
// down. A charger's input is read leniently; its meterValue elements pass byte for
// byte.
//
// The package must not know of the cloud, the database or the page.
package downstream
