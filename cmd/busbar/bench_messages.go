package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"busbar/controller/msgbench"
	"busbar/ocpp/ocppload"
)

// benchMessagesCmd measures the message plane.
type benchMessagesCmd struct {
	Chargers int           `default:"200" help:"Simulated chargers, 2 to 2000."`
	For      time.Duration `default:"20s" help:"The sum of all measured intervals, 1s and more; setting up comes on top."`
	Rate     float64       `default:"5" help:"Messages per second and charger where the load is paced."`
	Mix      string        `default:"all" enum:"all,non-billing,billing" help:"What the chargers say: all, non-billing, billing."`
	Mode     string        `default:"all" enum:"all,paced,full" help:"How: paced, full (as fast as they are answered), all."`
	Data     string        `help:"Where the database is made and removed again; without it in the temporary folder. Its disk decides what billing costs."`
	Profile  string        `help:"Write profiles of the box's processor time into this folder, one per interval; the figures suffer."`
	JSON     bool          `name:"json" help:"Write a list of rows instead of a table."`
}

// Run measures; a bad figure is no failure, an answer that is missing is.
func (c benchMessagesCmd) Run(ctx context.Context, con console) error {
	if err := c.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.Data, "busbar-bench-")
	if err != nil {
		return fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	options := msgbench.Options{Chargers: c.Chargers, For: c.For, Rate: c.Rate, Profile: c.Profile, Tell: func(line string) { fmt.Fprintln(con.Err, line) }}
	for _, mix := range []ocppload.Mix{ocppload.NonBilling, ocppload.Billing} {
		if c.Mix == "all" || c.Mix == mix.String() {
			options.Mixes = append(options.Mixes, mix)
		}
	}
	options.Modes = slices.DeleteFunc([]msgbench.Mode{msgbench.Paced, msgbench.Full}, func(m msgbench.Mode) bool { return c.Mode != "all" && c.Mode != string(m) })
	options.Spawn = func(name, meter string) (*exec.Cmd, error) {
		return c.child(con, name, meter, filepath.Join(dir, name))
	}
	result, err := msgbench.Run(ctx, options)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(con.Out)
		enc.SetIndent("", "  ")
		err = enc.Encode(result.Rows)
	} else {
		err = result.WriteTable(con.Out)
	}
	if err != nil {
		return err
	}
	if result.Refused > 0 {
		return fmt.Errorf("%d messages were answered with an error", result.Refused)
	}
	return nil
}

// leastMeasured is the shortest time that gives figures at all.
const leastMeasured = time.Second

func (c benchMessagesCmd) check() error {
	switch {
	case c.Chargers < 2 || c.Chargers > 2000:
		return badInput(fmt.Sprintf("--chargers %d is out of range", c.Chargers), "Write 2 to 2000.")
	case c.For < leastMeasured:
		return badInput(fmt.Sprintf("--for %v is too short to measure anything", c.For), "Write a time such as 20s.")
	case !(c.Rate > 0 && c.Rate <= 1000):
		return badInput(fmt.Sprintf("--rate %g is out of range", c.Rate), "Write messages per second and charger, above 0 to 1000.")
	}
	return nil
}

// child is the command of this program in another role.
func (c benchMessagesCmd) child(con console, name, meter, dir string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	args := []string{"busbar", "bench", name}
	if name == msgbench.Box {
		args = append(args, "--chargers", strconv.Itoa(c.Chargers), "--meter", meter, "--data", dir)
	}
	return &exec.Cmd{Path: self, Args: args, Stderr: con.Err}, nil
}

// benchBoxCmd is the child that is measured.
type benchBoxCmd struct {
	Reaction bool   `help:"The site of bench reaction."`
	Chargers int    `required:"" help:"Chargers of the generated site."`
	Meter    string `required:"" help:"Address of the simulated meter."`
	Data     string `required:"" help:"Folder of the database."`
}

// Run serves until standard input ends.
func (c benchBoxCmd) Run(ctx context.Context, con console) error {
	log := slog.New(slog.NewTextHandler(con.Err, &slog.HandlerOptions{Level: slog.LevelError}))
	return msgbench.ServeBox(ctx, con.In, con.Out, msgbench.BoxOptions{DataDir: c.Data, Chargers: c.Chargers, Reaction: c.Reaction, Meter: c.Meter, Version: readBuild().Version, Logger: log})
}

// benchEchoCmd is the child it is compared with.
type benchEchoCmd struct{}

// Run serves until standard input ends.
func (benchEchoCmd) Run(ctx context.Context, con console) error {
	return msgbench.ServeEcho(ctx, con.In, con.Out)
}
