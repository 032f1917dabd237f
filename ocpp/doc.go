// Package ocpp is OCPP-J: the JSON remote procedure calls of OCPP 1.6, 2.0.1 and
// 2.1 over WebSocket, for both ends of a connection, and what all versions share
// (frames, error codes, scalars, typed actions). The messages themselves live in
// the packages below it.
//
// A Conn owns its socket: one goroutine reads and handles inbound CALLs in order, one
// writes; while a CALL is slow a third reads on, so that pings and answers never wait
// for a handler. An answer is written by who handled its CALL if nothing goes before it.
// Per direction at most one CALL is open at a time. Everything a Conn's owner gives it
// (Handler, Trace, Sent) is called from those goroutines, Handler by one at a time;
// all exported methods may be called from any goroutine. Payloads stay
// json.RawMessage, byte for byte, until somebody asks for a type.
//
// A port for chargers has one security profile: Server.Listen with ServerTLS, Server.Port
// as its handler. What keeps a charger out (TLS, URL, password, certificate, version)
// becomes a Refusal that says what an installer can do about it. Of equal faults at
// most one a minute is logged.
//
// Only this package knows the WebSocket library. It must not know what a site, a
// charger's transaction or a limit is.
package ocpp
