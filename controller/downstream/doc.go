// Package downstream is the chargers' side: the box as their CSMS. It turns OCPP into
// the controller's events and the controller's effects into OCPP, version by version;
// today OCPP 1.6J.
//
// Hub owns the sockets. Each has one goroutine for setpoints, in which a newer one of
// the same connector replaces one that has not left, and one for everything else that
// is prepared after a connection. Handlers of inbound messages ask the Site and wait;
// they run on the connection's own worker, so a slow answer delays one charger only.
// Nothing is decided here and nothing is kept: what a charger holds and draws is the
// Site's knowledge. Input is read leniently, output is strict. Units: MilliAmp, Wh,
// UTC. Methods may be called from any goroutine.
package downstream
