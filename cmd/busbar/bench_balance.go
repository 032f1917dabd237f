package main

import (
	"bytes"
	"encoding/json"
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
	Scenario []string `default:"W1" help:"Scenarios by name or family, such as W1, W1-25 or W2-24-30, or all."`
	RootA    float64  `name:"root-a" help:"Only scenarios with this root limit in A; 0 is all."`
	Policy   []string `default:"all" help:"Policies: busbar, fcfs, equal, rotation, edf, llf, or all."`
	PerSeed  bool     `help:"Add a result for each seed."`
	Workload string   `help:"Instead of a scenario: a folder with sessions.csv, topology.json and perhaps base_1s.csv."`
	SVG      string   `name:"svg" help:"Write one chart for each scenario into this folder."`
	Report   string   `help:"Write a document in Markdown into this file, beside what is printed."`
	JSON     bool     `name:"json" help:"Write a list of rows instead of a table."`
}

// Run measures; a bad figure is no failure.
func (c benchBalanceCmd) Run(con console) error {
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
			fmt.Fprintf(con.Err, "%s %s, departures %s\n", s.Name, p.Name, p.Departures())
			runs, err := s.Run(bench.Inputs{ACN: acn}, p)
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
		if err := bench.WriteReport(&b, results); err != nil {
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
	if c.Workload == "" {
		return bench.Select(c.Scenario, c.RootA)
	}
	w, err := bench.ReadWorkload(strings.TrimRight(c.Workload, "/"), os.DirFS(c.Workload))
	if err != nil {
		return nil, err
	}
	return []bench.Scenario{bench.Foreign(w)}, nil
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
