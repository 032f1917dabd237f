package msgbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"busbar/ocpp/ocppload"
)

// reactionSite has chargers on one conductor each, so that the currents of hundreds
// stay below what a meter can show, and a building that may take most of the fuse.
var reactionSite = site{phases: 1, worstBase: 29, limit: 36, more: 0, most: 34}

// The steps of the building. Each is far enough above the fuse that it is cut at once,
// as long as that leaves more than the least to all cars; the next one comes when the
// cars have followed.
const (
	overload   = 1.28                   // of the fuse's current, building and cars
	leastAfter = 8                      // A that each car has left
	stepPause  = 13 * time.Second       // until then cars may be on their way down, and explain an overload
	nearly     = 0.8                    // of what the cars want is enough to begin
	samePass   = 900 * time.Millisecond // until the next reading
	// The building's largest load of the last minute keeps the cars down.
	backWithin = 3 * time.Minute
)

// ReactionOptions say what RunReaction measures.
type ReactionOptions struct {
	Chargers int           // 3 and more; each has a car that takes 34 A
	For      time.Duration // it begins no step later than that after the cars have begun
	Rate     float64       // messages per second and charger meanwhile
	// Spawn makes the command of the box, which is told the meter's address.
	Spawn func(meter string) (*exec.Cmd, error)
	// Tell gets a line for each thing that is done; nil allowed.
	Tell func(line string)
}

// ReactionResult is how fast the box came down.
type ReactionResult struct {
	Chargers int `json:"chargers"`
	// Steps of the building that the site's chargers had to come down for.
	Steps int `json:"steps"`
	// Readings of the meter that made the box lower three of four chargers or more, and the frames it wrote.
	Readings int `json:"readings"`
	Frames   int `json:"frames"`
	// Others are readings that made it lower some.
	Others int `json:"other_readings"`
	// Box is from the reading's last byte to the last frame written, by the box's own
	// measure. Outside is from the meter's answer that shows a step to the last frame of
	// the same second read by the chargers, in the other process.
	Box     Spread `json:"box_ms"`
	Outside Spread `json:"outside_ms"`
}

// Spread is in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func spread(all []time.Duration) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	at := func(percent int) float64 { return millis(all[(len(all)-1)*percent/100]) }
	return Spread{P50: at(50), P99: at(99), Max: at(100)}
}

// reactionBench is a run under way.
type reactionBench struct {
	ReactionOptions
	box   *proc
	meter *siteMeter
	base  atomic.Uint64 // A of the building for each charger, bits of a float64

	mu      sync.Mutex
	stepped bool          // the meter has not shown the step yet
	shown   time.Time     // when it did
	last    time.Duration // from then to the last frame that lowers
	lowered int           // frames since
	outside []time.Duration
	steps   int
}

// RunReaction lets the building take so much that all cars must come down, again and
// again, and measures how long it takes until the last one was told.
func RunReaction(ctx context.Context, o ReactionOptions) (result *ReactionResult, err error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	b := &reactionBench{ReactionOptions: o}
	b.meter = &siteMeter{site: reactionSite, chargers: o.Chargers, building: b.building}
	b.set(baseLow)
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	addr, err := b.meter.serve(ctx, &wg, o.Tell)
	if err != nil {
		return nil, err
	}
	cmd, err := o.Spawn(addr)
	if err != nil {
		return nil, err
	}
	if b.box, err = spawn(Box, cmd); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.box.end()) }()
	if err := b.connect(ctx); err != nil {
		return nil, err
	}
	if err := b.measure(ctx); err != nil {
		return nil, err
	}
	return b.result()
}

func (b *reactionBench) connect(ctx context.Context) error {
	b.Tell(fmt.Sprintf("connecting %d chargers to the box", b.Chargers))
	if err := b.box.connect(ctx, b.Chargers, b.onLimit); err != nil {
		return err
	}
	b.meter.fleet.Store(b.box.fleet)
	if err := pause(ctx, settleFor); err != nil {
		return err
	}
	if err := b.box.fleet.Charge(ctx, ocppload.Cars{Every: 1, Wants: int64(10 * reactionSite.most)}); err != nil {
		return fmt.Errorf("cannot start sessions: %w", err)
	}
	return nil
}

// measure lets the chargers talk while the building steps.
func (b *reactionBench) measure(ctx context.Context) error {
	talk, quiet := context.WithCancel(ctx)
	talked := make(chan error, 1)
	go func() {
		_, err := b.box.fleet.Run(talk, ocppload.NonBilling, b.Rate, math.MaxInt64)
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		talked <- err
	}()
	err := b.staircases(ctx)
	quiet()
	return errors.Join(err, <-talked)
}

func (b *reactionBench) staircases(ctx context.Context) error {
	var end time.Time
	for {
		if err := b.goBack(ctx); err != nil {
			return err
		}
		if end.IsZero() {
			end = time.Now().Add(b.For)
		}
		for more := true; more; {
			if !time.Now().Before(end) {
				return nil
			}
			var err error
			if more, err = b.step(ctx); err != nil {
				return err
			}
		}
		b.Tell(fmt.Sprintf("%d steps", b.steps))
	}
}

// goBack waits until all cars take all they want.
func (b *reactionBench) goBack(ctx context.Context) error {
	b.set(baseLow)
	for end := time.Now().Add(backWithin); b.each() < nearly*float64(reactionSite.most); {
		if time.Now().After(end) {
			return fmt.Errorf("the chargers did not come back within %v: %.1f A each", backWithin, b.each())
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return pause(ctx, stepPause)
}

// most is how many of n must come down to count: what they come down more than needed may
// spare the last ones.
func most(n int) int { return (n*3 + 3) / 4 }

// each is what a car takes, A on average.
func (b *reactionBench) each() float64 {
	drawn := b.box.fleet.Drawn()
	return (drawn[0] + drawn[1] + drawn[2]) / float64(b.Chargers)
}

// step lets the building take more, and tells whether there is room for another step.
func (b *reactionBench) step(ctx context.Context) (more bool, err error) {
	limit := float64(reactionSite.limit)
	base := overload*limit - b.each()
	if base > limit-leastAfter {
		return false, nil
	}
	b.mu.Lock()
	b.stepped, b.shown, b.last, b.lowered = true, time.Time{}, 0, 0
	b.mu.Unlock()
	b.set(base)
	if err := pause(ctx, stepPause); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lowered >= most(b.Chargers) {
		b.steps++
		b.outside = append(b.outside, b.last)
	}
	b.stepped, b.shown = false, time.Time{}
	return true, nil
}

// building is asked when the meter shows its registers.
func (b *reactionBench) building() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stepped {
		b.stepped, b.shown = false, time.Now()
	}
	return math.Float64frombits(b.base.Load())
}

func (b *reactionBench) set(base float64) { b.base.Store(math.Float64bits(base)) }

func (b *reactionBench) onLimit(lowered bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !lowered || b.shown.IsZero() {
		return
	}
	b.lowered++
	if at.Sub(b.shown) < samePass {
		b.last = at.Sub(b.shown)
	}
}

func (b *reactionBench) result() (*ReactionResult, error) {
	u, err := b.box.ask(askStatus)
	if err != nil {
		return nil, err
	}
	r := &ReactionResult{Chargers: b.Chargers, Steps: b.steps, Outside: spread(b.outside)}
	var took []time.Duration
	for _, one := range u.Reactions {
		if one.Frames < most(b.Chargers) {
			r.Others++
			continue
		}
		r.Readings++
		r.Frames += one.Frames
		took = append(took, one.Took)
	}
	r.Box = spread(took)
	return r, nil
}

// Write writes the figures for a person, or as JSON.
func (r *ReactionResult) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	_, err := fmt.Fprintf(w, "%d chargers, %d steps of the building: %d readings made the box lower three of four or more, by %d frames.\n"+
		"Meter sample to last frame written: p50 %.1f ms, p99 %.1f ms, at most %.1f ms.\n"+
		"Meter's answer to last frame read by the chargers: p50 %.1f ms, p99 %.1f ms, at most %.1f ms.\n",
		r.Chargers, r.Steps, r.Readings, r.Frames, r.Box.P50, r.Box.P99, r.Box.Max, r.Outside.P50, r.Outside.P99, r.Outside.Max)
	return err
}
