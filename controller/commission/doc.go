// Package commission probes one charger and says in words what it can and what to do
// about what it can't.
//
// It owns nothing: a Probe asks the charger through a Caller and the site through a
// Site, and gives back a Verdict with the Abilities it learnt. It leaves the charger as
// it was: values are put back, test profiles are cleared and end by themselves within
// two minutes, and no limit that it writes is above the fall-back current, so that no
// fuse has more to carry because of a probe.
//
// Units: limits are loadbalance.MilliAmp per phase.
//
// Concurrency: a Probe runs in its caller's goroutine; one at a time per charger is the
// caller's duty.
//
// A language says in the words of one version what the probe wants to know (words16.go,
// words2.go); what is found and what to do about it is of no version.
//
// It must not know sockets, pages or a database, and it never raises a current: the
// dead-man test is the Site's own, and a pause ends by lifting the Site's own limit.
package commission
