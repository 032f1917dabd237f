package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"io/fs"

	"busbar/controller"
)

const (
	historyQueue = 8192
	historyBatch = 2048
	historyEvery = 30 * time.Second // longest time between samples and their commit: flash memory wears with each
	historyRows  = 64               // rows per statement
	pruneEvery   = time.Hour
	pruneRows    = 5000
)

// history is the database of samples. Its loss costs no billing, so its troubles are
// logged and counted, never passed on.
type history struct {
	db      *sql.DB
	insertN *sql.Stmt // inserts historyRows rows
	log     *slog.Logger
	age     time.Duration
	rows    int64
	dropped atomic.Int64
	pruned  time.Time
	broken  bool // the last write failed: said once

	mu      sync.Mutex
	waiting []controller.Telemetry
	work    chan struct{} // signals the first that waits, and that a batch does
}

// openHistory opens telemetry.db. A file that can't be opened is moved away and a new
// one begun.
func openHistory(ctx context.Context, dir string, opts Options) (*history, error) {
	h := &history{log: opts.Logger, age: opts.TelemetryAge, rows: opts.TelemetryRows, work: make(chan struct{}, 1)}
	path := filepath.Join(dir, historyFile)
	err := h.open(ctx, path)
	if err == nil || errors.Is(err, ErrNewer) || ctx.Err() != nil {
		return h, err
	}
	h.log.Error("the history of samples can't be opened; a new one is begun", "err", err)
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return h, fmt.Errorf("cannot replace the history of samples: %w", err)
		}
	}
	if err := os.Rename(path, path+".damaged"); err != nil {
		return h, fmt.Errorf("cannot replace the history of samples: %w", err)
	}
	return h, h.open(ctx, path)
}

func (h *history) open(ctx context.Context, path string) error {
	if err := private(path); err != nil {
		return err
	}
	db, err := openDB(path, historyPragmas, 2)
	if err != nil {
		return err
	}
	steps, err := fs.Sub(schemas, "telemetry")
	if err == nil {
		err = migrate(ctx, db, steps)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if h.insertN, err = db.PrepareContext(ctx, insertion(historyRows)); err != nil {
		return errors.Join(err, db.Close())
	}
	h.db = db
	return nil
}

func (h *history) close() error {
	if h.db == nil {
		return nil
	}
	return h.db.Close()
}

// Telemetry takes a sample for the history; it never waits. When too many wait for
// the disk the sample is dropped and counted.
func (s *Store) Telemetry(t controller.Telemetry) { s.history.add(t) }

// add wakes who writes for the first sample and for a full batch, not for each: that
// would cost more than the sample.
func (h *history) add(t controller.Telemetry) {
	h.mu.Lock()
	n := len(h.waiting)
	if n < historyQueue {
		h.waiting = append(h.waiting, t)
	}
	h.mu.Unlock()
	switch n + 1 {
	case 1, historyBatch:
		select {
		case h.work <- struct{}{}:
		default:
		}
	case historyQueue + 1:
		h.dropped.Add(1)
	}
}

// take is what waits, in place of which spare is filled.
func (h *history) take(spare []controller.Telemetry) []controller.Telemetry {
	h.mu.Lock()
	defer h.mu.Unlock()
	batch := h.waiting
	h.waiting = spare[:0]
	return batch
}

// TelemetryDropped counts samples that did not get into the history.
func (s *Store) TelemetryDropped() int64 { return s.history.dropped.Load() }

// run writes samples in batches until ctx ends, then what still waits.
func (h *history) run(ctx context.Context) {
	var batch []controller.Telemetry
	timer := time.NewTimer(historyEvery)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case <-h.work:
			if !h.full() {
				timer.Reset(historyEvery)
				continue
			}
		case <-timer.C:
		case <-ctx.Done():
			h.flush(h.take(nil))
			return
		}
		timer.Stop()
		batch = h.take(batch)
		h.flush(batch)
		clear(batch)
	}
}

// full tells whether a batch waits.
func (h *history) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting) >= historyBatch
}

func (h *history) flush(batch []controller.Telemetry) {
	if len(batch) == 0 {
		return
	}
	err := h.insert(batch)
	if err == nil && time.Since(h.pruned) > pruneEvery {
		err = h.prune()
	}
	if err != nil {
		h.dropped.Add(int64(len(batch)))
		if !h.broken {
			h.log.Error("cannot write the history of samples; samples are lost until it works again", "err", err)
		}
	}
	h.broken = err != nil
}

func (h *history) insert(batch []controller.Telemetry) error {
	tx, err := h.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	// Neighbours in the index cost less, and nobody reads across connectors.
	slices.SortStableFunc(batch, func(a, b controller.Telemetry) int { return cmp.Compare(a.Slot, b.Slot) })
	for rows := range slices.Chunk(batch, historyRows) {
		if err := h.insertSamples(tx, rows); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// insertion is the statement that inserts some rows. Its transaction is rolled back
// where it fails, so that it needs no way back of its own.
func insertion(rows int) string {
	return `INSERT OR FAIL INTO sample (at, slot, tx, power, energy, soc, l1, l2, l3, phases, raw) VALUES ` +
		strings.Repeat(`, (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, rows)[2:]
}

// insertSamples writes some rows with one statement.
func (h *history) insertSamples(tx *sql.Tx, rows []controller.Telemetry) error {
	const columns = 11
	args := make([]any, 0, len(rows)*columns)
	for _, t := range rows {
		v := t.Sample
		var power, energy any
		if v.HasPower {
			power = int64(v.Power)
		}
		if v.HasEnergy {
			energy = int64(v.Energy)
		}
		args = append(args, millis(v.At), int64(t.Slot), int64(t.Tx), power, energy, int64(v.SoC),
			int64(v.Current[0]), int64(v.Current[1]), int64(v.Current[2]), int64(v.CurrentPhases), []byte(v.Raw))
	}
	if len(rows) < historyRows {
		_, err := tx.Exec(insertion(len(rows)), args...)
		return err
	}
	_, err := tx.Stmt(h.insertN).Exec(args...)
	return err
}

// prune keeps the history within its bounds of age and rows, a piece at a time.
func (h *history) prune() error {
	res, err := h.db.Exec(`DELETE FROM sample WHERE id < (SELECT min(id) FROM sample) + ?3
		AND (id <= (SELECT max(id) FROM sample) - ?1 OR at < ?2)`, h.rows, time.Now().Add(-h.age).UnixMilli(), pruneRows)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err == nil && n < pruneRows {
		h.pruned = time.Now()
	}
	return nil
}
