// Package bench measures load management on charging sessions, in virtual time:
// the Balancer of package loadbalance and its planner beside plain policies and
// beside the best that any controller could have done.
//
// A Workload is a tree of fuses, connectors, sessions and perhaps a base load per
// second. It comes from files (ReadACN, ReadWorkload) or from the seeded generator.
// A run yields a Result; the Scenarios of load-balancing.md section 4.3 are a literal
// table. Bounds are stored golden numbers: no solver is needed.
//
// Units: seconds since the workload's first midnight, amperes per phase (rms), kWh,
// percent where a name says so; 230 V between phase and neutral, power factor 1.
//
// Everything here is pure: files are given as io.Reader or fs.FS, the clock is
// virtual, equal inputs give equal results. A Workload is read-only once it is made
// and may be shared; a run belongs to one goroutine. The package must not know the
// controller, OCPP, or where its files lie.
package bench
