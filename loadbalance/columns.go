package loadbalance

// columns is one sum for each kind of line that a node may have: its conductors, its
// power, and its imbalance by conductor.
type columns [columnCount]int64

const (
	powerColumn = 3
	skewColumn  = 4
	columnCount = 7
)

// way is how a connector on some set of phases loads the lines above it.
type way struct {
	lines []int32 // itself first, the root's last
	times columns // how much one ampere counts in each column
}

// times is how much one ampere in each line of set counts in each column.
func (g Grid) times(set PhaseSet) (t columns) {
	for p := L1; p <= L3; p++ {
		if !set.Has(p) {
			continue
		}
		t[p] = 1
		if set.Count() < 3 {
			t[skewColumn+p] = 1
		}
	}
	if set != 0 {
		t[powerColumn] = g.heft(set)
	}
	return t
}

// add counts a in each line of a connector.
func (s *columns) add(times *columns, a int64) {
	for c := range s {
		s[c] += a * times[c]
	}
}
