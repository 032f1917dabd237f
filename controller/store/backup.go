package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
)

// Backup copies the journal of the folder dir, as it is at one moment, into the new
// file dest (mode 0600), also while a Store is at work on it. The history of samples
// is not part of it. dest appears complete and durable or not at all.
func Backup(ctx context.Context, dir, dest string) error {
	source := filepath.Join(dir, journalFile)
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot back up: %s exists already; choose another name", dest)
	}
	db, err := openDB(source, []string{"busy_timeout(5000)"}, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	part := dest + ".part"
	if err := emptyFile(part); err != nil {
		return err
	}
	defer os.Remove(part) // after the rename there is none
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, dest); err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	return syncDir(filepath.Dir(dest))
}

// emptyFile makes a new file that only this user can read; SQLite fills it.
func emptyFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot back up: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	return f.Close()
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot back up: %w", err)
	}
	return nil
}

// Restore makes the folder dir from a copy that Backup made; it must not hold a
// database. Nothing that the copy may not know of is done twice (B11): all messages
// that wait in it are parked, because the cloud may have them by now, and new
// transactions get ids beyond any that were given since. It returns how many lanes
// were parked, for a person to look at.
func Restore(ctx context.Context, source, dir string) (parked int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	dest := filepath.Join(dir, journalFile)
	if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("cannot restore: %s exists; move it away first", dest)
	}
	part := dest + ".part"
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(part + suffix) // after success there is none
		}
	}()
	if err := copyFile(source, part); err != nil {
		return 0, err
	}
	if parked, err = renew(ctx, part); err != nil {
		return 0, err
	}
	if err := syncFile(part); err != nil {
		return 0, err
	}
	if err := os.Rename(part, dest); err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	return parked, syncDir(dir)
}

// renew checks a copy and makes it the start of a new epoch.
func renew(ctx context.Context, path string) (parked int, err error) {
	db, err := openDB(path, writerPragmas(SyncFull), 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return 0, fmt.Errorf("cannot restore: the backup can't be read: %w", err)
	}
	if verdict != "ok" {
		return 0, fmt.Errorf("cannot restore: the backup is damaged: %s", verdict)
	}
	if err := migrateJournal(ctx, db); err != nil {
		return 0, err
	}
	jump, err := rand.Int(rand.Reader, big.NewInt(epochJump))
	if err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	if parked, err = park(ctx, tx); err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE ledger SET next_tx = next_tx + ?`, epochJump+jump.Int64()); err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("cannot restore: %w", err)
	}
	return parked, nil
}

// epochJump is more transactions than a site starts between a backup and its use.
const epochJump = 1_000_000

func park(ctx context.Context, tx *sql.Tx) (int, error) {
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET err = 'restored from a backup: the cloud may have it already'
		WHERE id IN (SELECT head FROM lane WHERE state <> 'idle' AND state = 'due')`)
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE lane SET state = 'parked' WHERE state = 'due'`)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

func copyFile(source, dest string) error {
	from, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	defer from.Close()
	to, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	if _, err := io.Copy(to, from); err != nil {
		return fmt.Errorf("cannot restore: %w", errors.Join(err, to.Close()))
	}
	if err := to.Close(); err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	return nil
}
