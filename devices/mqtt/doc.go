// Package mqtt takes readings from devices that publish on an MQTT broker.
//
// A Subscriber owns one connection and the newest value of each field; its Run is the
// one goroutine that touches them and that calls OnReading and OnFailure. The client
// library's goroutines only put messages into a bounded inbox where the newest win. A
// connection is used once: after any error a new one is made, with all subscriptions,
// because a library's own reconnect forgets them.
//
// What a broker retained says nothing about now: retained messages are ignored, and a
// value is as old as its arrival here, never as its own time stamp says
// (decisions 18, 26). Units are those of package devices. The package knows nothing
// of what a reading is used for, and never publishes a set-point.
package mqtt
