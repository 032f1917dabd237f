package trial

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"busbar/loadbalance"
)

// Length is how long drawn scenarios are, s.
const Length = 600

// drawing is a scenario on its way.
type drawing struct {
	*rand.Rand
	sc   Scenario
	own  []float64 // worst base of each circuit alone, A
	step []float64 // largest step that may happen in it, A
}

// Draw makes the scenario of a seed.
func Draw(seed uint64) Scenario {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 0xb05)), sc: Scenario{Seed: seed, Seconds: Length}}
	d.circuits()
	d.meters()
	for i := range 2 + d.IntN(29) {
		d.charger(i)
	}
	d.fallbacks()
	d.bursts()
	d.faults()
	return d.sc
}

func (d *drawing) between(a, b float64) float64 { return a + (b-a)*d.Float64() }

// often is true in so many of a hundred cases.
func (d *drawing) often(percent float64) bool { return d.Float64()*100 < percent }

func pick[T any](d *drawing, from ...T) T { return from[d.IntN(len(from))] }

// round keeps files short.
func round(a float64) float64 { return float64(int(a*10+0.5)) / 10 }

func (d *drawing) circuits() {
	d.circuit("main", "", pick(d, 35, 50, 63, 63, 80, 100, 125, 160, 200, 250, 315))
	levels := 1 + d.IntN(3)
	if levels == 1 {
		return
	}
	for i := range 1 + d.IntN(4) {
		id := fmt.Sprint("board-", i+1)
		d.circuit(id, "main", pick(d, 25, 32, 40, 50, 63, 80, 125))
		if levels == 3 && d.often(60) {
			for k := range 1 + d.IntN(2) {
				d.circuit(fmt.Sprint(id, "-", k+1), id, pick(d, 16, 20, 25, 32, 40, 63))
			}
		}
	}
	d.total()
}

// circuit adds one, no larger than the one above it.
func (d *drawing) circuit(id, parent string, amps int) {
	above := 1000.0
	for _, c := range d.sc.Circuits {
		if c.ID == parent {
			above = float64(c.Limit) / 1000
		}
	}
	limit := min(float64(amps), above)
	c := Circuit{ID: id, Parent: parent, Limit: loadbalance.MilliAmp(limit * 1000), Fuse: d.often(45)}
	share := d.between(0.15, 0.6)
	if parent != "" {
		share = pick(d, 0, 0, 0, d.between(0.05, 0.25))
	}
	own := round(share * limit)
	if d.often(50) {
		c.LargestStep = loadbalance.MilliAmp(round(d.between(0.2, 0.8)*own) * 1000)
	}
	for p := range c.Base.Mean {
		c.WorstBase[p] = loadbalance.MilliAmp(own * 1000)
		c.Base.Mean[p] = round(own * d.between(0.1, 0.7))
	}
	c.Base.Wave, c.Base.Noise = round(own*d.between(0, 0.1)), round(own*d.between(0, 0.04))
	d.sc.Circuits = append(d.sc.Circuits, c)
	d.own = append(d.own, own)
	d.step = append(d.step, max(0.4*limit, float64(c.LargestStep)/1000))
}

// total makes the worst base of a circuit that of all below it, too, and no step larger
// than what is allowed above it.
func (d *drawing) total() {
	cs := d.sc.Circuits
	for i := len(cs) - 1; i > 0; i-- {
		up := d.parent(i)
		for p := range cs[i].WorstBase {
			cs[up].WorstBase[p] += cs[i].WorstBase[p]
		}
	}
	for i := 1; i < len(cs); i++ {
		d.step[i] = min(d.step[i], d.step[d.parent(i)])
	}
}

func (d *drawing) parent(i int) int {
	return slices.IndexFunc(d.sc.Circuits, func(c Circuit) bool { return c.ID == d.sc.Circuits[i].Parent })
}

func (d *drawing) meters() {
	for i, c := range d.sc.Circuits {
		if i == 0 && d.often(4) || i > 0 && !d.often(25) {
			continue
		}
		d.sc.Meters = append(d.sc.Meters, Meter{ID: "meter-" + c.ID, Circuit: c.ID, Period: pick(d, 1.0, 1, 1, 1, 1, 1, 2, 5, 10), Noise: pick(d, 0.001, 0.002, 0.005)})
	}
}

func (d *drawing) charger(i int) {
	at := d.sc.Circuits[d.IntN(len(d.sc.Circuits))]
	c := Charger{ID: fmt.Sprintf("CP%02d", i+1), Circuit: at.ID, Latency: round(pick(d, d.between(0.1, 0.6), d.between(0.2, 1.5), d.between(0.2, 1.5), d.between(1, 4))),
		Metering: pick(d, 10.0, 10, 10, 10, 5, 30, 60), Comes: round(d.between(0.2, 20)), Installed: d.often(70), Free: d.often(30)}
	if d.often(75) {
		c.Failsafe = 6 * loadbalance.Amp
	}
	most := min(at.Limit, pick[loadbalance.MilliAmp](d, 16, 20, 32, 32, 32)*loadbalance.Amp)
	wires := pick(d, 1, 1, 2, 3, 3, 3)
	for k := range pick(d, 1, 1, 2) {
		first := d.IntN(3)
		conn := Connector{Max: most}
		for w := range wires {
			conn.Wiring = append(conn.Wiring, loadbalance.Phase((first+w)%3))
		}
		d.cars(&conn, wires, k)
		c.Connectors = append(c.Connectors, conn)
	}
	d.sc.Chargers = append(d.sc.Chargers, c)
}

func (d *drawing) cars(conn *Connector, wires, k int) {
	t := d.between(0, 60)
	if d.often(30) || k > 0 {
		t = d.between(0, 400)
	}
	for t < Length && !d.often(10) {
		car := Car{Comes: round(t), Phases: wires, Takes: float64(conn.Max) / 1000, Under: round(pick(d, 0, d.between(0, 0.8), d.between(0, 0.8), -0.2)),
			Dead: round(d.between(0.8, 5)), Up: round(d.between(1, 5)), Down: round(d.between(4, 20))}
		if d.often(12) {
			car.Dead = round(d.between(5, 10.5))
		}
		if d.often(20) {
			car.Phases = 1 + d.IntN(wires)
		}
		if d.often(35) {
			car.Takes = min(car.Takes, pick(d, 8.0, 10, 13, 16, 20))
		}
		if d.often(15) {
			car.Tapers = round(t + d.between(30, 300))
		}
		t += pick(d, d.between(60, 400), d.between(200, 900))
		car.Goes = round(t)
		conn.Cars = append(conn.Cars, car)
		t += d.between(5, 60)
	}
}

// fallbacks takes fall-backs away until the static rule holds that a configuration must
// keep (L6).
func (d *drawing) fallbacks() {
	for i := range d.sc.Chargers {
		if !d.staysSafe() {
			d.sc.Chargers[len(d.sc.Chargers)-1-i].Failsafe = 0
		}
	}
}

// staysSafe is the static rule.
func (d *drawing) staysSafe() bool {
	var nodes []loadbalance.Node
	for _, c := range d.sc.Circuits {
		nodes = append(nodes, loadbalance.Node{ID: loadbalance.NodeID(c.ID), Parent: loadbalance.NodeID(c.Parent), Limit: loadbalance.Uniform(c.Limit), WorstBase: c.WorstBase})
	}
	var loads []loadbalance.Load
	for _, c := range d.sc.Chargers {
		for _, conn := range c.Connectors {
			loads = append(loads, loadbalance.Load{Node: loadbalance.NodeID(c.Circuit), Phases: loadbalance.Phases(conn.Wiring...), Current: c.Failsafe})
		}
	}
	sums, err := loadbalance.FailsafeSums(nodes, loads)
	return err == nil && !slices.ContainsFunc(sums, func(s loadbalance.FailsafeSum) bool { return s.Over() != 0 })
}

// bursts switches loads on, one after the other and none larger than was declared.
func (d *drawing) bursts() {
	for t := d.between(5, 60); t < Length; t += d.between(12, pick(d, 40.0, 120, 300)) {
		i := d.IntN(len(d.sc.Circuits))
		if d.often(60) {
			i = 0
		}
		most := min(d.own[i]-slices.Max(d.sc.Circuits[i].Base.Mean[:]), d.step[i])
		if most < 1 {
			continue
		}
		b := Burst{At: float64(int(t)), For: float64(int(d.between(3, pick(d, 15.0, 60, 300))))}
		amps := round(most * pick(d, 1, d.Float64(), d.Float64()))
		if d.often(40) { // a kettle, or another load of one phase
			b.Amps[d.IntN(3)] = min(amps, pick(d, 9, 13, 20, amps))
		} else {
			b.Amps = [3]float64{amps, amps, amps}
		}
		d.sc.Circuits[i].Base.Bursts = append(d.sc.Circuits[i].Base.Bursts, b)
	}
}
