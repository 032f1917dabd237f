package store

import (
	"context"
	"fmt"
	"time"
)

// SaveDocument keeps body under kind and key in the place of an older one. It is
// durable when SaveDocument returns nil. Run must be running.
func (s *Store) SaveDocument(ctx context.Context, kind, key, body string) error {
	err := s.operate(ctx, func(w *writer) (refused, failed error) {
		return nil, w.exec(`INSERT INTO document (kind, key, body, updated) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body, updated = excluded.updated`, kind, key, body, time.Now().UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("cannot save the %s %s: %w", kind, key, err)
	}
	return nil
}

// DeleteDocument forgets a document; one that is not there is no error. Run must be
// running.
func (s *Store) DeleteDocument(ctx context.Context, kind, key string) error {
	err := s.operate(ctx, func(w *writer) (refused, failed error) {
		return nil, w.exec(`DELETE FROM document WHERE kind = ? AND key = ?`, kind, key)
	})
	if err != nil {
		return fmt.Errorf("cannot delete the %s %s: %w", kind, key, err)
	}
	return nil
}

// Documents gives back all of a kind by their key. It needs no running Run.
func (s *Store) Documents(ctx context.Context, kind string) (map[string]string, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT key, body FROM document WHERE kind = ?`, kind)
	if err != nil {
		return nil, fmt.Errorf("cannot read the documents of kind %s: %w", kind, err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var key, body string
		if err := rows.Scan(&key, &body); err != nil {
			return nil, fmt.Errorf("cannot read the documents of kind %s: %w", kind, err)
		}
		out[key] = body
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the documents of kind %s: %w", kind, err)
	}
	return out, nil
}
