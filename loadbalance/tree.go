package loadbalance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// node is one fuse of the tree. Nodes are numbered so that a subtree is the range
// [own number, end).
type node struct {
	cfg    Node
	number int32
	end    int32
	path   []int32 // itself, then its ancestors up to the root
	ways   [8]way  // for each PhaseSet, how it loads the path
	own    []int32 // its lines
	all    []int32 // those on the path
	first  int32   // works below are [first, last) in this pass
	last   int32
	grid   Grid
	power  int32  // its power line, -1: none
	skew   int32  // the first of three, -1: none
	meter  *meter // apart, so that nodes lie close together
	now    limitSet
	size   MilliAmp // least limit of a metered node on the path

	seated    int // directly below it that charge
	swappedAt time.Time
}

// lineKind is what a line stands for.
type lineKind uint8

const (
	conductor lineKind = iota
	power              // the sum of a node's conductors, in units of its grid
	skew               // what loads the conductor more than the others
)

// column is the one of columns that the line belongs to.
func (l *line) column() int {
	switch l.kind {
	case power:
		return powerColumn
	case skew:
		return skewColumn + int(l.phase)
	}
	return int(l.phase)
}

// times is how much one ampere of a connector counts on the line.
func (l *line) times(w *work) int64 {
	if l.kind == power {
		return w.way.times[powerColumn]
	}
	return 1
}

// of is what currents by phase of a connector count on the line.
func (l *line) of(w *work, v *PerPhase) int64 {
	if l.kind == power {
		return int64(max(v[0], v[1], v[2])) * w.way.times[powerColumn]
	}
	return int64(v[l.phase])
}

// carries reports whether the connector's current counts on the line.
func (l *line) carries(w *work) bool { return w.way.times[l.column()] != 0 }

// line is one conductor of one node: the smallest thing that can be overloaded. All
// currents are mA; sums are 64 bits wide, so that no input can overflow them.
type line struct {
	node  int32
	phase Phase
	kind  lineKind

	rated int64 // of the device
	limit int64 // after margin and caps
	rule  Rule  // what set limit: RuleShare for the fuse itself, else the cap's

	base int64 // uncontrolled load now
	slow int64 // its maximum of the last seconds: what increases are judged by

	reserve int64 // what the last minutes rarely exceeded: what newcomers are judged by

	lo, hi    int64 // what connectors below draw, at least and at most
	committed int64 // what they may draw without another command
	final     int64 // what they may draw once commands on the way have arrived
	kept      int64 // the part of final that a lease or fate holds
	fixed     int64 // the part of committed that can't be commanded
	worst     int64 // what they may draw after every lease has ended
	lease     time.Duration

	overSince time.Time // final + base is above limit since
	feltSince time.Time // and the meter reads above it since
	hotSince  time.Time // the meter shows more than the fuse is made for since
	blamedAt  time.Time // an overload was last taken for the building's
	over      bool
	was       int64     // limit of the last pass
	fell      bool      // the limit was lowered below what flows, which waits for nothing
	roofFrom  int64     // what could be given when the limit rose or the meter came back
	roofAt    time.Time // at this time; zero: never
	ripe      bool      // over for long or far enough to cut
	urgent    bool      // the cut bypasses pacing

	heldFor bool  // somebody whose turn is overdue waits for room here
	wished  int64 // what a planner wants for those below, beyond their minima

	queue bool  // somebody waits for a place here
	got   int64 // what those below get, mA
	heads int64 // their weights

	room    int64 // what connectors below may draw together by this pass
	planned int64 // what they will draw by this pass
	fill    filling
}

// maxAmp bounds every current given from outside; the largest busbars carry 6.3 kA.
const maxAmp = 100_000 * Amp

func bounded(a MilliAmp) MilliAmp { return min(max(a, -maxAmp), maxAmp) }

// buildTree checks the nodes and numbers them; the order of cfg doesn't matter for
// the result.
func buildTree(cfg []Node) ([]node, error) {
	if err := checkNodes(cfg); err != nil {
		return nil, err
	}
	children := map[NodeID][]Node{}
	for _, n := range cfg {
		children[n.Parent] = append(children[n.Parent], n)
	}
	for _, c := range children {
		slices.SortFunc(c, func(a, b Node) int { return strings.Compare(string(a.ID), string(b.ID)) })
	}
	tree := make([]node, 0, len(cfg))
	var add func(n Node, above []int32)
	add = func(n Node, above []int32) {
		at := int32(len(tree))
		path := append([]int32{at}, above...)
		grid := n.Grid
		if len(above) > 0 {
			grid = tree[path[len(path)-1]].grid
		}
		tree = append(tree, node{cfg: n, number: at, path: path, grid: grid, power: -1, skew: -1, now: n.supply(nil)})
		for _, c := range children[n.ID] {
			add(c, path)
		}
		tree[at].end = int32(len(tree))
		tree[at].size = size(tree, path)
	}
	for _, root := range children[""] {
		add(root, nil)
	}
	numberLines(tree)
	return tree, nil
}

// size is the least limit of a metered node on a path, maxAmp without one.
func size(tree []node, path []int32) MilliAmp {
	least := maxAmp
	for _, at := range path {
		for _, a := range tree[at].cfg.Limit {
			if tree[at].cfg.Metered && a > 0 {
				least = min(least, a)
			}
		}
	}
	return least
}

// numberLines lists for each node and set of phases the lines on the path: three for
// each node, then those of power and imbalance.
func numberLines(tree []node) {
	next := int32(3 * len(tree))
	for i := range tree {
		n := &tree[i]
		if n.cfg.powered() {
			n.power = next
			next++
		}
		if n.cfg.Imbalance > 0 && n.cfg.Parent == "" {
			n.skew = next
			next += 3
		}
	}
	for i := range tree {
		n := &tree[i]
		n.own = n.addLines(nil, AllPhases)
		for p := int32(0); p < 3 && n.skew >= 0; p++ {
			n.own = append(n.own, n.skew+p)
		}
		n.all = append(n.all, n.own...)
		for _, at := range n.path[1:] {
			n.all = append(n.all, tree[at].own...)
		}
		for set := range n.ways {
			y := &n.ways[set]
			*y = n.grid.way(PhaseSet(set))
			y.beside = len(n.all) > 3*len(n.path)
			for _, at := range n.path {
				y.lines = tree[at].addLines(y.lines, PhaseSet(set))
			}
		}
	}
}

func (n *node) addLines(lines []int32, set PhaseSet) []int32 {
	for p := L1; p <= L3; p++ {
		if set.Has(p) {
			lines = append(lines, n.number*3+int32(p))
		}
	}
	if n.power >= 0 && set != 0 {
		lines = append(lines, n.power)
	}
	if n.skew >= 0 && set.Count() < 3 {
		for p := L1; p <= L3; p++ {
			if set.Has(p) {
				lines = append(lines, n.skew+int32(p))
			}
		}
	}
	return lines
}

// makeLines makes the lines that numberLines has numbered.
func makeLines(tree []node) []line {
	lines := make([]line, 3*len(tree))
	for i := range tree {
		n := &tree[i]
		for p := L1; p <= L3; p++ {
			lines[i*3+int(p)] = line{node: n.number, phase: p, rated: int64(n.now.limit[p])}
		}
	}
	for i := range tree {
		n := &tree[i]
		if n.power >= 0 {
			lines = append(lines, line{node: n.number, kind: power, rated: n.units(n.now.power)})
		}
		for p := L1; p <= L3 && n.skew >= 0; p++ {
			lines = append(lines, line{node: n.number, kind: skew, phase: p, rated: int64(n.cfg.Imbalance)})
		}
	}
	return lines
}

// units is a power as current of a power line, rounded down.
func (n *node) units(watts int64) int64 {
	return min(max(watts, 0), 1<<40) * 1000 / n.grid.unit()
}

func checkNodes(cfg []Node) error {
	if len(cfg) == 0 {
		return fmt.Errorf("cannot build the tree: no nodes")
	}
	parent, grids := map[NodeID]NodeID{}, map[NodeID]Grid{}
	for _, n := range cfg {
		if n.ID == "" {
			return fmt.Errorf("cannot build the tree: a node has no id")
		}
		if _, twice := parent[n.ID]; twice {
			return fmt.Errorf("cannot build the tree: node %q appears twice", n.ID)
		}
		parent[n.ID], grids[n.ID] = n.Parent, n.Grid
		for p := L1; p <= L3; p++ {
			if n.WorstBase[p] < 0 || n.WorstBase[p] > maxAmp {
				return fmt.Errorf("cannot build the tree: node %q has a worst load of %v on %v", n.ID, n.WorstBase[p], p)
			}
		}
		if n.LargestStep < 0 || n.LargestStep > maxAmp {
			return fmt.Errorf("cannot build the tree: node %q has a largest step of %v", n.ID, n.LargestStep)
		}
		if n.Grid > GridSplit || n.Power < 0 || n.Imbalance < 0 || n.Continuous < 0 || n.Continuous > 100 {
			return fmt.Errorf("cannot build the tree: node %q has a grid, power, imbalance or continuous share out of range", n.ID)
		}
		if err := n.checkStates(); err != nil {
			return err
		}
		if n.Breaker != BreakerMCB && n.Breaker != BreakerGG {
			return fmt.Errorf("cannot build the tree: node %q has an unknown kind of breaker", n.ID)
		}
	}
	for _, n := range cfg {
		if err := checkAncestors(n.ID, parent); err != nil {
			return err
		}
		root := n.ID
		for parent[root] != "" {
			root = parent[root]
		}
		present := false
		for p := L1; p <= L3; p++ {
			if n.Limit[p] > maxAmp || n.Limit[p] < 0 {
				return fmt.Errorf("cannot build the tree: node %q has a limit of %v on %v", n.ID, n.Limit[p], p)
			}
			present = present || n.Limit[p] > 0 && grids[root].Lines().Has(p)
		}
		if !present {
			return fmt.Errorf("cannot build the tree: node %q has a limit of 0.0 A on every conductor", n.ID)
		}
	}
	return nil
}

func checkAncestors(id NodeID, parent map[NodeID]NodeID) error {
	at := id
	for range parent {
		above := parent[at]
		if above == "" {
			return nil
		}
		if _, ok := parent[above]; !ok {
			return fmt.Errorf("cannot build the tree: node %q hangs below %q, which doesn't exist", at, above)
		}
		at = above
	}
	return fmt.Errorf("cannot build the tree: node %q is its own ancestor", id)
}

// margin is what is kept free at a node: a step above 0.4 of the limit would be too
// much for the breaker while cars need seconds to come down.
func (n *Node) margin(limit MilliAmp) int64 {
	return max(0, int64(n.LargestStep)-int64(limit)*4/10)
}
