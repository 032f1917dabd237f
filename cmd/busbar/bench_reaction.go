package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"busbar/controller/msgbench"
)

// benchReactionCmd measures the reaction to a load of the building.
type benchReactionCmd struct {
	Chargers int           `default:"50" help:"Simulated chargers with a car each, 3 to 500."`
	For      time.Duration `default:"5m" help:"How long the building goes up and down: two steps in about 100s, since the box raises only after a minute of calm."`
	Rate     float64       `default:"0.2" help:"Messages per second that each charger sends meanwhile, half of them samples."`
	Data     string        `help:"Where the database is made and removed again; without it in the temporary folder."`
	JSON     bool          `name:"json" help:"Write JSON instead of text."`
}

// Run measures; a bad figure is no failure.
func (c benchReactionCmd) Run(ctx context.Context, con console) error {
	switch {
	case c.Chargers < 3 || c.Chargers > 500:
		return badInput(fmt.Sprintf("--chargers %d is out of range", c.Chargers), "Write 3 to 500.")
	case c.For < leastMeasured:
		return badInput(fmt.Sprintf("--for %v is too short to measure anything", c.For), "Write a time such as 5m.")
	case !(c.Rate > 0 && c.Rate <= 1000):
		return badInput(fmt.Sprintf("--rate %g is out of range", c.Rate), "Write messages per second and charger, above 0 to 1000.")
	}
	dir, err := os.MkdirTemp(c.Data, "busbar-bench-")
	if err != nil {
		return fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	result, err := msgbench.RunReaction(ctx, msgbench.ReactionOptions{Chargers: c.Chargers, For: c.For, Rate: c.Rate,
		Tell: func(line string) { fmt.Fprintln(con.Err, line) },
		Spawn: func(meter string) (*exec.Cmd, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, fmt.Errorf("cannot find this program: %w", err)
			}
			return &exec.Cmd{Path: self, Stderr: con.Err, Args: []string{"busbar", "bench", msgbench.Box, "--reaction",
				"--chargers", strconv.Itoa(c.Chargers), "--meter", meter, "--data", dir}}, nil
		}})
	if err != nil {
		return err
	}
	return result.Write(con.Out, c.JSON)
}
