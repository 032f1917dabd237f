package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// kind is one kind of value: how it is read, written and described in the JSON Schema.
type kind[T any] struct {
	// read reports what is wrong with n and then returns the zero value.
	read   func(r *reader, n node, path string) T
	write  func(T) node
	schema func() schema
}

// schema is a JSON Schema (draft 2020-12) as a tree ready for encoding/json.
type schema map[string]any

type place struct{ line, col int }

// reader collects problems and remembers where every value stood.
type reader struct {
	source
	at  map[string]place
	bad map[string]bool // paths that have a problem of their own
}

// problem reports about the value at path; for a missing one about what contains it.
func (r *reader) problem(path, reason, remedy string) {
	r.bad[path] = true
	where := path
	for {
		if p, ok := r.at[where]; ok {
			r.problems = append(r.problems, Problem{File: r.file, Line: p.line, Column: p.col, Field: path, Reason: reason, Remedy: remedy})
			return
		}
		where = where[:max(strings.LastIndexAny(where, ".["), 0)]
	}
}

// ok reports whether path and all below it were read without a problem.
func (r *reader) ok(path string) bool {
	for bad := range r.bad {
		if bad == path || strings.HasPrefix(bad, path+".") || strings.HasPrefix(bad, path+"[") {
			return false
		}
	}
	return true
}

func join(path, key string) string {
	if strings.ContainsAny(key, ".[] \"\n") || key == "" {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// field is one key of a mapping that is read into S.
type field[S any] struct {
	key, doc string
	required bool
	read     func(r *reader, n node, path string, into *S)
	absent   func(into *S)      // sets the default
	write    func(from *S) node // nullNode: leave the key out
	schema   func() schema
}

// required is a key that must be there.
func required[S, T any](key, doc string, k kind[T], at func(*S) *T) field[S] {
	return field[S]{key: key, doc: doc, required: true,
		read:   func(r *reader, n node, path string, into *S) { *at(into) = k.read(r, n, path) },
		absent: func(*S) {},
		write:  func(from *S) node { return k.write(*at(from)) },
		schema: k.schema,
	}
}

// optional is a key with a default, which the canonical form states.
func optional[S, T any](key, doc string, k kind[T], def T, at func(*S) *T) field[S] {
	f := required(key, doc, k, at)
	f.required = false
	f.absent = func(into *S) { *at(into) = def }
	f.schema = func() schema {
		s := k.schema()
		if v := plain(k.write(def)); v != nil {
			s["default"] = v
		}
		return s
	}
	return f
}

// maybe is a key whose absence means something of its own (unknown, none): the zero
// value, which the canonical form leaves out.
func maybe[S, T any](key, doc string, k kind[T], at func(*S) *T) field[S] {
	f := required(key, doc, k, at)
	f.required = false
	f.write = func(from *S) node {
		if v := at(from); !reflect.ValueOf(v).Elem().IsZero() {
			return k.write(*v)
		}
		return node{}
	}
	return f
}

// later is a key of the contract that this version does not act on: it may stand
// there empty and is refused otherwise.
func later[S any](key, doc string) field[S] {
	return field[S]{key: key, doc: doc + " (not acted on by this version: must be empty)",
		read: func(r *reader, n node, path string, _ *S) {
			if n.kind == nullNode || (n.kind == listNode && len(n.items) == 0) || (n.kind == dictNode && len(n.entries) == 0) {
				return
			}
			r.problem(path, "is not supported by this version and would be ignored", "Remove it, or leave it empty: "+key+": []")
		},
		absent: func(*S) {},
		write:  func(*S) node { return node{} },
		schema: func() schema { return schema{"enum": []any{nil, []any{}, schema{}}} },
	}
}

// object is a mapping read into S by its table of fields.
func object[S any](fields ...field[S]) kind[S] {
	keys := make([]string, len(fields))
	byKey := map[string]int{}
	for i, f := range fields {
		keys[i] = f.key
		byKey[f.key] = i
	}
	read := func(r *reader, n node, path string) S {
		var out S
		if n.kind != dictNode {
			r.problem(path, "must be a mapping of "+strings.Join(keys, ", ")+"; got "+n.describe(), "Write "+fields[0].key+": … and so on below it.")
			return out
		}
		seen := make([]int, len(fields)) // line of the first, 0 if not there
		for _, e := range n.entries {
			p := join(path, e.key)
			i, known := byKey[e.key]
			if !known {
				r.unknownKey(p, e, keys)
				continue
			}
			if seen[i] > 0 {
				r.problems = append(r.problems, Problem{File: r.file, Line: e.line, Column: e.col, Field: p,
					Reason: fmt.Sprintf("is given twice, first in line %d", seen[i]), Remedy: "Keep one of them."})
				r.bad[p] = true
				continue
			}
			seen[i] = max(e.line, 1)
			r.at[p] = place{e.value.line, e.value.col}
			if e.value.kind == refusedNode {
				r.bad[p] = true
				continue
			}
			fields[i].read(r, e.value, p, &out)
		}
		for i, f := range fields {
			switch {
			case seen[i] > 0:
			case f.required:
				r.problem(join(path, f.key), "is missing", "Add "+f.key+": "+f.doc+".")
			default:
				f.absent(&out)
			}
		}
		return out
	}
	return kind[S]{read: read, write: writeObject(fields), schema: objectSchema(fields)}
}

func writeObject[S any](fields []field[S]) func(S) node {
	return func(v S) node {
		out := node{kind: dictNode}
		for _, f := range fields {
			if n := f.write(&v); n.kind != nullNode {
				out.entries = append(out.entries, entry{key: f.key, value: n})
			}
		}
		return out
	}
}

func objectSchema[S any](fields []field[S]) func() schema {
	return func() schema {
		properties, needed := schema{}, []string{}
		for _, f := range fields {
			s := f.schema()
			s["description"] = f.doc
			properties[f.key] = s
			if f.required {
				needed = append(needed, f.key)
			}
		}
		s := schema{"type": "object", "properties": properties, "additionalProperties": false}
		if len(needed) > 0 {
			s["required"] = needed
		}
		return s
	}
}

func (r *reader) unknownKey(path string, e entry, keys []string) {
	remedy := "Known here: " + strings.Join(keys, ", ") + "."
	if like := nearest(e.key, keys); like != "" {
		remedy = "Did you mean " + like + "?"
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: e.line, Column: e.col, Field: path, Reason: "unknown key", Remedy: remedy})
	r.bad[path] = true
}

// list is least to most values of kind k.
func list[T any](k kind[T], least, most int) kind[[]T] {
	return kind[[]T]{
		read: func(r *reader, n node, path string) []T {
			if n.kind != listNode {
				r.problem(path, "must be a list, got "+n.describe(), "Write [] for none, or one entry per line that begins with \"- \".")
				return nil
			}
			if len(n.items) < least || len(n.items) > most {
				r.problem(path, fmt.Sprintf("must have %d to %d entries, got %d", least, most, len(n.items)), "Add or remove entries.")
				return nil
			}
			var out []T
			for i, item := range n.items {
				p := index(path, i)
				r.at[p] = place{item.line, item.col}
				if item.kind == refusedNode {
					r.bad[p] = true
					continue
				}
				out = append(out, k.read(r, item, p))
			}
			return out
		},
		write: func(vs []T) node {
			out := node{kind: listNode}
			for _, v := range vs {
				out.items = append(out.items, k.write(v))
			}
			return out
		},
		schema: func() schema {
			return schema{"type": "array", "items": k.schema(), "minItems": least, "maxItems": most}
		},
	}
}

// hinted adds a pattern to the schema alone, for what a rule checks in full.
func (k kind[T]) hinted(pattern string) kind[T] {
	inner := k.schema
	k.schema = func() schema {
		s := inner()
		s["pattern"] = pattern
		return s
	}
	return k
}

// checked adds a rule to a kind. The rule returns an empty reason if all is well; a
// value it refuses is read as the zero value, which later checks leave alone.
func (k kind[T]) checked(rule func(T) (reason, remedy string)) kind[T] {
	read := k.read
	k.read = func(r *reader, n node, path string) T {
		before := len(r.problems)
		v := read(r, n, path)
		if len(r.problems) == before {
			if reason, remedy := rule(v); reason != "" {
				r.problem(path, reason, remedy)
				var none T
				return none
			}
		}
		return v
	}
	return k
}
