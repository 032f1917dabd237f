package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a password: the text itself, or a reference to where it is kept
// ("env:NAME", "file:PATH"). It never shows itself: printing, JSON and slog say
// "redacted". Only Resolve gives it out. The zero Secret is none.
type Secret struct{ source string }

// redactedText stands for a literal secret wherever one would be shown. A file that
// holds it as a password is refused: it came from such a place.
const redactedText = "(redacted)"

// NewSecret makes a secret from its form in site.yaml.
func NewSecret(source string) Secret { return Secret{source} }

// IsZero reports that there is no secret.
func (s Secret) IsZero() bool { return s.source == "" }

// Reference is "env:NAME" or "file:PATH", which is no secret; false for a literal.
func (s Secret) Reference() (string, bool) {
	if strings.HasPrefix(s.source, "env:") || strings.HasPrefix(s.source, "file:") {
		return s.source, true
	}
	return "", false
}

// Resolve is the secret itself. getenv has the form of os.LookupEnv, readFile of
// os.ReadFile and decides what a relative path is relative to. One line break at the
// end of a file is not part of the secret. Errors never hold the secret.
func (s Secret) Resolve(getenv func(string) (string, bool), readFile func(string) ([]byte, error)) (string, error) {
	if name, ok := strings.CutPrefix(s.source, "env:"); ok {
		v, set := getenv(name)
		if !set || v == "" {
			return "", fmt.Errorf("cannot resolve the secret %s: the environment variable is not set", s.source)
		}
		return v, nil
	}
	if path, ok := strings.CutPrefix(s.source, "file:"); ok {
		data, err := readFile(path)
		if err != nil {
			return "", fmt.Errorf("cannot resolve the secret %s: %w", s.source, err)
		}
		v := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		if v == "" || strings.ContainsAny(v, "\r\n\x00") {
			return "", fmt.Errorf("cannot resolve the secret %s: the file must hold one line", s.source)
		}
		return v, nil
	}
	if s.source == "" {
		return "", errors.New("cannot resolve a secret: none is set")
	}
	return s.source, nil
}

// String is the reference, or "(redacted)" for a literal.
func (s Secret) String() string {
	if ref, ok := s.Reference(); ok || s.source == "" {
		return ref
	}
	return redactedText
}

// Format keeps every verb of fmt, %#v and %d included, from reaching inside.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText is String, for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// secret is a password of 8 to 64 printable ASCII characters, or a reference. Its
// messages never show it.
func secret() kind[Secret] {
	return kind[Secret]{
		read: func(r *reader, n node, path string) Secret {
			if n.kind != textNode {
				r.problem(path, "must be a password as text", "Write it in quotes, or refer to it: \"env:NAME\" or \"file:PATH\".")
				return Secret{}
			}
			if reason, remedy := secretProblem(n.text); reason != "" {
				r.problem(path, reason, remedy)
				return Secret{}
			}
			return Secret{n.text}
		},
		write: func(s Secret) node {
			_, reference := s.Reference()
			return node{kind: textNode, text: s.source, secret: !reference}
		},
		schema: func() schema { return schema{"type": "string", "minLength": 5, "maxLength": 1024} },
	}
}

func secretProblem(s string) (reason, remedy string) {
	printable := !strings.ContainsFunc(s, func(c rune) bool { return c < 0x21 || c > 0x7e })
	if name, ok := strings.CutPrefix(s, "env:"); ok {
		if name == "" || !printable || strings.ContainsAny(name, "=:") {
			return "refers to no environment variable after env:", "Write such as \"env:CP1_KEY\"."
		}
		return "", ""
	}
	if path, ok := strings.CutPrefix(s, "file:"); ok {
		if strings.TrimSpace(path) == "" || strings.Contains(path, "\x00") || len(path) > 1000 {
			return "refers to no file after file:", "Write such as \"file:cp1.key\" (relative to the configuration) or \"file:/etc/busbar/cp1.key\"."
		}
		return "", ""
	}
	switch {
	case s == redactedText:
		return "is the placeholder of a redacted password, not a password", "Write the password, or refer to it: \"env:NAME\" or \"file:PATH\"."
	case strings.HasPrefix(strings.ToLower(s), "env:"), strings.HasPrefix(strings.ToLower(s), "file:"):
		return "looks like a reference, but env: and file: are written in lower case", "Write \"env:NAME\" or \"file:PATH\"."
	case !printable:
		return "must be a password of printable ASCII characters without spaces", "Choose another, or refer to it: \"env:NAME\" or \"file:PATH\"."
	case len(s) < 8 || len(s) > 64:
		return fmt.Sprintf("must be a password of 8 to 64 characters, got %d", len(s)), "Choose a longer one (20 random characters are good), or refer to it: \"env:NAME\" or \"file:PATH\"."
	}
	return "", ""
}
