package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"busbar/controller/trial"
)

// benchTrialCmd looks for a scenario in which the box lets a breaker open.
type benchTrialCmd struct {
	Count   int    `default:"1000" help:"How many scenarios of ten minutes."`
	Seed    uint64 `default:"1" help:"Seed of the first; each has the next one."`
	Workers int    `default:"2" help:"How many run at the same time."`
	Keep    string `help:"Write what fails into this folder, made smaller."`
	Most    int    `default:"20" help:"How many failures are made smaller and kept."`
	Replay  string `help:"Run a file of --keep again, step by step; fails if it still fails."`
	JSON    bool   `name:"json" help:"Write the report as JSON."`
}

// Run fails if a breaker opened or a rule was broken.
func (c benchTrialCmd) Run(ctx context.Context, con console) error {
	if c.Replay != "" {
		return c.replay(con)
	}
	if c.Count < 1 || c.Workers < 1 {
		return badInput("cannot run less than one scenario, or with less than one worker", "")
	}
	r, err := trial.Run(ctx, trial.Config{Count: c.Count, Seed: c.Seed, Workers: c.Workers, Keep: c.Keep, Most: c.Most, Tell: func(r trial.Report) {
		fmt.Fprintf(con.Err, "%d of %d, %.0f s: %d opened, %d left out, rules broken %v, seeds %v\n", r.Count, c.Count, r.Seconds, r.Opened, r.LeftOut, r.Violations, r.Failed[:min(len(r.Failed), c.Most)])
	}})
	if errOut := c.write(con.Out, r); errOut != nil {
		return errOut
	}
	switch {
	case err != nil:
		return err
	case r.Opened > 0 || len(r.Violations) > 0:
		return fmt.Errorf("%d scenarios opened a breaker that the box could have kept closed, rules broken: %v", r.Opened, r.Violations)
	case r.LeftOut*20 > r.Count:
		return fmt.Errorf("%d of %d scenarios were left out, more than 5 %%", r.LeftOut, r.Count)
	}
	return nil
}

func (c benchTrialCmd) write(out io.Writer, r trial.Report) error {
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(r)
	}
	fmt.Fprintf(out, "%d scenarios, %.0f h simulated in %.0f s, %d setpoints, %.0f kWh\n", r.Count, r.Hours, r.Seconds, r.Setpoints, r.EnergyKWh)
	for _, v := range slices.Sorted(maps.Keys(r.Verdicts)) {
		fmt.Fprintf(out, "%8d  %s\n", r.Verdicts[v], v)
	}
	fmt.Fprintf(out, "worst thermal state where none opened: %.3f of opening (seed %d)\n", r.Theta, r.ThetaSeed)
	fmt.Fprint(out, "scenarios with a fault:")
	for _, k := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(out, " %s %d", k, r.Faults[k])
	}
	fmt.Fprintln(out)
	for _, f := range r.Failures {
		fmt.Fprintf(out, "seed %d: %s", f.Seed, f.Result.Verdict)
		if t := f.Result.Tripped; t != nil {
			fmt.Fprintf(out, ", %s %v at %.1f s", t.Circuit, t.Phase, t.At)
		}
		for _, v := range f.Result.Violations[:min(1, len(f.Result.Violations))] {
			fmt.Fprintf(out, ", %v", v)
		}
		fmt.Fprintf(out, " (%d chargers, %d faults, %d s) %s\n", len(f.Scenario.Chargers), len(f.Scenario.Faults), f.Scenario.Seconds, f.File)
	}
	return nil
}

func (c benchTrialCmd) replay(con console) error {
	sc, err := trial.Load(c.Replay)
	if err != nil {
		return badInput(err.Error(), "")
	}
	r, err := trial.Replay(sc, con.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.Out, "%s, worst thermal state %.3f of opening\n", r.Verdict, r.Theta)
	if r.Verdict.Failed() {
		return errors.New("the scenario still fails: " + string(r.Verdict))
	}
	return nil
}
