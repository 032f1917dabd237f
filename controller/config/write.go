package config

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// YAML is the canonical form: every key in the order of the tables, defaults stated,
// secrets as they are. Parse(YAML(c)) equals c, and equal Configs have equal bytes.
func (c *Config) YAML() []byte { return writeYAML(configKind().write(*c), false) }

// RedactedYAML is YAML with literal secrets hidden; references stay. For people's
// eyes: Parse refuses the hidden ones.
func (c *Config) RedactedYAML() []byte { return writeYAML(configKind().write(*c), true) }

func writeYAML(n node, redacted bool) []byte {
	w := yamlWriter{redacted: redacted}
	w.dict(n, "", "")
	return []byte(w.b.String())
}

type yamlWriter struct {
	b        strings.Builder
	redacted bool
}

// dict writes the entries; first stands before the first key, indent before the others.
func (w *yamlWriter) dict(n node, first, indent string) {
	for _, e := range n.entries {
		w.b.WriteString(first + e.key + ":")
		first = indent
		switch {
		case e.value.kind == dictNode && len(e.value.entries) > 0:
			w.b.WriteString("\n")
			w.dict(e.value, indent+"  ", indent+"  ")
		case e.value.kind == listNode && len(e.value.items) > 0 && e.value.items[0].kind == dictNode:
			w.b.WriteString("\n")
			for _, item := range e.value.items {
				w.dict(item, indent+"  - ", indent+"    ")
			}
		default:
			w.b.WriteString(" " + w.inline(e.value) + "\n")
		}
	}
}

// inline writes scalars, lists of scalars, and what is empty.
func (w *yamlWriter) inline(n node) string {
	switch n.kind {
	case dictNode:
		return "{}"
	case listNode:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = w.inline(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case textNode:
		if n.secret && w.redacted {
			return strconv.Quote(redactedText)
		}
		return textYAML(n.text)
	default:
		return n.text
	}
}

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$|^[0-9]+(ms|s|m|h)$`)

// textYAML quotes whatever some reader of YAML might take for something else.
func textYAML(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(s)
	}
	if plainText.MatchString(s) {
		return s
	}
	quoted, err := json.Marshal(s) // JSON strings are YAML strings
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(quoted)
}

// plain is a node as encoding/json writes it; nil for nothing.
func plain(n node) any {
	switch n.kind {
	case nullNode, refusedNode:
		return nil
	case textNode:
		return n.text
	case numberNode:
		if !json.Valid([]byte(n.text)) {
			return n.text // 0x1F, .nan
		}
		return json.Number(n.text)
	case boolNode:
		return n.text == "true"
	case listNode:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = plain(item)
		}
		return out
	case dictNode:
		out := map[string]any{}
		for _, e := range n.entries {
			out[e.key] = plain(e.value)
		}
		return out
	default:
		panic("unknown node kind")
	}
}
