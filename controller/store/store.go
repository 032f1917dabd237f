package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"busbar/controller"
)

// Errors a caller may act on.
var (
	// ErrLocked: another process has the folder.
	ErrLocked = errors.New("the data folder is locked")
	// ErrNewer: the database was written by a newer version of Busbar.
	ErrNewer = errors.New("the database is newer than this version of Busbar")
	// ErrFailed: a write was refused; nothing is written until the box is restarted.
	ErrFailed = errors.New("the journal failed and waits for a restart")
	// ErrFull: more waits for the disk than the queue holds.
	ErrFull = errors.New("the journal's queue is full")
	// ErrStopped: Run has ended.
	ErrStopped = errors.New("the journal has stopped")
	// ErrRefused: the call contradicts what the outbox holds; nothing was changed.
	ErrRefused = errors.New("refused by the outbox")
)

// Synchronous is how a commit reaches the disk.
type Synchronous string

// The ways of committing. Off is for simulations only, where a crash is a copy of the
// files: a power cut loses acknowledged rows.
const (
	SyncFull Synchronous = "FULL"
	SyncOff  Synchronous = "OFF"
)

// Options are what a Store needs beside its folder. Zero values mean the defaults.
type Options struct {
	// Post hands an event to the loop. ErrCongested is tried again until it is taken;
	// any other error drops the event. nil drops all (tools without a loop).
	Post   func(controller.Event) error
	Logger *slog.Logger
	// Synchronous is SyncFull by default.
	Synchronous Synchronous
	// Queue is how many units may wait for the disk (16384). When it is full the
	// journal fails: a gap can't be mended.
	Queue int
	// FirstTx is the first transaction id of a new database; 0 draws one from
	// 10^6..10^9, so that ids of a lost database do not come again.
	FirstTx controller.TxID
	// DeliveredAge is how long delivered messages are kept, in running time of the box
	// (90 days): a clock that jumps deletes nothing.
	DeliveredAge time.Duration
	// TelemetryAge and TelemetryRows bound the history (30 days, 1,000,000 rows).
	TelemetryAge  time.Duration
	TelemetryRows int64
	// OnCommit, if set, is told of each commit. It must return at once.
	OnCommit func(took time.Duration, rows int)
}

func (o *Options) fill() error {
	if o.Synchronous == "" {
		o.Synchronous = SyncFull
	}
	if o.Synchronous != SyncFull && o.Synchronous != SyncOff {
		return fmt.Errorf("cannot open the database: synchronous is %q, not FULL or OFF", o.Synchronous)
	}
	if o.Queue == 0 {
		o.Queue = 16384
	}
	if o.DeliveredAge == 0 {
		o.DeliveredAge = 90 * 24 * time.Hour
	}
	if o.TelemetryAge == 0 {
		o.TelemetryAge = 30 * 24 * time.Hour
	}
	if o.TelemetryRows == 0 {
		o.TelemetryRows = 1_000_000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Post == nil {
		o.Post = func(controller.Event) error { return nil }
	}
	if o.OnCommit == nil {
		o.OnCommit = func(time.Duration, int) {}
	}
	return nil
}

// Store is the box's memory on disk. It is a controller.Journal, and the outbox of
// controller/upstream.
type Store struct {
	opts     Options
	log      *slog.Logger
	dir      string
	lock     *os.File
	writerDB *sql.DB // one connection, used by the writer's goroutine
	readers  *sql.DB

	statementsMu sync.Mutex
	statements   map[string]*sql.Stmt // of readers, by their text; the pool closes them

	queue   chan unit
	lookups chan lookup
	added   chan struct{} // new rows in the outbox
	stopped chan struct{} // Run has ended
	failed  atomic.Pointer[failure]
	failing chan struct{} // closed at the first failure
	failOne sync.Once

	history *history
}

type failure struct{ err error }

// Open takes the folder for this process, creates or migrates its databases, and
// prepares the writer; Run starts it. The folder is made with mode 0700, the files
// have 0600. It fails with ErrLocked, ErrNewer, or what the disk says.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		opts: opts, log: opts.Logger, dir: dir, lock: lock,
		queue:   make(chan unit, opts.Queue),
		lookups: make(chan lookup, lookupQueue),
		added:   make(chan struct{}, 1),
		stopped: make(chan struct{}),
		failing: make(chan struct{}),
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	path := filepath.Join(s.dir, journalFile)
	if err := private(path); err != nil {
		return err
	}
	var err error
	if s.writerDB, err = openDB(path, writerPragmas(s.opts.Synchronous), 1); err != nil {
		return err
	}
	if err := migrateJournal(ctx, s.writerDB); err != nil {
		return err
	}
	if err := s.found(ctx); err != nil {
		return err
	}
	if s.readers, err = openDB(path, readerPragmas, 4); err != nil {
		return err
	}
	if s.history, err = openHistory(ctx, s.dir, s.opts); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// found writes the ledger's row into a new database.
func (s *Store) found(ctx context.Context) error {
	first := s.opts.FirstTx
	if first == 0 {
		first = randomBase()
	}
	if _, err := s.writerDB.ExecContext(ctx, `INSERT OR IGNORE INTO ledger (id, next_tx) VALUES (1, ?)`, int64(first)); err != nil {
		return fmt.Errorf("cannot prepare the database: %w", err)
	}
	return nil
}

// Close closes the files and gives the folder up. Run must have returned.
func (s *Store) Close() error {
	var errs []error
	if s.history != nil {
		errs = append(errs, s.history.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writerDB != nil {
		errs = append(errs, s.writerDB.Close()) // the last one: it empties the WAL
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// prepared is the statement of a query that is asked often, prepared once.
func (s *Store) prepared(query string) (*sql.Stmt, error) {
	s.statementsMu.Lock()
	defer s.statementsMu.Unlock()
	if st := s.statements[query]; st != nil {
		return st, nil
	}
	st, err := s.readers.Prepare(query)
	if err != nil {
		return nil, err
	}
	if s.statements == nil {
		s.statements = map[string]*sql.Stmt{}
	}
	s.statements[query] = st
	return st, nil
}

// Err is the failure that stopped the journal, nil while it works.
func (s *Store) Err() error {
	if f := s.failed.Load(); f != nil {
		return f.err
	}
	return nil
}

// fail makes err final.
func (s *Store) fail(err error) {
	s.failOne.Do(func() {
		s.failed.Store(&failure{err: fmt.Errorf("%w: %w", ErrFailed, err)})
		close(s.failing)
		s.log.Error("the journal failed; nothing is acknowledged until a restart", "err", err)
	})
}

// private makes a database file, so that it and its companions are for this user only.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot open the database: %w", err)
	}
	if info.Mode().Perm() != 0o600 {
		if err := f.Chmod(0o600); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("cannot protect the database: %w", err)
		}
	}
	return nil
}

// syncDir makes the names of new files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync the data folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("cannot sync the data folder: %w", err)
	}
	return nil
}
