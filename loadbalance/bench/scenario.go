package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy is what shares the current in a run.
type Policy struct {
	Name  string
	Known bool // departures and energies are told to it
	run   func(w *Workload) (Result, error)
}

// Departures is how the policy is told of departures, as results say it.
func (p Policy) Departures() string {
	if p.Known {
		return "known"
	}
	return "unknown"
}

func plain(name Plain, known bool) Policy {
	return Policy{Name: string(name), Known: known, run: func(w *Workload) (Result, error) { return RunPlain(w, name), nil }}
}

// Policies are the policies that share the current of sessions, plain ones first.
func Policies() []Policy {
	return []Policy{
		plain(FCFS, false), plain(Equal, false), plain(Rotation, false), plain(EDF, true), plain(LLF, true),
		{Name: "busbar", run: func(w *Workload) (Result, error) { return RunBusbar(w, Options{}) }},
		{Name: "planner", Known: true, run: func(w *Workload) (Result, error) { return RunPlanner(w), nil }},
		{Name: "laxity", Known: true, run: func(w *Workload) (Result, error) { return RunBusbar(w, Options{Known: true}) }},
		{Name: "busbar", Known: true, run: func(w *Workload) (Result, error) { return RunBusbar(w, Options{Known: true, Plan: true}) }},
	}
}

// Scenario is one entry of the table of load-balancing.md section 4.3 at one size.
type Scenario struct {
	Name                   string // "W1-25"
	Family                 string // "W1"
	About                  string
	RootAmps               float64
	BoundKWh, RollingLPKWh float64 // 0: none stored
	// Policies that make sense here; what each does with it is Run.
	Policies  []string
	endless   bool // cars want without end and never leave
	informed  bool // departures are known to all that plan
	generated bool // from a seed of which only 1 has a bound
	run       func(in Inputs, p Policy) ([]Result, error)
}

// Inputs is what scenarios are made from beside the generator.
type Inputs struct {
	ACN []ACNSession
	// Seed is another one than the named instances have, or the only one of scenarios
	// with several; 0: as they are.
	Seed int
}

// Has tells whether a policy makes sense here.
func (s Scenario) Has(p Policy) bool {
	if s.endless && p.Known || s.informed && !p.Known && p.Name == "busbar" {
		return false
	}
	return slices.Contains(s.Policies, p.Name)
}

// Run runs a policy. The first result is the whole; where a scenario has several
// seeds, one for each of them follows.
func (s Scenario) Run(in Inputs, p Policy) ([]Result, error) {
	if !s.Has(p) {
		return nil, fmt.Errorf("cannot run %s on %s: it knows %s", p.Name, s.Name, strings.Join(s.Policies, ", "))
	}
	results, err := s.run(in, p)
	if err != nil {
		return nil, fmt.Errorf("cannot run %s on %s: %w", p.Name, s.Name, err)
	}
	for i := range results {
		r := &results[i]
		r.Scenario, r.Family, r.RootAmps, r.BoundKWh = s.Name, s.Family, s.RootAmps, s.BoundKWh
		if s.generated && in.Seed > 1 {
			r.Seed, r.BoundKWh = in.Seed, 0
		}
		r.Policy = p.Name
	}
	return results, nil
}

// sessionPolicies are the names of Policies.
func sessionPolicies() []string {
	var out []string
	for _, p := range Policies() {
		if !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// Scenarios are all scenarios in order.
func Scenarios() []Scenario {
	var out []Scenario
	for _, kilowatts := range []float64{10, 30, 50, 70, 150} {
		out = append(out, garage(kilowatts))
	}
	for _, i := range Instances() {
		out = append(out, instance(i))
	}
	out = append(out, instance(roomy()))
	for _, b := range billedMonths() {
		out = append(out, b.scenario())
	}
	out = append(out, loop(10*time.Second), loop(time.Second))
	for _, chargers := range []int{50, 500} {
		for _, percent := range []float64{20, 40, 60} {
			out = append(out, step(chargers, percent, 1), step(chargers, percent, 3))
		}
	}
	out = append(out, dims(54), dims(300), storm(500), storm(5000))
	return append(out, faults()...)
}

// garage is W0: the published policies on the published network.
func garage(kilowatts float64) Scenario {
	return Scenario{Name: "W0-" + strconv.FormatFloat(kilowatts, 'f', -1, 64), Family: "W0", About: "the garage of Caltech behind its delta-wye transformer, kW",
		Policies: []string{string(FCFS), string(LLF), string(EDF), "rr", "busbar"}, informed: true,
		run: func(in Inputs, p Policy) ([]Result, error) {
			total := 0.
			for _, s := range in.ACN {
				total += s.KWh
			}
			policy := ACNPolicy(strings.ToUpper(p.Name))
			return []Result{{Policy: p.Name, Departures: p.Departures(), Sessions: len(in.ACN), RequestedKWh: total,
				DeliveredKWh: total * RunACN(in.ACN, ThreePhase, policy, kilowatts) / 100, EnergyOnly: true}}, nil
		}}
}

func instance(i Instance) Scenario {
	return Scenario{Name: i.Name, Family: i.Family(), About: string(i.Kind), RootAmps: i.RootAmps, BoundKWh: i.BoundKWh, RollingLPKWh: i.RollingLPKWh, Policies: sessionPolicies(),
		generated: i.Kind != acnMonth, run: func(in Inputs, p Policy) ([]Result, error) {
			w, err := i.Workload(in.ACN, max(1, in.Seed))
			if err != nil {
				return nil, err
			}
			return single(p.run(w))
		}}
}

// foreignFamily are the workloads read from files.
const foreignFamily = "files"

// Foreign is a scenario of a workload read from files; it has no bound.
func Foreign(w *Workload) Scenario {
	return Scenario{Name: w.Name, Family: foreignFamily, About: "from files", RootAmps: slices.Min(w.Nodes[w.root].Limit[:]), Policies: sessionPolicies(),
		run: func(_ Inputs, p Policy) ([]Result, error) { return single(p.run(w)) }}
}

func single(r Result, err error) ([]Result, error) { return []Result{r}, err }

// Select finds scenarios by name, by its beginning (W2, W2-24), or "all". The root limit picks one of a
// family; 0: all.
func Select(names []string, rootAmps float64) ([]Scenario, error) {
	var out []Scenario
	all := Scenarios()
	for _, name := range names {
		found := 0
		for _, s := range all {
			if (name == "all" || strings.HasPrefix(strings.ToLower(s.Name)+"-", strings.ToLower(name)+"-")) && (rootAmps == 0 || rootAmps == s.RootAmps) {
				found++
				if !slices.ContainsFunc(out, func(o Scenario) bool { return o.Name == s.Name }) {
					out = append(out, s)
				}
			}
		}
		if found == 0 {
			return nil, fmt.Errorf("cannot find a scenario %q with this root limit", name)
		}
	}
	return out, nil
}

// Choose finds policies by name, or "all"; rr is W0's only, uncontrolled T1's.
func Choose(names []string) ([]Policy, error) {
	known := append(Policies(), Policy{Name: "rr"}, Policy{Name: uncontrolledName})
	var out []Policy
	for _, name := range names {
		found := false
		for _, p := range known {
			if name == "all" || strings.EqualFold(name, p.Name) {
				found = true
				if !slices.ContainsFunc(out, func(o Policy) bool { return o.Name == p.Name && o.Known == p.Known }) {
					out = append(out, p)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("cannot find a policy %q", name)
		}
	}
	return out, nil
}
