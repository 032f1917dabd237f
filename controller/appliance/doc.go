// Package appliance wires the whole box: store, control loop, chargers, cloud, meters
// and page, in the order in which they depend on each other, and translates between
// the types of devices and of the controller.
//
// New wires or rolls back; Run blocks until its context ends and stops the parts in
// the reverse order, within five seconds. A Box may be used from any goroutine. The
// very same Box runs in service, in the demonstration and in the simulation of a
// whole site over a network in memory. Nothing is decided here.
package appliance
