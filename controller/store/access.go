package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"busbar/controller"
)

const (
	// tokenPrefix lets people and scanners for leaked secrets see what it is.
	tokenPrefix = "busbar_"
	// mostTokens bounds the access tokens.
	mostTokens = 200
	// usedEvery is how often the last use of a token is written.
	usedEvery = 10 * time.Minute
	// expiredKept is how long tokens stay listed when their time is over.
	expiredKept = 30 * 24 * time.Hour
)

// ErrTooManyTokens is returned by Create when some must be revoked first.
var ErrTooManyTokens = errors.New("there are too many access tokens")

// AccessTokens are the bearer tokens of the API: in memory to be looked up fast, and on
// disk by their hashes only. Its methods may be called from any goroutine.
type AccessTokens struct {
	s *Store

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*accessEntry
}

type accessEntry struct {
	controller.AccessToken
	usedWritten time.Time // the last use as it is on disk
}

// AccessTokens reads the tokens. Call it once.
func (s *Store) AccessTokens(ctx context.Context) (*AccessTokens, error) {
	a := &AccessTokens{s: s, byHash: map[[sha256.Size]byte]*accessEntry{}}
	err := each(ctx, s.readers, func(row scanner) error {
		var t controller.AccessToken
		var hash []byte
		var created, expires, used sql.NullInt64
		if err := row.Scan(&t.ID, &hash, &t.Name, &t.Role, &created, &t.CreatedBy, &expires, &used); err != nil {
			return err
		}
		if len(hash) != sha256.Size {
			return fmt.Errorf("token %s has a hash of %d bytes", t.ID, len(hash))
		}
		t.CreatedAt, t.ExpiresAt, t.LastUsed = fromMillis(created), fromMillis(expires), fromMillis(used)
		a.byHash[[sha256.Size]byte(hash)] = &accessEntry{AccessToken: t, usedWritten: t.LastUsed}
		return nil
	}, `SELECT id, hash, name, role, created_at, created_by, expires_at, last_used FROM access_token`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the access tokens: %w", err)
	}
	return a, nil
}

// Find looks a token up and notes its use, valid or not; it never waits for the disk.
func (a *AccessTokens) Find(token string) (controller.AccessToken, bool) {
	// A lookup by hash tells nothing of tokens that are nearly right.
	hash := sha256.Sum256([]byte(token))
	now := time.Now().UTC()
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.byHash[hash]
	if e == nil {
		return controller.AccessToken{}, false
	}
	if e.Valid(now) {
		e.LastUsed = now
		if now.Sub(e.usedWritten) >= usedEvery && a.s.offer(writeUse(e.ID, now)) {
			e.usedWritten = now
		}
	}
	return e.AccessToken, true
}

func writeUse(id string, at time.Time) func(*writer) (refused, failed error) {
	return func(w *writer) (refused, failed error) {
		return nil, w.exec(`UPDATE access_token SET last_used = ? WHERE id = ?`, millis(at), id)
	}
}

// offer has the writer do something that nobody waits for; false if it has no room.
func (s *Store) offer(do func(*writer) (refused, failed error)) bool {
	if s.Err() != nil {
		return false
	}
	select {
	case s.queue <- unit{op: &operation{do: do, done: make(chan error, 1)}}:
		return true
	default:
		return false
	}
}

// List is all tokens, the newest first; those whose time is over stay for a month.
func (a *AccessTokens) List() []controller.AccessToken {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]controller.AccessToken, 0, len(a.byHash))
	for _, e := range a.byHash {
		out = append(out, e.AccessToken)
	}
	slices.SortFunc(out, func(a, b controller.AccessToken) int {
		if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Create makes a token from t's Name, Role, CreatedBy and ExpiresAt and returns it: the
// only time that it is shown. It is durable then. It fails with ErrTooManyTokens.
func (a *AccessTokens) Create(ctx context.Context, t controller.AccessToken) (token string, made controller.AccessToken, err error) {
	if !t.Role.Known() || t.Name == "" || t.ExpiresAt.IsZero() {
		return "", made, errors.New("cannot make an access token: name, role or expiry is missing")
	}
	token = tokenPrefix + rand.Text()
	hash := sha256.Sum256([]byte(token))
	t.ID = strings.ToLower(rand.Text()[:8])
	t.CreatedAt, t.ExpiresAt, t.LastUsed = time.Now().UTC().Truncate(time.Millisecond), t.ExpiresAt.UTC().Truncate(time.Millisecond), time.Time{}
	gone := t.CreatedAt.Add(-expiredKept)
	err = a.s.operate(ctx, func(w *writer) (refused, failed error) {
		if err := w.exec(`DELETE FROM access_token WHERE expires_at < ?`, millis(gone)); err != nil {
			return nil, err
		}
		n := 0
		if err := w.row(`SELECT count(*) FROM access_token`).Scan(&n); err != nil {
			return nil, err
		}
		if n >= mostTokens {
			return ErrTooManyTokens, nil
		}
		return nil, w.exec(`INSERT INTO access_token (id, hash, name, role, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			t.ID, hash[:], t.Name, string(t.Role), millis(t.CreatedAt), t.CreatedBy, millis(t.ExpiresAt))
	})
	if err != nil {
		return "", made, fmt.Errorf("cannot make an access token: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for h, e := range a.byHash {
		if e.ExpiresAt.Before(gone) {
			delete(a.byHash, h)
		}
	}
	a.byHash[hash] = &accessEntry{AccessToken: t}
	return token, t, nil
}

// Revoke ends a token at once; false if there is none of that id. If the disk refuses,
// the token is of no use until the next start only, and revoking it may be tried again.
func (a *AccessTokens) Revoke(ctx context.Context, id string) (revoked controller.AccessToken, ok bool, err error) {
	revoked, ok = a.take(id)
	var onDisk *controller.AccessToken // read only once the writer is done with it
	err = a.s.operate(ctx, func(w *writer) (refused, failed error) {
		var name, role string
		switch err := w.row(`DELETE FROM access_token WHERE id = ? RETURNING name, role`, id).Scan(&name, &role); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		default:
			onDisk = &controller.AccessToken{ID: id, Name: name, Role: controller.Role(role)}
		}
		return nil, nil
	})
	if err != nil {
		return revoked, ok, fmt.Errorf("cannot revoke the access token for good: %w", err)
	}
	if !ok && onDisk != nil {
		return *onDisk, true, nil
	}
	return revoked, ok, nil
}

// take removes a token from memory.
func (a *AccessTokens) take(id string) (controller.AccessToken, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for hash, e := range a.byHash {
		if e.ID == id {
			delete(a.byHash, hash)
			return e.AccessToken, true
		}
	}
	return controller.AccessToken{}, false
}
