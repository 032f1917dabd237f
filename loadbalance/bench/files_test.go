package bench

import (
	"strings"
	"testing"
	"testing/fstest"

	"busbar/loadbalance"
)

// A foreign workload: parents after their children, uneven phases, a car that takes
// less than its minimum, optional columns missing.
func foreign() fstest.MapFS {
	return fstest.MapFS{
		topologyFile: {Data: []byte(`{"nodes": [
 {"id": "strip", "parent": "hall", "limit_a": 20},
 {"id": "hall", "parent": "grid", "limit_a": [32, 16, 32]},
 {"id": "grid", "parent": null, "limit_a": [40, 25, 40], "meter": true, "fuse": "gG"}],
"connectors": [{"id": "x", "node": "strip"}, {"id": "y", "node": "grid", "imax_a": 32}]}`)},
		sessionsFile: {Data: []byte("connector,arrive_s,depart_s,energy_kwh,grid_phases,imax_a,min_a,ev_cap_a\nx,100,4000,5,L3L1,16,,\ny,0,7200.0,3.5,L2,32,8,6.5\n")},
		baseFile:     {Data: []byte("t_s,L1_a,L2_a,L3_a\n0,10,2.5,0\n1,50,0,0\n")},
	}
}

func TestForeignWorkloadsAreRead(t *testing.T) {
	w, err := ReadWorkload("foreign", foreign())
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Nodes) != 3 || w.Nodes[w.root].ID != "grid" || len(w.paths[0]) != 3 || w.Nodes[w.root].Breaker != loadbalance.BreakerGG {
		t.Errorf("tree %+v, root %d, paths %v", w.Nodes, w.root, w.paths)
	}
	s := w.Sessions[1]
	if s.Min != 8 || s.EVCap != 6.5 || s.Depart != 7200 || s.Phases != loadbalance.Phases(loadbalance.L2) {
		t.Errorf("second session %+v", s)
	}
	if w.Sessions[0].Phases != loadbalance.Phases(loadbalance.L1, loadbalance.L3) || w.Sessions[0].Min != 6 || w.Sessions[0].EVCap != 16 {
		t.Errorf("first session %+v", w.Sessions[0])
	}
	if w.Sessions[0].Car != (CarModel{}) { // so that FollowingCars makes one up
		t.Errorf("a car of which the file says nothing is %+v", w.Sessions[0].Car)
	}
	if free := w.free(); free[0] != [3]float64{15, 23.75, 40} {
		t.Errorf("left over by the base load: %v", free)
	}
	for _, policy := range []Plain{FCFS, EDF, LLF, Equal, Rotation} {
		if r := RunPlain(w, policy); r.DeliveredKWh <= 0 || r.DeliveredKWh > r.RequestedKWh {
			t.Errorf("%s: %+v", policy, r)
		}
	}
}

func TestBrokenWorkloadsAreNamedByFileAndPlace(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{topologyFile, `"hall", "parent"`, `"hall" "parent"`, "topology.json line 3"},
		{topologyFile, `"parent": "grid"`, `"parent": "gird"`, `node "hall" has the unknown parent "gird"`},
		{topologyFile, `"parent": "grid"`, `"parent": "strip"`, "circle"},
		{topologyFile, `"parent": "grid"`, `"parent": null`, "both have no parent"},
		{topologyFile, `[32, 16, 32]`, `[32, 16]`, "limit_a must be one number or three"},
		{sessionsFile, "y,0", "z,0", `sessions.csv line 3: connector "z" is not in topology.json`},
		{sessionsFile, "7200.0", "soon", `sessions.csv line 3: depart_s "soon" is not a number`},
		{sessionsFile, "x,100", "x,5000", "sessions.csv line 2: depart_s"},
		{sessionsFile, "L3L1", "L4", "sessions.csv line 2: grid_phases"},
		{sessionsFile, "imax_a", "i", `column "imax_a" is missing`},
		{baseFile, "1,50", "2,50", "base_1s.csv line 3: need second 1"},
		{baseFile, "2.5", "much", "base_1s.csv line 2"},
	} {
		dir := foreign()
		dir[c.file] = &fstest.MapFile{Data: []byte(strings.Replace(string(dir[c.file].Data), c.old, c.new, 1))}
		if _, err := ReadWorkload("foreign", dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: %v, need %s", c.file, c.new, err, c.want)
		}
	}
}
