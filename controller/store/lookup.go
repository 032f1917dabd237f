package store

import (
	"context"
	"database/sql"
	"errors"

	"busbar/controller"
)

const (
	lookupQueue   = 8192
	lookupReaders = 2
)

// lookup is a question of the loop: for tx if it is not 0, else for token.
type lookup struct {
	id    uint64
	token controller.IDToken
	tx    controller.TxID
}

// LookupToken looks a token up among the committed rows; Found follows. It never
// waits.
func (s *Store) LookupToken(id uint64, token controller.IDToken) {
	s.ask(lookup{id: id, token: token})
}

// LookupTx looks a transaction up; Found follows, except when the disk can't be read:
// a stop that is not answered stays with its charger, which sends it again. It never
// waits.
func (s *Store) LookupTx(id uint64, tx controller.TxID) {
	s.ask(lookup{id: id, tx: tx})
}

func (s *Store) ask(l lookup) {
	select {
	case s.lookups <- l:
	default:
		// The charger gets no answer and asks again.
		s.log.Warn("a lookup was dropped: too many wait for the disk", "tx", int64(l.tx))
	}
}

func (s *Store) answerLookups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-s.lookups:
			if found, ok := s.find(l); ok {
				s.postPatiently(ctx, found)
			}
		}
	}
}

// find answers one lookup; false means that nothing can be said.
func (s *Store) find(l lookup) (controller.Found, bool) {
	found := controller.Found{Lookup: l.id}
	if l.tx != 0 {
		row, intact, err := scanTx(s.readers.QueryRow(`SELECT `+txRead+` FROM tx WHERE tx = ?`, int64(l.tx)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return found, true
		case err != nil:
			s.log.Error("cannot read a transaction", "tx", int64(l.tx), "err", err)
			return found, false
		case !intact:
			s.log.Error("a damaged transaction counts as unknown", "tx", int64(l.tx))
			return found, true
		}
		found.Tx = &row
		return found, true
	}
	row, err := s.token(l.token)
	if err != nil {
		s.log.Error("cannot read a token; it counts as unknown", "err", err)
	}
	found.Token = row
	return found, true
}

// token finds the rights of a token; one of another type counts only if either side
// has no type.
func (s *Store) token(t controller.IDToken) (*controller.TokenRow, error) {
	var found *controller.TokenRow
	err := each(context.Background(), s.readers, func(row scanner) error {
		var v controller.TokenRow
		var expiry, updated sql.NullInt64
		if err := row.Scan(&v.Token.Value, &v.Token.Type, &v.Info.Status, &v.Info.Parent, &expiry, &updated); err != nil {
			return err
		}
		v.Info.Expiry, v.Updated = fromMillis(expiry), fromMillis(updated)
		if v.Token.Same(t) && (found == nil || v.Token.Type == t.Type) {
			found = &v
		}
		return nil
	}, `SELECT value, type, status, parent, expiry, updated FROM token WHERE key = ? ORDER BY type`, t.Key())
	return found, err
}
