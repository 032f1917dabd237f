package bench

import (
	"math"

	"busbar/loadbalance"
)

const daySeconds = 86400

// writeBudget is how many profiles a charger's memory is made for in a day, as the box
// has it where nobody set another one.
const writeBudget = 500

// writes counts the commands to each charger on each day, renewals of leases included:
// every one of them is a profile that goes into the charger's memory.
type writes struct {
	w     *Workload
	count map[chargerDay]int
}

type chargerDay struct{ connector, day int }

// newWrites has an entry for each day on which a car is plugged in at a charger.
func newWrites(w *Workload) *writes {
	out := &writes{w: w, count: map[chargerDay]int{}}
	for i := range w.Sessions {
		x := &w.Sessions[i]
		for day := x.Arrive / daySeconds; day <= (x.Depart-1)/daySeconds; day++ {
			out.count[chargerDay{x.Connector, day}] = 0
		}
	}
	return out
}

func (c *writes) add(session, second int) {
	c.count[chargerDay{c.w.Sessions[session].Connector, second / daySeconds}]++
}

// figures are the mean of a charger's day, the worst, and how many are above budget.
func (c *writes) figures(budget int) (mean, worst float64, over int) {
	for _, n := range c.count {
		mean += float64(n) / float64(len(c.count))
		worst = max(worst, float64(n))
		if n > budget {
			over++
		}
	}
	return mean, worst, over
}

// roomy is a workplace whose fuses carry all cars at once: nothing needs a short lease.
func roomy() Instance {
	return Instance{Name: "C1-room", Kind: Workplace, Connectors: 24, Days: 7, RootAmps: 800}
}

// worstBase is the largest base load of the workload on each phase as an installer would
// tell it of a node; where there is none, that is said with the smallest current.
func (w *Workload) worstBase(node int) loadbalance.PerPhase {
	out := loadbalance.Uniform(1)
	if node != w.root {
		return out
	}
	for _, row := range w.Base {
		for p, a := range row {
			out[p] = max(out[p], a)
		}
	}
	for i := range w.Events {
		if e := &w.Events[i]; e.Kind == BaseStep {
			for p, a := range e.Amps {
				out[p] += loadbalance.MilliAmp(math.Ceil(1000 * max(0, a)))
			}
		}
	}
	return out
}
