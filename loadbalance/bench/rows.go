package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row is one metric of one run, as the command writes it in JSON.
type Row struct {
	Scenario   string   `json:"scenario"` // family where the root limit tells the rest
	Instance   string   `json:"instance"`
	RootA      float64  `json:"root_a"`
	Policy     string   `json:"policy"`
	Departures string   `json:"departures"`
	Seed       int      `json:"seed"` // 0: over all seeds
	Metric     string   `json:"metric"`
	Value      float64  `json:"value"`
	Bound      *float64 `json:"bound"` // kWh, the most that any controller delivers; null: none stored
}

// Rows are the metrics of a result (load-balancing.md section 4.2). Energies are kWh,
// Q1 and Q3 shares, Q2 percent (p5 a share), Q4 minutes, C1 per charger-hour.
func (r *Result) Rows() []Row {
	row := Row{Scenario: r.Scenario, Instance: r.Scenario, RootA: r.RootAmps, Policy: r.Policy, Departures: r.Departures, Seed: r.Seed}
	if r.Family == "W1" || r.Family == "L1" {
		row.Scenario = r.Family
	}
	var out []Row
	add := func(metric string, value float64) {
		row.Metric, row.Value = metric, value
		out = append(out, row)
	}
	for _, m := range r.Metrics {
		add(m.ID, m.Value)
	}
	if len(r.Metrics) > 0 {
		return out
	}
	if r.BoundKWh > 0 {
		row.Bound = new(r.BoundKWh)
		add("Q1", r.Q1())
	}
	if r.RequestedKWh > 0 {
		add("Q2.requested_kwh", r.RequestedKWh)
		add("Q2.delivered_kwh", r.DeliveredKWh)
		add("Q2.delivered", r.Percent())
	}
	if r.EnergyOnly {
		return out
	}
	add("Q2.full", r.FullPercent)
	add("Q2.p5", r.P5)
	add("Q3", r.Jain)
	add("Q4", r.StarveMinutes)
	add("Q4.beyond_bound", float64(r.BeyondBound))
	add("C1.changes", r.Changes)
	add("C1.pauses", r.Pauses)
	if r.WritesWorst > 0 {
		add("C1.writes_per_charger_day", r.Writes)
		add("C1.writes_worst_day", r.WritesWorst)
		add("C1.writes_over_budget", float64(r.WritesOver))
	}
	add("P1.over_s", r.OverSeconds)
	add("P1.longest_s", r.OverLongest)
	add("P1.excess_a", r.WorstExcess)
	return out
}

// label names the policy of a result in tables.
func (r *Result) label() string {
	if r.Policy == "busbar" && r.Departures == "known" {
		return "busbar, departures known"
	}
	return r.Policy
}

// WriteTable writes results as tables: one line each where sessions were counted, one
// line for each metric where not.
func WriteTable(w io.Writer, results []Result) error {
	counted := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return len(r.Metrics) > 0 })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(counted) > 0 {
		fmt.Fprintln(t, "scenario\tpolicy\tkWh\t% of wanted\tof bound\tfull %\tp5\tJain\tstarved min\tover bound\tchanges/h\tpauses/h\tover s\t")
	}
	for i := range counted {
		counted[i].line(t)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		for _, m := range r.Metrics {
			fmt.Fprintf(t, "%s\t%s\tseed %d\t%s\t%.3f\n", r.Scenario, r.Policy, r.Seed, m.ID, m.Value)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	return nil
}

func (r *Result) line(w io.Writer) {
	if r.EnergyOnly {
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.2f\t-\t\t\t\t\t\t\t\t\t\n", r.Scenario, r.label(), r.DeliveredKWh, r.Percent())
		return
	}
	bound := "-"
	if r.BoundKWh > 0 {
		bound = fmt.Sprintf("%.3f", r.Q1())
	}
	fmt.Fprintf(w, "%s\t%s\t%.0f\t%.1f\t%s\t%.1f\t%.2f\t%.3f\t%.0f\t%d\t%.2f\t%.2f\t%.0f\t\n", r.Scenario, r.label(), r.DeliveredKWh, r.Percent(), bound, r.FullPercent, r.P5, r.Jain,
		r.StarveMinutes, r.BeyondBound, r.Changes, r.Pauses, r.OverSeconds)
}

// Notes are what a reader must know of the figures.
func Notes() string {
	return strings.TrimSpace(`
of bound: kWh / most that perfect foresight delivers with continuous current, no minimum and no latency.
starved: longest wait at 0 A while energy is wanted; over bound: sessions that waited longer than a rotation of 15 min turns would let them, and 5 min.
Plain policies (fcfs, equal, rotation, edf, llf): every 5 min, whole amperes, base load known in advance, true energies and departures.
busbar: the Balancer every second of virtual time (10 s without base load), ideal meters and cars, no latency, base load seen only by the meter.
ACN sessions: Lee, Li, Low, ACN-Data, ACM e-Energy 2019; (c) 2019 California Institute of Technology, BSD-3-Clause.`)
}
