package bench

import (
	"fmt"
	"time"

	"busbar/loadbalance"
)

// faultRun is one scenario with a script: a steady base load, cars that follow after 1
// to 6 s, and what is measured after the fault.
type faultRun struct {
	name, about string
	chargers    int
	amps        float64 // of the breaker
	base        float64 // A on each phase
	seeds       int
	faults      []Fault
	after       time.Duration // lasts after the first fault
	figures     func(p *plant) []Metric
}

// faultFrom is when the first fault of a script comes: the site has settled.
const faultFrom = 10 * time.Minute

func (f faultRun) scenario(family string) Scenario {
	return Scenario{Name: f.name, Family: family, About: f.about, RootAmps: f.amps, endless: true, Policies: []string{"busbar"}, run: func(in Inputs, _ Policy) ([]Result, error) {
		return overSeeds(in.Seed, f.seeds, func(seed int) (Result, error) {
			cars, err := loopCars(f.chargers, seed)
			if err != nil {
				return Result{}, err
			}
			for i := range cars {
				cars[i].Car, cars[i].EVCap = CarModel{}, cars[i].Imax
			}
			limit := loadbalance.MilliAmp(f.amps * 1000)
			p, err := newPlant(loopConfig(limit, .7*f.amps), uint64(seed), cars, 10*time.Second)
			if err != nil {
				return Result{}, err
			}
			p.base = func(at time.Duration) [3]float64 { return [3]float64{f.base, f.base, f.base} }
			p.faults = f.faults
			p.resting = faultFrom - time.Minute
			p.run(faultFrom + f.after)
			return p.result(f.figures(p)), nil
		})
	}}
}

// step is one of L2: a load comes on at once on one phase or three while the cars use
// all that the breaker leaves over.
func step(chargers int, percent float64, phases int) Scenario {
	amps := 5 * float64(chargers)
	add := [3]float64{}
	for ph := range phases {
		add[ph] = amps * percent / 100
	}
	f := faultRun{name: fmt.Sprintf("L2-%d-%.0f-%d", chargers, percent, phases), chargers: chargers, amps: amps, base: .3 * amps, seeds: 3, after: 3 * time.Minute,
		about:  fmt.Sprintf("a load of %.0f %% of the breaker comes on at once, %d phases, full site", percent, phases),
		faults: []Fault{{What: BaseSteps, At: faultFrom, For: time.Hour, Amps: add}},
		figures: func(p *plant) []Metric {
			return append([]Metric{{ID: "C2.compliant_s", Value: since(faultFrom, p.seen.compliant)}, {ID: "C2.compliant_mean_s", Value: since(faultFrom, p.seen.compliant), mean: true}}, p.figures()...)
		}}
	return f.scenario("L2")
}

// faults are F1 to F6.
func faults() []Scenario {
	site := faultRun{chargers: 24, amps: 125, base: 35, seeds: 3}
	all := func(a float64) [3]float64 { return [3]float64{a, a, a} }
	over := func(p *plant) []Metric {
		return []Metric{{ID: "P1.after_over_s", Value: p.seen.over.Seconds()}, {ID: "P1.after_excess_a", Value: p.seen.worst}, {ID: "P2.J_s", Value: p.worstJ()}}
	}
	few := site
	few.chargers = 8
	run := func(name, about string, after time.Duration, figures func(p *plant) []Metric, script ...Fault) Scenario {
		f := site
		if name == "F4" { // every car has more than its minimum
			f = few
		}
		f.name, f.about, f.after, f.faults = name, about, after, script
		f.figures = func(p *plant) []Metric { return append(figures(p), over(p)...) }
		return f.scenario(name)
	}
	return []Scenario{
		run("F1", "no reading of the meter for 3 minutes", 8*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F1.last_increase_s", Value: p.seen.raised.Seconds()}, {ID: "F1.failsafe_s", Value: since(faultFrom, p.seen.safe)},
				{ID: "F1.return_s", Value: since(faultFrom+3*time.Minute, p.seen.back), mean: true}}
		}, Fault{What: MeterSilent, At: faultFrom, For: 3 * time.Minute}),
		run("F2", "the meter repeats one reading after a load went off", 6*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F2.detected_s", Value: since(faultFrom+4*time.Second, p.seen.lost)}}
		}, Fault{What: BaseSteps, At: faultFrom - 2*time.Minute, For: 2 * time.Minute, Amps: all(40)}, Fault{What: MeterFrozen, At: faultFrom + 4*time.Second, For: 3 * time.Minute}),
		run("F3", "4 chargers cannot be reached for 5 minutes", 8*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F3.others", Value: p.seen.others / p.seen.othersBefore, mean: true}}
		}, Fault{What: ChargersGone, At: faultFrom, For: 5 * time.Minute, Count: 4}),
		run("F4", "2 of 8 cars do not come down when a load comes on", 5*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F4.detected_s", Value: since(faultFrom, p.seen.disobeyed)}, {ID: "F4.compliant_s", Value: since(faultFrom, p.seen.compliant)}}
		}, Fault{What: BaseSteps, At: faultFrom, For: time.Hour, Amps: all(60)}, Fault{What: CarsDeaf, At: faultFrom, For: time.Hour, Count: 2}),
		run("F5", "the box is away for a minute, and a load comes on meanwhile", 5*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F5.compliant_after_start_s", Value: since(faultFrom+time.Minute, p.seen.compliant)}}
		}, Fault{What: BoxRestarts, At: faultFrom, For: time.Minute}, Fault{What: BaseSteps, At: faultFrom + 50*time.Second, For: time.Hour, Amps: all(25)}),
		run("F6", "the grid operator dims to 60 % for 10 minutes", 15*time.Minute, func(p *plant) []Metric {
			return []Metric{{ID: "F6.compliant_s", Value: since(faultFrom, p.seen.compliant)}, {ID: "F6.least_a", Value: p.seen.least, mean: true},
				{ID: "F6.return_s", Value: since(faultFrom+10*time.Minute, p.seen.back), mean: true}}
		}, Fault{What: GridDims, At: faultFrom, For: 10 * time.Minute, Amps: all(75)}),
	}
}

// dims is D1: the grid operator dims all chargers for half an hour as BK6-22-300 lets
// him, then the limit upstream is 60 % for another, then all is released.
func dims(chargers int) Scenario {
	const half = 30 * time.Minute
	amps := 5 * float64(chargers)
	w := Workload{Connectors: make([]Connector, chargers)}
	base := .3 * amps
	dimmed, upstream := base+w.dimmed(4.2), .6*amps
	all := func(a float64) [3]float64 { return [3]float64{a, a, a} }
	f := faultRun{name: fmt.Sprintf("D1-%d", chargers), chargers: chargers, amps: amps, base: base, seeds: 1, after: 75 * time.Minute,
		about:  fmt.Sprintf("%d chargers dimmed to %.0f A, then the limit upstream at %.0f A, each for half an hour", chargers, dimmed-base, upstream),
		faults: []Fault{{What: GridDims, At: faultFrom, For: half, Amps: all(min(amps, dimmed))}, {What: GridDims, At: faultFrom + half, For: half, Amps: all(upstream)}},
		figures: func(p *plant) []Metric {
			return []Metric{{ID: "D1.over_s", Value: p.seen.over.Seconds()}, {ID: "D1.excess_a", Value: p.seen.worst}, {ID: "D1.least_a", Value: p.seen.least, mean: true},
				{ID: "D1.return_s", Value: since(faultFrom+2*half, p.seen.back), mean: true}, {ID: "P2.J_s", Value: p.worstJ()}}
		}}
	return f.scenario("D1")
}

// storm is S1: 100 cars plug in within 10 s on a site that is full already.
func storm(chargers int) Scenario {
	const cars = 100
	f := faultRun{name: fmt.Sprintf("S1-%d", chargers), chargers: chargers, amps: 7 * float64(chargers), base: .1 * 7 * float64(chargers), seeds: 1, after: 2 * time.Minute,
		about:  fmt.Sprintf("%d chargers, 100 cars plug in within 10 s", chargers),
		faults: []Fault{{What: CarsCome, At: faultFrom, For: time.Hour, Count: cars}},
		figures: func(p *plant) []Metric {
			first, last, none := never, never, 0.
			for i := range cars {
				at := p.chargers[i].firstOffer
				switch {
				case at == never:
					none++
				case first == never:
					first, last = at, at
				default:
					first, last = min(first, at), max(last, at)
				}
			}
			return []Metric{{ID: "S1.first_offer_s", Value: since(faultFrom, first)}, {ID: "S1.last_offer_s", Value: since(faultFrom, last)}, {ID: "S1.without_offer", Value: none},
				{ID: "P1.after_over_s", Value: p.seen.over.Seconds()}, {ID: "P2.J_s", Value: p.worstJ()}}
		}}
	return f.scenario("S1")
}
