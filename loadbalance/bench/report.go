package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteReport writes the results as a document in Markdown: ours beside the published
// ones, and how to get them again: by the command given.
func WriteReport(w io.Writer, results []Result, command string) error {
	d := &document{results: results}
	d.line("# Load management, measured")
	d.line("")
	d.line("Every figure comes from a seeded run in virtual time and is the same on every machine. This document is written by")
	d.line("")
	d.line("    " + command)
	d.line("")
	d.line("`--scenario NAME` runs one of them (`all` every named instance), `--json` gives all metrics, `--svg DIR` charts, `--replay FILE`")
	d.line("runs again what `--json` wrote.")
	d.line("")
	d.garage()
	d.sessions()
	d.waiting()
	d.billed()
	d.loops()
	d.line("## What to know of the figures")
	d.line("")
	for note := range strings.SplitSeq(Notes(), "\n") {
		d.line("- " + note)
	}
	if _, err := io.WriteString(w, d.b.String()); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

type document struct {
	b       strings.Builder
	results []Result
}

func (d *document) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	d.b.WriteString(format + "\n")
}

// section begins a section over the scenarios named, if there are any, and returns them.
func (d *document) section(names []string, title, text string) []string {
	if len(names) > 0 {
		d.line("## " + title)
		d.line("%s", text)
		d.line("")
	}
	return names
}

// find is the result of a policy on a scenario.
func (d *document) find(scenario, policy, departures string) (Result, bool) {
	i := slices.IndexFunc(d.results, func(r Result) bool {
		return r.Scenario == scenario && r.Policy == policy && r.Seed == 0 && (departures == "" || r.Departures == departures)
	})
	if i < 0 {
		return Result{}, false
	}
	return d.results[i], true
}

// names are the scenarios of families, in order.
func (d *document) names(families ...string) []string {
	var out []string
	for _, r := range d.results {
		if slices.Contains(families, r.Family) && !slices.Contains(out, r.Scenario) {
			out = append(out, r.Scenario)
		}
	}
	return out
}

// garage is W0 beside the published table.
func (d *document) garage() {
	names := d.section(d.names("W0"), "W0: the harness against published results", `
Percent of the energy demanded, ACN sessions of March 2019 on the published delta network; continuous current. Published
(acnportal-experiments, notebook 2.1): 10 kW, minima of its table. It also gives 51.4 to 51.7 for model predictive control and
52.0 to 52.1 for the offline optimum at 10 kW, and a figure with about 92 at 30 kW; a linear programme bounds both at 52.3 and 93.3.
busbar is the planner every 5 minutes, departures known as to the published control. The table's other column, a single-phase model (FCFS 54.74, LLF 58.56, EDF 57.63, RR 55.08),
is met less well: one sum of currents gives 55.43, 58.81, 58.49 and 55.26, which is 0.2 to 0.9 points too much.`)
	if len(names) == 0 {
		return
	}
	d.line("| transformer kW | FCFS | LLF | EDF | RR | **busbar** |")
	d.line("|---|---|---|---|---|---|")
	d.line("| 10, published | 34.65 | 36.82 | 36.94 | 43.85 | - |")
	for _, name := range names {
		cells := []string{strings.TrimPrefix(name, "W0-") + ", here"}
		for _, policy := range []string{"fcfs", "llf", "edf", "rr", "busbar"} {
			r, ok := d.find(name, policy, "")
			cells = append(cells, cell(ok, "%.2f", r.Percent()))
		}
		d.row(cells)
	}
	d.line("")
}

func cell(ok bool, format string, value float64) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf(format, value)
}

func (d *document) row(cells []string) { d.line("| %s |", strings.Join(cells, " | ")) }

// column is one policy of the tables.
type column struct{ title, policy, departures string }

func shownPolicies() []column {
	return []column{{"fcfs", "fcfs", ""}, {"equal", "equal", ""}, {"rotation", "rotation", ""}, {"edf", "edf", ""}, {"llf", "llf", ""},
		{"**busbar**, departures unknown", "busbar", "unknown"}, {"Balancer by laxity", "laxity", ""}, {"**busbar**, known", "busbar", "known"}, {"planner alone", "planner", ""}}
}

// sessions are W1 to W5: delivered over bound.
func (d *document) sessions() {
	names := d.section(d.names("W1", "W2", "W3", "W4", "W5"), "W1 to W5: energy delivered over the best possible (Q1)", `
W1: the ACN month on a European tree, root limit in A. W2 workplace, W3 public, W4 apartments, W5 depot: connectors, root limit
in percent of the need. The rolling LP was solved with HiGHS every 5 minutes over the cars present, true departures and base load.`)
	if len(names) == 0 {
		return
	}
	header, rule := []string{"instance", "bound kWh"}, []string{"---", "---"}
	for _, c := range shownPolicies() {
		header, rule = append(header, c.title), append(rule, "---")
	}
	d.row(append(header, "rolling LP"))
	d.row(append(rule, "---"))
	for _, name := range names {
		var cells []string
		for _, c := range shownPolicies() {
			r, ok := d.find(name, c.policy, c.departures)
			if ok && cells == nil {
				cells = []string{name, fmt.Sprintf("%.0f", r.BoundKWh)}
			}
			if cells != nil {
				cells = append(cells, cell(ok, "%.3f", r.Q1()))
			}
		}
		lp := "-"
		for _, i := range Instances() {
			if i.Name == name && i.RollingLPKWh > 0 {
				lp = fmt.Sprintf("%.3f", i.RollingLPKWh/i.BoundKWh)
			}
		}
		d.row(append(cells, lp))
	}
	d.line("")
}

// waiting is fairness, starvation and churn of some instances.
func (d *document) waiting() {
	names := slices.DeleteFunc(d.names("W1", "W2", "W3", "W4", "W5", "C1"), func(n string) bool {
		return !slices.Contains([]string{"C1-room", "W1-16", "W1-25", "W1-32", "W1-40", "W1-63", "W2-24-50", "W3-96-50", "W4-24-40", "W5-24-40", "W5-24-50", "W5-24-70", "W5-96-50"}, n)
	})
	names = append(names, d.names(foreignFamily)...)
	if len(names) == 0 {
		return
	}
	d.line("## Who gets it, who waits, what it costs (Q2 to Q4, C1)")
	d.line("")
	d.line("Writes are the profiles that a charger is sent on a day on which a car is plugged in, renewals of leases included: mean, and the")
	d.line("worst day of a charger. Fuses that would carry whatever can follow need one renewal in ten minutes, others one in 40 s or more often: C1-room")
	d.line("is a workplace with room for all. A charger's memory is budgeted for %d a day. W5 is to be judged by sessions served and Jain.", writeBudget)
	d.line("")
	header := []string{"instance", "policy", "% of wanted", "fully served %", "5th percentile", "Jain", "longest wait min", "waits beyond a rotation", "changes per charger-hour", "pauses", "s over a limit", "writes a day", "worst"}
	d.row(header)
	d.row(slices.Repeat([]string{"---"}, len(header)))
	for _, name := range names {
		for _, c := range shownPolicies() {
			if r, ok := d.find(name, c.policy, c.departures); ok {
				d.line("| %s | %s | %.1f | %.1f | %.2f | %.3f | %.0f | %d | %.2f | %.2f | %.0f | %s | %s |", name, c.title, r.Percent(), r.FullPercent, r.P5, r.Jain, r.StarveMinutes, r.BeyondBound, r.Changes, r.Pauses, r.OverSeconds,
					cell(r.WritesWorst > 0, "%.0f", r.Writes), cell(r.WritesWorst > 0, "%.0f", r.WritesWorst))
			}
		}
	}
	d.line("")
}

// loops are the scenarios without sessions: L1 beside other rules, and what follows.
func (d *document) loops() {
	names := slices.DeleteFunc(d.names("L1", "L2", "D1", "S1", "F1", "F2", "F3", "F4", "F5", "F6"), func(n string) bool {
		r, _ := d.find(n, "busbar", "")
		return len(r.Metrics) == 0
	})
	if len(names) == 0 {
		return
	}
	d.loopTable()
	d.line("## Steps and faults")
	d.line("")
	d.line("Cars follow after a dead time of 1 to 6 s with 1 to 4 A/s up and 4 to 16 A/s down; worst of 3 seeds. 9999: not seen.")
	d.line("")
	d.line("| scenario | what | figures |")
	d.line("|---|---|---|")
	about := map[string]string{}
	for _, s := range Scenarios() {
		about[s.Name] = s.About
	}
	for _, name := range names {
		r, _ := d.find(name, "busbar", "")
		if r.Family == "L1" {
			continue
		}
		var figures []string
		for _, m := range r.Metrics {
			if !strings.HasPrefix(m.ID, "C1") && m.ID != "P3" && m.ID != "P1.over113_s" && m.ID != "P2.theta" {
				figures = append(figures, fmt.Sprintf("%s %.4g", m.ID, m.Value))
			}
		}
		d.line("| %s | %s | %s |", name, about[name], strings.Join(figures, ", "))
	}
	d.line("")
}

// loopTable is L1 beside other products' rules, as emulated by load-balancing.md 4.7.
func (d *document) loopTable() {
	d.line("## L1: the loop")
	d.line("")
	d.line("24 chargers, 125 A, saturated demand, a noisy office base, 4 h, worst (use, changes, pauses: mean) of 8 seeds. Cars follow late, ramp,")
	d.line("and stay up to 1.2 A below their offer, some far below; what they leave unused may be given to others. The lines of other rules are")
	d.line("emulations on an earlier plant with ideal metering of cars: they show the trade-off, not products.")
	d.line("")
	d.line("| rule | headroom use | s over In | longest s | J s | theta/trip MCB | changes / pauses per charger-hour |")
	d.line("|---|---|---|---|---|---|---|")
	for _, name := range d.names("L1") {
		r, _ := d.find(name, "busbar", "")
		m := r.metric
		d.line("| **busbar**, chargers metered every %s | %.3f | %.0f | %.0f | %.1f | %.2f | %.0f / %.1f |", strings.TrimPrefix(name, "L1-"), m("P3"), m("P1.over_s"), m("P1.longest_s"), m("P2.J_s"), m("P2.theta"), m("C1.changes"), m("C1.pauses"))
	}
	for _, other := range []string{
		"30 s, one charger per tick (evcc type) | .877 | 6118 | 625 | 604 | 1.33 trip | 1.8 / .5", "15 s check, 300 s hold (cloud type) | .898 | 5593 | 468 | 219 | 1.16 trip | 3.6 / .7",
		"10 s full recompute (openWB type) | .898 | 1193 | 25 | 7.1 | .80 | 64 / 5.9", "10 s filtered (WARP type) | .916 | 3967 | 75 | 13.2 | .85 | 62 / 2.4",
		"5 s filtered | .862 | 4069 | 47 | 9.9 | .81 | 99 / 3.5", "2 s integral (SmartEVSE type) | .877 | 2833 | 17 | 4.7 | .79 | 216 / 16"} {
		d.line("| %s |", other)
	}
	d.line("")
}
