package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"busbar/controller"
)

// The files in the data folder.
const (
	journalFile = "busbar.db"
	historyFile = "telemetry.db"
)

//go:embed migrations/*.sql telemetry/*.sql
var schemas embed.FS

// writerPragmas: checkpoints are the writer's own work (see checkpoint), because the
// automatic ones hide a failed fsync.
func writerPragmas(sync Synchronous) []string {
	return []string{"journal_mode(WAL)", "synchronous(" + string(sync) + ")", "foreign_keys(1)", "temp_store(MEMORY)", "busy_timeout(250)",
		"wal_autocheckpoint(0)", "trusted_schema(0)", "cell_size_check(1)"}
}

var readerPragmas = []string{"busy_timeout(5000)", "foreign_keys(1)", "query_only(1)", "trusted_schema(0)"}

var historyPragmas = []string{"journal_mode(WAL)", "synchronous(OFF)", "temp_store(MEMORY)", "busy_timeout(5000)", "trusted_schema(0)", "journal_size_limit(16777216)"}

// openDB opens a file with its pragmas in the DSN, so that every connection of the
// pool has them. Transactions begin IMMEDIATE.
func openDB(path string, pragmas []string, conns int) (*sql.DB, error) {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func migrateJournal(ctx context.Context, db *sql.DB) error {
	steps, err := fs.Sub(schemas, "migrations")
	if err != nil {
		return err
	}
	return migrate(ctx, db, steps)
}

// migrate brings a database to the newest schema of steps, forward only; each step is
// a transaction. A database from a newer version is refused with ErrNewer.
func migrate(ctx context.Context, db *sql.DB, steps fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("cannot migrate the database: %w", err)
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the database's version: %w", err)
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return fmt.Errorf("cannot open the database: its schema is %d, this version of Busbar knows up to %d; install the newer version again, or restore a backup made before the update: %w",
			have, newest, ErrNewer)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("cannot migrate the database: %w", err)
	}
	return nil
}

// randomBase draws the first transaction id of a new database: 10^6 <= id < 10^9.
// Queued stops of a lost database can't hit new ids then.
func randomBase() controller.TxID {
	const low, high = 1_000_000, 1_000_000_000
	n, err := rand.Int(rand.Reader, big.NewInt(high-low))
	if err != nil {
		panic("store: no randomness: " + err.Error()) // crypto/rand never fails on Linux
	}
	return controller.TxID(low + n.Int64())
}

// IntegrityCheck has SQLite read the whole journal and verifies the checksums of all
// rows (B16). The slice holds what is wrong, in words; an error means that it could
// not be found out.
func (s *Store) IntegrityCheck(ctx context.Context) ([]string, error) {
	var wrong []string
	rows, err := s.readers.QueryContext(ctx, `PRAGMA integrity_check`)
	if err != nil {
		return nil, fmt.Errorf("cannot check the database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, fmt.Errorf("cannot check the database: %w", err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("cannot check the database: %w", err)
	}
	more, err := s.verifySums(ctx)
	return append(wrong, more...), err
}
