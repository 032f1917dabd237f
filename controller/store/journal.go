package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"busbar/controller"
)

const (
	batchUnits = 1024 // units per commit
	postRetry  = 2 * time.Millisecond
)

// unit is one piece of work for the writer: the rows of one Persist, or an operation
// of the outbox.
type unit struct {
	seq  controller.Seq
	rows []controller.Row
	op   *operation
}

// operation changes the outbox. do returns a refusal if it changed nothing because
// the call was wrong, and an error if the database failed.
type operation struct {
	do      func(*writer) (refused, failed error)
	refused error
	done    chan error // 1
}

// Submit hands the rows of one Persist over; it never waits. Committed{seq} or a
// later one follows once they are durable. ErrFull makes the journal fail, because a
// unit is missing from then on.
func (s *Store) Submit(seq controller.Seq, rows []controller.Row) error {
	if err := s.Err(); err != nil {
		return err
	}
	select {
	case s.queue <- unit{seq: seq, rows: rows}:
		return nil
	default:
		s.fail(ErrFull)
		return s.Err()
	}
}

// operate has the writer do something and waits until it is durable.
func (s *Store) operate(ctx context.Context, do func(*writer) (refused, failed error)) error {
	if err := s.Err(); err != nil {
		return err
	}
	op := &operation{do: do, done: make(chan error, 1)}
	select {
	case s.queue <- unit{op: op}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		return ErrStopped
	}
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
	}
	select {
	case err := <-op.done:
		return err
	default:
		return ErrStopped
	}
}

// Run writes, answers lookups and keeps the history until ctx ends, then commits what
// still waits. It goes on after a failure of the disk, so that reading works, and
// returns that failure at its end. Call it once.
func (s *Store) Run(ctx context.Context) error {
	defer close(s.stopped)
	w, err := newWriter(s)
	if err != nil {
		s.fail(err)
	}
	var others sync.WaitGroup
	for range lookupReaders {
		others.Go(func() { s.answerLookups(ctx) })
	}
	others.Go(func() { s.history.run(ctx) })
	others.Go(func() { s.tellParked(ctx) })
	s.write(ctx, w)
	others.Wait()
	if w != nil {
		w.close()
	}
	return s.Err()
}

// write is the writer's loop. A Committed that the loop had no room for is owed and
// tried again; only the newest counts.
func (s *Store) write(ctx context.Context, w *writer) {
	retry := time.NewTimer(postRetry)
	defer retry.Stop()
	upkeep := time.NewTicker(upkeepEvery)
	defer upkeep.Stop()
	late := time.NewTimer(statusEvery)
	defer late.Stop()
	late.Stop()
	n := notices{post: s.opts.Post}
	var waiting statuses
	failing := s.failing
	for {
		select {
		case u := <-s.queue:
			batch := s.gather(u)
			first := len(waiting.rows) == 0
			if waiting.take(batch) {
				if first {
					late.Reset(statusEvery)
				}
				continue
			}
			s.commit(w, &n, append(waiting.release(), batch...))
		case <-late.C:
			s.commit(w, &n, waiting.release())
		case <-failing:
			failing = nil
		case <-upkeep.C:
			s.upkeep(w)
		case <-retry.C:
		case <-ctx.Done():
			s.commit(w, &n, waiting.release())
			s.drain(w, &n)
			return
		}
		if n.failure == "" && s.Err() != nil {
			n.failure = s.Err().Error()
		}
		if !n.deliver() {
			retry.Reset(postRetry)
		}
		if s.Err() == nil {
			w.checkpoint()
		}
	}
}

// drain commits what was handed over before the end.
func (s *Store) drain(w *writer, n *notices) {
	for {
		select {
		case u := <-s.queue:
			s.commit(w, n, s.gather(u))
			n.deliver()
		default:
			return
		}
	}
}

// gather takes all that waits, up to a bound.
func (s *Store) gather(first unit) []unit {
	batch := []unit{first}
	for len(batch) < batchUnits {
		select {
		case u := <-s.queue:
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// commit makes a batch durable as one transaction and lets its operations go on; its
// newest seq is then owed to the loop. If it can't, the journal has failed.
func (s *Store) commit(w *writer, n *notices, batch []unit) {
	failed := s.Err()
	if failed == nil {
		if err := w.commit(batch); err != nil {
			s.fail(err)
			failed = s.Err()
		}
	}
	for _, u := range batch {
		switch {
		case u.op == nil:
		case failed != nil:
			u.op.done <- failed
		default:
			u.op.done <- u.op.refused
		}
	}
	if failed != nil {
		return
	}
	for _, u := range batch {
		n.seq = max(n.seq, u.seq)
	}
	if w.outboxGrew {
		w.outboxGrew = false
		s.signal()
	}
}

// signal wakes the pump.
func (s *Store) signal() {
	select {
	case s.added <- struct{}{}:
	default:
	}
}

// notices are the events owed to the loop.
type notices struct {
	post    func(controller.Event) error
	seq     controller.Seq // newest durable one
	told    controller.Seq
	failure string // of the journal
	ended   bool   // the failure was told: nothing follows it
}

// deliver posts what is owed. False means that the loop was congested.
func (n *notices) deliver() bool {
	if n.ended {
		return true
	}
	if n.seq > n.told {
		if errors.Is(n.post(controller.Committed{Seq: n.seq}), controller.ErrCongested) {
			return false
		}
		n.told = n.seq
	}
	if n.failure != "" {
		if errors.Is(n.post(controller.JournalFailed{Err: n.failure}), controller.ErrCongested) {
			return false
		}
		n.ended = true
	}
	return true
}

// postPatiently posts from a goroutine that may wait.
func (s *Store) postPatiently(ctx context.Context, ev controller.Event) {
	for errors.Is(s.opts.Post(ev), controller.ErrCongested) {
		select {
		case <-time.After(postRetry):
		case <-ctx.Done():
			return
		case <-s.stopped:
			return
		}
	}
}

// writer is the one connection that writes. It belongs to the goroutine of Run.
type writer struct {
	s          *Store
	conn       *sql.Conn
	stmts      map[string]*sql.Stmt
	outboxGrew bool
	nextRow    int64 // outbox id
	ranBefore  time.Duration
	startedAt  time.Time
	files      map[string]os.FileInfo
}

func newWriter(s *Store) (*writer, error) {
	w := &writer{s: s, stmts: map[string]*sql.Stmt{}, startedAt: time.Now(), files: map[string]os.FileInfo{}}
	var err error
	if w.conn, err = s.writerDB.Conn(context.Background()); err != nil {
		return nil, err
	}
	var newest, ran int64
	err = w.row(`SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0), ran_ms FROM ledger`).Scan(&newest, &ran)
	if err != nil {
		w.close()
		return nil, err
	}
	w.nextRow, w.ranBefore = newest+1, time.Duration(ran)*time.Millisecond
	return w, nil
}

func (w *writer) close() {
	for _, st := range w.stmts {
		st.Close()
	}
	w.conn.Close()
}

// ran is how long the box has run in all its life, by the monotonic clock.
func (w *writer) ran() time.Duration { return w.ranBefore + time.Since(w.startedAt) }

// stmt prepares each text once. Contexts are background ones throughout the writer: a
// cancelled one would interrupt a transaction halfway.
func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if st := w.stmts[query]; st != nil {
		return st, nil
	}
	st, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = st
	return st, nil
}

func (w *writer) exec(query string, args ...any) error {
	st, err := w.stmt(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background(), args...)
	return err
}

// row queries one row; an error of preparation comes out of Scan as well.
func (w *writer) row(query string, args ...any) scanner {
	st, err := w.stmt(query)
	if err != nil {
		return brokenRow{err}
	}
	return st.QueryRowContext(context.Background(), args...)
}

type scanner interface{ Scan(...any) error }

type brokenRow struct{ err error }

func (b brokenRow) Scan(...any) error { return b.err }

// commit writes a batch in one transaction. A batch without content costs none.
func (w *writer) commit(batch []unit) error {
	start, rows, empty := time.Now(), 0, true
	for _, u := range batch {
		rows += len(u.rows)
		empty = empty && u.op == nil && len(u.rows) == 0
	}
	if empty {
		return nil
	}
	if err := w.sameFiles(); err != nil {
		return err
	}
	if err := w.transact(func() error { return w.apply(batch) }); err != nil {
		return err
	}
	w.s.opts.OnCommit(time.Since(start), rows)
	return nil
}

func (w *writer) transact(body func() error) error {
	if err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("cannot begin a transaction: %w", err)
	}
	if err := body(); err != nil {
		return errors.Join(err, w.rollback())
	}
	if err := w.exec(`COMMIT`); err != nil {
		return errors.Join(fmt.Errorf("cannot commit: %w", err), w.rollback())
	}
	return nil
}

// rollback ends a transaction that failed; SQLite may have ended it already.
func (w *writer) rollback() error {
	if err := w.exec(`ROLLBACK`); err != nil {
		w.s.log.Debug("rollback after a failed write", "err", err)
	}
	return nil
}

func (w *writer) apply(batch []unit) error {
	for _, u := range batch {
		for _, r := range u.rows {
			if err := w.write(r); err != nil {
				return fmt.Errorf("cannot write %T: %w", r, err)
			}
		}
		if u.op == nil {
			continue
		}
		var err error
		if u.op.refused, err = u.op.do(w); err != nil {
			return fmt.Errorf("cannot change the outbox: %w", err)
		}
	}
	return nil
}

// sameFiles refuses to write into files that were removed or replaced under us: what
// goes there is gone after a restart (F9).
func (w *writer) sameFiles() error {
	for _, name := range []string{journalFile, journalFile + "-wal"} {
		info, err := os.Stat(filepath.Join(w.s.dir, name))
		if err != nil {
			return fmt.Errorf("cannot write: %s was removed while the box runs: %w", name, err)
		}
		if was := w.files[name]; was != nil && !os.SameFile(was, info) {
			return fmt.Errorf("cannot write: %s was replaced while the box runs", name)
		}
		w.files[name] = info
	}
	return nil
}
