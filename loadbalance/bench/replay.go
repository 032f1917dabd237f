package bench

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Replay runs again what rows say and names each figure that is another one now or no
// longer there: runs are the same on every machine, so that a difference is a change of
// behaviour.
func Replay(rows []Row, in Inputs) ([]string, error) {
	type key struct {
		instance, policy, departures string
		seed                         int
	}
	want := map[key]map[string]float64{}
	var order []key
	for _, r := range rows {
		k := key{r.Instance, r.Policy, r.Departures, r.Seed}
		if want[k] == nil {
			want[k] = map[string]float64{}
			order = append(order, k)
		}
		want[k][r.Metric] = r.Value
	}
	var out []string
	for _, k := range order {
		got, err := again(k.instance, k.policy, k.departures, Inputs{ACN: in.ACN, Seed: k.seed})
		if err != nil {
			return nil, err
		}
		for _, r := range got.Rows() {
			before, ok := want[k][r.Metric]
			delete(want[k], r.Metric)
			if ok && math.Abs(r.Value-before) > 1e-9*max(1, math.Abs(before)) {
				out = append(out, fmt.Sprintf("%s %s, departures %s: %s was %v, is %v", k.instance, k.policy, k.departures, r.Metric, before, r.Value))
			}
		}
		for _, gone := range slices.Sorted(maps.Keys(want[k])) {
			out = append(out, fmt.Sprintf("%s %s, departures %s: %s is no longer there", k.instance, k.policy, k.departures, gone))
		}
	}
	return out, nil
}

// again runs one scenario with one policy.
func again(instance, policy, departures string, in Inputs) (Result, error) {
	scenarios, err := Select([]string{instance}, 0)
	if err != nil {
		return Result{}, err
	}
	policies, err := Choose([]string{policy})
	if err != nil {
		return Result{}, err
	}
	for _, p := range policies {
		if p.Departures() == departures {
			results, err := scenarios[0].Run(in, p)
			if err != nil {
				return Result{}, err
			}
			return results[0], nil
		}
	}
	return Result{}, fmt.Errorf("cannot run %s: no policy %q has departures %s", instance, policy, departures)
}
