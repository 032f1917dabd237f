// Package upstream is the cloud's side: the box as ONE OCPP 1.6J charging station,
// every slot one of its connectors.
//
// Station owns the link: it dials, boots when a station has to boot, and runs one pump
// that sends what waits, one CALL at a time: transactions in lanes from the journal's
// outbox, the newest status of each slot, heartbeats. A billing message is built once,
// stored, and sent again byte for byte under the same message id until the cloud has
// acknowledged it. Nothing is ever discarded; what the cloud refuses for good is parked
// for a person. Commands of the cloud are put to the Site and answered from known state
// within three seconds. The package decides nothing and keeps no state but the link's.
package upstream
