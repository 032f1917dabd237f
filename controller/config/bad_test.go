package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const badFile = "testdata/bad.txtar"

// unescape writes the bytes a text file can't hold.
func unescape(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\xff`, "\xff", `\x00`, "\x00", `\x01`, "\x01", `\x07`, "\x07", `\x7f`, "\x7f").Replace(s)
}

// badCase is the file a case of bad.txtar describes and what is expected of it.
func badCase(t *testing.T, f txtar.File) (file, expected string) {
	t.Helper()
	lines := strings.SplitN(string(f.Data), "\n", 3)
	old, changed := unescape(lines[0]), unescape(lines[1])
	if old == "*" {
		return changed, lines[2]
	}
	base := good(t)
	if strings.Count(base, old) != 1 {
		t.Fatalf("%q stands %d times in good.yaml, must be once", old, strings.Count(base, old))
	}
	return strings.Replace(base, old, changed, 1), lines[2]
}

// TestBadConfigurations holds every refusal to its words: each names file, line,
// field, reason and remedy, and nothing else is reported.
func TestBadConfigurations(t *testing.T) {
	archive, err := txtar.ParseFile(badFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) {
			file, expected := badCase(t, f)
			c, err := Parse("site.yaml", []byte(file), known())
			if err == nil || c != nil {
				t.Fatalf("taken, with %v", err)
			}
			got := "schema " + verdict(t, []byte(file)) + "\n" + err.Error() + "\n"
			if *update {
				lines := strings.SplitN(string(f.Data), "\n", 3)
				archive.Files[i].Data = []byte(lines[0] + "\n" + lines[1] + "\n" + got)
			} else if d := cmp.Diff(expected, got); d != "" {
				t.Error(d)
			}
		})
	}
	if *update {
		if err := os.WriteFile(badFile, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
