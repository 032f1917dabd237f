// Package ocpp is OCPP-J: the JSON remote procedure calls of OCPP 1.6, 2.0.1 and
// 2.1 over WebSocket, for both ends of a connection, and what all versions share
// (frames, error codes, scalars, typed actions). The messages themselves live in
// the packages below it.
//
// A Conn owns its socket: one goroutine reads, one writes, one handles inbound
// CALLs in order. Per direction at most one CALL is open at a time. Everything a
// Conn's owner gives it (Handler, Trace, Sent) is called from those goroutines;
// all exported methods may be called from any goroutine. Payloads stay
// json.RawMessage, byte for byte, until somebody asks for a type.
//
// Only this package knows the WebSocket library. It must not know what a site, a
// charger's transaction or a limit is.
package ocpp
