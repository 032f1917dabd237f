// Package modbus reads meters over Modbus TCP.
//
// A Meter is a devices.Source: it belongs to one goroutine, owns one connection and
// closes it after any error, so that a late answer can never be taken for the answer
// to a later question; the next Read connects anew. Only read functions (3 and 4) exist:
// nothing is ever written to a meter.
//
// The frames are packed and compared by goburrow/modbus; connecting, deadlines and
// reading are ours, because that library's transport never reconnects and can't be
// cancelled. Values are in the units of package devices. The package knows nothing of
// what a reading is used for.
package modbus
