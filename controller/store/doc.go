// Package store keeps what the box must not forget: transactions, the outbox
// towards the cloud, slots, rights, settings, events (busbar.db), and the history of
// samples (telemetry.db, whose loss costs no billing).
//
// Owner and concurrency: one goroutine inside Run is the only writer of busbar.db.
// It takes everything that waits into one transaction (group commit), and only after
// the commit it posts controller.Committed or lets the caller of Stamp, Settle or
// Resend go on. Reads use a pool of their own and never wait for the writer. All
// exported methods may be called from any goroutine. A lock on the folder keeps
// other processes out.
//
// Failure: the first refused write is final. controller.JournalFailed is posted
// once, nothing is acknowledged after it, and every later call that needs the disk
// returns ErrFailed until the box is restarted: after a failed fsync nobody can say
// what the disk holds.
//
// Units: times are UTC milliseconds since 1970 (NULL for none), energy is Wh.
//
// The package knows nothing of OCPP messages, sockets or pages; bodies, wire forms
// and samples are bytes to it.
package store
