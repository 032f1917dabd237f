package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"busbar/controller/config"

	"github.com/rogpeppe/go-internal/txtar"
)

const (
	goodFile = "../../controller/config/testdata/good.yaml"
	badFile  = "../../controller/config/testdata/bad.txtar"
)

// problemLine is what every problem looks like: file, line, field (none for what is
// wrong with the file as such), reason, remedy.
var problemLine = regexp.MustCompile(`^\S*site\.yaml:[0-9]+: ([a-z_.\[\]0-9]+: )?[^A-Z ].*[^.][.?:] ?.*[A-Z"].*$`)

// TestCheckTeaches sends every case of bad.txtar through busbar config check: exit
// code 2, nothing on standard output, and one line for each problem.
func TestCheckTeaches(t *testing.T) {
	good, err := os.ReadFile(goodFile)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile(badFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 150 {
		t.Fatalf("only %d cases", len(archive.Files))
	}
	for _, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) {
			lines := strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
			text := strings.Replace(string(good), unescape(lines[0]), unescape(lines[1]), 1)
			if lines[0] == "*" {
				text = unescape(lines[1])
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "site.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := call(t, "", "config", "check", path)
			if code != exitBadInput || stdout != "" {
				t.Errorf("exit code %d, standard output %q", code, stdout)
			}
			got := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			if want := lines[3:]; len(got) != len(want) && !strings.Contains(stderr, "meter model") {
				t.Errorf("want %d lines:\n%s", len(want), stderr)
			}
			for _, line := range got {
				if !problemLine.MatchString(line) {
					t.Errorf("does not name file, line, field, reason and remedy: %s", line)
				}
			}
			checkJSON(t, path, len(got))
		})
	}
}

// checkJSON wants the same problems with all their parts from --json.
func checkJSON(t *testing.T, path string, problems int) {
	t.Helper()
	code, stdout, _ := call(t, "", "config", "check", "--json", path)
	var out struct {
		File     string
		OK       bool
		Problems []config.Problem
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if code != exitBadInput || out.OK || out.File != path || len(out.Problems) != problems {
		t.Errorf("exit code %d, %+v", code, out)
	}
	for _, p := range out.Problems {
		if p.File != path || p.Line < 1 || p.Column < 1 || p.Reason == "" || p.Remedy == "" {
			t.Errorf("incomplete: %+v", p)
		}
	}
}

// unescape writes the bytes bad.txtar can't hold.
func unescape(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\xff`, "\xff", `\x00`, "\x00", `\x01`, "\x01", `\x07`, "\x07", `\x7f`, "\x7f").Replace(s)
}

func TestCheckKnowsTheCatalogue(t *testing.T) {
	for model, want := range map[string]string{"eastron_sdm630": "", "eastron_sdm63": "eastron_sdm630"} {
		text := strings.Replace(string(config.Example()), "eastron_sdm630", model, 1)
		code, _, stderr := call(t, text, "config", "check", "-")
		if (code == exitDone) != (want == "") || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s", model, code, stderr)
		}
	}
}
