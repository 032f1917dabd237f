// Package adoption lets chargers in and keeps their keys: the pairing window, the
// approval of unknown chargers, a key of its own for each, and the way up to TLS and
// client certificates (decisions 13, 25; ocpp-gateway 1.2 and 1.3).
//
// Owner: a Service owns the chargers' credentials (hashes only; a key exists in clear
// while it is being sent), the unknown chargers that are connected, and the pairing
// window. It is the downstream.Guard of the chargers' side. All methods may be called
// from any goroutine; commands block until the charger has answered and the disk has
// written, and are audited before they are done.
//
// What protects a key is its 160 random bits or more, so its hash is salted and fast, and a
// whole site may come back at once. Keys are never logged and never given back.
//
// The package knows nothing of fuses, transactions, pages or databases.
package adoption
