// Package record keeps what the balancer was told and decided, so that an incident can be
// replayed to the same decisions on any machine.
//
// A Recorder holds the last minutes in memory, in segments. Each begins with the
// balancer's own state (Balancer.Checkpoint) and goes on with what changed from pass to
// pass. A recording is text, one JSON object per line: a head, then segments. Times are
// nanoseconds since the head's base, measured by the monotonic clock where there is one,
// so that a clock that was set does not change what is replayed.
//
// A Recorder is used by the goroutine that owns the Balancer. The package knows nothing
// of files, chargers or meters.
package record
