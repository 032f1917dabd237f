package bench

import (
	"math"
	"slices"
)

// fullFrom is the share of its energy from which a session counts as served.
const fullFrom = 0.99

// hungry is the energy below which a car counts as full, kWh.
const hungry = 1e-6

// Result is what one policy did with one workload.
type Result struct {
	Scenario, Policy string
	Family           string
	RootAmps         float64
	EnergyOnly       bool     // nothing but the energy was computed
	Metrics          []Metric // of a run without sessions: all there is
	Departures       string   // "known" or "unknown"
	Seed             int
	Sessions         int
	RequestedKWh     float64
	DeliveredKWh     float64
	BoundKWh         float64 // 0: none stored
	FullPercent      float64 // sessions with at least 99 % of their energy
	P5               float64 // 5th percentile of delivered/requested
	Jain             float64 // fairness over delivered/requested
	// StarveMinutes is the longest run plugged in, wanting energy, at 0 A.
	StarveMinutes float64
	// BeyondBound is how many sessions waited longer than a fair rotation allows.
	BeyondBound int
	Changes     float64 // setpoint changes per charger-hour (plugged in)
	Pauses      float64 // of them to 0 A while energy is wanted
	// Writes are commands and renewals of leases for each day of a charger at which a car is
	// plugged in, WritesWorst the most of one such day, WritesOver how many days had more
	// than a charger's memory is budgeted for. Of the Balancer only.
	Writes, WritesWorst float64
	WritesOver          int
	// WorstExcess is the largest amount by which cars brought a node's current over its
	// limit, A, and OverSeconds how long that was the case at the worst node and phase.
	WorstExcess, OverSeconds float64
	OverLongest              float64 // s without a break
	// Timeline is the load at the root for the charts, one point each TimelineStep
	// seconds.
	Timeline     []Point
	TimelineStep int
}

// Point is one moment of a run's timeline, A: mean of the three phases, or of L1 where
// the loop is what is measured.
type Point struct {
	Limit, Base, Cars float64
}

// Percent is delivered / requested.
func (r *Result) Percent() float64 { return 100 * r.DeliveredKWh / r.RequestedKWh }

// Q1 is delivered / bound, NaN where no bound is stored.
func (r *Result) Q1() float64 {
	if r.BoundKWh == 0 {
		return math.NaN()
	}
	return r.DeliveredKWh / r.BoundKWh
}

// metric is the value of one of Metrics, NaN: it is not there.
func (r *Result) metric(id string) float64 {
	for _, m := range r.Metrics {
		if m.ID == id {
			return m.Value
		}
	}
	return math.NaN()
}

// tally collects what sessions got while a run goes on.
type tally struct {
	w       *Workload
	rem     []float64 // still wanted, kWh
	starve  []float64 // s of the present run at 0 A
	last    []float64 // last setpoint, A
	worst   float64   // s
	waiting *starvation
	changes int
	pauses  int
	plugged float64 // s
}

func newTally(w *Workload) *tally {
	n := len(w.Sessions)
	t := &tally{w: w, waiting: newStarvation(w), rem: make([]float64, n), starve: make([]float64, n), last: make([]float64, n)}
	for k := range t.rem {
		t.rem[k] = w.Sessions[k].KWh
	}
	return t
}

// left is what session k still wants, and got what it has, kWh.
func (t *tally) left(k int) float64 { return t.rem[k] }
func (t *tally) got(k int) float64  { return t.w.Sessions[k].KWh - t.rem[k] }

// setpoint books that session k was told a current.
func (t *tally) setpoint(k int, amps float64) {
	if amps != t.last[k] {
		t.changes++
		if amps == 0 && t.left(k) > hungry {
			t.pauses++
		}
	}
	t.last[k] = amps
}

// draw offers session k an energy within some seconds and returns what it took, kWh.
func (t *tally) draw(k int, offered, seconds float64) float64 {
	left := t.left(k)
	got := min(left, offered)
	if got > 0 || left <= hungry {
		t.starve[k] = 0
	} else {
		t.starve[k] += seconds
		t.worst = max(t.worst, t.starve[k])
	}
	t.rem[k] -= got
	t.plugged += seconds
	return got
}

// result sums up.
func (t *tally) result(policy, departures string) Result {
	r := Result{Scenario: t.w.Name, Policy: policy, Departures: departures, Sessions: len(t.rem), RequestedKWh: t.w.Requested(), StarveMinutes: t.worst / 60, BeyondBound: t.waiting.beyond(), TimelineStep: SlotSeconds}
	shares := make([]float64, len(t.rem))
	var sum, squares float64
	full := 0
	for k := range t.rem {
		got := t.got(k)
		r.DeliveredKWh += got
		shares[k] = 1
		if want := t.w.Sessions[k].KWh; want > 0 {
			shares[k] = got / want
		}
		sum += shares[k]
		squares += shares[k] * shares[k]
		if shares[k] >= fullFrom {
			full++
		}
	}
	n := float64(len(shares))
	r.FullPercent = 100 * float64(full) / n
	if squares > 0 {
		r.Jain = sum * sum / squares / n
	}
	slices.Sort(shares)
	r.P5 = shares[len(shares)/20]
	if t.plugged > 0 {
		r.Changes = float64(t.changes) / (t.plugged / 3600)
		r.Pauses = float64(t.pauses) / (t.plugged / 3600)
	}
	return r
}
