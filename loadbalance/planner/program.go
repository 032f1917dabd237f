package planner

// program is the linear programme: maximise cost*x so that A*x <= limit, 0 <= x <= top.
// Rows are added one after the other; seal adds the same matrix by columns.
type program struct {
	cost, top []float64 // by column
	limit     []float64 // by row
	from      []int32   // first entry of each row, one more than rows
	col       []int32
	val       []float64
	// The same entries by columns.
	colFrom []int32
	row     []int32
	colVal  []float64
}

// reset empties the programme and keeps its memory.
func (p *program) reset() {
	p.cost, p.top, p.limit = p.cost[:0], p.top[:0], p.limit[:0]
	p.from = append(p.from[:0], 0)
	p.col, p.val = p.col[:0], p.val[:0]
}

// addColumn adds a variable and returns its number.
func (p *program) addColumn(cost, top float64) int32 {
	p.cost, p.top = append(p.cost, cost), append(p.top, top)
	return int32(len(p.cost) - 1)
}

// entry adds an entry to the row that endRow will close.
func (p *program) entry(col int32, val float64) {
	p.col, p.val = append(p.col, col), append(p.val, val)
}

// endRow closes a row and returns its number.
func (p *program) endRow(limit float64) int32 {
	p.limit = append(p.limit, limit)
	p.from = append(p.from, int32(len(p.col)))
	return int32(len(p.limit) - 1)
}

// seal makes the matrix by columns.
func (p *program) seal() {
	n := len(p.cost)
	p.colFrom = sized(p.colFrom, n+1)
	p.row, p.colVal = sized(p.row, len(p.col)), sized(p.colVal, len(p.col))
	clear(p.colFrom)
	for _, j := range p.col {
		p.colFrom[j+1]++
	}
	for j := range n {
		p.colFrom[j+1] += p.colFrom[j]
	}
	for i := range p.limit {
		for k := p.from[i]; k < p.from[i+1]; k++ {
			j := p.col[k]
			at := p.colFrom[j]
			p.row[at], p.colVal[at] = int32(i), p.val[k]
			p.colFrom[j]++
		}
	}
	copy(p.colFrom[1:], p.colFrom[:n])
	p.colFrom[0] = 0
}

// priced is what one unit of column j costs at the prices y of the rows.
func (p *program) priced(j int, y []float64) float64 {
	sum := 0.0
	for k := p.colFrom[j]; k < p.colFrom[j+1]; k++ {
		sum += p.colVal[k] * y[p.row[k]]
	}
	return sum
}

// used is how much of row i the plan x takes.
func (p *program) used(i int, x []float64) float64 {
	sum := 0.0
	for k := p.from[i]; k < p.from[i+1]; k++ {
		sum += p.val[k] * x[p.col[k]]
	}
	return sum
}

// bound is what no plan can exceed, whatever the prices (each >= 0) are: weak duality.
func (p *program) bound(y []float64) float64 {
	sum := 0.0
	for i, b := range p.limit {
		sum += b * y[i]
	}
	for j, c := range p.cost {
		if gain := c - p.priced(j, y); gain > 0 {
			sum += gain * p.top[j]
		}
	}
	return sum
}

// value is the objective of plan x.
func (p *program) value(x []float64) float64 {
	sum := 0.0
	for j, c := range p.cost {
		sum += c * x[j]
	}
	return sum
}

// sized is s with length n, its old memory if that is enough; what it holds is arbitrary.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

// extended is s with length n, keeping what it holds.
func extended[T any](s []T, n int) []T {
	if cap(s) < n {
		s = append(make([]T, 0, n+n/4), s...)
	}
	return s[:n]
}
