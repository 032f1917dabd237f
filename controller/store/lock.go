package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockDir takes the folder for this process until the file is closed. The kernel
// drops the lock with the process, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := io.ReadAll(io.LimitReader(f, 32)) // a number to help a person; may be missing
		f.Close()
		return nil, fmt.Errorf("cannot open the data folder %s: another busbar (process %s) uses it; stop that one, or choose another folder with --data: %w",
			dir, strings.TrimSpace(string(owner)), ErrLocked)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock the data folder %s: %w", dir, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write to the data folder %s; check its rights and free space: %w", dir, err)
	}
	return f, nil
}
