package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"busbar/loadbalance/bench"
)

// benchBalanceCmd measures load management.
type benchBalanceCmd struct {
	Scenario []string `default:"W1" help:"Scenarios by name or its beginning, such as W1, W1-25 or W2-24, or all."`
	RootA    float64  `name:"root-a" help:"Only scenarios with this root limit in A; 0 is all."`
	Policy   []string `default:"all" help:"Policies: busbar, fcfs, equal, rotation, edf, llf, rr (W0), uncontrolled (T1), or all."`
	PerSeed  bool     `help:"Add a result for each seed."`
	Workload string   `help:"Instead of a scenario: a folder with sessions.csv, topology.json and perhaps base_1s.csv and events.json."`
	Sessions string   `help:"Instead of --workload: a CSV of sessions; --topology belongs to it."`
	Topology string   `help:"With --sessions: the tree as JSON."`
	Base     string   `help:"With --sessions: the base load, a CSV with one row a second."`
	Events   string   `help:"With --sessions or --workload: faults and limits as JSON."`
	Seed     int      `help:"Another seed: of a generated workload, which then has no bound, or the only one of L1 and after."`
	Replay   string   `help:"Decide a recorded incident again (DIR/incidents of a box), or run again what a file written with --json holds; fails if something differs."`
	SVG      string   `name:"svg" help:"Write one chart for each scenario into this folder."`
	Report   string   `help:"Write a document in Markdown into this file, beside what is printed."`
	JSON     bool     `name:"json" help:"Write a list of rows instead of a table."`
}

// Run measures; a bad figure is no failure.
func (c benchBalanceCmd) Run(ctx context.Context, con console) error {
	if c.Replay != "" {
		if isRecording(c.Replay) {
			return replayIncident(con, c.Replay, c.JSON)
		}
		return c.replay(con)
	}
	scenarios, err := c.scenarios()
	if err != nil {
		return badInput(err.Error(), "")
	}
	policies, err := bench.Choose(c.Policy)
	if err != nil {
		return badInput(err.Error(), "See --help for those known.")
	}
	acn, err := bench.PublicACN()
	if err != nil {
		return err
	}
	var results []bench.Result
	for _, s := range scenarios {
		for _, p := range policies {
			if !s.Has(p) {
				continue
			}
			if err := ctx.Err(); err != nil { // a run takes seconds, all of them minutes
				return fmt.Errorf("stopped before %s %s: %w", s.Name, p.Name, err)
			}
			fmt.Fprintf(con.Err, "%s %s, departures %s\n", s.Name, p.Name, p.Departures())
			runs, err := s.Run(bench.Inputs{ACN: acn, Seed: c.Seed}, p)
			if err != nil {
				return err
			}
			if !c.PerSeed {
				runs = runs[:1]
			}
			results = append(results, runs...)
		}
	}
	if err := c.draw(scenarios, results); err != nil {
		return err
	}
	if c.Report != "" {
		var b bytes.Buffer
		if err := bench.WriteReport(&b, results, "busbar bench balance --scenario "+strings.Join(c.Scenario, ",")+" --report "+c.Report); err != nil {
			return err
		}
		if err := os.WriteFile(c.Report, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	return c.write(con.Out, results)
}

// draw writes a chart for each scenario.
func (c benchBalanceCmd) draw(scenarios []bench.Scenario, results []bench.Result) error {
	if c.SVG == "" {
		return nil
	}
	if err := os.MkdirAll(c.SVG, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of the charts: %w", err)
	}
	for _, s := range scenarios {
		of := slices.DeleteFunc(slices.Clone(results), func(r bench.Result) bool { return r.Scenario != s.Name || r.Seed != 0 })
		if len(of) == 0 {
			continue
		}
		var b bytes.Buffer
		if err := bench.WriteSVG(&b, of); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.SVG, filepath.Base(s.Name)+".svg"), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write a chart: %w", err)
		}
	}
	return nil
}

func (c benchBalanceCmd) scenarios() ([]bench.Scenario, error) {
	if c.Workload == "" && c.Sessions == "" && c.Topology == "" {
		return bench.Select(c.Scenario, c.RootA)
	}
	w, err := c.foreign()
	if err != nil {
		return nil, err
	}
	return []bench.Scenario{bench.Foreign(w)}, nil
}

// foreign reads a workload from the folder or the files given.
func (c benchBalanceCmd) foreign() (*bench.Workload, error) {
	var w *bench.Workload
	var err error
	events := c.Events
	if c.Workload != "" {
		w, err = bench.ReadWorkload(filepath.Base(c.Workload), os.DirFS(c.Workload))
		if file := filepath.Join(c.Workload, "events.json"); events == "" {
			if _, missing := os.Stat(file); missing == nil {
				events = file
			}
		}
	} else {
		w, err = c.readParts()
	}
	if err != nil || events == "" {
		return w, err
	}
	f, err := os.Open(events)
	if err != nil {
		return nil, fmt.Errorf("cannot open the events: %w", err)
	}
	defer func() { _ = f.Close() }()
	return w, w.ReadEvents(f)
}

func (c benchBalanceCmd) readParts() (*bench.Workload, error) {
	if c.Sessions == "" || c.Topology == "" {
		return nil, errors.New("--sessions and --topology belong together")
	}
	topology, err := os.Open(c.Topology)
	if err != nil {
		return nil, fmt.Errorf("cannot open the tree: %w", err)
	}
	defer func() { _ = topology.Close() }()
	sessions, err := os.Open(c.Sessions)
	if err != nil {
		return nil, fmt.Errorf("cannot open the sessions: %w", err)
	}
	defer func() { _ = sessions.Close() }()
	if c.Base == "" {
		return bench.ReadParts(filepath.Base(c.Sessions), topology, sessions, nil)
	}
	base, err := os.Open(c.Base)
	if err != nil {
		return nil, fmt.Errorf("cannot open the base load: %w", err)
	}
	defer func() { _ = base.Close() }()
	return bench.ReadParts(filepath.Base(c.Sessions), topology, sessions, base)
}

// replayable says what can be replayed.
const replayable = "Recordings of a box are in DIR/incidents; results are written with --json."

// replay runs again what a file of rows holds and names every figure that differs.
func (c benchBalanceCmd) replay(con console) error {
	text, err := os.ReadFile(c.Replay)
	if err != nil {
		return badInput(fmt.Sprintf("cannot replay: %v", err), replayable)
	}
	var rows []bench.Row
	if err := json.Unmarshal(text, &rows); err != nil {
		return badInput(fmt.Sprintf("cannot replay %s: %v", c.Replay, err), replayable)
	}
	acn, err := bench.PublicACN()
	if err != nil {
		return err
	}
	different, err := bench.Replay(rows, bench.Inputs{ACN: acn})
	if err != nil {
		return err
	}
	for _, d := range different {
		fmt.Fprintln(con.Out, d)
	}
	if len(different) > 0 {
		return fmt.Errorf("%d of %d figures differ", len(different), len(rows))
	}
	fmt.Fprintf(con.Out, "%d figures are the same\n", len(rows))
	return nil
}

func (c benchBalanceCmd) write(out io.Writer, results []bench.Result) error {
	if !c.JSON {
		if err := bench.WriteTable(out, results); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "\n%s\n", bench.Notes())
		return err
	}
	rows := []bench.Row{}
	for i := range results {
		rows = append(rows, results[i].Rows()...)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(rows)
}
