package bench

import "math"

// forecast is what a controller can know of the base load: the mean of the same quarter
// hour on the days before, plus what the last quarter hour was above or below that,
// fading within an hour. The first day is expected to go on as it is. It is the forecast
// of the product.
type forecast struct {
	w        *Workload
	quarters map[int][3]float64 // means of quarter hours that are over, A
}

const (
	quarterSeconds = 900
	fadeSeconds    = 3600
)

func (f *forecast) at(now, second int) [3]float64 {
	recent := f.recent(now)
	usual, ok := f.usual(now, second)
	if !ok {
		return recent
	}
	then, ok := f.usual(now, now)
	if !ok {
		then = recent
	}
	fade := math.Exp(-float64(max(0, second-now)) / fadeSeconds)
	for p := range usual {
		usual[p] += (recent[p] - then[p]) * fade
	}
	return usual
}

// usual is the mean of a second's quarter hour over the days before now.
func (f *forecast) usual(now, second int) (mean [3]float64, known bool) {
	n := 0.
	for q := second / quarterSeconds; q >= 0; q -= daySeconds / quarterSeconds {
		if (q+1)*quarterSeconds > now {
			continue
		}
		for p, a := range f.quarter(q) {
			mean[p] += a
		}
		n++
	}
	for p := range mean {
		mean[p] /= max(1, n)
	}
	return mean, n > 0
}

// recent is the mean of the quarter hour that has just passed.
func (f *forecast) recent(now int) [3]float64 {
	return f.w.meanBase(max(0, now-quarterSeconds), now+1)
}

func (f *forecast) quarter(q int) [3]float64 {
	mean, ok := f.quarters[q]
	if !ok {
		if f.quarters == nil {
			f.quarters = map[int][3]float64{}
		}
		mean = f.w.meanBase(q*quarterSeconds, (q+1)*quarterSeconds)
		f.quarters[q] = mean
	}
	return mean
}

// meanBase is the mean of the base load of some seconds, A.
func (w *Workload) meanBase(from, to int) (mean [3]float64) {
	for at := from; at < to; at++ {
		for p, a := range w.BaseAt(at) {
			mean[p] += a / float64(to-from)
		}
	}
	return mean
}
