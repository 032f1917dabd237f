package bench

import (
	"fmt"
	"time"

	"busbar/loadbalance"
)

// Metric is one figure of a run that has no sessions to count.
type Metric struct {
	ID    string
	Value float64
	mean  bool // over seeds; else the worst
}

// loopCars draws the cars of the loop tests: the first of a generated workplace, put on
// chargers whose L1 is turned from one to the next. They are there from the first
// second and want without end. Unused current may be given to others.
func loopCars(n, seed int) ([]Session, error) {
	w, err := Generate("cars", Recipe{Kind: Workplace, Connectors: min(1000, max(24, n)), Days: 3, Seed: seed, RootAmps: 125})
	if err != nil {
		return nil, err
	}
	cars := w.Sessions
	for len(cars) < n {
		cars = append(cars, w.Sessions...)
	}
	cars = cars[:n]
	for i := range cars {
		s := &cars[i]
		count := s.Phases.Count()
		s.Connector, s.Arrive, s.Depart, s.Phases = i, 0, 0, 0
		for k := range count {
			s.Phases |= 1 << ((i + k) % 3)
		}
	}
	return cars, nil
}

// office is the base load of the loop test: from half past eight, for 4 hours.
func office(rootAmps float64, seed int) func(time.Duration) [3]float64 {
	load := officeBase(int(loopLasts/time.Second), 8*3600+1800, rootAmps, newTwister(fmt.Sprintf("workplace/24/1/%d/b", seed)))
	return func(at time.Duration) [3]float64 { return amps(load[int(at/time.Second)%len(load)]) }
}

const (
	loopLasts = 4 * time.Hour
	loopAmps  = 125
	loopCount = 24
	loopSeeds = 8
)

// loop is L1: saturated demand on a noisy building.
func loop(metering time.Duration) Scenario {
	return Scenario{Name: fmt.Sprintf("L1-%ds", int(metering.Seconds())), Family: "L1", About: "24 chargers, 125 A, a noisy office, 4 h, chargers metered every " + metering.String(), RootAmps: loopAmps,
		endless: true, Policies: []string{"busbar"}, run: func(in Inputs, _ Policy) ([]Result, error) {
			return overSeeds(in.Seed, loopSeeds, func(seed int) (Result, error) { return oneLoop(metering, seed) })
		}}
}

func oneLoop(metering time.Duration, seed int) (Result, error) {
	cars, err := loopCars(loopCount, seed)
	if err != nil {
		return Result{}, err
	}
	p, err := newPlant(loopConfig(loopAmps*loadbalance.Amp, 90), uint64(seed), cars, metering)
	if err != nil {
		return Result{}, err
	}
	p.base = office(loopAmps, seed)
	p.run(loopLasts)
	return p.result(p.figures()), nil
}

// figures are the metrics of the worst phase.
func (p *plant) figures() []Metric {
	var longest, over, over113 time.Duration
	var j, used, without, excess float64
	trips := 0.
	for ph := range p.stress {
		s := &p.stress[ph]
		longest, over, over113 = max(longest, s.LongestEvent()), max(over, s.Over()), max(over113, s.OverConventional())
		j, used, without, excess = max(j, s.WorstJ()), max(used, s.Used()), max(without, p.without[ph].Used()), max(excess, float64(s.WorstExcess())/1000)
		if s.Tripped() {
			trips = 1
		}
	}
	return []Metric{
		{ID: "P1.longest_s", Value: longest.Seconds()}, {ID: "P1.over_s", Value: over.Seconds()}, {ID: "P1.over113_s", Value: over113.Seconds()}, {ID: "P1.excess_a", Value: excess},
		{ID: "P2.J_s", Value: j}, {ID: "P2.theta", Value: used}, {ID: "P2.theta_above_base", Value: used - without}, {ID: "P2.trips", Value: trips},
		{ID: "P3", Value: p.used / p.usable, mean: true}, {ID: "C1.changes", Value: float64(p.changes) / p.carHours, mean: true}, {ID: "C1.pauses", Value: float64(p.pauses) / p.carHours, mean: true},
	}
}

// result is a run's result with its timeline.
func (p *plant) result(metrics []Metric) Result {
	return Result{Policy: "busbar", Departures: "unknown", Metrics: metrics, Timeline: p.line, TimelineStep: 1}
}

// overSeeds runs once for each seed and puts the whole, seed 0, before them; its
// timeline is the first seed's. Where one seed is asked for, there is only that.
func overSeeds(only, seeds int, run func(seed int) (Result, error)) ([]Result, error) {
	if only > 0 {
		r, err := run(only)
		r.Seed = only
		return []Result{r}, err
	}
	out := []Result{{Policy: "busbar", Departures: "unknown"}}
	for seed := 1; seed <= seeds; seed++ {
		r, err := run(seed)
		if err != nil {
			return nil, err
		}
		r.Seed = seed
		out = append(out, r)
		if seed == 1 {
			out[0].Metrics = append(out[0].Metrics, r.Metrics...)
			out[0].Timeline, out[0].TimelineStep = r.Timeline, r.TimelineStep
			continue
		}
		for i, m := range r.Metrics {
			all := &out[0].Metrics[i]
			if m.mean {
				all.Value += (m.Value - all.Value) / float64(seed)
			} else {
				all.Value = max(all.Value, m.Value)
			}
		}
	}
	return out, nil
}
