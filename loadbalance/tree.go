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
	path   []int32    // itself, then its ancestors up to the root
	lines  [8][]int32 // for each PhaseSet, the lines on the path
	first  int32      // works below are [first, last) in this pass
	last   int32
	meter  meter

	seated    int // directly below it that charge
	swappedAt time.Time
}

// line is one conductor of one node: the smallest thing that can be overloaded. All
// currents are mA; sums are 64 bits wide, so that no input can overflow them.
type line struct {
	node  int32
	phase Phase

	rated  int64 // of the device
	margin int64 // kept free for the largest load that may switch on
	limit  int64 // after margin and caps
	rule   Rule  // what set limit: RuleShare for the fuse itself, else the cap's

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
	hotSince  time.Time // the meter shows more than the fuse is made for since
	blamedAt  time.Time // an overload was last taken for the building's
	over      bool
	ripe      bool // over for long or far enough to cut
	urgent    bool // the cut bypasses pacing

	heldFor bool  // somebody whose turn is overdue waits for room here
	queue   bool  // somebody waits for a place here
	got     int64 // what those below get, mA
	heads   int64 // their weights

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
		tree = append(tree, node{cfg: n, number: at, path: path})
		for _, c := range children[n.ID] {
			add(c, path)
		}
		tree[at].end = int32(len(tree))
	}
	for _, root := range children[""] {
		add(root, nil)
	}
	for i := range tree {
		tree[i].numberLines()
	}
	return tree, nil
}

func (n *node) numberLines() {
	for set := range n.lines {
		for _, at := range n.path {
			for p := L1; p <= L3; p++ {
				if PhaseSet(set).Has(p) {
					n.lines[set] = append(n.lines[set], at*3+int32(p))
				}
			}
		}
	}
}

func checkNodes(cfg []Node) error {
	if len(cfg) == 0 {
		return fmt.Errorf("cannot build the tree: no nodes")
	}
	parent := map[NodeID]NodeID{}
	for _, n := range cfg {
		if n.ID == "" {
			return fmt.Errorf("cannot build the tree: a node has no id")
		}
		if _, twice := parent[n.ID]; twice {
			return fmt.Errorf("cannot build the tree: node %q appears twice", n.ID)
		}
		parent[n.ID] = n.Parent
		for p := L1; p <= L3; p++ {
			if n.Limit[p] <= 0 || n.Limit[p] > maxAmp {
				return fmt.Errorf("cannot build the tree: node %q has a limit of %v on %v", n.ID, n.Limit[p], p)
			}
			if n.WorstBase[p] < 0 || n.WorstBase[p] > maxAmp {
				return fmt.Errorf("cannot build the tree: node %q has a worst load of %v on %v", n.ID, n.WorstBase[p], p)
			}
		}
		if n.LargestStep < 0 || n.LargestStep > maxAmp {
			return fmt.Errorf("cannot build the tree: node %q has a largest step of %v", n.ID, n.LargestStep)
		}
		if n.Breaker != BreakerMCB && n.Breaker != BreakerGG {
			return fmt.Errorf("cannot build the tree: node %q has an unknown kind of breaker", n.ID)
		}
	}
	for _, n := range cfg {
		if err := checkAncestors(n.ID, parent); err != nil {
			return err
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
func (n *Node) margin(p Phase) int64 {
	return max(0, int64(n.LargestStep)-int64(n.Limit[p])*4/10)
}
