package commission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// Times of the pause test. What is measured comes every ten seconds or so.
const (
	pauseSettles = time.Minute      // from the limit of 0 A until nothing flows
	pauseKeeps   = 20 * time.Second // at 0 A
	pauseEnds    = 90 * time.Second // from the lifted limit until the car charges again
	// pauseLasts ends the limit by itself, should nobody lift it.
	pauseLasts = pauseSettles + pauseKeeps + time.Minute
)

// flows is the current above which a car counts as charging, and below which as paused.
const flows = loadbalance.Amp

const checkPause = "pause"

// pause holds a charging car at 0 A for a while and looks whether it goes on afterwards
// (ocpp-gateway 7.5). Nothing is raised: what the car had before it gets back from the
// box.
func (p *probe) pause(ctx context.Context) error {
	i, ok := p.charging()
	if !ok {
		p.find(checkPause, Open, "no car charges, so nobody knows what a limit of 0 A does.", "Run this command again when a car charges. Until then a limit of 0 A counts as a pause.")
		return nil
	}
	before := p.site.Connectors()[i]
	if err := p.site.Hold(ctx, before.Number, 0, pauseLasts); err != nil {
		return fmt.Errorf("cannot hold connector %d: %w", before.Number, err)
	}
	outcome, err := p.paused(ctx, i, before)
	// The car goes on whatever became of the probe.
	later, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
	defer cancel()
	if err = errors.Join(err, p.site.Hold(later, before.Number, -1, 0)); err != nil || outcome != "" {
		return err
	}
	return p.resumes(ctx, i, before)
}

// charging is the first connector where a car charges.
func (p *probe) charging() (i int, ok bool) {
	for i, c := range p.site.Connectors() {
		if c.Tx != 0 && c.Measured >= flows {
			return i, true
		}
	}
	return 0, false
}

// until waits until done says so of a connector, or for at most d; false then.
func (p *probe) until(ctx context.Context, i int, d time.Duration, done func(Connector) bool) (bool, error) {
	for end := time.Now().Add(d); ; {
		if done(p.site.Connectors()[i]) {
			return true, nil
		}
		if !time.Now().Before(end) {
			return false, nil
		}
		if err := p.site.Wait(ctx); err != nil {
			return false, err
		}
	}
}

// paused waits for the current to end, and a while longer. It gives an outcome if that
// is the end of the test.
func (p *probe) paused(ctx context.Context, i int, before Connector) (Outcome, error) {
	begun := time.Now()
	over := func(c Connector) bool { return c.Tx != before.Tx }
	nothing := func(c Connector) bool { return over(c) || c.MeasuredAt.After(begun) && c.Measured < flows }
	stopped, err := p.until(ctx, i, pauseSettles, nothing)
	if err != nil {
		return Open, err
	}
	now := p.site.Connectors()[i]
	if !stopped && !now.MeasuredAt.After(begun) {
		p.find(checkPause, Open, fmt.Sprintf("connector %d sent no meter values in time.", before.Number), "")
		return Open, nil
	}
	if !stopped {
		p.abilities.Pause = controller.PauseStop
		p.find(checkPause, Missing, fmt.Sprintf("held at 0 A connector %d still drew %v after %v.", before.Number, now.Measured, pauseSettles),
			"The charger does not obey: update its firmware, or choose smart charging in its own settings. Until then only a stop holds a car back here, and it counts with its maximum.")
		return Missing, nil
	}
	ended, err := p.until(ctx, i, pauseKeeps, over)
	if err != nil || !ended {
		return "", err
	}
	p.abilities.Pause = controller.PauseMinimum
	p.find(checkPause, Missing, fmt.Sprintf("a limit of 0 A ended the transaction at connector %d.", before.Number),
		"Update its firmware. Until then give this charger a place where the fuses always have 6 A for it: the first shortage ends the session of its car.")
	return Missing, nil
}

// resumes waits for the car to charge again.
func (p *probe) resumes(ctx context.Context, i int, before Connector) error {
	begun := time.Now()
	charges := func(c Connector) bool { return c.Tx == before.Tx && c.MeasuredAt.After(begun) && c.Measured >= flows }
	again, err := p.until(ctx, i, pauseEnds, charges)
	if err != nil {
		return err
	}
	switch now := p.site.Connectors()[i]; {
	case again:
		p.abilities.Pause = controller.PauseZero
		p.find(checkPause, OK, fmt.Sprintf("0 A pauses the car at connector %d, and it went on %v after.", before.Number, time.Since(begun).Round(time.Second)), "")
	case now.Tx != before.Tx:
		p.find(checkPause, Open, fmt.Sprintf("the session at connector %d ended meanwhile.", before.Number), "Run this command again when a car charges.")
	case now.Setpoint < 6*loadbalance.Amp:
		p.find(checkPause, Open, fmt.Sprintf("the site had no current to give back to connector %d.", before.Number), "Run this command again when the site has current to spare.")
	default:
		p.abilities.Pause = controller.PauseMinimum
		p.find(checkPause, Missing, fmt.Sprintf("the car at connector %d did not go on within %v after a pause at 0 A.", before.Number, pauseEnds),
			"Plug it out and in, and run this command again with a car of another make: if that goes on, it was the car. Else update the charger's firmware, or give it a place where the fuses always have 6 A for it.")
	}
	return nil
}
