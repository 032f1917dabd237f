// Package ocppload puts load on an OCPP 1.6 server and is its own yardstick: Fleet is
// many charging stations that send frames prepared beforehand, each in a closed loop,
// and Echo is the least that a server can do with a frame.
//
// It is made to cost little, so that it can run beside what it measures: frames are
// patched in place, answers are looked at only as far as their message id. Times are
// those of the sender's clock, from the write of a frame to its answer read. A Fleet
// is used by one goroutine; its connections have goroutines of their own that end
// with Close. The package knows nothing of a site.
package ocppload
