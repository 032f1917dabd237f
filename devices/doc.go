// Package devices turns meters and other inputs of a site into readings that load
// management may trust: complete, finite, plausible, signed and dated.
//
// A polled device is a Source (devices/modbus), owned by one Poller: one goroutine,
// one connection, closed after any error. Devices that publish by themselves
// (devices/mqtt) call the same two functions, one for readings and one for faults.
//
// Units: MilliAmp, MilliVolt, Watt, WattHour, MilliHertz. Import from the grid, or
// consumption, is positive. What a device does not give is absent, never zero: a
// value that is missing on one phase makes the whole sample a fault (decisions 18).
//
// Nothing here is shared: a Source belongs to the goroutine of its Poller, Reading and
// Values are plain values. The package knows nothing of a site, its fuses, chargers
// or what is done about a fault.
package devices
