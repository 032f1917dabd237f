package store

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"busbar/controller"
)

// released are the schema versions that ever left the house. Each has a file
// testdata/version-N.sql with rows, which is never changed again.
var released = []int64{1, 2, 10}

// TestDatabasesOfOlderVersionsAreUnderstood fills a database of each released schema
// and opens it with this version.
func TestDatabasesOfOlderVersionsAreUnderstood(t *testing.T) {
	for _, version := range released {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			dir := t.TempDir()
			rows, err := os.ReadFile(fmt.Sprintf("testdata/version-%d.sql", version))
			if err != nil {
				t.Fatal(err)
			}
			at(t, dir, version, string(rows))
			b := open(t, dir, Options{Synchronous: SyncOff})
			r, err := b.Recover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.NextTx != 41 || r.Started != 2 || len(r.Open) != 1 || len(r.Slots) != 1 || len(r.Undelivered) != 1 || r.Settings["k"] != "v" {
				t.Errorf("%+v", r)
			}
			heads := b.heads(9)
			if len(heads) != 1 || heads[0].Tx != 40 || string(heads[0].Wire) != `{"wire": 3}` {
				t.Errorf("%+v", heads)
			}
			if c := b.counts(); c.Delivered != 1 || c.DeliveredEnergy != 500 || c.Pending != 1 {
				t.Errorf("%+v", c)
			}
			b.sound()
		})
	}
}

// at makes a database of an older version.
func at(t *testing.T, dir string, version int64, rows string) {
	t.Helper()
	db, err := openDB(filepath.Join(dir, journalFile), writerPragmas(SyncOff), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := fs.Sub(schemas, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(rows); err != nil {
		t.Fatal(err)
	}
}

func later(t *testing.T, name, text string) fs.FS {
	t.Helper()
	steps := fstest.MapFS{}
	entries, err := fs.ReadDir(schemas, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(schemas, "migrations/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		steps[e.Name()] = &fstest.MapFile{Data: data}
	}
	maps.Copy(steps, fstest.MapFS{name: {Data: []byte("-- +goose Up\n" + text)}})
	return steps
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{Synchronous: SyncOff}).stop()
	if err := migrateTo(t, dir, later(t, "99999_later.sql", "CREATE TABLE later (x INTEGER) STRICT;")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("open: %v", err)
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{Synchronous: SyncOff}).stop()
	err := migrateTo(t, dir, later(t, "99999_later.sql", "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"))
	if err == nil {
		t.Fatal("it succeeded")
	}
	b := open(t, dir, Options{Synchronous: SyncOff})
	var name string
	if err := b.readers.QueryRow(`SELECT name FROM sqlite_schema WHERE name = 'later'`).Scan(&name); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("half a migration stayed: %q %v", name, err)
	}
}

func migrateTo(t *testing.T, dir string, steps fs.FS) error {
	t.Helper()
	db, err := openDB(filepath.Join(dir, journalFile), writerPragmas(SyncOff), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return migrate(t.Context(), db, steps)
}

var update = flag.Bool("update", false, "write testdata/version-N.sql for a schema that is about to be released")

// TestPresentSchemaHasRows sees to it that no schema is released without its file.
func TestPresentSchemaHasRows(t *testing.T) {
	newest := released[len(released)-1]
	dir := t.TempDir()
	b := open(t, dir, Options{Synchronous: SyncOff, FirstTx: 39})
	var version int64
	if err := b.readers.QueryRow(`SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil || version != newest {
		t.Fatalf("the schema is %d, the newest with rows is %d (%v)", version, newest, err)
	}
	if !*update {
		return
	}
	b.save(controller.SlotRow{Slot: 3, UpEVSE: 3, UpConnector: 1, Station: "CP-1", Connector: 1, State: controller.SlotActive, Epoch: 1},
		controller.SettingRow{Key: "k", Value: "v"})
	b.save(startOf(39, "A")...)
	b.save(endOf(39, "A", 1500)...)
	b.deliver(39, controller.OutboxStart, 1)
	b.deliver(39, controller.OutboxStop, 2)
	b.save(startOf(40, "B")...)
	b.stamp(3)
	var text strings.Builder
	if err := b.SaveDocument(t.Context(), "credential", "CP-1", `{"hash": "h"}`); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"document", "slot", "setting", "tx", "lane", "outbox", "ledger"} { // ledger last: until then the trigger finds no row

		text.WriteString(inserts(t, b, table))
	}
	if err := os.WriteFile(fmt.Sprintf("testdata/version-%d.sql", newest), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inserts is a table's content as SQL.
func inserts(t *testing.T, b *box, table string) (text string) {
	t.Helper()
	var columns []string
	read := func(query string, take func(string)) {
		t.Helper()
		err := each(t.Context(), b.readers, func(row scanner) error {
			var s string
			err := row.Scan(&s)
			take(s)
			return err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
	}
	read(`SELECT name FROM pragma_table_info('`+table+`')`, func(s string) { columns = append(columns, s) })
	read(`SELECT concat_ws(', ', quote(`+strings.Join(columns, `), quote(`)+`)) FROM `+table, func(s string) {
		text += "INSERT INTO " + table + " VALUES (" + s + ");\n"
	})
	return text
}

func TestBackupAndRestore(t *testing.T) {
	dir, dest := t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
	b := open(t, dir, Options{Synchronous: SyncOff})
	for tx := range controller.TxID(50) {
		b.save(startOf(tx+1, "A")...)
	}
	if err := Backup(t.Context(), dir, dest); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), dir, dest); err == nil {
		t.Error("a backup was overwritten")
	}
	want, err := b.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.save(startOf(51, "A")...)
	if info, err := os.Stat(dest); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	restored := t.TempDir()
	parked, err := Restore(t.Context(), dest, restored)
	if err != nil || parked != 50 {
		t.Fatalf("%d lanes parked, %v", parked, err)
	}
	if _, err := Restore(t.Context(), dest, restored); err == nil {
		t.Error("a database was overwritten")
	}
	r := open(t, restored, Options{Synchronous: SyncOff})
	got, err := r.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.NextTx < want.NextTx+epochJump || got.NextTx > want.NextTx+2*epochJump {
		t.Errorf("the next id is %d, before it was %d", got.NextTx, want.NextTx)
	}
	got.NextTx = want.NextTx
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	r.expectHeads() // the cloud may have them
	await(t, r.inbox, func(p controller.ParkedLane) bool { return p.Tx == 7 && p.Err != "" })
	if n, err := r.Resend(t.Context(), 7); n != 1 || err != nil {
		t.Errorf("resend: %d %v", n, err)
	}
	r.sound()
}
