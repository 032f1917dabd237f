package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyStore keeps private keys and their certificates by name. A store that seals what
// it keeps (a TPM, a passphrase) implements it, too.
type KeyStore interface {
	// Load gives back what was saved; the error is fs.ErrNotExist when nothing was.
	Load(name string) ([]byte, error)
	// Save replaces what is kept under name; it is durable when Save returns.
	Save(name string, data []byte) error
}

// Dir keeps keys in files of a folder (0700), each for its owner only (0600).
type Dir string

var _ KeyStore = Dir("")

// maxKeyFile bounds what is read: keys and certificates are small.
const maxKeyFile = 64 << 10

// Load implements KeyStore. A file that others may read is refused: who knows the key
// of the root can make certificates.
func (d Dir) Load(name string) ([]byte, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the key %s: %w", name, err)
	case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
		return nil, fmt.Errorf("cannot read the key %s: it is no ordinary small file", name)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("cannot use the key %s: others may read it (mode %04o); make it 0600, and renew the site CA if somebody did", name, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", name, err)
	}
	return data, nil
}

// Save implements KeyStore: a new file takes the place of the old one in one step.
func (d Dir) Save(name string, data []byte) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, err)
	}
	f, err := os.CreateTemp(string(d), "."+name+"-*") // 0600
	if err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return d.sync(name)
}

// sync makes the name durable.
func (d Dir) sync(name string) error {
	folder, err := os.Open(string(d))
	if err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("cannot keep the key %s: %w", name, err)
	}
	return nil
}

func (d Dir) path(name string) (string, error) {
	if name == "" || strings.ContainsAny(name, `/\`) || !fs.ValidPath(name) || name[0] == '.' {
		return "", fmt.Errorf("cannot use %q as the name of a key", name)
	}
	return filepath.Join(string(d), name), nil
}
