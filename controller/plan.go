package controller

import (
	"fmt"
	"slices"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

// A plan says who should have how much now, so that all leave with what they need, and
// when that costs least. It is made outside Step, may be late, wrong or missing, and is
// only a wish: it orders and shares what the fuses leave over, and may hold a car back,
// but lifts no limit.

// PlanWanted asks for a plan; PlanMade{Seq} follows, unless a newer one is asked for
// meanwhile. Nobody changes Problem any more.
type PlanWanted struct {
	Seq     uint64
	Problem *planner.Problem
}

// PlanMade is a plan, or why there is none.
type PlanMade struct {
	Seq    uint64
	Result planner.Result
	Took   time.Duration
	Err    string // not empty: it failed
}

func (PlanWanted) effect() {}
func (PlanMade) event()    {}

const (
	planEvery = 5 * time.Minute
	// planPause is the least time between two questions: cars come in bursts.
	planPause = 5 * time.Second
	// planKeeps is how long a plan is followed.
	planKeeps = 15 * time.Minute
	// planGrace is how long a plan is followed that does not know of all cars, and how
	// long one is waited for before a person hears of it.
	planGrace = time.Minute
	// planQuestions bounds the questions that may still be answered.
	planQuestions = 8
)

// PlanState is how far planning has come.
type PlanState string

// The states of planning.
const (
	PlanOff      PlanState = "off"      // no car's needs are known: nothing to plan
	PlanWaiting  PlanState = "waiting"  // the first one is being made
	PlanFollowed PlanState = "followed" // there is one, young enough
	PlanFallback PlanState = "fallback" // there is none to go by: shared without
)

// PlanView is how planning goes.
type PlanView struct {
	State      PlanState
	At         time.Time // what the plan knew; zero: there is none
	Took       time.Duration
	Iterations int
	Gap        float64 // to the best possible plan at most, 0 to 1
	Made       int     // plans since start
	Failures   int     // since start
	Why        string  // there is none to go by
}

// PlanStep is a part of a plan: Current from From on.
type PlanStep struct {
	From    time.Time
	Current loadbalance.MilliAmp
}

// planning is the state of it.
type planning struct {
	lastSeq   uint64
	asked     question // the newest
	open      []question
	made      plan
	changedAt time.Time // since when the plan does not know of all cars; zero: it does
	missingAt time.Time // since when one is missed; zero: it isn't
	failedAt  time.Time // of the last answer that was none; zero: it was one
	err       string
	view      PlanView
	due       bool // ask at the next occasion
}

// question is what was asked.
type question struct {
	seq   uint64
	at    time.Time
	cars  []planCar
	slots []time.Duration
	cap   loadbalance.MilliAmp // of the cloud, on the station
}

// planCar is what is to be planned of a car; where one changes, a new plan is due.
type planCar struct {
	slot      Slot
	tx        TxID
	ceiling   loadbalance.MilliAmp
	departure time.Time
	needsBy   NeedsSource
}

// plan is what was answered.
type plan struct {
	seq  uint64
	at   time.Time
	cars map[Slot]plannedCar
}

// plannedCar is one car's part.
type plannedCar struct {
	tx    TxID
	now   loadbalance.MilliAmp
	rank  int
	steps []PlanStep // shared, never changed
}

// planAhead asks for a plan where one is due, before each pass.
func (s *Site) planAhead() {
	if !s.cfg.Plan || len(s.plan) == 0 {
		return
	}
	p := &s.planning
	cars, needed := s.planCars()
	if !needed {
		if p.view.State != PlanOff {
			*p = planning{lastSeq: p.lastSeq, view: PlanView{State: PlanOff, Made: p.view.Made, Failures: p.view.Failures}}
			s.clear("plan.missing", "planner")
		}
		return
	}
	limit, _ := s.siteCap(s.now)
	changed := !slices.Equal(cars, p.asked.cars) || limit != p.asked.cap
	retry := !p.failedAt.IsZero() && s.now.Sub(p.failedAt) >= planGrace
	if since := s.now.Sub(p.asked.at); p.asked.at.IsZero() || since >= planEvery || since >= planPause && (changed || p.due) || retry {
		p.due, p.failedAt = false, time.Time{}
		s.askForPlan(cars, limit)
	}
	s.judgePlan(cars)
}

// planCars is the cars to plan for, and whether there is anything to plan.
func (s *Site) planCars() (cars []planCar, needed bool) {
	for _, sl := range s.slots {
		if sl.station == nil || sl.state != SlotActive || sl.tx == nil || !sl.wantsCurrent() {
			continue
		}
		look := s.outlook(sl)
		if look.satisfied {
			continue // it gets what is left over
		}
		ceiling, _ := s.ceiling(sl)
		cars = append(cars, planCar{slot: sl.number, tx: sl.tx.id, ceiling: ceiling, departure: look.departure, needsBy: look.needsBy})
		needed = needed || look.energy > 0
	}
	return cars, needed
}

func (s *Site) askForPlan(cars []planCar, limit loadbalance.MilliAmp) {
	p := &s.planning
	p.lastSeq++
	problem := s.problem(cars)
	p.asked = question{seq: p.lastSeq, at: s.now, cars: cars, slots: problem.Slots, cap: limit}
	if len(p.open) >= planQuestions {
		p.open = slices.Delete(p.open, 0, 1)
	}
	p.open = append(p.open, p.asked)
	s.do(PlanWanted{Seq: p.lastSeq, Problem: problem})
}

// planMade takes an answer. One that is overtaken is as good as none.
func (s *Site) planMade(ev PlanMade) {
	p := &s.planning
	i := slices.IndexFunc(p.open, func(q question) bool { return q.seq == ev.Seq })
	if i < 0 {
		return
	}
	q := p.open[i]
	p.open = slices.Delete(p.open, 0, i+1)
	s.passDue = true
	if ev.Err != "" {
		p.view.Failures++
		p.failedAt, p.err = s.now, ev.Err
		return
	}
	p.failedAt, p.err = time.Time{}, ""
	p.view.Made++
	p.view.At, p.view.Took, p.view.Iterations, p.view.Gap = q.at, ev.Took, ev.Result.Iterations, ev.Result.Gap()
	p.made = plan{seq: q.seq, at: q.at, cars: map[Slot]plannedCar{}}
	for _, c := range ev.Result.Cars {
		j := slices.IndexFunc(q.cars, func(k planCar) bool { return int(k.slot) == c.Slot })
		if j < 0 {
			continue
		}
		p.made.cars[q.cars[j].slot] = plannedCar{tx: q.cars[j].tx, now: max(0, c.Now), rank: max(0, c.Rank), steps: steps(q, c.Schedule)}
	}
}

// steps is a schedule by the clock, equal neighbours as one.
func steps(q question, schedule []loadbalance.MilliAmp) []PlanStep {
	var out []PlanStep
	at := q.at
	for i := range min(len(schedule), len(q.slots)) {
		if len(out) == 0 || out[len(out)-1].Current != schedule[i] {
			out = append(out, PlanStep{From: at, Current: schedule[i]})
		}
		at = at.Add(q.slots[i])
	}
	return out
}

// judgePlan decides whether there is a plan to go by, and says so where there is none.
func (s *Site) judgePlan(cars []planCar) {
	p := &s.planning
	if p.knows(cars) {
		p.changedAt = time.Time{}
	} else if p.changedAt.IsZero() {
		p.changedAt = s.now
	}
	why := ""
	switch {
	case p.made.at.IsZero() && p.err == "":
		why = "none was made yet"
	case p.made.at.IsZero():
		why = p.err
	case s.now.Sub(p.made.at) > planKeeps:
		why = fmt.Sprintf("the last one is of %s", p.made.at.UTC().Format("15:04 UTC"))
	case !p.changedAt.IsZero() && s.now.Sub(p.changedAt) > planGrace:
		why = "the last one does not know of all cars"
	}
	p.view.Why = why
	if why == "" {
		p.view.State, p.missingAt = PlanFollowed, time.Time{}
		s.clear("plan.missing", "planner")
		return
	}
	if p.missingAt.IsZero() {
		p.missingAt = s.now
	}
	if p.view.State = PlanWaiting; !p.made.at.IsZero() || s.now.Sub(p.missingAt) > planGrace {
		p.view.State = PlanFallback
	}
	if s.now.Sub(p.missingAt) > planGrace {
		s.raise("plan.missing", "planner", SeverityWarning, "There is no plan to go by: "+why+".",
			"Cars charge under the limits all the same, shared without a plan (sharing in the configuration); times of low prices are not waited for. If it stays, restart the box and send its log to support.")
	}
}

// knows tells whether the plan was made for these cars.
func (p *planning) knows(cars []planCar) bool {
	return len(cars) == len(p.made.cars) && !slices.ContainsFunc(cars, func(c planCar) bool { return p.made.cars[c.slot].tx != c.tx })
}

// planned is a slot's part of the plan, nil if there is none to go by.
func (s *Site) planned(sl *slot) *plannedCar {
	if s.planning.view.State != PlanFollowed || sl.tx == nil {
		return nil
	}
	c, ok := s.planning.made.cars[sl.number]
	if !ok || c.tx != sl.tx.id {
		return nil
	}
	return &c
}

// followPlan puts the plan's wish into what the balancer is told. Where money counts a
// car whose needs and departure are known is held back to it.
func (s *Site) followPlan(sl *slot, c *loadbalance.Connector, look outlook) {
	p := s.planned(sl)
	if p == nil {
		return
	}
	c.Target, c.Rank = min(p.now, max(0, c.Max)), p.rank
	if s.money() && look.energy > 0 && !look.departure.IsZero() && p.now < c.Max {
		c.Max, c.CeilingRule = p.now, loadbalance.RulePlan
	}
}

// wantsCurrent tells whether the car of a transaction may take current.
func (sl *slot) wantsCurrent() bool {
	return !sl.tx.stopping && sl.status.Status != StatusFinishing && sl.status.Status != StatusFaulted
}

// shown is the view of it; before anything was planned it is off.
func (p *planning) shown() PlanView {
	v := p.view
	if v.State == "" {
		v.State = PlanOff
	}
	return v
}
