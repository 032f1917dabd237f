package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
