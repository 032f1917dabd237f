package appliance

import (
	"log/slog"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/loadbalance/planner"
)

func question(seq uint64) controller.PlanWanted {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	return controller.PlanWanted{Seq: seq, Problem: &planner.Problem{Now: now, Nodes: []planner.Node{{ID: "main", Room: []loadbalance.PerPhase{loadbalance.Uniform(16000)}}},
		Cars: []planner.Car{{Slot: 1, Node: "main", Min: 6000, Max: 16000, Departure: now.Add(time.Hour), Wants: 5000}}}}
}

// TestPlansAreMadeBesideTheLoop: the newest question is answered, one that overtook
// others; a planner that breaks says so and is there again for the next.
func TestPlansAreMadeBesideTheLoop(t *testing.T) {
	answers := make(chan controller.PlanMade, 4)
	p := newPlanning(func(ev controller.Event) error { answers <- ev.(controller.PlanMade); return nil }, slog.New(slog.DiscardHandler))
	for seq := range uint64(3) {
		p.Do(question(seq + 1)) // nobody takes them yet
	}
	p.Do(controller.Wake{})
	done := make(chan error)
	go func() { done <- p.run(t.Context()) }()
	if got := <-answers; got.Seq != 3 || got.Err != "" || len(got.Result.Cars) != 1 || got.Result.Cars[0].Now == 0 {
		t.Errorf("the newest question is answered with %+v", got)
	}
	p.Do(controller.PlanWanted{Seq: 4}) // no problem at all
	if got := <-answers; got.Seq != 4 || got.Err == "" {
		t.Errorf("a planner that breaks says %+v", got)
	}
	p.Do(question(5))
	if got := <-answers; got.Seq != 5 || got.Err != "" {
		t.Errorf("after that it answers %+v", got)
	}
	p.within = 0 // read by run at the next question, which comes after
	p.Do(question(6))
	if got := <-answers; got.Seq != 6 || got.Result.Iterations != 0 || len(got.Result.Cars) != 1 {
		t.Errorf("without time it answers %+v", got)
	}
}
