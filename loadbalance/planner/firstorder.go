package planner

import "math"

// firstOrder solves a program step by step: primal-dual hybrid gradient with reflection
// and Halpern anchoring, restarted when the fixed-point residual has fallen enough (the
// scheme known as r2HPDHG). Columns are scaled by their tops and rows by their limits,
// then both by the row and column sums that make a step of 1 safe (Pock and Chambolle).
type firstOrder struct {
	p *program

	// Scaled programme: minimise -cost*x, A*x <= limit, 0 <= x <= top.
	cost, top, limit []float64
	val, colVal      []float64
	colScale         []float64 // x of the program = colScale * scaled x
	rowScale         []float64 // y of the program = rowScale * scaled y

	x, y             []float64 // the point
	xAnchor, yAnchor []float64
	xNext, yNext     []float64 // the last step's outcome, within all bounds
	xBar             []float64

	weight            float64 // of the primal against the dual step
	since             int     // steps since the last restart
	total             int
	atRestart, before float64 // fixed-point residuals
}

// Restart rules: enough progress, some progress that stalls, or long without one.
const (
	restartEnough = 0.2
	restartSome   = 0.8
	restartLong   = 0.36
)

// load takes a sealed program and starts from plan x and prices y, both of it.
func (f *firstOrder) load(p *program, x, y []float64) {
	f.p = p
	n, m := len(p.cost), len(p.limit)
	f.scale(n, m)
	f.x, f.y = sized(f.x, n), sized(f.y, m)
	for j := range n {
		f.x[j] = min(max(x[j]/f.colScale[j], 0), f.top[j])
	}
	for i := range m {
		f.y[i] = max(y[i]/f.rowScale[i], 0)
	}
	f.xAnchor, f.yAnchor = append(f.xAnchor[:0], f.x...), append(f.yAnchor[:0], f.y...)
	f.xNext, f.yNext = append(f.xNext[:0], f.x...), append(f.yNext[:0], f.y...)
	f.xBar = sized(f.xBar, n)
	f.since, f.total = 0, 0
	costs, limits := norm(f.cost), norm(f.limit)
	f.weight = 1
	if costs > 0 && limits > 0 {
		f.weight = costs / limits
	}
}

// scale fills the scaled programme.
func (f *firstOrder) scale(n, m int) {
	p := f.p
	f.colScale, f.rowScale = sized(f.colScale, n), sized(f.rowScale, m)
	copy(f.colScale, p.top)
	for i := range m {
		high := 0.0
		for k := p.from[i]; k < p.from[i+1]; k++ {
			high = max(high, math.Abs(p.val[k])*f.colScale[p.col[k]])
		}
		f.rowScale[i] = 1 / max(high, 1e-12)
	}
	f.val, f.colVal = sized(f.val, len(p.val)), sized(f.colVal, len(p.val))
	rowSum, colSum := make([]float64, m), make([]float64, n)
	for i := range m {
		for k := p.from[i]; k < p.from[i+1]; k++ {
			a := math.Abs(p.val[k]) * f.rowScale[i] * f.colScale[p.col[k]]
			rowSum[i] += a
			colSum[p.col[k]] += a
		}
	}
	for i := range m {
		f.rowScale[i] /= math.Sqrt(max(rowSum[i], 1e-12))
	}
	for j := range n {
		if colSum[j] > 0 {
			f.colScale[j] /= math.Sqrt(colSum[j])
		}
	}
	for i := range m {
		for k := p.from[i]; k < p.from[i+1]; k++ {
			f.val[k] = p.val[k] * f.rowScale[i] * f.colScale[p.col[k]]
		}
	}
	f.cost, f.top, f.limit = sized(f.cost, n), sized(f.top, n), sized(f.limit, m)
	for j := range n {
		f.cost[j], f.top[j] = p.cost[j]*f.colScale[j], p.top[j]/f.colScale[j]
		for k := p.colFrom[j]; k < p.colFrom[j+1]; k++ {
			f.colVal[k] = p.colVal[k] * f.rowScale[p.row[k]] * f.colScale[j]
		}
	}
	for i := range m {
		f.limit[i] = p.limit[i] * f.rowScale[i]
	}
}

// step makes one iteration.
func (f *firstOrder) step() {
	p := f.p
	tau, sigma := 0.998/f.weight, 0.998*f.weight
	moved := 0.0
	for j := range f.x {
		g := -f.cost[j]
		for k := p.colFrom[j]; k < p.colFrom[j+1]; k++ {
			g += f.colVal[k] * f.y[p.row[k]]
		}
		x := f.x[j]
		next := min(max(x-tau*g, 0), f.top[j])
		f.xNext[j], f.xBar[j] = next, 2*next-x
		moved += (next - x) * (next - x) * f.weight
	}
	for i := range f.y {
		g := -f.limit[i]
		for k := p.from[i]; k < p.from[i+1]; k++ {
			g += f.val[k] * f.xBar[p.col[k]]
		}
		next := max(f.y[i]+sigma*g, 0)
		f.yNext[i] = next
		moved += (next - f.y[i]) * (next - f.y[i]) / f.weight
	}
	f.total++
	f.advance(math.Sqrt(moved))
}

// advance moves the point: to the outcome on a restart, else towards its reflection.
func (f *firstOrder) advance(residual float64) {
	if f.since == 0 {
		f.atRestart = residual
	} else if residual <= restartEnough*f.atRestart ||
		residual <= restartSome*f.atRestart && residual > f.before ||
		float64(f.since) >= restartLong*float64(f.total) && f.since >= 16 {
		f.restart()
		return
	}
	f.before = residual
	keep := float64(f.since+1) / float64(f.since+2)
	for j, next := range f.xNext {
		f.x[j] = keep*(2*next-f.x[j]) + (1-keep)*f.xAnchor[j]
	}
	for i, next := range f.yNext {
		f.y[i] = keep*(2*next-f.y[i]) + (1-keep)*f.yAnchor[i]
	}
	f.since++
}

// restart anchors at the outcome and balances the two steps by how far each has moved.
func (f *firstOrder) restart() {
	dx, dy := distance(f.xNext, f.xAnchor), distance(f.yNext, f.yAnchor)
	if dx > 1e-10 && dy > 1e-10 {
		f.weight = math.Exp(0.5*math.Log(dy/dx) + 0.5*math.Log(f.weight))
	}
	copy(f.x, f.xNext)
	copy(f.y, f.yNext)
	copy(f.xAnchor, f.xNext)
	copy(f.yAnchor, f.yNext)
	f.since = 0
}

// outcome writes the last step's plan and prices, in the program's units.
func (f *firstOrder) outcome(x, y []float64) {
	for j := range x {
		x[j] = min(f.xNext[j]*f.colScale[j], f.p.top[j])
	}
	for i := range y {
		y[i] = f.yNext[i] * f.rowScale[i]
	}
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, a := range v {
		sum += a * a
	}
	return math.Sqrt(sum)
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		d := a[i] - b[i]
		sum += d * d
	}
	return math.Sqrt(sum)
}
