package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse: whatever comes in, Parse ends, refuses with problems in words and in
// order, or gives a Config whose canonical form reads the same and keeps rule L6.
func FuzzParse(f *testing.F) {
	base := good(f)
	f.Add([]byte(base))
	f.Add(Example())
	archive, err := txtar.ParseFile(badFile)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range archive.Files {
		lines := strings.SplitN(string(c.Data), "\n", 3)
		f.Add([]byte(strings.Replace(base, unescape(lines[0]), unescape(lines[1]), 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("site.yaml", data, Known{})
		if err != nil {
			checkProblems(t, err)
			return
		}
		once := c.YAML()
		again, err := Parse("site.yaml", once, Known{})
		if err != nil {
			t.Fatalf("the canonical form is refused: %v\n%s", err, once)
		}
		if !bytes.Equal(once, again.YAML()) {
			t.Fatal(cmp.Diff(string(once), string(again.YAML())))
		}
		if changes := Diff(c, again); len(changes) > 0 {
			t.Fatalf("differs from its canonical form: %v", changes)
		}
		for _, s := range c.FailsafeSums() {
			if s.Over() != 0 {
				t.Fatalf("taken although fail-safe and base exceed a limit: %+v", s)
			}
		}
	})
}

func checkProblems(t *testing.T, err error) {
	t.Helper()
	problems, ok := errors.AsType[Problems](err)
	if !ok || len(problems) == 0 {
		t.Fatalf("not a list of problems: %v", err)
	}
	line := 0
	for _, p := range problems {
		if p.Reason == "" || p.Remedy == "" || p.Line < line || strings.ContainsAny(p.String(), "\n\r\x00") {
			t.Fatalf("not a good problem: %+v", p)
		}
		line = p.Line
	}
}

// TestHostileFilesEndSoon feeds what costs parsers of YAML time, memory or stack: with
// the bounds of source.go the worst takes about two seconds instead of minutes.
func TestHostileFilesEndSoon(t *testing.T) {
	for name, text := range map[string]string{
		"deep flow lists":     strings.Repeat("[", 1<<19),
		"deep flow maps":      strings.Repeat("{a: ", 1000),
		"deep block lists":    strings.Repeat("- ", 1<<19),
		"deep blocks in line": "a:\n" + strings.Repeat(strings.Repeat(" ", 3000)+"- - - - -\n", 100),
		"many keys":           strings.Repeat("a: 1\n", 1<<17),
		"many keys in a flow": "{" + strings.Repeat("a,\n", 300000) + "}",
		"many complex keys":   strings.Repeat("? a\n", 200000),
		"many empty entries":  strings.Repeat("-\n", 1<<19),
		"most keys":           strings.Repeat("a:\n", maxEntries),
		"most complex keys":   strings.Repeat("? a\n", maxEntries),
		"most empty entries":  strings.Repeat("-\n", maxLines),
		"many keys in a line": "{" + strings.Repeat("a: 1, ", 600) + "}",
		"laughs":              "a: &a [x, x]\n" + strings.Repeat("b: &b [*a, *a, *a, *a]\n", 1000),
		"tags":                strings.Repeat("!a ", 1300),
		"quotes":              strings.Repeat("'", 4000),
		"comments":            strings.Repeat("#\n", 1<<19),
		"large":               strings.Repeat("a", 3<<20),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("site.yaml", []byte(text), Known{})
			if err == nil {
				t.Fatal("taken")
			}
			checkProblems(t, err)
			if n := len(err.Error()); n > 1<<20 {
				t.Errorf("%d bytes of problems", n)
			}
		})
	}
}

// TestLargestSiteIsTaken: the bounds against hostile files leave room for 500 chargers
// of two connectors.
func TestLargestSiteIsTaken(t *testing.T) {
	c := mustParse(t, large(t, 500))
	for i := range c.Chargers {
		second := c.Chargers[i].Connectors[0]
		second.Number = 2
		c.Chargers[i].Connectors = append(c.Chargers[i].Connectors, second)
	}
	if err := c.Check(known()); err != nil {
		t.Error(err)
	}
	c.Chargers[3].Failsafe = 3_000
	if err := c.Check(known()); err == nil || !strings.Contains(err.Error(), "chargers[3].failsafe_a") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkParse500Chargers(b *testing.B) {
	text := []byte(large(b, 500))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse("site.yaml", text, Known{}); err != nil {
			b.Fatal(err)
		}
	}
}

// large is good.yaml with that many chargers in its canonical, longest form.
func large(tb testing.TB, chargers int) string {
	tb.Helper()
	c, err := Parse("site.yaml", []byte(good(tb)), Known{})
	if err != nil {
		tb.Fatal(err)
	}
	one := c.Chargers[0]
	one.Failsafe = 0
	c.Chargers = nil
	for i := range chargers {
		next := one
		next.ID = "CP" + strings.Repeat("x", i%20) + string(rune('A'+i/20))
		next.Connectors = []Connector{one.Connectors[0]}
		next.Connectors[0].EVSEID = ""
		c.Chargers = append(c.Chargers, next)
	}
	return string(c.YAML())
}
