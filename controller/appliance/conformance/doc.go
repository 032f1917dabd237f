// Package conformance holds the tests of the box as a CSMS of chargers, one per case
// of the official test plans and named by its id: OCTT for OCPP 1.6, Part 6 for
// 2.0.1. A case is played by a charging station that says exactly the bytes of the
// case, against a whole box over real sockets; what an operator does is done through
// the HTTP API. ocpp/CONFORMANCE.md lists all ids, and a test holds the two together.
package conformance
