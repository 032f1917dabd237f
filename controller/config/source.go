package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of what is handed to the YAML library. A site of 500 chargers is about
// 150 KB; the rest keeps hostile files from costing memory, time or stack.
const (
	maxBytes   = 1 << 20
	maxLine    = 4096 // bytes; also bounds the depth of "- - - -"
	maxNesting = 16
	// The library's time grows with the square of the entries of one mapping or list.
	maxEntries = 30000 // colons, commas and question marks; 500 chargers have about 16000
	maxLines   = 40000
)

type nodeKind uint8

const (
	nullNode nodeKind = iota
	textNode
	numberNode
	boolNode
	listNode
	dictNode
	refusedNode // YAML we do not take, reported already
)

// node is YAML without its oddities: no anchors, tags, merges or documents. It is
// what tables read from and write to.
type node struct {
	kind      nodeKind
	line, col int
	text      string // scalars: their text; numbers as written
	secret    bool   // text is a secret: never shown
	items     []node
	entries   []entry
}

type entry struct {
	key       string
	line, col int
	value     node
}

// describe says what stands there, for "…, got X".
func (n node) describe() string {
	switch n.kind {
	case nullNode, refusedNode:
		return "nothing"
	case textNode:
		return quote(n.text)
	case numberNode, boolNode:
		return n.text
	case listNode:
		return "a list"
	case dictNode:
		return "a mapping"
	default:
		panic("unknown node kind")
	}
}

// quote shortens what is long, so that a message stays one line.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// source turns bytes into nodes and collects what is wrong with them as YAML.
type source struct {
	file     string
	problems Problems
}

func (s *source) report(line, col int, reason, remedy string) {
	s.problems = append(s.problems, Problem{File: s.file, Line: line, Column: col, Reason: reason, Remedy: remedy})
}

func (s *source) reportAt(n ast.Node, reason, remedy string) {
	line, col := position(n)
	s.report(line, col, reason, remedy)
}

// parse returns the root mapping; ok is false if there is nothing to read on.
func (s *source) parse(data []byte) (node, bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if !s.readable(data) {
		return node{}, false
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		s.syntaxError(err)
		return node{}, false
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if d, ok := doc.Body.(*ast.DirectiveNode); ok {
			s.reportAt(d, "holds a YAML directive", "Remove the line that begins with %.")
			continue
		}
		bodies = append(bodies, doc.Body)
	}
	switch {
	case len(bodies) == 0 && len(s.problems) == 0:
		s.report(1, 1, "the file is empty", "Begin with the output of: busbar config example")
		return node{}, false
	case len(bodies) == 0:
		return node{}, false
	case len(bodies) > 1:
		s.reportAt(bodies[1], "a second YAML document begins here", "Keep one document per file; remove what follows ---.")
	}
	root := s.convert(bodies[0], 0)
	if root.kind != dictNode {
		s.report(root.line, root.col, "must be a mapping of version, site, grid, circuits and so on, got "+root.describe(),
			"Begin with the output of: busbar config example")
		return node{}, false
	}
	return root, true
}

// readable refuses bytes that are not text, or too much of it.
func (s *source) readable(data []byte) bool {
	if len(data) > maxBytes {
		s.report(0, 0, fmt.Sprintf("is larger than %d KiB", maxBytes>>10), "A site of 500 chargers needs about 150 KiB; remove what does not belong here.")
		return false
	}
	entries := bytes.Count(data, []byte(":")) + bytes.Count(data, []byte(",")) + bytes.Count(data, []byte("?"))
	if lines := bytes.Count(data, []byte("\n")); entries > maxEntries || lines > maxLines {
		s.report(0, 0, fmt.Sprintf("has more than %d entries or %d lines", maxEntries, maxLines), "A site of 500 chargers needs half of that; remove what does not belong here.")
		return false
	}
	const most = 10 // as many lines are named; a binary file has thousands
	depth := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(s.problems) >= most {
			break
		}
		s.readableLine(i+1, string(line))
		if depth = bracketDepth(depth, line); depth > 4*maxNesting {
			s.report(i+1, 1, "opens too many brackets inside each other", "Close them; see the output of: busbar config example")
			break
		}
	}
	return len(s.problems) == 0
}

// bracketDepth is an upper bound of how deep flow lists nest, quotes not looked at:
// the library recurses, and a stack overflow can't be caught.
func bracketDepth(depth int, line []byte) int {
	deepest := depth
	for _, b := range line {
		switch b {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	if deepest > 4*maxNesting {
		return deepest
	}
	return depth
}

func (s *source) readableLine(number int, line string) {
	if len(line) > maxLine {
		s.report(number, 1, fmt.Sprintf("the line is longer than %d bytes", maxLine), "Break it up.")
		return
	}
	if !utf8.ValidString(line) {
		s.report(number, 1, "is not valid UTF-8", "Save the file as UTF-8.")
		return
	}
	for i, r := range line {
		col := utf8.RuneCountInString(line[:i]) + 1
		if r == '\t' {
			s.report(number, col, "holds a tab, which YAML does not allow in indentation", "Use spaces only.")
			return
		}
		if r < 0x20 || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			s.report(number, col, fmt.Sprintf("holds the control character %U", r), "Remove it.")
			return
		}
	}
}

func (s *source) syntaxError(err error) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		s.report(0, 0, "is not YAML: "+firstLine(err.Error()), "See the output of: busbar config example")
		return
	}
	line, col := tokenPosition(syntax.GetToken())
	s.report(line, col, "is not YAML: "+firstLine(syntax.GetMessage()), "Check indentation, quotes and brackets in this line and the one before.")
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// convert turns the library's tree into ours.
func (s *source) convert(n ast.Node, depth int) node {
	line, col := position(n)
	out := node{line: line, col: col}
	if depth > maxNesting {
		s.reportAt(n, fmt.Sprintf("is nested deeper than %d levels", maxNesting), "Nothing in a site file needs that; check the indentation.")
		out.kind = refusedNode
		return out
	}
	switch v := n.(type) {
	case *ast.NullNode, nil:
	case *ast.StringNode:
		out.kind, out.text = textNode, v.Value
	case *ast.LiteralNode:
		out.kind, out.text = textNode, v.Value.Value
	case *ast.IntegerNode:
		out.kind, out.text = numberNode, v.Token.Value
	case *ast.FloatNode:
		out.kind, out.text = numberNode, v.Token.Value
	case *ast.InfinityNode:
		out.kind, out.text = numberNode, v.Token.Value
	case *ast.NanNode:
		out.kind, out.text = numberNode, v.Token.Value
	case *ast.BoolNode:
		out.kind, out.text = boolNode, v.Token.Value
	case *ast.SequenceNode:
		out.kind = listNode
		for _, item := range v.Values {
			out.items = append(out.items, s.convert(item, depth+1))
		}
	case *ast.MappingNode:
		out.kind = dictNode
		for _, pair := range v.Values {
			s.convertPair(&out, pair, depth)
		}
	case *ast.MappingValueNode:
		out.kind = dictNode
		s.convertPair(&out, v, depth)
	case *ast.AnchorNode:
		s.reportAt(n, "has a YAML anchor (&)", "Write the value out; anchors and aliases are not taken.")
		return s.convert(v.Value, depth+1)
	case *ast.AliasNode:
		out.kind = refusedNode
		s.reportAt(n, "is a YAML alias (*)", "Write the value out; anchors and aliases are not taken.")
	case *ast.TagNode:
		s.reportAt(n, "has a YAML tag (!)", "Remove the tag.")
		return s.convert(v.Value, depth+1)
	default:
		out.kind = refusedNode
		s.reportAt(n, "is YAML that a site file has no use for", "Write plain keys, lists and values.")
	}
	return out
}

func (s *source) convertPair(out *node, pair *ast.MappingValueNode, depth int) {
	switch pair.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	case *ast.MergeKeyNode:
		s.reportAt(pair.Key, "is a YAML merge (<<)", "Write the keys out.")
		return
	default:
		s.reportAt(pair.Key, "is not a plain key", "Write key: value.")
		return
	}
	line, col := position(pair.Key)
	out.entries = append(out.entries, entry{key: pair.Key.GetToken().Value, line: line, col: col, value: s.convert(pair.Value, depth+1)})
}

func position(n ast.Node) (line, col int) {
	switch v := n.(type) {
	case nil:
		return 0, 0
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return position(v.Values[0])
		}
	case *ast.MappingValueNode:
		return position(v.Key)
	}
	return tokenPosition(n.GetToken())
}

func tokenPosition(t *token.Token) (line, col int) {
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}
