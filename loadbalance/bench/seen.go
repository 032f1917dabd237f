package bench

import (
	"time"

	"busbar/loadbalance"
)

// settled is how long the site must stay within its limit to count as compliant.
const settled = 10 * time.Second

// never stands for what has not happened.
const never = time.Duration(-1)

// seen is what happened after the first fault of a script. Times are since the start.
type seen struct {
	under     time.Duration // within the limit since
	compliant time.Duration // last moment from which it stayed within the limit
	lost      time.Duration // the box counts the meter as lost
	disobeyed time.Duration // the box found a car that does not come down
	raised    time.Duration // last increase sent during the fault, after its beginning
	safe      time.Duration // the cars fit beside the worst base load
	back      time.Duration // after the fault the cars have nine tenths of what they had
	worst     float64       // A over the limit then in force
	over      time.Duration // all time over it
	least     float64       // A, the least of all cars on any phase
	before    float64       // A, all cars on all phases before the fault
	// others is what chargers that no fault counts drew, A, averaged over the fault.
	others, othersBefore float64
}

func unseen() seen {
	return seen{under: never, compliant: never, lost: never, disobeyed: never, safe: never, back: never, least: 1e9}
}

// faultAt is when the script begins, never without one.
func (p *plant) faultAt() time.Duration {
	at := never
	for _, f := range p.faults {
		if at == never || f.At < at {
			at = f.At
		}
	}
	return at
}

// limitNow is the breaker's limit, or the grid operator's while it dims, A.
func (p *plant) limitNow(ph int) float64 {
	limit := float64(p.limit) / 1000
	if f, on := p.active(GridDims); on {
		limit = min(limit, f.Amps[ph])
	}
	return limit
}

// look judges the true load of this moment.
func (p *plant) look(cars, base [3]float64) {
	at := p.faultAt()
	if at == never || p.now < at {
		p.seen.before, p.seen.othersBefore = cars[0]+cars[1]+cars[2], p.drawn(p.count())
		return
	}
	p.recover(at, cars)
	excess := 0.
	for ph := range cars {
		limit := p.limitNow(ph)
		excess = max(excess, cars[ph]+base[ph]-limit*1.005)
		p.seen.least = min(p.seen.least, cars[ph])
	}
	s := &p.seen
	s.worst = max(s.worst, excess)
	if excess > 0 {
		s.over += tick
		s.under, s.compliant = never, never
		return
	}
	if s.under == never {
		s.under = p.now
	}
	if s.compliant == never && p.now-s.under >= settled {
		s.compliant = s.under
	}
}

// end is when the faults that end are over.
func (p *plant) end() time.Duration {
	end := time.Duration(0)
	for _, f := range p.faults {
		if f.For < time.Hour {
			end = max(end, f.At+f.For)
		}
	}
	return end
}

// count is how many chargers a fault concerns by number.
func (p *plant) count() int {
	n := 0
	for _, f := range p.faults {
		n = max(n, f.Count)
	}
	return n
}

// drawn is what the chargers from one on draw, A.
func (p *plant) drawn(from int) float64 {
	sum := 0.
	for i := from; i < len(p.chargers); i++ {
		sum += p.chargers[i].car.draws
	}
	return sum
}

// recover follows how the site gets into a fault and out of it again.
func (p *plant) recover(at time.Duration, cars [3]float64) {
	s, end := &p.seen, p.end()
	worst := float64(p.cfg.Nodes[0].WorstBase[0]) / 1000
	if s.safe == never && max(cars[0], cars[1], cars[2]) <= float64(p.limit)/1000-worst {
		s.safe = p.now
	}
	if p.now < end {
		s.others += p.drawn(p.count()) * tickSeconds / (end - at).Seconds()
		return
	}
	if s.back == never && cars[0]+cars[1]+cars[2] >= .9*s.before {
		s.back = p.now
	}
}

// worstJ is the overload integral of the worst phase, s.
func (p *plant) worstJ() float64 {
	return max(p.stress[0].WorstJ(), p.stress[1].WorstJ(), p.stress[2].WorstJ())
}

// notice looks at a plan of the Balancer.
func (p *plant) notice(plan *loadbalance.Plan) {
	if at := p.faultAt(); at == never || p.now < at {
		return
	}
	if p.seen.lost == never && plan.Nodes[0].Lost {
		p.seen.lost = p.now
	}
	for _, a := range plan.Alarms {
		if a.Kind == loadbalance.AlarmDisobedience && p.seen.disobeyed == never {
			p.seen.disobeyed = p.now
		}
	}
}

// since is the time from a moment to what was seen, s; very long if never.
func since(from, what time.Duration) float64 {
	if what == never {
		return 9999
	}
	return max(0, (what - from).Seconds())
}
