package appliance

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"busbar/controller"
	"busbar/loadbalance/planner"
)

// planWithin bounds one search of a plan: then the best one found so far is taken.
const planWithin = 20 * time.Second

// planning makes plans beside the control loop, one at a time. Of questions that come
// meanwhile the newest is answered.
type planning struct {
	wanted  chan controller.PlanWanted // the newest
	post    func(controller.Event) error
	log     *slog.Logger
	planner *planner.Planner
	within  time.Duration
}

func newPlanning(post func(controller.Event) error, log *slog.Logger) *planning {
	return &planning{wanted: make(chan controller.PlanWanted, 1), post: post, log: log, planner: &planner.Planner{}, within: planWithin}
}

// Do implements controller.Adapter.
func (p *planning) Do(e controller.Effect) {
	w, ok := e.(controller.PlanWanted)
	if !ok {
		return
	}
	select {
	case <-p.wanted: // overtaken
	default:
	}
	p.wanted <- w // room is there: only the control loop sends
}

// run answers questions until ctx ends.
func (p *planning) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-p.wanted:
			if err := p.post(p.solve(ctx, w)); err != nil {
				p.log.Warn("the control loop did not take a plan", "err", err)
			}
		}
	}
}

// solve makes one plan. A planner that panics is replaced: charging does not depend on it.
func (p *planning) solve(ctx context.Context, w controller.PlanWanted) (made controller.PlanMade) {
	start := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			p.log.Error("the planner failed", "cause", cause)
			p.planner = &planner.Planner{}
			made = controller.PlanMade{Seq: w.Seq, Took: time.Since(start), Err: fmt.Sprintf("the planner failed: %v", cause)}
		}
	}()
	result := p.planner.Solve(w.Problem, func(int) bool { return ctx.Err() == nil && time.Since(start) < p.within })
	return controller.PlanMade{Seq: w.Seq, Result: result, Took: time.Since(start)}
}
