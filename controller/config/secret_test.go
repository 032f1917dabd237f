package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
)

const hidden = "correct-horse-battery"

// TestSecretNeverShows tries every usual way to print a charger that holds a secret.
func TestSecretNeverShows(t *testing.T) {
	charger := Charger{ID: "CP1", Password: NewSecret(hidden)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", charger, charger)
		fmt.Fprintf(&out, verb+"\n", charger.Password, &charger.Password)
	}
	if err := json.NewEncoder(&out).Encode(charger); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "charger", charger, "password", charger.Password)
	}
	for _, leak := range []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprint([]byte(hidden))} {
		if strings.Contains(out.String(), strings.Trim(leak, "[]")) {
			t.Errorf("the secret shows as %q in:\n%s", leak, out.String())
		}
	}
	if got := NewSecret("env:CP1_KEY").String(); got != "env:CP1_KEY" {
		t.Errorf("a reference is no secret, got %q", got)
	}
}

func TestRedactedYAMLHidesLiteralsOnly(t *testing.T) {
	c := mustParse(t, strings.Replace(good(t), `"env:CP1_KEY"`, hidden, 1))
	if !bytes.Contains(c.YAML(), []byte(hidden)) {
		t.Error("the canonical form must keep the secret")
	}
	redacted := string(c.RedactedYAML())
	if strings.Contains(redacted, hidden) || !strings.Contains(redacted, "file:key") {
		t.Errorf("got:\n%s", redacted)
	}
	if _, err := Parse("site.yaml", []byte(redacted), known()); err == nil {
		t.Error("a redacted password was taken for a password")
	}
}

func TestSecretResolves(t *testing.T) {
	getenv := func(name string) (string, bool) {
		return map[string]string{"KEY": hidden}[name], name == "KEY" || name == "EMPTY"
	}
	readFile := func(path string) ([]byte, error) {
		files := map[string]string{"key": hidden + "\n", "dos": hidden + "\r\n", "two": "a\nb\n", "empty": "\n"}
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for source, want := range map[string]string{"env:KEY": hidden, "file:key": hidden, "file:dos": hidden, hidden: hidden,
		"env:NONE": "", "env:EMPTY": "", "file:none": "", "file:two": "", "file:empty": "", "": ""} {
		got, err := NewSecret(source).Resolve(getenv, readFile)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", source, got, err)
		}
	}
	if _, err := NewSecret("file:none").Resolve(getenv, readFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// TestProblemsNeverShowPasswords covers the places where one may stand by mistake.
func TestProblemsNeverShowPasswords(t *testing.T) {
	for old, changed := range map[string]string{
		`password: "env:CP1_KEY"`:   "pasword: " + hidden,
		`"env:CP1_KEY"`:             `"` + hidden + ` 1"`,
		`"file:key"`:                "[" + hidden + "]",
		"wss://csms.example":        "wss://u:" + hidden + "@csms.example",
		`"wss://csms.example/ocpp"`: `"wss://u:` + hidden + `@csms.example:99999999/%zz"`,
		"tcp://10.0.0.5":            "tcp://u:" + hidden + "@10.0.0.5",
		`"file:key", dialect`:       hidden + `: x, dialect`,
	} {
		_, err := Parse("site.yaml", []byte(strings.Replace(good(t), old, changed, 1)), known())
		if err == nil {
			t.Errorf("%s: taken", changed)
		} else if strings.Contains(err.Error(), hidden) {
			t.Errorf("the password shows: %v", err)
		}
	}
}
