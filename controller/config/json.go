package config

import "encoding/json"

// RedactedJSON is RedactedYAML as a JSON object, for programs.
func (c *Config) RedactedJSON() []byte {
	text, err := json.Marshal(plain(hide(configKind().write(*c))))
	if err != nil {
		panic("config: what was written can't be encoded: " + err.Error())
	}
	return text
}

// hide is n with its secrets replaced.
func hide(n node) node {
	if n.secret {
		n.text = redactedText
	}
	items, entries := make([]node, len(n.items)), make([]entry, len(n.entries))
	for i, item := range n.items {
		items[i] = hide(item)
	}
	for i, e := range n.entries {
		e.value = hide(e.value)
		entries[i] = e
	}
	n.items, n.entries = items, entries
	return n
}
