// Package web is the box's page and its HTTP API.
//
// It owns no state of the site: pages and API read immutable snapshots
// (controller.Snapshot) and send commands as events that the control loop answers.
// What it owns are the open streams, the registry of metrics and nothing else.
//
// Units: currents are amperes per phase, rms (fields end in _a), energies whole Wh
// (_wh), times RFC 3339 in the API and the site's time zone on the page. Inside Go
// they stay loadbalance.MilliAmp, controller.WattHour and time.Time.
//
// Concurrency: a Server may be used from any goroutine. It starts no goroutine of
// its own; a stream lives in the handler's goroutine and ends with its request or
// with Close.
//
// Access. /healthz, /readyz, the files of the page and the form at /sign-in, which tell
// nothing of the site, answer everybody. In a demo (Config.Demo set) reading and the fault
// buttons are open under the box's own names (Config.Hosts, localhost, addresses; 421
// otherwise, so that no web site reaches in by DNS rebinding), and each other write needs
//
//	Authorization: Bearer TOKEN
//
// or the cookie that a browser got for its token at /sign-in. Without Demo everything
// else needs a token, too: 401 without one, 403 with one that is unknown, over, or of a
// role that is less than the route's (decision 19): viewers read, operators run,
// installers set up, admins do the rest. Config.Token is an admin's. Each such order
// is written to the event log, with who gives it, before it is done (codes audit.* and,
// by Adoption and Certificates, adoption.*). Unsafe requests from foreign web origins are
// refused (http.CrossOriginProtection). Pages run under a policy that allows no
// inline script or style and nothing from other hosts.
//
// Time. A client has 10 s to send a body and a minute to take an answer; a viewer that
// takes no bytes of its stream for 5 s is dropped. The time for headers and between
// requests is the http.Server's (ReadHeaderTimeout, IdleTimeout), which the caller
// sets.
//
// It must not know a protocol of chargers or clouds, a file, or a database; it never
// decides a current.
package web

//go:generate go tool templ generate -f page.templ
