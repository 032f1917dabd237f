package config

import (
	"fmt"
	"strings"
)

// Change is one difference between two revisions.
type Change struct {
	// Path names entries of lists by their id: chargers[CP1].failsafe_a.
	Path string `json:"path"`
	// Before and After are values as in the file, "" where there was or is none.
	// Literal secrets say "(redacted)".
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String is one line: "chargers[CP1].failsafe_a: 6 -> 0".
func (c Change) String() string {
	switch {
	case c.Before == "":
		return c.Path + ": added " + c.After
	case c.After == "":
		return c.Path + ": removed " + c.Before
	default:
		return c.Path + ": " + c.Before + " -> " + c.After
	}
}

// Diff is what changed from a to b, in the order of the file; entries of lists are
// matched by id, so their order does not count.
func Diff(a, b *Config) []Change {
	k := configKind()
	return diffNodes(nil, "", k.write(*a), k.write(*b))
}

func diffNodes(changes []Change, path string, a, b node) []Change {
	switch {
	case a.kind == dictNode && b.kind == dictNode:
		return diffEntries(changes, a, b, func(key string) string { return join(path, key) })
	case keyed(a) && keyed(b):
		return diffEntries(changes, byID(a), byID(b), func(id string) string { return path + "[" + id + "]" })
	case equal(a, b):
		return changes
	}
	w := yamlWriter{redacted: true}
	return append(changes, Change{Path: path, Before: w.inlineAll(a), After: w.inlineAll(b)})
}

func diffEntries(changes []Change, a, b node, path func(string) string) []Change {
	after := map[string]node{}
	for _, e := range b.entries {
		after[e.key] = e.value
	}
	before := map[string]bool{}
	for _, e := range a.entries {
		before[e.key] = true
		changes = diffNodes(changes, path(e.key), e.value, after[e.key])
	}
	for _, e := range b.entries {
		if !before[e.key] {
			changes = diffNodes(changes, path(e.key), node{}, e.value)
		}
	}
	return changes
}

// keyed reports a list of mappings; an empty list is one too.
func keyed(n node) bool {
	return n.kind == listNode && (len(n.items) == 0 || n.items[0].kind == dictNode)
}

// byID is a list as a mapping from what identifies its entries.
func byID(list node) node {
	out := node{kind: dictNode}
	for i, item := range list.items {
		key := fmt.Sprint(i)
		for _, e := range item.entries {
			if e.key == "id" || e.key == "circuit" || e.key == "n" { // first in every table
				key = e.value.text
				break
			}
		}
		out.entries = append(out.entries, entry{key: key, value: item})
	}
	return out
}

func equal(a, b node) bool {
	if a.kind != b.kind || a.text != b.text || len(a.items) != len(b.items) || len(a.entries) != len(b.entries) {
		return false
	}
	for i := range a.items {
		if !equal(a.items[i], b.items[i]) {
			return false
		}
	}
	for i := range a.entries {
		if a.entries[i].key != b.entries[i].key || !equal(a.entries[i].value, b.entries[i].value) {
			return false
		}
	}
	return true
}

// inlineAll writes any node in one line.
func (w *yamlWriter) inlineAll(n node) string {
	var parts []string
	switch {
	case n.kind == dictNode:
		for _, e := range n.entries {
			parts = append(parts, e.key+": "+w.inlineAll(e.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case n.kind == listNode:
		for _, item := range n.items {
			parts = append(parts, w.inlineAll(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return w.inline(n)
	}
}
