// Package msgbench measures the message plane of the box through real sockets and a
// real database file, in a process of its own: what a message costs of the processor,
// how long its answer takes, what a charger costs of memory, and how fast the fuses are
// guarded meanwhile. The bare echo of ocppload stands beside it as the yardstick, in
// another process, under the same load in turns.
//
// RunReaction measures that alone: the building takes so much that all chargers must come
// down, again and again.
//
// Run is the parent: it sends the load, shows the meter and asks both children what
// they used. ServeBox and ServeEcho are the children, which obey on their standard
// input and end with it. Processor time is user plus system time of a child alone, in
// microseconds per message; memory is in bytes. Nothing here is decided about a site.
package msgbench
