package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"busbar/controller/config"
	"busbar/devices/catalog"
	"busbar/loadbalance"
)

type configCmd struct {
	Example configExampleCmd `cmd:"" help:"Print a commented site.yaml to begin with."`
	Check   configCheckCmd   `cmd:"" help:"Check a site.yaml: every problem at once with file, line, field, reason and remedy. Exit code 2 if there is one."`
	Schema  configSchemaCmd  `cmd:"" help:"Print the JSON Schema of site.yaml."`
}

type configExampleCmd struct{}

// Run prints the example.
func (configExampleCmd) Run(con console) error {
	_, err := con.Out.Write(config.Example())
	return err
}

type configSchemaCmd struct{}

// Run prints the schema.
func (configSchemaCmd) Run(con console) error {
	_, err := con.Out.Write(config.Schema())
	return err
}

type configCheckCmd struct {
	File string `arg:"" help:"The file to check; - reads standard input."`
	JSON bool   `name:"json" help:"Write the outcome as JSON to standard output."`
}

// checkOutcome is what config check --json writes.
type checkOutcome struct {
	File       string           `json:"file"`
	OK         bool             `json:"ok"`
	Problems   []config.Problem `json:"problems"`
	Site       string           `json:"site,omitempty"`
	Circuits   int              `json:"circuits"`
	Meters     int              `json:"meters"`
	Chargers   int              `json:"chargers"`
	Connectors int              `json:"connectors"`
	Stations   int              `json:"stations"`
	Sums       []checkSum       `json:"sums"`
}

// checkSum is the fail-safe rule at one circuit, in amperes on L1, L2, L3.
type checkSum struct {
	Circuit    string     `json:"circuit"`
	Connectors int        `json:"connectors"`
	FailsafeA  [3]float64 `json:"failsafe_a"`
	WorstBaseA [3]float64 `json:"worst_base_a"`
	LimitA     [3]float64 `json:"limit_a"`
}

// Run checks the file.
func (c configCheckCmd) Run(con console) error {
	cfg, err := readConfig(c.File, con.In)
	problems, bad := errors.AsType[config.Problems](err)
	if err != nil && !bad {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(con.Out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if jsonErr := encoder.Encode(outcome(shownName(c.File), cfg, problems)); jsonErr != nil {
			return fmt.Errorf("cannot write the outcome: %w", jsonErr)
		}
		return err
	}
	if err != nil {
		return err
	}
	return writeSummary(con.Out, shownName(c.File), cfg)
}

// readConfig reads and checks a configuration against what this program knows. name
// "-" is standard input. The error is a config.Problems, or says why nothing was read.
func readConfig(name string, stdin io.Reader) (*config.Config, error) {
	const most = 2 << 20 // more than Parse takes
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(io.LimitReader(stdin, most))
	} else {
		data, err = readFile(name, most)
	}
	if err != nil {
		return nil, badInput("cannot read the configuration: "+err.Error(), "Give the name of a site.yaml, or - for standard input.")
	}
	known, err := knownNames()
	if err != nil {
		return nil, err
	}
	return config.Parse(shownName(name), data, known)
}

// shownName is how messages call the file.
func shownName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// readFile reads at most that many bytes of a file.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// knownNames is what the packages of this program know by name.
func knownNames() (config.Known, error) {
	models, err := catalog.Models()
	if err != nil {
		return config.Known{}, err
	}
	var known config.Known
	for _, m := range models {
		known.MeterModels = append(known.MeterModels, m.ID)
		if m.PerPhase() {
			known.FuseMeters = append(known.FuseMeters, m.ID)
		}
	}
	return known, nil
}

func outcome(file string, cfg *config.Config, problems config.Problems) checkOutcome {
	out := checkOutcome{File: file, OK: cfg != nil, Problems: problems, Sums: []checkSum{}}
	if cfg == nil {
		return out
	}
	out.Problems = []config.Problem{}
	out.Site = cfg.Site.ID
	out.Circuits, out.Meters, out.Chargers, out.Stations = len(cfg.Circuits), len(cfg.Meters), len(cfg.Chargers), len(cfg.Upstream.Stations)
	for _, charger := range cfg.Chargers {
		out.Connectors += len(charger.Connectors)
	}
	for _, s := range cfg.FailsafeSums() {
		out.Sums = append(out.Sums, checkSum{Circuit: string(s.Node), Connectors: s.Connectors,
			FailsafeA: inAmps(s.Failsafe), WorstBaseA: inAmps(s.WorstBase), LimitA: inAmps(s.Limit)})
	}
	return out
}

func inAmps(p loadbalance.PerPhase) (out [3]float64) {
	for i, a := range p {
		out[i] = float64(a) / float64(loadbalance.Amp)
	}
	return out
}

func writeSummary(w io.Writer, file string, cfg *config.Config) error {
	sum := outcome(file, cfg, nil)
	fmt.Fprintf(w, "%s: good\n", file)
	fmt.Fprintf(w, "site %s: %s, %s, %s with %s\n", sum.Site, count(sum.Circuits, "circuit"), count(sum.Meters, "meter"),
		count(sum.Chargers, "charger"), count(sum.Connectors, "connector"))
	for _, s := range cfg.Upstream.Stations {
		fmt.Fprintf(w, "cloud: %s as %s (%s)\n", s.URL, s.ID, s.Protocol)
	}
	if sum.Stations == 0 {
		fmt.Fprintln(w, "cloud: none, the site works alone")
	}
	fmt.Fprintln(w, "if the box falls silent, amperes on L1 / L2 / L3:")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  circuit\tconnectors\tfail-safe\tworst base\tlimit")
	for _, s := range sum.Sums {
		fmt.Fprintf(table, "  %s\t%d\t%s\t%s\t%s\n", s.Circuit, s.Connectors, slashed(s.FailsafeA), slashed(s.WorstBaseA), slashed(s.LimitA))
	}
	return table.Flush()
}

func slashed(a [3]float64) string { return fmt.Sprintf("%g / %g / %g", a[0], a[1], a[2]) }

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
