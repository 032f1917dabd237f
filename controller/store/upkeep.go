package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"busbar/controller"
)

const (
	upkeepEvery   = 10 * time.Minute
	pruneBatch    = 500     // outbox rows deleted per commit
	walLimit      = 4 << 20 // bytes of WAL before a checkpoint
	eventsKept    = 10_000  // at least, however old
	eventsMost    = 500_000 // at most, however new
	eventAge      = 90 * 24 * time.Hour
	tokensMost    = 50_000
	upkeepRounds  = 4 // commits per upkeep
	eventsPerStep = 1000
)

// checkpoint moves the WAL into the database once it has grown. It runs after the
// acknowledgements. SQLite's own checkpoints would hide a failed fsync, after which
// the pages of acknowledged rows may be gone: here it stops the journal.
func (w *writer) checkpoint() {
	info, err := os.Stat(filepath.Join(w.s.dir, journalFile+"-wal"))
	if err != nil || info.Size() < walLimit {
		return // a missing file is found by the next commit
	}
	var busy, frames, moved int64
	if err := w.row(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		w.s.fail(fmt.Errorf("cannot move the write-ahead log into the database: %w", err))
	}
}

// upkeep counts running time and deletes what is older than its bound, in small
// commits.
func (s *Store) upkeep(w *writer) {
	for range upkeepRounds {
		if s.Err() != nil {
			return
		}
		more := false
		err := w.transact(func() (err error) {
			more, err = w.prune()
			return err
		})
		if err != nil {
			s.fail(fmt.Errorf("cannot tidy the database: %w", err))
			return
		}
		if !more {
			return
		}
	}
}

// prune deletes a piece of what is due; more says that there is another piece.
func (w *writer) prune() (more bool, err error) {
	if err := w.exec(`UPDATE ledger SET ran_ms = ?`, w.ran().Milliseconds()); err != nil {
		return false, err
	}
	if more, err = w.pruneLane(); err != nil {
		return false, err
	}
	err = w.exec(`DELETE FROM event WHERE id IN (SELECT id FROM event
		WHERE id <= (SELECT max(id) FROM event) - ?1 OR (id <= (SELECT max(id) FROM event) - ?2 AND at < ?3)
		ORDER BY id LIMIT ?4)`, int64(eventsMost), int64(eventsKept), time.Now().Add(-eventAge).UnixMilli(), int64(eventsPerStep))
	if err != nil {
		return false, err
	}
	return more, w.exec(`DELETE FROM token WHERE (key, type) IN (SELECT key, type FROM token
		ORDER BY status = 'Accepted', updated LIMIT max(0, (SELECT count(*) FROM token) - ?))`, int64(tokensMost))
}

// pruneLane deletes messages of the transaction whose delivery is longest ago, if
// that is long enough (B12). The transaction's own row stays for good.
func (w *writer) pruneLane() (more bool, err error) {
	var tx, left int64
	err = w.row(`SELECT l.tx FROM lane l JOIN tx t ON t.tx = l.tx
		WHERE l.state = 'idle' AND l.pending = 0 AND t.ended = 1 AND l.settled_run > 0 AND l.settled_run < ?
		ORDER BY l.settled_run LIMIT 1`, (w.ran() - w.s.opts.DeliveredAge).Milliseconds()).Scan(&tx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := w.exec(`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE tx = ? ORDER BY id LIMIT ?)`, tx, int64(pruneBatch)); err != nil {
		return false, err
	}
	if err := w.row(`SELECT count(*) FROM outbox WHERE tx = ?`, tx).Scan(&left); err != nil || left > 0 {
		return true, err
	}
	return true, w.exec(`DELETE FROM lane WHERE tx = ?`, tx)
}

// verifySums checks every checksum: of transactions, of outbox rows, and the chain
// inside each lane.
func (s *Store) verifySums(ctx context.Context) (wrong []string, err error) {
	err = each(ctx, s.readers, func(row scanner) error {
		tx, intact, err := scanTx(row)
		if err == nil && !intact {
			wrong = append(wrong, fmt.Sprintf("transaction %d does not match its checksum", tx.Tx))
		}
		return err
	}, `SELECT `+txRead+` FROM tx`)
	if err != nil {
		return wrong, fmt.Errorf("cannot check the transactions: %w", err)
	}
	var lane controller.TxID
	var before string
	err = each(ctx, s.readers, func(row scanner) error {
		var prev, sum, tail []byte
		var newest bool
		item, found, err := scanItem(prefixed{row, []any{&prev, &sum, &tail, &newest}})
		if err != nil {
			return err
		}
		if found != sound {
			wrong = append(wrong, fmt.Sprintf("outbox row %d of transaction %d does not match its checksum (%s)", item.ID, item.Tx, found))
		}
		if item.Tx == lane && string(prev) != before || newest && string(sum) != string(tail) {
			wrong = append(wrong, fmt.Sprintf("a row before or after outbox row %d of transaction %d is missing", item.ID, item.Tx))
		}
		lane, before = item.Tx, string(sum)
		return nil
	}, `SELECT o.prev, o.sum, l.tail, o.id = (SELECT max(m.id) FROM outbox m WHERE m.tx = o.tx), `+itemColumns+`
		FROM outbox o LEFT JOIN lane l ON l.tx = o.tx LEFT JOIN tx t ON t.tx = o.tx ORDER BY o.tx, o.id`)
	if err != nil {
		return wrong, fmt.Errorf("cannot check the outbox: %w", err)
	}
	return wrong, nil
}

// prefixed scans some columns in front of those the caller asks for.
type prefixed struct {
	row  scanner
	into []any
}

func (p prefixed) Scan(dest ...any) error { return p.row.Scan(append(p.into, dest...)...) }
