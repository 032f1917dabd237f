package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
)

// strange makes the files of a site such as the generator never makes: five levels, every
// node before its parent, each phase of a fuse with a limit of its own, boards that bind,
// cars on any phases with minima of 6 to 10 A, some that can't be served, a base load
// that at times leaves nothing.
func strange(r *rand.Rand) fstest.MapFS {
	type node struct {
		ID     string     `json:"id"`
		Parent *string    `json:"parent"`
		Limit  [3]float64 `json:"limit_a"`
		Fuse   string     `json:"fuse"`
	}
	type connector struct {
		ID   string  `json:"id"`
		Node string  `json:"node"`
		Imax float64 `json:"imax_a"`
	}
	var tree struct {
		Nodes      []node      `json:"nodes"`
		Connectors []connector `json:"connectors"`
	}
	fuse := func(about float64) (out [3]float64) {
		for p := range out {
			out[p] = about + float64(r.IntN(11)) - 5
		}
		return out
	}
	var grow func(id string, parent *string, depth int)
	grow = func(id string, parent *string, depth int) {
		for k := range 2 {
			child := fmt.Sprintf("%s.%d", id, k)
			if depth < 4 {
				grow(child, &id, depth+1)
				continue
			}
			tree.Connectors = append(tree.Connectors, connector{child, id, []float64{16, 32}[r.IntN(2)]})
		}
		tree.Nodes = append(tree.Nodes, node{id, parent, fuse([]float64{60, 36, 28, 22, 18}[depth]), []string{"gG", "MCB-C"}[r.IntN(2)]})
	}
	grow("n", nil, 0)
	topology, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	var sessions, base strings.Builder
	sessions.WriteString("id,connector,arrive_s,depart_s,energy_kwh,grid_phases,imax_a,min_a,priority\n")
	for i, c := range tree.Connectors {
		for at := r.IntN(20000); at < 80000; at += r.IntN(9000) {
			stay := 900 + r.IntN(30000)
			fmt.Fprintf(&sessions, "%d-%d,%s,%d,%d,%.2f,%s,%g,%d,%d\n", i, at, c.ID, at, at+stay, r.Float64()*25,
				[]string{"L1", "L2", "L3", "L3L1", "L1L2L3", "L2L3L1"}[r.IntN(6)], min(c.Imax, []float64{5, 13, 16, 20, 32, 32}[r.IntN(6)]), 6+r.IntN(5), r.IntN(3))
			at += stay
		}
	}
	base.WriteString("t_s,L1_a,L2_a,L3_a\n")
	load := [3]float64{20, 8, 14}
	for s := range 86400 {
		if p := r.IntN(3); s%60 == 0 {
			load[p] = min(max(0, load[p]+float64(r.IntN(21)-10)), 66)
		}
		fmt.Fprintf(&base, "%d,%.1f,%.1f,%.1f\n", s, load[0], load[1], load[2])
	}
	return fstest.MapFS{topologyFile: {Data: topology}, sessionsFile: {Data: []byte(sessions.String())}, baseFile: {Data: []byte(base.String())}}
}

// most is an amount that nobody can exceed, kWh: in each slot, what the cars there could
// take, cut at every fuse on the way up.
func (w *Workload) most() float64 {
	end := 0
	for i := range w.Sessions {
		end = max(end, w.Sessions[i].Depart)
	}
	g := newGrid(w)
	sum := 0.
	for t := range (end + SlotSeconds - 1) / SlotSeconds {
		g.open(t)
		own := make([][3]float64, len(w.Nodes))
		for i := range w.Sessions {
			x := &w.Sessions[i]
			present := float64(min(x.Depart, (t+1)*SlotSeconds)-max(x.Arrive, t*SlotSeconds)) / SlotSeconds
			for p := range 3 {
				if present > 0 && x.Phases&(1<<p) != 0 {
					own[w.Connectors[x.Connector].Node][p] += present * x.Imax
				}
			}
		}
		for _, a := range w.through(own, g.room, w.root) {
			sum += a * kilovolt * SlotSeconds / 3600
		}
	}
	return min(sum, w.Requested())
}

func (w *Workload) through(own, room [][3]float64, v int) [3]float64 {
	out := own[v]
	for i, n := range w.Nodes {
		if n.Parent == v {
			for p, a := range w.through(own, room, i) {
				out[p] += a
			}
		}
	}
	for p := range out {
		out[p] = min(out[p], max(0, room[v][p]))
	}
	return out
}

// On sites it has never seen every policy stays within what is possible. The Balancer sees
// the building, which rises by up to 10 A at once, only when it has risen, each 5 seconds:
// cars keep no fuse above its limit for more than two passes. With -short it is one site.
func TestStrangeSitesAreBalanced(t *testing.T) {
	sites := uint64(3)
	if testing.Short() {
		sites = 1
	}
	for seed := range sites {
		w, err := ReadWorkload(fmt.Sprintf("strange-%d", seed), strange(rand.New(rand.NewPCG(seed, 1))))
		if err != nil {
			t.Fatal(err)
		}
		most := w.most()
		best := 0.
		for _, p := range Policies() {
			if testing.Short() && !(p.Name == "busbar" && p.Known) {
				continue
			}
			results, err := Foreign(w).Run(Inputs{}, p)
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			t.Logf("%s %s %s: %d sessions, %.1f of at most %.1f kWh (%.3f), Jain %.3f, %.0f s over a limit, worst %.1f A", w.Name, p.Name, p.Departures(), r.Sessions, r.DeliveredKWh, most, r.DeliveredKWh/most, r.Jain, r.OverSeconds, r.WorstExcess)
			if r.DeliveredKWh > most*(1+1e-9) {
				t.Errorf("%s, %s: %.2f kWh delivered, %.2f are possible", w.Name, p.Name, r.DeliveredKWh, most)
			}
			if r.OverLongest > 10 {
				t.Errorf("%s, %s: cars keep a fuse above its limit for %.0f s, by up to %.1f A", w.Name, p.Name, r.OverLongest, r.WorstExcess)
			}
			best = max(best, r.DeliveredKWh)
		}
		if best < .6*most {
			t.Errorf("%s: nobody delivers more than %.1f of %.1f kWh", w.Name, best, most)
		}
	}
}
