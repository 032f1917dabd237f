package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong in a configuration: where, what, and what to do.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // 1-based; 0 if the whole file is meant
	Column int    `json:"column"` // 1-based, in characters; 0 if the whole line is meant
	// Field is the path from the top, like chargers[3].connectors[0].phases; empty for
	// the file as a whole.
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"` // no capital, no full stop: "must be 0 or 6 to 80 A, got 3"
	Remedy string `json:"remedy"` // a sentence: "Write 0 or at least 6."
}

// String is one line: "site.yaml:12: chargers[3].failsafe_a: must be 0 or 6 to 80 A,
// got 3. Write 0 or at least 6."
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Reason)
	if p.Remedy != "" {
		b.WriteString(". " + p.Remedy)
	}
	return b.String()
}

// Problems is every problem of a file, by line. It is the only error Parse returns.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// maxProblems is how many are named: more come from a file of another kind only.
const maxProblems = 1000

// atMost keeps the first n and says how many there are beside.
func (ps Problems) atMost(n int) Problems {
	if len(ps) <= n {
		return ps
	}
	last := ps[n-1]
	return append(ps[:n:n], Problem{File: last.File, Line: last.Line, Column: last.Column,
		Reason: fmt.Sprintf("%d more problems follow", len(ps)-n), Remedy: "Correct these first."})
}

// nearest is the name most like got, or "" if none is close enough to be a slip.
func nearest(got string, names []string) string {
	best, distance := "", max(1, len(got)/3)+1
	for _, name := range names {
		if d := editDistance(strings.ToLower(got), strings.ToLower(name)); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// editDistance counts letters put in, left out, changed or swapped with the next one.
// Long texts are never slips.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range len(b) {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(change, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
