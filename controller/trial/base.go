package trial

import "math"

// baseOf is the load of one circuit alone, by second. It keeps to what was declared.
func (sc *Scenario) baseOf(i int) [][3]float64 {
	c := &sc.Circuits[i]
	r := sc.noise("base " + c.ID)
	out := make([][3]float64, sc.Seconds)
	own := sc.ownWorst(i)
	var drift [3]float64
	turn := r.Float64() * 2 * math.Pi
	for s := range out {
		for p := range out[s] {
			drift[p] = 0.9*drift[p] + c.Base.Noise*0.44*r.NormFloat64()
			a := c.Base.Mean[p] + c.Base.Wave*math.Sin(turn+float64(s)/60+float64(p)) + drift[p]
			for _, b := range c.Base.Bursts {
				if float64(s) >= b.At && float64(s) < b.At+b.For {
					a += b.Amps[p]
				}
			}
			out[s][p] = min(max(a, 0), own[p])
		}
	}
	for k := range sc.Faults {
		f := &sc.Faults[k]
		for s := range out {
			if f.Kind == FaultBuilding && f.At == c.ID && f.on(float64(s)) {
				for p := range out[s] {
					out[s][p] += f.Arg
				}
			}
		}
	}
	return out
}

// ownWorst is the worst base of a circuit without those of the circuits below it.
func (sc *Scenario) ownWorst(i int) [3]float64 {
	c := &sc.Circuits[i]
	var own [3]float64
	for p := range own {
		a := c.WorstBase[p]
		for k := range sc.Circuits {
			if sc.Circuits[k].Parent == c.ID {
				a -= sc.Circuits[k].WorstBase[p]
			}
		}
		own[p] = float64(max(a, 0)) / 1000
	}
	return own
}
