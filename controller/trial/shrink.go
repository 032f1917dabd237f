package trial

import "slices"

// Shrink makes a scenario that fails smaller while it fails in the same way: without
// faults, cars, chargers, meters, bursts and circuits that it does not need, and as
// short as it can be. budget is how often it may be run.
func Shrink(sc Scenario, budget int) (Scenario, Result, error) {
	first, err := Judge(sc)
	if err != nil || !first.Verdict.Failed() {
		return sc, first, err
	}
	s := &shrinking{best: sc, result: first, budget: budget}
	s.shorten()
	for before := -1; before != s.size() && s.budget > 0; {
		before = s.size()
		s.without(func(sc *Scenario) int { return len(sc.Chargers) }, dropCharger)
		s.without(func(sc *Scenario) int { return len(sc.Faults) }, func(sc *Scenario, i int) { sc.Faults = slices.Delete(sc.Faults, i, i+1) })
		s.without(func(sc *Scenario) int { return len(sc.Meters) }, dropMeter)
		s.without(countBursts, dropBurst)
		s.without(countCars, dropCar)
		s.without(func(sc *Scenario) int { return len(sc.Circuits) }, dropCircuit)
		s.shorten()
	}
	return s.best, s.result, nil
}

type shrinking struct {
	best   Scenario
	result Result
	budget int
}

func (s *shrinking) size() int {
	b := &s.best
	return len(b.Chargers) + len(b.Faults) + len(b.Meters) + countBursts(b) + countCars(b) + len(b.Circuits) + b.Seconds
}

// try takes a smaller scenario if it fails as well.
func (s *shrinking) try(sc Scenario) bool {
	if s.budget <= 0 {
		return false
	}
	s.budget--
	r, err := Judge(sc)
	if err != nil || r.Verdict != s.result.Verdict || r.Verdict == Broken && r.Violations[0].Rule != s.result.Violations[0].Rule {
		return false
	}
	s.best, s.result = sc, r
	return true
}

// without leaves parts out: half of them, a quarter, and in the end one by one.
func (s *shrinking) without(count func(*Scenario) int, drop func(*Scenario, int)) {
	for n := max(1, count(&s.best)/2); ; n /= 2 {
		for from := count(&s.best) - n; from >= 0; from -= n {
			sc := s.best.clone()
			for i := from + n - 1; i >= from; i-- {
				drop(&sc, i)
			}
			s.try(sc)
			from = min(from, count(&s.best))
		}
		if n == 1 {
			return
		}
	}
}

// shorten ends the scenario soon after it has failed.
func (s *shrinking) shorten() {
	end := 0.0
	switch {
	case s.result.Tripped != nil:
		end = s.result.Tripped.At
	case len(s.result.Violations) > 0:
		end = s.result.Violations[0].At
	}
	if sec := int(end) + 2; sec < s.best.Seconds {
		sc := s.best.clone()
		sc.Seconds = sec
		s.try(sc)
	}
}

// clone is a copy that shares nothing that is changed.
func (sc Scenario) clone() Scenario {
	sc.Circuits, sc.Meters, sc.Chargers, sc.Faults = slices.Clone(sc.Circuits), slices.Clone(sc.Meters), slices.Clone(sc.Chargers), slices.Clone(sc.Faults)
	for i := range sc.Circuits {
		sc.Circuits[i].Base.Bursts = slices.Clone(sc.Circuits[i].Base.Bursts)
	}
	for i := range sc.Chargers {
		cs := slices.Clone(sc.Chargers[i].Connectors)
		for k := range cs {
			cs[k].Cars = slices.Clone(cs[k].Cars)
		}
		sc.Chargers[i].Connectors = cs
	}
	return sc
}

// dropFaultsOf leaves out what goes wrong with a part that is no longer there.
func (sc *Scenario) dropFaultsOf(id string) {
	sc.Faults = slices.DeleteFunc(sc.Faults, func(f Fault) bool { return f.At == id })
}

func dropCharger(sc *Scenario, i int) {
	id := sc.Chargers[i].ID
	sc.Chargers = slices.Delete(sc.Chargers, i, i+1)
	sc.dropFaultsOf(id)
}

func dropMeter(sc *Scenario, i int) {
	id := sc.Meters[i].ID
	sc.Meters = slices.Delete(sc.Meters, i, i+1)
	sc.dropFaultsOf(id)
}

func countBursts(sc *Scenario) (n int) {
	for i := range sc.Circuits {
		n += len(sc.Circuits[i].Base.Bursts)
	}
	return n
}

func dropBurst(sc *Scenario, k int) {
	for i := range sc.Circuits {
		b := &sc.Circuits[i].Base
		if k < len(b.Bursts) {
			b.Bursts = slices.Delete(b.Bursts, k, k+1)
			return
		}
		k -= len(b.Bursts)
	}
}

func countCars(sc *Scenario) (n int) {
	for _, c := range sc.Chargers {
		for _, conn := range c.Connectors {
			n += len(conn.Cars)
		}
	}
	return n
}

func dropCar(sc *Scenario, k int) {
	for i := range sc.Chargers {
		for j := range sc.Chargers[i].Connectors {
			conn := &sc.Chargers[i].Connectors[j]
			if k < len(conn.Cars) {
				conn.Cars = slices.Delete(conn.Cars, k, k+1)
				return
			}
			k -= len(conn.Cars)
		}
	}
}

// dropCircuit leaves out a circuit at which nothing hangs, with its part of the worst
// load above it.
func dropCircuit(sc *Scenario, i int) {
	id := sc.Circuits[i].ID
	if len(sc.Circuits) == 1 || slices.ContainsFunc(sc.Circuits, func(c Circuit) bool { return c.Parent == id }) ||
		slices.ContainsFunc(sc.Chargers, func(c Charger) bool { return c.Circuit == id }) || slices.ContainsFunc(sc.Meters, func(m Meter) bool { return m.Circuit == id }) {
		return
	}
	worst := sc.Circuits[i].WorstBase
	for at := sc.Circuits[i].Parent; at != ""; {
		k := slices.IndexFunc(sc.Circuits, func(c Circuit) bool { return c.ID == at })
		for p := range worst {
			sc.Circuits[k].WorstBase[p] -= worst[p]
		}
		at = sc.Circuits[k].Parent
	}
	sc.Circuits = slices.Delete(sc.Circuits, i, i+1)
	sc.dropFaultsOf(id)
}
